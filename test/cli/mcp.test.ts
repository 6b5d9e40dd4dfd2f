/** `thermocline mcp`, a process of its own that the SDK's own client starts. */
import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { getDefaultEnvironment, StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { openMemoryStore } from '../../src/index.ts'
import { describeWithServers, QUIET, temporaryFolder } from '../flow/stores.ts'
import { longTest } from '../tools/budget.ts'
import { compiled } from '../tools/compiled.ts'
import { StoreTemplate } from '../tools/store-template.ts'
import { expectRefusal, runCli, startCli } from './run-cli.ts'

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

const template = new StoreTemplate()
beforeAll(() => template.make())
afterAll(() => template.remove())

/** Starts it as a client does, and answers what asks it. */
async function start(...args: string[]) {
  return startIn({}, ...args)
}

async function startIn(given: Record<string, string>, ...args: string[]) {
  const env = { ...getDefaultEnvironment(), ...given }
  const transport = new StdioClientTransport({ command: process.execPath, args: [compiled(MAIN), 'mcp', ...args], env })
  const client = new Client({ name: 'test', version: '1' })
  await client.connect(transport)
  onTestFinished(() => client.close())
  const call = async (name: string, given: Record<string, unknown> = {}) => {
    const { content } = (await client.callTool({ name, arguments: given })) as CallToolResult
    const [said] = content
    return said?.type === 'text' ? said.text : ''
  }
  return { client, call }
}

/** The lines of a client that asks this, and what it hears. */
function lines(...requests: readonly { method: string; params: object }[]): Buffer {
  const clientInfo = { name: 'test', version: '1' }
  const hello = { method: 'initialize', params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo } }
  const all = [hello, ...requests].map((request, id) => JSON.stringify({ jsonrpc: '2.0', id, ...request }))
  const ready = JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' })
  return Buffer.from([all[0], ready, ...all.slice(1), ''].join('\n'))
}

const remember = (text: string) => ({ method: 'tools/call', params: { name: 'remember', arguments: { text } } })

longTest('makes the folder that it is named, and keeps there what a client has it remember', async () => {
  const dir = `${await temporaryFolder()}/new/data`
  const { client, call } = await start('--dir', dir)
  await call('remember', { text: 'Ada cannot eat nuts' })
  expect(await call('recall', { query: 'nuts' })).toContain('Ada cannot eat nuts')
  await client.close()
  await using store = await openMemoryStore({ dir, ...QUIET })
  expect((await store.namespace('memories').chunks.find()).items.map(({ text }) => text)).toEqual([
    'Ada cannot eat nuts',
  ])
})

longTest('with --read-only it only looks, and makes no folder', async () => {
  const dir = await template.copy()
  const looking = await start('--dir', dir, '--read-only')
  const { tools } = await looking.client.listTools()
  expect(tools.map(({ name }) => name)).toEqual(['recall', 'get_memory', 'list_memories'])
  await looking.client.close()
  const nowhere = await temporaryFolder()
  expectRefusal(await runCli(['mcp', '--dir', `${nowhere}/new`, '--read-only']), 2, /is not there/)
})

test('answers all that was asked before stdin ended, says nothing else, and closes the store', async () => {
  const dir = await template.copy()
  const input = lines(...Array.from({ length: 20 }, (_, nth) => remember(`fact ${nth}`)))
  const { code, stdout, stderr } = await runCli(['mcp', '--dir', dir, '--namespace', 'agent/ada'], { input })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const answers = stdout.trimEnd().split('\n')
  const ids = answers.map((line) => (JSON.parse(line) as { id: number }).id)
  expect(ids.sort((a, b) => a - b)).toEqual(Array.from({ length: 21 }, (_, nth) => nth))
  await using store = await openMemoryStore({ dir, ...QUIET })
  expect(await store.namespace('agent', 'ada').chunks.count()).toBe(20)
})

longTest('shares a folder with another client, each while it uses it', async () => {
  const dir = await template.copy()
  const clients = [await start('--dir', dir), await start('--dir', dir)]
  for (const [nth, { call }] of clients.entries())
    expect(await call('remember', { text: `fact ${nth}`, key: `${nth}` })).toContain('id')
  for (const [nth, { call }] of clients.entries())
    expect(await call('get_memory', { id: `${1 - nth}` })).toContain(`fact ${1 - nth}`)
})

longTest('has what it answered after it was killed', async () => {
  const dir = await template.copy()
  const { client, call } = await start('--dir', dir)
  await call('remember', { text: 'Ada cannot eat nuts', key: 'diet' })
  process.kill((client.transport as StdioClientTransport).pid!, 'SIGKILL')
  await expect.poll(() => client.transport).toBeUndefined()
  const again = await start('--dir', dir)
  expect(await again.call('get_memory', { id: 'diet' })).toContain('Ada cannot eat nuts')
})

longTest('ends on a signal, and one that has nobody to answer to ends as well', async () => {
  const dir = await template.copy()
  const running = startCli(['mcp', '--dir', dir])
  expect(await running.result).toMatchObject({ code: 0, stdout: '', stderr: '' })
  const { client } = await start('--dir', dir)
  process.kill((client.transport as StdioClientTransport).pid!, 'SIGTERM')
  await expect.poll(() => client.transport).toBeUndefined()
  await using store = await openMemoryStore({ dir, ...QUIET })
  expect(await store.namespace('memories').chunks.count()).toBe(0)
})

describeWithServers('on servers', (servers) => {
  longTest('two clients use one memory at the same time, and one that looks', async () => {
    const { hot, cold } = await servers.shared()
    const env = { REDIS_URL: hot.url, DATABASE_URL: cold.url }
    const clients = [
      await startIn(env, '--dir', await servers.folder()),
      await startIn(env, '--dir', await servers.folder()),
    ]
    const facts = clients.map(({ call }, nth) => call('remember', { text: `fact ${nth}`, key: `${nth}` }))
    await Promise.all(facts)
    for (const [nth, { call }] of clients.entries())
      expect(await call('get_memory', { id: `${1 - nth}` })).toContain(`fact ${1 - nth}`)
    const looking = await startIn(env, '--read-only')
    expect(await looking.call('get_memory', { id: '0' })).toContain('fact 0')
  })
})

longTest('says what is wrong in one line', async () => {
  const dir = await template.copy()
  await using _store = await openMemoryStore({ dir, ...QUIET })
  const config = `${await temporaryFolder()}/config.json`
  await writeFile(config, JSON.stringify({ wal: { lockTimeout: '1s' } }))
  const { client, call } = await start('--dir', dir, '--config', config)
  expect(await call('recall', { query: 'x' })).toMatch(/another program.*try again/i)
  await client.close()
  const nowhere = await temporaryFolder()
  expectRefusal(await runCli(['mcp'], { cwd: nowhere }), 2, /pass --dir FOLDER/)
  expectRefusal(await runCli(['mcp', '--dir', nowhere, '--namespace', '//']), 2, /--namespace names no namespace/)
})
