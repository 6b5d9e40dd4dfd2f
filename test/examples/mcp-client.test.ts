/** The configuration of a client of MCP, started exactly as it says, where the packages that it names are installed. */
import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { getDefaultEnvironment, StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { expect, vi } from 'vitest'
import { temporaryFolder } from '../flow/stores.ts'
import { longTest } from '../tools/budget.ts'
import { compiled } from '../tools/compiled.ts'

vi.setConfig({ testTimeout: 240_000 })

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const SDK = '@modelcontextprotocol/sdk'

interface Config {
  readonly mcpServers: { readonly memory: { readonly command: string; readonly args: string[] } }
}

/** A project in which npm would find both packages. */
async function project(): Promise<string> {
  const folder = await temporaryFolder()
  const modules = join(folder, 'node_modules')
  const own = join(modules, 'thermocline')
  for (const path of [own, join(modules, '.bin'), join(modules, SDK, '..')]) await mkdir(path, { recursive: true })
  const manifest = { name: 'thermocline', version: '0.1.0', type: 'module', bin: { thermocline: 'main.js' } }
  await writeFile(join(own, 'package.json'), JSON.stringify(manifest))
  await writeFile(join(own, 'main.js'), `#!/usr/bin/env node\nawait import(${JSON.stringify(compiled(MAIN))})\n`)
  await chmod(join(own, 'main.js'), 0o755)
  await symlink(join(own, 'main.js'), join(modules, '.bin/thermocline'))
  await symlink(join(import.meta.dirname, '../../node_modules', SDK), join(modules, SDK))
  const dependencies = { thermocline: '*', [SDK]: '*' }
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'project', version: '1.0.0', dependencies }))
  return folder
}

async function connect(cwd: string): Promise<Client> {
  const text = await readFile(join(import.meta.dirname, 'mcp-client.json'), 'utf8')
  const { command, args } = (JSON.parse(text) as Config).mcpServers.memory
  const client = new Client({ name: 'desktop', version: '1' })
  await client.connect(new StdioClientTransport({ command, args, cwd, env: getDefaultEnvironment() }))
  return client
}

longTest('the configuration of a client starts a memory that outlives it', async () => {
  const cwd = await project()
  for (const text of ['Ada cannot eat nuts', 'Ada moves to Lisbon']) {
    const client = await connect(cwd)
    await client.callTool({ name: 'remember', arguments: { text } })
    await client.close()
  }
  const client = await connect(cwd)
  const { content } = await client.callTool({ name: 'list_memories' })
  await client.close()
  expect(JSON.stringify(content)).toMatch(/Lisbon.*nuts/)
})
