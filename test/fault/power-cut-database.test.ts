/**
 * The power goes under a whole store with an embedded database: its log and every file of Postgres. The system calls of
 * real processes are recorded, one that is killed, one that goes on and is killed, one that closes; from what a disk may
 * have at a moment of them a store is opened, which must have all that was acknowledged by then.
 *
 * `FAULT_RUNS` sets the number of power cuts. The processes never do quite the same again: a failing run leaves the disk
 * that it found where its message says.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, expect, onTestFinished } from 'vitest'
import { openMemoryStore } from '../../src/index.ts'
import { budget, longTest } from '../tools/budget.ts'
import { compiled } from '../tools/compiled.ts'
import { describeWithStrace } from '../tools/services.ts'
import { StoreTemplate } from '../tools/store-template.ts'
import { RecordedDisk } from './recorded-disk.ts'
import { pick, type Random, randomFrom } from './seeded-random.ts'
import { bytesIn, type Moment, momentsOf, recordInto } from './system-calls.ts'
import { volatileFolder } from './volatile-folder.ts'
import { Written } from './written.ts'

const CUTS = budget({ short: 1, long: 6 })
const SEED = Number(process.env.FAULT_SEED ?? Date.now() % 1_000_000)
const CHILD = join(import.meta.dirname, 'writer-child.ts')

/** What becomes of each process, and after how many acknowledged writes. */
const PROCESSES = [
  { signal: 'SIGKILL', acknowledged: 150 },
  { signal: 'SIGKILL', acknowledged: 300 },
  { signal: 'SIGTERM', acknowledged: 200 },
] as const

const KEYS = PROCESSES.map((_, n) => ['a', 'b', 'c', 'd'].map((key) => `process-${n}-${key}`))

describeWithStrace('a power cut under a store and its embedded database', () => {
  const template = new StoreTemplate()
  beforeAll(() => template.make())
  afterAll(() => template.remove())

  const name = `loses nothing acknowledged in ${CUTS} cuts (FAULT_SEED=${SEED})`
  longTest(name, { timeout: 36_000_000 }, async () => {
    const dir = await template.copy()
    const random = randomFrom(SEED)
    const keepsNames = (path: string): boolean => path.startsWith(join(dir, 'cold', 'data/'))
    const disk = new RecordedDisk({ root: dir, keepsNames })
    const written = new Written(KEYS.flat())
    for (const [n, { signal, acknowledged }] of PROCESSES.entries()) {
      const moments = await record(dir, KEYS[n]!, acknowledged, signal)
      const cuts = chooseCuts(random, moments, disk, CUTS / PROCESSES.length)
      for (const [at, moment] of moments.entries()) {
        disk.see(moment)
        const line = lineSaid(moment)
        if (line !== undefined) written.see(line)
        if (cuts.has(at)) await cutAndOpen(disk, written, random, `process ${n}, moment ${at} of ${moments.length}`)
      }
      disk.reconcile()
    }
  })
})

/** Runs a writer on the folder until so many of its writes were acknowledged. */
async function record(
  dir: string,
  keys: readonly string[],
  acknowledged: number,
  signal: NodeJS.Signals,
): Promise<Moment[]> {
  const scratch = await mkdtemp(join(tmpdir(), 'thermocline-calls-'))
  onTestFinished(() => rm(scratch, { recursive: true, force: true }))
  const trace = join(scratch, 'calls')
  const writer = [process.execPath, compiled(CHILD), JSON.stringify({ dir }), ...keys]
  const strace = spawn('strace', [...recordInto(trace), ...writer], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => {
    strace.kill('SIGKILL')
  })
  const exit = once(strace, 'exit')
  const seen = new Written(keys)
  let left = acknowledged
  for await (const line of createInterface({ input: strace.stdout }))
    if (seen.see(line) && --left === 0) process.kill(await childOf(strace.pid!), signal)
  // strace ends as its child did.
  expect(await exit).toEqual(signal === 'SIGKILL' ? [null, 'SIGKILL'] : [0, null])
  return [...momentsOf(await readFile(trace, 'latin1'))]
}

async function childOf(pid: number): Promise<number> {
  return Number((await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim())
}

/** Most of them at random; some just after a segment of the log went, when only the database has what it held. */
function chooseCuts(random: Random, moments: readonly Moment[], disk: RecordedDisk, count: number): Set<number> {
  const all = [...moments.keys()].filter((at) => disk.concerns(moments[at]!) || lineSaid(moments[at]!) !== undefined)
  const removals = all.filter((at) => isRemovalOfSegment(moments[at]!))
  const cuts = new Set<number>()
  while (cuts.size < Math.min(Math.ceil(count), all.length)) {
    const from = cuts.size % 3 === 0 && removals.length > 0 ? removals : all
    cuts.add(from.splice(pick(random, 0, from.length - 1), 1)[0]!)
  }
  return cuts
}

function isRemovalOfSegment({ what, call }: Moment): boolean {
  return what === 'done' && call.name.startsWith('unlink') && /\/wal\/.*\.wal"/.test(call.args)
}

/** What a writer printed, seen from when it was written. */
function lineSaid({ what, call }: Moment): string | undefined {
  if (what !== 'done' || call.name !== 'write' || !call.args.startsWith('1<')) return undefined
  return String(bytesIn(call)[0]).trimEnd()
}

/** Opens what is left, and looks for everything that was acknowledged. */
async function cutAndOpen(disk: RecordedDisk, written: Written, random: Random, moment: string): Promise<void> {
  const dir = await volatileFolder()
  disk.layOut(dir, random)
  const found = `${dir}-found`
  await cp(dir, found, { recursive: true })
  const replay = `cut at ${moment}, FAULT_SEED=${SEED}: the disk is in ${found}`
  try {
    await using store = await openMemoryStore({ dir, sync: false, wal: { lockTimeout: 0 } })
    await written.verify(store, replay)
    await store.checkpoint()
    // What could be read must be in cold as well once everything is shipped.
    await written.verify(store, replay)
  } catch (cause) {
    throw new Error(replay, { cause })
  }
  for (const folder of [found, dir]) await rm(folder, { recursive: true })
}
