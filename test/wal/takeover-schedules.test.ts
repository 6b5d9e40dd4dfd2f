/**
 * Several processes believe that one log is theirs, one after the other or at once: a lock that excludes nobody. They
 * take turns, operation by operation, in an order that the seed gives. Whatever the order: each record that one of them
 * acknowledged is in cold or in the log at the end, where it was put, and the log is whole.
 */
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { isThermoclineError } from '../../src/errors.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { LockedLog } from '../../src/wal/locked-log.ts'
import { LogScan, type ScanSource } from '../../src/wal/log-scan.ts'
import { WriteAheadLog } from '../../src/wal/write-ahead-log.ts'
import { pick, type Random, randomFrom } from '../fault/seeded-random.ts'
import { budget } from '../tools/budget.ts'
import { intercepted } from './intercepted-device.ts'
import { createLog, payloadOf, temporaryFolder, typeOf } from './temporary-log.ts'

const RUNS = budget({ short: 2, long: 25 })
const SEED = Number(process.env.FAULT_SEED ?? Date.now() % 1_000_000)

/** What they share besides the folder. */
class Cold {
  epoch = 1
  sequence = 0
  readonly records = new Map<number, number>()

  /** Answers whether the epoch was still free. */
  takeOver(epoch: number): boolean {
    if (epoch <= this.epoch) return false
    this.epoch = epoch
    return true
  }

  ship(epoch: number, to: number, records: ReadonlyMap<number, number>): boolean {
    if (epoch !== this.epoch) return false
    for (const [sequence, number] of records)
      if (sequence > this.sequence && sequence <= to) this.records.set(sequence, number)
    this.sequence = Math.max(this.sequence, to)
    return true
  }
}

/** Lets one contender run until it comes to its next turn or its end. */
class Turns {
  readonly #waiting: (() => void)[] = []
  #arrived = (): void => {}

  /** Called by a contender before it does anything that others can see. */
  readonly next = (): Promise<undefined> =>
    new Promise((resolve) => {
      this.#waiting.push(() => resolve(undefined))
      this.#arrived()
    })

  async run(lives: readonly (() => Promise<void>)[], random: Random): Promise<void> {
    let living = lives.length
    const ended: Promise<void>[] = []
    const errors: unknown[] = []
    for (const live of lives) {
      const arrival = this.#arrival()
      ended.push(
        this.next()
          .then(live)
          .catch((error) => void errors.push(error))
          .finally(() => {
            living--
            this.#arrived()
          }),
      )
      await arrival
    }
    // Now and then one goes on for a while, as processes do.
    for (let favourite = 0; living > 0; ) {
      if (random() < 0.2) favourite = pick(random, 0, this.#waiting.length - 1)
      const [go] = this.#waiting.splice(Math.min(favourite, this.#waiting.length - 1), 1)
      favourite = this.#waiting.length
      const arrival = this.#arrival()
      go!()
      await arrival
    }
    await Promise.all(ended)
    if (errors.length > 0) throw errors[0]
  }

  #arrival(): Promise<void> {
    return new Promise((resolve) => (this.#arrived = resolve))
  }
}

class Contest {
  readonly #dir: string
  readonly #walId: string
  readonly #random: Random
  readonly #cold = new Cold()
  readonly #turns = new Turns()
  readonly #acknowledged = new Map<number, number>()
  #numbers = 0

  constructor(dir: string, walId: string, random: Random) {
    this.#dir = dir
    this.#walId = walId
    this.#random = random
  }

  async hold(contenders: number): Promise<void> {
    await this.#turns.run(
      Array.from({ length: contenders }, () => () => this.#live()),
      this.#random,
    )
    const { found } = await this.#read({ path: join(this.#dir, this.#walId), walId: this.#walId }, this.#cold.sequence)
    for (const [sequence, number] of this.#acknowledged) {
      const kept = sequence <= this.#cold.sequence ? this.#cold.records.get(sequence) : found.get(sequence)
      expect(kept, `record ${sequence}`).toBe(number)
    }
  }

  async #live(): Promise<void> {
    for (let tries = 0; tries < 3; tries++) {
      const log = await this.#takeOver().catch((error: unknown) => {
        // Another one came in between, or deleted what was shipped.
        const isLate = isThermoclineError(error, 'ERR_WAL_FAILED') || (error as NodeJS.ErrnoException).code === 'ENOENT'
        if (!isLate) throw error
      })
      if (log === undefined) continue
      await this.#write(log)
      await log.close().catch(() => {})
    }
  }

  async #takeOver(): Promise<WriteAheadLog<number> | undefined> {
    const flags = join(this.#dir, this.#walId, 'lock')
    for (const flag of await readdir(flags)) await rm(join(flags, flag))
    const locked = await LockedLog.lock(this.#dir, this.#walId, { lockTimeout: 0 })
    try {
      await this.#turns.next()
      const epoch = Math.max((await locked.outline()).lastEpoch, this.#cold.epoch) + 1
      await this.#turns.next()
      if (!this.#cold.takeOver(epoch)) return undefined
      const { found, end } = await this.#read(locked, this.#cold.sequence)
      await this.#turns.next()
      if (!this.#cold.ship(epoch, end.lastSequence, found)) return undefined
      return await WriteAheadLog.continue(locked, { ...end, epoch: epoch - 1 }, this.#options)
    } finally {
      await locked.release()
    }
  }

  get #options() {
    return {
      dir: this.#dir,
      segmentBytes: 400,
      lockTimeout: 0,
      logger: silentLogger,
      highestVersion: () => ({ millis: 0, counter: 0 }),
      onDurable: () => {},
      openDevice: intercepted(this.#turns.next),
    }
  }

  async #read(source: ScanSource, afterSequence: number) {
    const scan = new LogScan(source, { afterSequence })
    const found = new Map<number, number>()
    for await (const { sequence, payload } of scan) found.set(sequence, Buffer.from(payload).readUInt32LE())
    expect(scan.report.damage).toEqual([])
    return { found, end: scan.report.end }
  }

  async #write(log: WriteAheadLog<number>): Promise<void> {
    const written = new Map<number, number>()
    for (let left = pick(this.#random, 0, 4); left > 0 && log.failure === undefined; left--) {
      const appended = Array.from({ length: pick(this.#random, 1, 2) }, () => {
        const n = ++this.#numbers
        return log.append(typeOf(n), payloadOf(n, 120), n, n)
      })
      for (const outcome of await Promise.allSettled(appended)) {
        if (outcome.status === 'rejected') continue
        written.set(outcome.value.sequence, outcome.value.value)
        this.#acknowledged.set(outcome.value.sequence, outcome.value.value)
      }
      const hasShipped = this.#random() < 0.3 && this.#cold.ship(log.epoch, log.lastSequence, written)
      if (hasShipped) await log.release(this.#cold.sequence)
    }
  }
}

test(`${RUNS} contests lose nothing acknowledged (FAULT_SEED=${SEED})`, { timeout: 3_600_000 }, async () => {
  const parent = await temporaryFolder()
  for (let seed = SEED; seed < SEED + RUNS; seed++) {
    const random = randomFrom(seed)
    const dir = join(parent, String(seed))
    const first = await createLog({ dir })
    await first.close()
    try {
      await new Contest(dir, first.walId, random).hold(pick(random, 2, 3))
    } catch (error) {
      throw new Error(`FAULT_SEED=${seed} FAULT_RUNS=1`, { cause: error })
    }
    await rm(dir, { recursive: true })
  }
})
