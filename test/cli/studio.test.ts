/** `thermocline studio`: serves the page until it is interrupted, and changes a store only where it was told to. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openMemoryStore } from '../../src/index.ts'
import { QUIET } from '../flow/stores.ts'
import { longTest } from '../tools/budget.ts'
import { StoreTemplate } from '../tools/store-template.ts'
import { expectRefusal, runCli, startCli } from './run-cli.ts'

const template = new StoreTemplate()
beforeAll(() => template.make())
afterAll(() => template.remove())

/** Asks as the page does, which has the token from the address. */
async function open(args: readonly string[]) {
  const running = startCli(['studio', '--json', ...args])
  let printed = ''
  running.child.stdout!.on('data', (text: string) => {
    printed += text
  })
  await running.printed(/\}\n/)
  const { url, write } = JSON.parse(printed) as { url: string; write: boolean }
  const [, origin, token] = /^(http:\/\/127\.0\.0\.1:\d+)\/#token=([\w-]{32})$/.exec(url)!
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const ask = (route: string, body?: object) =>
    fetch(
      `${origin}/api/${route}`,
      body === undefined ? { headers } : { method: 'POST', headers, body: JSON.stringify(body) },
    )
  return { ...running, origin: origin!, write, ask }
}

async function filled(): Promise<{ dir: string; id: string }> {
  const dir = await template.copy()
  await using store = await openMemoryStore({ dir, ...QUIET })
  const { id } = await store.chunks.put({ text: 'kept', metadata: { n: 1 } })
  return { dir, id }
}

test('serves a store until it is interrupted, and only looks', async () => {
  const { dir, id } = await filled()
  const studio = await open(['--dir', dir])
  expect(studio.write).toBe(false)
  expect(await (await fetch(studio.origin!)).text()).toContain('thermocline studio')
  const entry = await studio.ask(`entry?namespace=default&id=${id}`)
  expect(await entry.json()).toMatchObject({ entry: { text: 'kept', accessCount: 0 } })
  expect((await studio.ask('delete', { namespace: 'default', id })).status).toBe(403)
  studio.child.kill('SIGINT')
  expect(await studio.result).toMatchObject({ code: 0, stderr: '' })
})

longTest('with --write it changes the store, and what it did stays', async () => {
  const { dir, id } = await filled()
  const studio = await open(['--dir', dir, '--write'])
  expect(studio.write).toBe(true)
  const edit = { namespace: 'default', id, patch: { text: 'changed', metadata: { n: 2 } } }
  expect((await studio.ask('update', edit)).status).toBe(200)
  studio.child.kill('SIGTERM')
  expect(await studio.result).toMatchObject({ code: 0, stderr: '' })
  await using store = await openMemoryStore({ dir, ...QUIET })
  expect(await store.chunks.get(id)).toMatchObject({ text: 'changed', metadata: { n: 2 } })
})

longTest('says what is wrong with a port', async () => {
  const { dir } = await filled()
  const studio = await open(['--dir', dir])
  const port = new URL(studio.origin!).port
  const other = await template.copy()
  expectRefusal(
    await runCli(['studio', '--dir', other, '--port', port]),
    2,
    new RegExp(`port ${port} is not to be had`),
  )
  expectRefusal(await runCli(['studio', '--dir', other, '--port', 'x']), 2, /--port is a number/)
})
