/** `thermocline recover` against a Postgres server, beside a backend that lives. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { openMemoryStore } from '../../src/index.ts'
import { describeWithServers } from '../flow/stores.ts'
import { longTest } from '../tools/budget.ts'
import { asJson } from './entry-json.ts'
import { type RunningCli, runCli, startNode } from './run-cli.ts'

describeWithServers('recover', (servers) => {
  longTest('ships the log of a killed backend, and leaves that of a living one to it', async () => {
    const shared = await servers.shared()
    const env = { REDIS_URL: shared.hot.url, DATABASE_URL: shared.cold.url }
    const dir = await servers.folder()
    await (await openMemoryStore({ ...shared, dir })).close()
    const backend = async (): Promise<RunningCli> => {
      const running = startNode(join(import.meta.dirname, 'backend-child.ts'), [dir, '3'], { env })
      await running.printed(/^done$/m)
      return running
    }
    const kill = async ({ child, result }: RunningCli): Promise<string[]> => {
      child.kill('SIGKILL')
      return (await result).stdout.trim().split('\n').slice(0, -1)
    }
    const recover = (...args: string[]) =>
      runCli(['recover', '--dir', dir, ...args], { env: { DATABASE_URL: env.DATABASE_URL } })
    // Without a word of Redis: what hot may hold older is repaired by whoever has it.
    const [killed, living] = [await backend(), await backend()]
    const first = await kill(killed)
    const beside = await recover('--json')
    expect(beside.code).toBe(4)
    expect(JSON.parse(beside.stdout).logs).toMatchObject([
      { outcome: 'retired', records: 12, shipped: 12 },
      { outcome: 'locked', pid: living.child.pid },
    ])
    const second = await kill(living)
    expect(await recover()).toMatchObject({ code: 0 })
    expect(await readdir(join(dir, 'wal'))).toEqual([])

    await using store = await openMemoryStore({ ...shared, dir })
    const { items } = await store.namespace('tenant', 'a:{b}%').entries.find({ limit: 100 })
    // What is counted of reads is not part of an entry's content.
    const content = (line: string) => ({ ...JSON.parse(line), lastAccessedAt: undefined, accessCount: undefined })
    const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1)
    const distinct = new Map([...first, ...second].map((line) => [JSON.parse(line).id, content(line)]))
    expect(items.map((entry) => content(asJson(entry))).sort(byId)).toEqual([...distinct.values()].sort(byId))
  })
})
