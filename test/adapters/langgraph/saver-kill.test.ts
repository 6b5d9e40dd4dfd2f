/**
 * A process that puts checkpoints is killed with -9 at any moment, again and again: every checkpoint that was
 * acknowledged is there, and every one that is there is whole. `FAULT_RUNS` sets the number of kills on each pair.
 */
import { describe, expect } from 'vitest'
import { ThermoclineSaver } from '../../../src/adapters/langgraph/langgraph.ts'
import { type MemoryStoreOptions, openMemoryStore } from '../../../src/index.ts'
import { describeWithServers, temporaryFolder } from '../../flow/stores.ts'
import { budget, longTest } from '../../tools/budget.ts'
import { Child } from '../../wal/child.ts'
import { expectWhole, THREADS } from './numbered-checkpoints.ts'

const KILLS = budget({ short: 1, long: 5 })
const TIMEOUT = 36_000_000

/** Numbers by thread, and kind of line. */
type Told = Map<string, Set<number>>

async function putAndKill(options: MemoryStoreOptions, first: number, told: Told): Promise<void> {
  const child = new Child('../adapters/langgraph/saver-child.ts', [JSON.stringify(options), first])
  let left = Math.ceil(Math.random() * 60)
  for (let line = await child.line(); line !== undefined; line = await child.line()) {
    const [what, thread, n] = line.split(' ') as [string, string, string]
    const name = `${what} ${thread}`
    told.set(name, (told.get(name) ?? new Set()).add(Number(n)))
    if (--left === 0) setTimeout(() => child.process.kill('SIGKILL'), Math.random() * 20)
  }
  expect(await child.gone()).toBe('SIGKILL')
}

async function expectAll(options: MemoryStoreOptions, told: Told): Promise<void> {
  await using store = await openMemoryStore({ ...options, sync: false })
  const saver = new ThermoclineSaver(store)
  for (const thread of THREADS) {
    const found = new Map<number, number>()
    for await (const tuple of saver.list({ configurable: { thread_id: thread } })) {
      expectWhole(tuple)
      found.set(tuple.metadata!.step, tuple.pendingWrites!.length)
    }
    for (const n of told.get(`put ${thread}`) ?? []) expect(found.has(n), `checkpoint ${n} of ${thread}`).toBe(true)
    for (const n of told.get(`write ${thread}`) ?? []) expect(found.get(n), `writes of ${n} of ${thread}`).toBe(2)
    for (const count of found.values()) expect([0, 2]).toContain(count)
  }
}

async function killAgainAndAgain(options: MemoryStoreOptions): Promise<void> {
  const told: Told = new Map()
  for (let round = 0; round < KILLS; round++) {
    await putAndKill(options, 1 + round * 100_000, told)
    await expectAll(options, told)
  }
}

describe('checkpoints on the embedded pair', () => {
  longTest(`are all there and whole after ${KILLS} kills`, { timeout: TIMEOUT }, async () => {
    await killAgainAndAgain({ dir: await temporaryFolder() })
  })
})

describeWithServers('checkpoints on Redis and Postgres', (servers) => {
  longTest(`are all there and whole after ${KILLS} kills`, { timeout: TIMEOUT }, async () => {
    await killAgainAndAgain({ ...(await servers.shared()), dir: await servers.folder() })
  })
})
