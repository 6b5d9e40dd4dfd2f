/** A writing process is killed with -9 at a random moment, again and again; nothing it acknowledged may be missing. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, onTestFinished, test } from 'vitest'
import { openMemoryStore } from '../../src/index.ts'
import { temporaryFolder } from '../flow/stores.ts'

const ROUNDS = Number(process.env.FAULT_RUNS ?? 8)
const SEED = Number(process.env.FAULT_SEED ?? Date.now() % 1_000_000)
const CHILD = join(import.meta.dirname, 'writer-child.ts')
const KEYS = Array.from({ length: 12 }, (_, i) => `key-${i}`)

interface Progress {
  begun: number
  acknowledged: number
}

/** Small, seeded and good enough to pick moments (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** Lets a child write until `acks` writes were acknowledged, and kills it. */
async function writeAndKill(dir: string, acks: number): Promise<Map<string, Progress>> {
  const child = spawn(process.execPath, ['--import', 'tsx', CHILD, dir, ...KEYS], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  const seen = new Map(KEYS.map((key) => [key, { begun: 0, acknowledged: 0 }]))
  let left = acks
  for await (const line of createInterface({ input: child.stdout })) {
    const [what, key, n] = line.split(' ')
    const progress = seen.get(key!)!
    if (what === 'begin') progress.begun = Number(n)
    else progress.acknowledged = Number(n)
    if (what === 'ack' && --left === 0) child.kill('SIGKILL')
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  expect(child.signalCode).toBe('SIGKILL')
  return seen
}

test(`${ROUNDS} kills lose nothing acknowledged (FAULT_SEED=${SEED})`, { timeout: 3_600_000 }, async () => {
  const random = randomFrom(SEED)
  const dir = await temporaryFolder()
  for (let round = 0; round < ROUNDS; round++) {
    const written = await writeAndKill(dir, 1 + Math.floor(random() * 600))
    await using store = await openMemoryStore({ dir, sync: false })
    for (const [key, { begun, acknowledged }] of written) {
      // The child's first write of a key, before it begins to count, is an entry with text 0.
      if (acknowledged === 0) continue
      const entry = await store.chunks.getByKey(key)
      const seen = entry === undefined ? undefined : Number(entry.text)
      const possible: (number | undefined)[] = [acknowledged, begun].map((n) => (n % 5 === 0 ? undefined : n))
      expect(possible, `${key} after ${acknowledged} acknowledged, ${begun} begun, round ${round}`).toContain(seen)
      if (entry !== undefined)
        expect(entry).toMatchObject({ position: seen, metadata: { padding: 'x'.repeat(seen! % 700) } })
    }
    // What could be read must be in cold as well once everything is shipped.
    await store.checkpoint()
    expect((await store.stats()).pending.entries).toBe(0)
  }
})
