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
import { type MemoryStoreOptions, openMemoryStore } from '../../src/index.ts'
import { describeWithServers } from '../flow/stores.ts'
import { budget } from '../tools/budget.ts'
import { compiled } from '../tools/compiled.ts'
import { pick, type Random, randomFrom } from './seeded-random.ts'
import { Written } from './written.ts'

const SEED = Number(process.env.FAULT_SEED ?? Date.now() % 1_000_000)
const FROM = Number(process.env.FAULT_FROM ?? 0)
const KEYS_PER_WRITER = 6

const CHILD = join(import.meta.dirname, 'writer-child.ts')

/** Lets a child write until some writes were acknowledged, and kills it. */
async function writeAndKill(options: MemoryStoreOptions, writer: number, random: Random): Promise<Written> {
  const keys = Array.from({ length: KEYS_PER_WRITER }, (_, i) => `writer-${writer}-key-${i}`)
  const child = spawn(process.execPath, [compiled(CHILD), JSON.stringify(options), ...keys], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  const written = new Written(keys)
  let left = pick(random, 1, 400)
  for await (const line of createInterface({ input: child.stdout }))
    if (written.see(line) && --left === 0) child.kill('SIGKILL')
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  expect(child.signalCode).toBe('SIGKILL')
  return written
}

/** @param optionsOf those of each of the writers that write at once, the last also of the process that looks afterwards. */
async function killAgainAndAgain(kills: number, optionsOf: readonly MemoryStoreOptions[]): Promise<void> {
  for (let round = FROM; round < Math.ceil(kills / optionsOf.length); round++) {
    const random = randomFrom(SEED + round)
    const killed = await Promise.all(optionsOf.map((options, writer) => writeAndKill(options, writer, random)))
    await using store = await openMemoryStore({ ...optionsOf.at(-1)!, sync: false })
    const replay = `FAULT_SEED=${SEED} FAULT_FROM=${round}`
    for (const written of killed) await written.verify(store, replay)
    await store.checkpoint()
    expect((await store.stats()).pending.entries).toBe(0)
    // What could be read must be in cold as well once everything is shipped.
    for (const written of killed) await written.verify(store, replay)
  }
}

describe('the embedded pair', () => {
  const kills = budget({ short: 1, long: 4 })
  test(`loses nothing acknowledged in ${kills} kills (FAULT_SEED=${SEED})`, { timeout: 36_000_000 }, async () => {
    const dir = await mkdtemp(join(tmpdir(), 'thermocline-test-'))
    onTestFinished(() => rm(dir, { recursive: true, force: true }))
    await killAgainAndAgain(kills, [{ dir, hot: { maxEntries: 20 } }])
  })
})

describeWithServers('Redis and Postgres', (servers) => {
  const kills = budget({ short: 1, long: 60 })
  test(`lose nothing acknowledged in ${kills} kills (FAULT_SEED=${SEED})`, { timeout: 36_000_000 }, async () => {
    const shared = { ...(await servers.shared()), dir: await servers.folder() }
    await killAgainAndAgain(kills, [shared, shared])
  })
})
