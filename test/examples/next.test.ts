/**
 * The example of Next, built as it stands. What is to be deployed is started in another folder, with nothing of
 * node_modules but what the build put there.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { temporaryFolder } from '../flow/stores.ts'
import { longTest } from '../tools/budget.ts'
import { install, packed, run } from '../tools/packed.ts'
import { freePort } from '../tools/services.ts'

vi.setConfig({ testTimeout: 600_000 })

const NO_TELEMETRY = { NEXT_TELEMETRY_DISABLED: '1' }

/** What `next build` says to deploy. */
async function build(): Promise<string> {
  const [project, deployed] = [await temporaryFolder(), await temporaryFolder()]
  await cp(join(import.meta.dirname, 'next'), project, { recursive: true })
  await install(project, [await packed()])
  await run('npm', ['run', 'build'], project, NO_TELEMETRY)
  await cp(join(project, '.next/standalone'), deployed, { recursive: true })
  return deployed
}

/** Answers where it listens. */
async function start(cwd: string): Promise<{ url: string; stop: () => Promise<void> }> {
  const port = await freePort()
  const env = { ...process.env, ...NO_TELEMETRY, HOSTNAME: '127.0.0.1', PORT: String(port) }
  const server = spawn(process.execPath, ['server.js'], { cwd, env, stdio: 'ignore' })
  const ended = once(server, 'exit')
  const stop = async () => {
    server.kill('SIGKILL')
    await ended
  }
  onTestFinished(stop)
  const url = `http://127.0.0.1:${port}`
  await vi.waitUntil(() => fetch(url).catch(() => undefined), { timeout: 60_000, interval: 100 })
  return { url: `${url}/memories`, stop }
}

longTest('a route of Next keeps memories on the embedded tiers, also when its server is killed', async () => {
  const deployed = await build()
  const first = await start(deployed)
  for (const [person, text] of [
    ['ada', 'Ada cannot eat nuts'],
    ['bob', 'Bob is nuts about tea'],
  ]) {
    const kept = await fetch(first.url, { method: 'POST', body: JSON.stringify({ person, text }) })
    expect([kept.status, await kept.text()]).toEqual([201, expect.stringContaining('"id"')])
  }
  await first.stop()
  const { url } = await start(deployed)
  const found = await fetch(`${url}?${new URLSearchParams({ person: 'ada', q: 'nuts' })}`)
  expect(await found.json()).toEqual(['Ada cannot eat nuts'])
})

/** Without comments, and however it is broken into lines. */
const bare = (code: string): string =>
  code
    .replace(/\/\*\* .*?\*\/|\/\/ .*/g, '')
    .replace(/\s+/g, ' ')
    .trim()

test('README has its configuration', async () => {
  const config = await readFile(join(import.meta.dirname, 'next/next.config.mjs'), 'utf8')
  const readme = await readFile(join(import.meta.dirname, '../../README.md'), 'utf8')
  const shown = readme.split('```js\n').map((rest) => rest.split('```')[0]!)
  expect(shown.map(bare)).toContain(bare(config))
})
