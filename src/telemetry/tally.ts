/** What happened in a stretch of time, as numbers that can be added to those of another. */
import { LatencyHistogram } from '../kernel/latency-histogram.ts'

/** Whose operations are timed: public calls, what a tier was asked, and the log's groups. */
const TIMED = ['calls', 'hot', 'cold', 'log'] as const
export type Timed = (typeof TIMED)[number]

const COUNTS = {
  /** Keys that reads asked the tier for, by whether it had them; a deleted one it has. */
  pendingHits: 0,
  pendingMisses: 0,
  hotHits: 0,
  hotMisses: 0,
  coldHits: 0,
  coldMisses: 0,
  /** Entries that moved between tiers, and what became of versions. */
  promoted: 0,
  demoted: 0,
  early: 0,
  expired: 0,
  collected: 0,
  superseded: 0,
}

export type Counts = { -readonly [C in keyof typeof COUNTS]: number }
const NAMES = Object.keys(COUNTS) as (keyof Counts)[]

/**
 * Of what is answered in this process one in so many is timed, for reading the clock twice takes a twentieth of a get
 * there; each of the others counts as having taken as long as the one before.
 */
const TIMED_ONE_IN = 16

/** Operations of one name. */
export class OperationTally {
  readonly times = new LatencyHistogram()
  failed = 0
  /** How many more are not timed, if they are answered at once. */
  #untimed = 0

  /** Whether the next one has to be timed. */
  get isDue(): boolean {
    return this.#untimed === 0
  }

  /** One that was answered later. The next is timed, since it may be as well. */
  record(milliseconds: number, isFailed: boolean): void {
    this.times.record(milliseconds)
    this.#untimed = 0
    if (isFailed) this.failed++
  }

  /** One that was answered at once. */
  recordAtOnce(milliseconds: number, isFailed: boolean): void {
    this.record(milliseconds, isFailed)
    this.#untimed = TIMED_ONE_IN - 1
  }

  /** One that was answered at once, and not timed. */
  repeat(isFailed: boolean): void {
    this.times.repeat()
    this.#untimed--
    if (isFailed) this.failed++
  }

  add(other: OperationTally): void {
    this.times.add(other.times)
    this.failed += other.failed
  }
}

export class Tally {
  /** Milliseconds since the epoch. */
  readonly since: number
  readonly counts: Counts = { ...COUNTS }
  readonly #operations: { readonly [T in Timed]: Map<string, OperationTally> } = {
    calls: new Map(),
    hot: new Map(),
    cold: new Map(),
    log: new Map(),
  }

  constructor(since: number) {
    this.since = since
  }

  /** By name. */
  operations(timed: Timed): ReadonlyMap<string, OperationTally> {
    return this.#operations[timed]
  }

  /** Those of one name, to be added to. */
  operation(timed: Timed, name: string): OperationTally {
    return this.#operations[timed].get(name) ?? this.#begin(timed, name)
  }

  add(other: Tally): void {
    for (const name of NAMES) this.counts[name] += other.counts[name]
    for (const timed of TIMED)
      for (const [name, operation] of other.#operations[timed]) this.operation(timed, name).add(operation)
  }

  #begin(timed: Timed, name: string): OperationTally {
    const operation = new OperationTally()
    this.#operations[timed].set(name, operation)
    return operation
  }
}
