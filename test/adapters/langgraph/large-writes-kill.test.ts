/**
 * A process that puts writes too large for one write of the store is killed with -9 in the middle of that: they are
 * there whole or not at all, and put once more they are there. `FAULT_RUNS` sets the number of kills on each pair.
 */
import { describe, expect } from 'vitest'
import { ThermoclineSaver } from '../../../src/adapters/langgraph/langgraph.ts'
import { type MemoryStoreOptions, openMemoryStore } from '../../../src/index.ts'
import { describeWithServers, temporaryFolder } from '../../flow/stores.ts'
import { budget, longTest } from '../../tools/budget.ts'
import { Child } from '../../wal/child.ts'
import { largeWrites, TASK } from './large-writes.ts'

const KILLS = budget({ short: 1, long: 5 })
const TIMEOUT = 36_000_000
/** About as long as the writes of one task take. */
const LONGEST_MS = 400

interface Told {
  readonly begun: Set<number>
  readonly written: Set<number>
}

async function writeAndKill(options: MemoryStoreOptions, first: number): Promise<Told> {
  const child = new Child('../adapters/langgraph/large-writes-child.ts', [JSON.stringify(options), first])
  const told: Told = { begun: new Set(), written: new Set() }
  let left = Math.ceil(Math.random() * 3)
  for (let line = await child.line(); line !== undefined; line = await child.line()) {
    const [what, n] = line.split(' ') as [string, string]
    const isBegun = what === 'begin'
    if (isBegun) told.begun.add(Number(n))
    else told.written.add(Number(n))
    if (isBegun && --left === 0) setTimeout(() => child.process.kill('SIGKILL'), Math.random() * LONGEST_MS)
  }
  expect(await child.gone()).toBe('SIGKILL')
  return told
}

async function expectWhole(options: MemoryStoreOptions, { begun, written }: Told): Promise<void> {
  await using store = await openMemoryStore({ ...options, sync: false })
  const saver = new ThermoclineSaver(store)
  for (const n of begun) {
    const tuple = () => saver.getTuple({ configurable: { thread_id: `${n}` } })
    const whole = largeWrites(n).map((write) => [TASK, ...write])
    const { pendingWrites, config } = (await tuple())!
    if (written.has(n)) expect(pendingWrites!.length, `acknowledged writes of ${n}`).toBe(whole.length)
    if (pendingWrites!.length > 0) expect(pendingWrites).toEqual(whole)
    await saver.putWrites(config, largeWrites(n), TASK)
    expect((await tuple())!.pendingWrites).toEqual(whole)
  }
}

async function killAgainAndAgain(options: MemoryStoreOptions): Promise<void> {
  for (let round = 0; round < KILLS; round++) await expectWhole(options, await writeAndKill(options, 1 + round * 1_000))
}

describe('large writes of a task on the embedded pair', () => {
  longTest(`are whole or not there after ${KILLS} kills`, { timeout: TIMEOUT }, async () => {
    await killAgainAndAgain({ dir: await temporaryFolder() })
  })
})

describeWithServers('large writes of a task on Redis and Postgres', (servers) => {
  longTest(`are whole or not there after ${KILLS} kills`, { timeout: TIMEOUT }, async () => {
    await killAgainAndAgain({ ...(await servers.shared()), dir: await servers.folder() })
  })
})
