/**
 * A process that writes is killed with SIGKILL at random moments, again and again, and others look for what it was told
 * was written: tests for any store that outlives its process.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, it } from 'vitest'
import { MAX_TIMER_MS } from '../../kernel/deadline.ts'
import { PATIENCE_MS } from '../contract/patience.ts'
import { expectNone } from '../expect-none.ts'
import { fc } from '../load-fast-check.ts'
import type { CrashTask, Found } from './crash-task.ts'
import { type CrashFault, type FoundFault, reopeningFaults, WrittenValues } from './written-values.ts'

/** How the store is opened by the processes, and how often they are killed. */
export interface CrashSuite {
  /**
   * A module that exports `open(folder)`, by which each process opens the store: `new URL('./my-store.js',
   * import.meta.url)`. The folder is empty at first, the same for all processes, and removed at the end; a store on a
   * server need not look at it.
   */
  readonly module: URL
  /** Arguments of Node before the program, as `['--import', 'tsx']` for a module in TypeScript. @default none */
  readonly execArgv?: readonly string[] | undefined
  /**
   * Called at each kill: ends what is to die with the writer, as a server of its own, and resolves once that is up
   * again. @default the writer alone is killed
   */
  crash?(): Promise<unknown>
  /** @default 10 */
  readonly kills?: number | undefined
  /** Of the moments of the kills: a failure prints it. @default another each time */
  readonly seed?: number | undefined
}

/** Acknowledged writes before a kill, at most. */
const MOST_WRITES = 400
/** A writer that is slow is killed so long after its first write. */
const WRITING_MS = 5_000
const PROGRAM = fileURLToPath(new URL(`./crash-process${extname(import.meta.url)}`, import.meta.url))

/** What the tests of a suite look at: faults of the first round that has any. */
interface Outcome {
  readonly faults: readonly FoundFault[]
  /** Where it was, and how to see it again. */
  readonly replay: string
}

/**
 * Declares the tests of crashes as tests of vitest. They tell what a store does when its process is killed, not what is
 * left of it when the machine loses its power: what was written and not synced outlives a process.
 * @param name of the store, for the titles of tests.
 */
export function describeCrashSafety(name: string, suite: CrashSuite): void {
  const { kills = 10, seed = Math.floor(Math.random() * 2 ** 31) } = suite

  describe(`crash safety: ${name}, ${kills} kills`, { timeout: PATIENCE_MS }, () => {
    let outcome: Outcome
    beforeAll(
      async () => {
        outcome = await killAgainAndAgain(suite, kills, seed)
      },
      Math.min((kills + 1) * 3 * PATIENCE_MS, MAX_TIMER_MS),
    )

    const expectNo = (fault: CrashFault): void => {
      const texts = outcome.faults.filter((one) => one.fault === fault).map(({ text }) => text)
      expectNone(texts, outcome.replay)
    }

    it('keeps every write that it acknowledged', () => expectNo('lost'))
    it('brings nothing back that was deleted', () => expectNo('came back'))
    it('has no part of a value, and none that nobody wrote', () => expectNo('torn'))
    it('lists what it has by id', () => expectNo('listed otherwise'))
    it('has the same once it is closed and opened again', () => expectNo('changed by reopening'))
  })
}

async function killAgainAndAgain(suite: CrashSuite, kills: number, seed: number): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), 'crash-safety-'))
  const written = new WrittenValues()
  const moments = fc.sample(fc.integer({ min: 1, max: MOST_WRITES }), { numRuns: kills, seed })
  try {
    for (const [round, writes] of moments.entries()) {
      const replay = `kill ${round + 1} of ${kills}, seed ${seed}`
      await writeAndKill(suite, { does: 'write', module: suite.module.href, folder, round }, writes, written)
      const found = await look(suite, folder, round)
      const faults = [...written.judge(found), ...reopeningFaults(found, await look(suite, folder, round))]
      if (faults.length > 0) return { faults, replay }
    }
    return { faults: [], replay: `seed ${seed}` }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Kills the writer once so many writes were acknowledged, or it has written for long enough. */
async function writeAndKill(suite: CrashSuite, task: CrashTask, writes: number, written: WrittenValues): Promise<void> {
  await using writer = new CrashProcess(suite, task)
  let crashing: Promise<unknown> | undefined
  const kill = (): void => {
    crashing ??= Promise.resolve(suite.crash?.())
    // Told below, once the writer is gone.
    crashing.catch(() => {})
    writer.kill()
  }
  let acknowledged = 0
  let timer: NodeJS.Timeout | undefined
  for await (const line of writer.lines()) {
    if (!written.see(line, task.round)) continue
    if (++acknowledged === 1) timer = setTimeout(kill, WRITING_MS)
    if (acknowledged === writes) kill()
  }
  clearTimeout(timer)
  const end = await writer.end
  await crashing
  if (crashing === undefined) throw new Error(`the writer ended before it was killed, or acknowledged nothing: ${end}`)
}

async function look(suite: CrashSuite, folder: string, round: number): Promise<Found> {
  await using reader = new CrashProcess(suite, { does: 'read', module: suite.module.href, folder, round })
  const lines: string[] = []
  for await (const line of reader.lines()) lines.push(line)
  const end = await reader.end
  if (lines.length === 0 || !reader.endedWell) throw new Error(`the store could not be read after a kill: ${end}`)
  return JSON.parse(lines[0]!)
}

/** A process of {@link ./crash-process.ts}, which is gone at the latest when this is disposed of. */
class CrashProcess implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #timer: NodeJS.Timeout
  #errors = ''
  /** How it ended, with the last of what it printed as errors. */
  readonly end: Promise<string>

  constructor({ execArgv = [] }: CrashSuite, task: CrashTask) {
    const stdio = ['ignore', 'ignore', 'pipe', 'pipe'] as const
    this.#child = spawn(process.execPath, [...execArgv, PROGRAM, JSON.stringify(task)], { stdio: [...stdio] })
    this.#child.stderr!.on('data', (data: Buffer) => {
      this.#errors = (this.#errors + data).slice(-4_000)
    })
    this.#timer = setTimeout(() => this.kill(), PATIENCE_MS)
    this.end = new Promise((resolve, reject) => {
      this.#child.once('error', reject)
      this.#child.once('close', (code, signal) => resolve(`${signal ?? `exit code ${code}`}\n${this.#errors}`))
    })
    this.end.catch(() => {})
  }

  get endedWell(): boolean {
    return this.#child.exitCode === 0
  }

  /** What it says, until it ends. */
  lines(): AsyncIterable<string> {
    return createInterface({ input: this.#child.stdio[3] as Readable })
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#timer)
    this.kill()
    await this.end.catch(() => {})
  }
}
