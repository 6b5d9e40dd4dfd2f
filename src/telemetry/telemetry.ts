/**
 * What this process did, as whoever did it tells: numbers since the store was opened or they were reset, and of the
 * last minutes. It is built first and calls nobody.
 *
 *     CallGate ── a call, how long ──────────────┐
 *     TierWatch ─ what a tier was asked, how long ┤
 *     log ─────── a group, how long ──────────────┼──► Telemetry ── tally ──► StoreNumbers ──► stats()
 *     Reader ──── which tier had it ──────────────┤
 *     Promoter, TierMoves, Demoter, Checkpointer, ┤
 *     FullSync ── what moved ─────────────────────┘
 *
 * What happens is added to the present slot alone, which costs as little as can be; slots are put together by whoever
 * asks. The same places tell `events` (store-events.ts), of which callers hear.
 */
import type { Clock } from '../kernel/clock.ts'
import { LatencyHistogram } from '../kernel/latency-histogram.ts'
import { type Logger, silentLogger } from '../kernel/logger.ts'
import { StoreEvents } from './store-events.ts'
import { type Counts, type OperationTally, Tally, type Timed } from './tally.ts'

/** Windows are as exact as this. */
export const SLOT_MS = 15_000
const WINDOWS = { oneMinute: 60_000, fiveMinutes: 300_000 } as const

export type Window = keyof typeof WINDOWS

/** Short ones, by which is judged whether something is in the way of callers. */
const CALLS_BY_ID: ReadonlySet<string> = new Set(['get', 'getMany', 'has', 'put', 'update', 'delete'])

/** Is told of each call to a tier that is answered later. */
export interface OperationTiming {
  /** When it begins, in steady milliseconds; undefined: this one is only counted. */
  readonly begin: (name: string) => number | undefined
  readonly end: (name: string, began: number | undefined, isFailed: boolean) => void
}

interface Slot {
  readonly tally: Tally
  /** By the steady clock. */
  readonly until: number
}

export class Telemetry {
  readonly events: StoreEvents
  readonly #clock: Clock
  readonly #steady: Clock
  #callTimes: LatencyHistogram | undefined
  #present: Tally
  /** When the present slot began, by the steady clock. */
  #began: number
  /** All but the present slot. */
  #former: Tally
  /** Of the last five minutes, the oldest first. */
  #slots: Slot[] = []

  /**
   * @param clock tells since when things are counted.
   * @param steady is never set by anybody: a clock that jumps makes no minute longer.
   */
  constructor(clock: Clock, logger: Logger = silentLogger, steady: Clock = performance) {
    this.events = new StoreEvents(logger)
    this.#clock = clock
    this.#steady = steady
    this.#began = steady.now()
    this.#present = new Tally(clock.now())
    this.#former = new Tally(this.#present.since)
  }

  /** To be added to. Another object after each slot: do not keep it. */
  get counts(): Counts {
    return this.#present.counts
  }

  /** Names the present slot: another object after each. */
  get slot(): object {
    return this.#present
  }

  /** How long calls by id took since it was asked last; from the first time on that is kept. */
  takeCallTimes(): LatencyHistogram {
    const times = this.#callTimes ?? new LatencyHistogram()
    this.#callTimes = new LatencyHistogram()
    return times
  }

  /** What is counted of a name in the present slot; another object after each slot, as `counts`. */
  operation(timed: Timed, name: string): OperationTally {
    return this.#present.operation(timed, name)
  }

  /** @param isAtOnce whether it was answered within the step in which it began, so that the next need not be timed. */
  record(timed: Timed, name: string, milliseconds: number, isFailed: boolean, isAtOnce = false): void {
    const isOfPace = this.#callTimes !== undefined && timed === 'calls' && CALLS_BY_ID.has(name)
    if (isOfPace) this.#callTimes!.record(milliseconds)
    const operation = this.#present.operation(timed, name)
    if (isAtOnce && !isOfPace) operation.recordAtOnce(milliseconds, isFailed)
    else operation.record(milliseconds, isFailed)
  }

  /** Times what a tier is asked. @param isHere whether it answers without leaving this process. */
  timing(timed: Timed, isHere: boolean): OperationTiming {
    return {
      begin: (name) => (this.#present.operation(timed, name).isDue ? performance.now() : undefined),
      end: (name, began, isFailed) => {
        if (began === undefined) this.#present.operation(timed, name).repeat(isFailed)
        else this.record(timed, name, performance.now() - began, isFailed, isHere)
      },
    }
  }

  /** Since the store was opened, or {@link reset}. */
  total(): Tally {
    this.turn()
    return sumOf(this.#former.since, [this.#former, this.#present])
  }

  /** Of the last minutes, and the slot in which they began. */
  last(window: Window): Tally {
    this.turn()
    const began = this.#steady.now() - WINDOWS[window]
    const slots = this.#slots.filter(({ until }) => until > began).map(({ tally }) => tally)
    return sumOf((slots[0] ?? this.#present).since, [...slots, this.#present])
  }

  reset(): void {
    this.#began = this.#steady.now()
    this.#present = new Tally(this.#clock.now())
    this.#former = new Tally(this.#present.since)
    this.#slots = []
  }

  /** Begins another slot where it is time for that: has to be called at least as often. */
  turn(): void {
    const now = this.#steady.now()
    if (now < this.#began + SLOT_MS) return
    this.#former.add(this.#present)
    this.#slots.push({ tally: this.#present, until: now })
    this.#slots = this.#slots.filter(({ until }) => until > now - WINDOWS.fiveMinutes)
    this.#present = new Tally(this.#clock.now())
    this.#began = now
  }
}

function sumOf(since: number, tallies: readonly Tally[]): Tally {
  const sum = new Tally(since)
  for (const tally of tallies) sum.add(tally)
  return sum
}
