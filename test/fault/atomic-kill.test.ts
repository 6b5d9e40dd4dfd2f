/**
 * Processes are killed with -9 in the middle of writes of which all are to happen or none, again and again: what the
 * next one finds is whole, and the last that was acknowledged or the one after it. `FAULT_RUNS` sets the number of
 * kills per pair; a failing run replays with `FAULT_SEED`.
 */
import { describe, expect, test } from 'vitest'
import { type MemoryStoreOptions, openMemoryStore } from '../../src/index.ts'
import { describeWithServers, temporaryFolder } from '../flow/stores.ts'
import { budget, longTest } from '../tools/budget.ts'
import { Child } from '../wal/child.ts'
import { type Known, Told } from './atomic-state.ts'
import { pick, type Random, randomFrom } from './seeded-random.ts'

const SEED = Number(process.env.FAULT_SEED ?? Date.now() % 1_000_000)
const TIMEOUT = 36_000_000
/** A write takes some milliseconds, so that most kills come in the middle of some. */
const LONGEST_DELAY_MS = 40

/** Lets a child write for a while, and kills it at any moment of what it does then. */
async function writeAndKill(options: MemoryStoreOptions, told: Told, first: number, random: Random): Promise<void> {
  const child = new Child('../fault/atomic-child.ts', [JSON.stringify(options), told.writer, first])
  let left = pick(random, 1, 30)
  const delay = random() * LONGEST_DELAY_MS
  for (let line = await child.line(); line !== undefined; line = await child.line()) {
    told.see(line)
    if (--left === 0) setTimeout(() => child.process.kill('SIGKILL'), delay)
  }
  expect(await child.gone()).toBe('SIGKILL')
}

/** @param optionsOf Of each of the processes that write at once; those of the last are also who looks afterwards. */
async function killAgainAndAgain(kills: number, optionsOf: readonly MemoryStoreOptions[]): Promise<void> {
  const known = optionsOf.map((): Known => ({}))
  for (let round = 0; round < Math.ceil(kills / optionsOf.length); round++) {
    const random = randomFrom(SEED + round)
    const told = optionsOf.map((_, i) => new Told(`writer-${i}`))
    const first = 1 + round * 100_000
    await Promise.all(optionsOf.map((options, i) => writeAndKill(options, told[i]!, first, random)))
    await using store = await openMemoryStore({ ...optionsOf.at(-1)!, sync: false })
    const replay = `FAULT_SEED=${SEED}, round ${round}`
    for (const [i, one] of told.entries()) await one.verify(store, { ...known[i]! }, replay)
    await store.checkpoint()
    expect((await store.stats()).pending.entries).toBe(0)
    for (const [i, one] of told.entries()) await one.verify(store, known[i]!, replay)
  }
}

describe('the embedded pair', () => {
  const kills = budget({ short: 1, long: 16 })
  longTest(`has all or nothing after ${kills} kills (FAULT_SEED=${SEED})`, { timeout: TIMEOUT }, async () => {
    await killAgainAndAgain(kills, [{ dir: await temporaryFolder(), hot: { maxEntries: 20 } }])
  })
})

describeWithServers('Redis and Postgres', (servers) => {
  const kills = budget({ short: 1, long: 32 })
  test(`have all or nothing after ${kills} kills (FAULT_SEED=${SEED})`, {
    timeout: TIMEOUT,
  }, async () => {
    const shared = { ...(await servers.shared()), dir: await servers.folder() }
    await killAgainAndAgain(kills, [shared, shared])
  })
})
