/**
 * The power goes under a whole store with an embedded database: its log and every file of Postgres. The system calls
 * of real processes are recorded, one that is killed, one that goes on and is killed, one that closes; from what a disk
 * may have at a moment of them a store is opened, which must have all that was acknowledged by then, and of atomic
 * writes all or nothing.
 *
 * `FAULT_RUNS` sets the number of power cuts. The processes never do quite the same again: a failing run leaves the
 * disk that it found where its message says.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, expect, onTestFinished } from 'vitest'
import { type MemoryStore, openMemoryStore } from '../../src/index.ts'
import { budget, longTest } from '../tools/budget.ts'
import { compiled } from '../tools/compiled.ts'
import { describeWithStrace } from '../tools/services.ts'
import { StoreTemplate } from '../tools/store-template.ts'
import { Told } from './atomic-state.ts'
import { RecordedDisk } from './recorded-disk.ts'
import { pick, type Random, randomFrom } from './seeded-random.ts'
import { bytesIn, type Moment, momentsOf, recordInto } from './system-calls.ts'
import { volatileFolder } from './volatile-folder.ts'
import { Written } from './written.ts'

const CUTS = budget({ short: 1, long: 6 })
const SEED = Number(process.env.FAULT_SEED ?? Date.now() % 1_000_000)

/** What becomes of each process. */
const SIGNALS = ['SIGKILL', 'SIGKILL', 'SIGTERM'] as const

/** What the processes do, and what must be there afterwards. */
interface Writing {
  readonly child: string
  /** Arguments of each process, behind the options of its store. */
  readonly args: readonly (readonly string[])[]
  /** After how many acknowledged writes each is ended. */
  readonly acknowledged: readonly number[]
  /** What the processes told, one for each. */
  readonly told: readonly { see(line: string): void; verify(store: MemoryStore, replay: string): Promise<void> }[]
}

function singleWrites(): Writing {
  const keys = SIGNALS.map((_, n) => ['a', 'b', 'c', 'd'].map((key) => `process-${n}-${key}`))
  const told = keys.map((some) => new Written(some))
  return { child: 'writer-child.ts', args: keys, acknowledged: [150, 300, 200], told }
}

function atomicWrites(): Writing {
  const args = SIGNALS.map((_, n) => [`process-${n}`, '1'])
  const told = args.map(([name]) => {
    const one = new Told(name!)
    const verify = (store: MemoryStore, replay: string) => one.verify(store, {}, replay)
    return { see: (line: string) => one.see(line), verify }
  })
  return { child: 'atomic-child.ts', args, acknowledged: [60, 90, 60], told }
}

describeWithStrace('a power cut under a store and its embedded database', () => {
  const template = new StoreTemplate()
  beforeAll(() => template.make())
  afterAll(() => template.remove())

  const name = `loses nothing acknowledged in ${CUTS} cuts (FAULT_SEED=${SEED})`
  longTest.each([
    [`${name}: single writes`, singleWrites],
    [`${name}: atomic writes, all or nothing`, atomicWrites],
  ])('%s', { timeout: 36_000_000 }, async (_, writes) => {
    const { child, args, acknowledged, told } = writes()
    const dir = await template.copy()
    const random = randomFrom(SEED)
    const keepsNames = (path: string): boolean => path.startsWith(join(dir, 'cold', 'data/'))
    const disk = new RecordedDisk({ root: dir, keepsNames })
    const verify = async (store: MemoryStore, replay: string) => {
      for (const one of told) await one.verify(store, replay)
    }
    for (const [n, signal] of SIGNALS.entries()) {
      const moments = await record([child, JSON.stringify({ dir }), ...args[n]!], acknowledged[n]!, signal)
      const cuts = chooseCuts(random, moments, disk, CUTS / SIGNALS.length)
      for (const [at, moment] of moments.entries()) {
        disk.see(moment)
        const line = lineSaid(moment)
        if (line !== undefined) told[n]!.see(line)
        if (cuts.has(at)) await cutAndOpen(disk, verify, random, `process ${n}, moment ${at} of ${moments.length}`)
      }
      disk.reconcile()
    }
  })
})

/** Runs a writer until so many of its writes were acknowledged. */
async function record(
  [child, ...args]: readonly [string, ...string[]],
  acknowledged: number,
  signal: NodeJS.Signals,
): Promise<Moment[]> {
  const scratch = await mkdtemp(join(tmpdir(), 'thermocline-calls-'))
  onTestFinished(() => rm(scratch, { recursive: true, force: true }))
  const trace = join(scratch, 'calls')
  const writer = [process.execPath, compiled(join(import.meta.dirname, child)), ...args]
  const strace = spawn('strace', [...recordInto(trace), ...writer], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => {
    strace.kill('SIGKILL')
  })
  const exit = once(strace, 'exit')
  let left = acknowledged
  for await (const line of createInterface({ input: strace.stdout }))
    if (line.startsWith('ack ') && --left === 0) process.kill(await childOf(strace.pid!), signal)
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
async function cutAndOpen(
  disk: RecordedDisk,
  verify: (store: MemoryStore, replay: string) => Promise<void>,
  random: Random,
  moment: string,
): Promise<void> {
  const dir = await volatileFolder()
  disk.layOut(dir, random)
  const found = `${dir}-found`
  await cp(dir, found, { recursive: true })
  const replay = `cut at ${moment}, FAULT_SEED=${SEED}: the disk is in ${found}`
  try {
    await using store = await openMemoryStore({ dir, sync: false, wal: { lockTimeout: 0 } })
    await verify(store, replay)
    await store.checkpoint()
    // What could be read must be in cold as well once everything is shipped.
    await verify(store, replay)
  } catch (cause) {
    throw new Error(replay, { cause })
  }
  for (const folder of [found, dir]) await rm(folder, { recursive: true })
}
