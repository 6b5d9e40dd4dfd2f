/**
 * The power goes, or the process is killed, at any operation of a log's life: while it opens, appends, rotates,
 * deletes, closes or retires. Whatever a disk may then have kept: every acknowledged record is read back, nothing is
 * invented or altered, and nobody is told of damage that is none.
 */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { isThermoclineError } from '../../src/errors.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { LockedLog } from '../../src/wal/locked-log.ts'
import { LogFolder } from '../../src/wal/log-folder.ts'
import { LogScan, type ScanReport } from '../../src/wal/log-scan.ts'
import { WriteAheadLog, type WriteAheadLogOptions } from '../../src/wal/write-ahead-log.ts'
import { budget } from '../tools/budget.ts'
import { payloadOf, typeOf } from '../wal/payloads.ts'
import { pick, type Random, randomFrom } from './seeded-random.ts'
import { type Lie, SimulatedDisk } from './simulated-disk.ts'
import { volatileFolder } from './volatile-folder.ts'

const RUNS = budget({ short: 25, long: 150 })
const SEED = Number(process.env.FAULT_SEED ?? Date.now() % 1_000_000_000)

/** One log, from its creation until it is retired or its lives are over. */
class LogLife {
  readonly #random: Random
  readonly #disk: SimulatedDisk
  readonly #dir: string
  /** What must be there: sequence to the number that its payload was made from. */
  readonly #acknowledged = new Map<number, number>()
  /** Numbers given to `append` so far; any of them may be there. */
  #numbers = 0
  /** Cold has everything up to here. */
  #shipped = 0
  /** Cold has everything and has forgotten the log. */
  #isForgotten = false
  #log: WriteAheadLog<number> | undefined
  lives = 0

  constructor(seed: number, dir: string, lie?: Lie) {
    this.#random = randomFrom(seed)
    this.#disk = new SimulatedDisk(this.#random, lie)
    this.#dir = dir
  }

  async live(): Promise<void> {
    for (const last = pick(this.#random, 2, 6); this.lives < last && !this.#isForgotten; this.lives++) {
      this.#disk.failAfter(pick(this.#random, 1, 90))
      try {
        await this.#open()
        await this.#write()
        await this.#end()
      } catch (error) {
        // Whatever was under way when everything ended; anything else is a finding.
        if (!this.#disk.isDown || !isThermoclineError(error, 'ERR_WAL_FAILED')) throw error
      }
      await this.#log?.close().catch(() => {})
      this.#log = undefined
      if (this.#random() < 0.6) this.#disk.cutPower()
      await this.#check()
    }
  }

  async #open(): Promise<void> {
    const [walId] = await new LogFolder(this.#dir).list()
    if (walId === undefined) {
      this.#log = await WriteAheadLog.create(this.#options)
      return
    }
    const locked = await LockedLog.lock(this.#dir, walId, { lockTimeout: 1_000 })
    const { report, found } = await this.#scan(locked)
    this.#log = await WriteAheadLog.continue(locked, report.end, this.#options)
    // What was read at open was shown to readers, so it counts from now on.
    for (const [sequence, number] of found) this.#acknowledged.set(sequence, number)
  }

  get #options(): WriteAheadLogOptions<number> {
    return {
      dir: this.#dir,
      segmentBytes: 2_000,
      lockTimeout: 1_000,
      logger: silentLogger,
      highestVersion: () => ({ millis: this.#numbers, counter: 0 }),
      onDurable: (records) => {
        for (const { sequence, value } of records) this.#acknowledged.set(sequence, value)
      },
      openDevice: this.#disk.open,
    }
  }

  async #write(): Promise<void> {
    const log = this.#log!
    for (let groups = pick(this.#random, 0, 25); groups > 0 && log.failure === undefined; groups--) {
      const appends = Array.from({ length: pick(this.#random, 1, 4) }, () => {
        const n = ++this.#numbers
        return log.append(typeOf(n), lengthyPayload(n), n, n)
      })
      await Promise.allSettled(appends)
      if (this.#random() < 0.2) await this.#checkpoint()
    }
  }

  async #checkpoint(): Promise<void> {
    const log = this.#log!
    this.#shipped = pick(this.#random, this.#shipped, Math.max(this.#shipped, log.lastSequence))
    await log.release(this.#shipped)
  }

  async #end(): Promise<void> {
    const log = this.#log!
    if (log.failure !== undefined || this.#random() < 0.7) return log.close()
    this.#shipped = log.lastSequence
    await log.retire(() => {
      this.#isForgotten = true
      return Promise.resolve()
    })
  }

  async #check(): Promise<void> {
    const [walId] = await new LogFolder(this.#dir).list()
    if (walId === undefined) {
      if (!this.#isForgotten && this.#acknowledged.size > 0) throw new Error('the log is gone')
      return
    }
    const source = { path: join(this.#dir, walId), walId }
    if (this.#isForgotten) {
      const report = await reportOf(source)
      if (!report.closed && report.records > 0) throw new Error('a retired log came back')
      return
    }
    const { report, found } = await this.#scan(source)
    for (const [sequence, number] of this.#acknowledged)
      if (sequence > this.#shipped && found.get(sequence) !== number) throw new Error(`record ${sequence} was lost`)
    const again = await this.#scan(source)
    expect(again.report).toEqual(report)
  }

  async #scan(source: { path: string; walId: string }): Promise<{ report: ScanReport; found: Map<number, number> }> {
    const scan = new LogScan(source, { afterSequence: this.#shipped })
    const found = new Map<number, number>()
    for await (const { sequence, type, payload } of scan) {
      const number = Buffer.from(payload).readUInt32LE()
      const isOurs = number <= this.#numbers && type === typeOf(number)
      if (!isOurs || Buffer.compare(payload, lengthyPayload(number)) !== 0)
        throw new Error(`record ${sequence} was altered or invented`)
      found.set(sequence, number)
    }
    if (scan.report.damage.length > 0) throw new Error('damage was reported, and there is none')
    // Nobody can tell from the log alone what was shipped: what is left of it must be whole by itself.
    await reportOf(source)
    return { report: scan.report, found }
  }
}

/** Up to a few sectors. */
function lengthyPayload(n: number): Buffer {
  return payloadOf(n, 8 + ((n * 97) % (n % 7 === 0 ? 1_900 : 300)))
}

async function reportOf(source: { path: string; walId: string }): Promise<ScanReport> {
  const scan = new LogScan(source)
  for await (const _ of scan);
  return scan.report
}

/** Resolves to what is wrong with this seed, where something is. */
async function findingOf(seed: number, parent: string, lie?: Lie): Promise<string | undefined> {
  const dir = join(parent, String(seed))
  try {
    await new LogLife(seed, dir, lie).live()
    return undefined
  } catch (error) {
    return `FAULT_SEED=${seed} FAULT_RUNS=1: ${error instanceof Error ? error.message : String(error)}`
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

test(`${RUNS} logs lose nothing acknowledged (FAULT_SEED=${SEED})`, { timeout: 3_600_000 }, async () => {
  const parent = await volatileFolder()
  const findings: string[] = []
  for (let run = 0; run < RUNS; run++) {
    const finding = await findingOf(SEED + run, parent)
    if (finding !== undefined) findings.push(finding)
  }
  expect(findings).toEqual([])
})

describe('a disk that only says it synced', () => {
  test.each<Lie>(['fdatasync', 'fsync', 'fsync-folder'])('is noticed: %s', async (lie) => {
    const parent = await volatileFolder()
    for (let seed = 1; seed <= 200; seed++) if ((await findingOf(seed, parent, lie)) !== undefined) return
    expect.unreachable('no log was lost, so the simulation is blind')
  })
})
