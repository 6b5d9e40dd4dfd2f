/**
 * Writing processes are killed with -9 at random moments, again and again; nothing they acknowledged may be missing, and
 * nothing deleted may be back. `FAULT_RUNS` sets the number of kills per pair; a failing run replays with `FAULT_SEED`
 * and goes on with `FAULT_FROM`, the number of the round it failed in.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type MemoryStore, type MemoryStoreOptions, openMemoryStore } from '../../src/index.ts'
import { compiled } from '../compiled.ts'
import { describeWithServers } from '../flow/stores.ts'
import { pick, type Random, randomFrom } from './seeded-random.ts'

const SEED = Number(process.env.FAULT_SEED ?? Date.now() % 1_000_000)
const FROM = Number(process.env.FAULT_FROM ?? 0)
const KEYS_PER_WRITER = 6

interface Progress {
  begun: number
  acknowledged: number
}

const CHILD = join(import.meta.dirname, 'writer-child.ts')

/** Lets a child write until some writes were acknowledged, and kills it. */
async function writeAndKill(
  options: MemoryStoreOptions,
  writer: number,
  random: Random,
): Promise<[string, Progress][]> {
  const keys = Array.from({ length: KEYS_PER_WRITER }, (_, i) => `writer-${writer}-key-${i}`)
  const child = spawn(process.execPath, [compiled(CHILD), JSON.stringify(options), ...keys], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  const seen = new Map(keys.map((key) => [key, { begun: 0, acknowledged: 0 }]))
  let left = pick(random, 1, 400)
  for await (const line of createInterface({ input: child.stdout })) {
    const [what, key, n] = line.split(' ')
    const progress = seen.get(key!)!
    if (what === 'begin') progress.begun = Number(n)
    else progress.acknowledged = Number(n)
    if (what === 'ack' && --left === 0) child.kill('SIGKILL')
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  expect(child.signalCode).toBe('SIGKILL')
  return [...seen]
}

/** By key, from wherever it is found first, and by a query, from cold and pending. */
async function verify(store: MemoryStore, written: readonly [string, Progress][], round: number): Promise<void> {
  const found = await store.chunks.find({ limit: 1_000 })
  for (const [key, { begun, acknowledged }] of written) {
    // The first write of a key, before the child begins to count, is an entry with text 0.
    if (acknowledged === 0) continue
    const possible: (number | undefined)[] = [acknowledged, begun].map((n) => (n % 5 === 0 ? undefined : n))
    const ways = { get: await store.chunks.getByKey(key), find: found.items.find((entry) => entry.key === key) }
    for (const [way, entry] of Object.entries(ways)) {
      const seen = entry === undefined ? undefined : Number(entry.text)
      const about = `${way} ${key} after ${acknowledged} acknowledged, ${begun} begun: FAULT_SEED=${SEED} FAULT_FROM=${round}`
      expect(possible, about).toContain(seen)
      if (entry !== undefined)
        expect(entry, about).toMatchObject({ position: seen, metadata: { padding: 'x'.repeat(seen! % 700) } })
    }
  }
}

/** @param optionsOf those of each of the writers that write at once, the last also of the process that looks afterwards. */
async function killAgainAndAgain(kills: number, optionsOf: readonly MemoryStoreOptions[]): Promise<void> {
  for (let round = FROM; round < Math.ceil(kills / optionsOf.length); round++) {
    const random = randomFrom(SEED + round)
    const killed = await Promise.all(optionsOf.map((options, writer) => writeAndKill(options, writer, random)))
    await using store = await openMemoryStore({ ...optionsOf.at(-1)!, sync: false })
    await verify(store, killed.flat(), round)
    await store.checkpoint()
    expect((await store.stats()).pending.entries).toBe(0)
    // What could be read must be in cold as well once everything is shipped.
    await verify(store, killed.flat(), round)
  }
}

function runs(otherwise: number): number {
  return Number(process.env.FAULT_RUNS ?? otherwise)
}

describe('the embedded pair', () => {
  const kills = runs(10)
  test(`loses nothing acknowledged in ${kills} kills (FAULT_SEED=${SEED})`, { timeout: 36_000_000 }, async () => {
    const dir = await mkdtemp(join(tmpdir(), 'thermocline-test-'))
    onTestFinished(() => rm(dir, { recursive: true, force: true }))
    await killAgainAndAgain(kills, [{ dir, hot: { maxEntries: 20 } }])
  })
})

describeWithServers('Redis and Postgres', (servers) => {
  const kills = runs(190)
  test(`lose nothing acknowledged in ${kills} kills (FAULT_SEED=${SEED})`, { timeout: 36_000_000 }, async () => {
    const shared = { ...(await servers.shared()), dir: await servers.folder() }
    await killAgainAndAgain(kills, [shared, shared])
  })
})
