/**
 * Decides which appends share one sync: those that come while a group is written and synced form the next group. So one
 * sync pays for as many records as came during the one before, and no append waits for others to come.
 */
import type { ThermoclineError } from '../errors.ts'
import { recordBytes } from './format.ts'
import type { AppendOutcome } from './log-contract.ts'
import type { PlannedRecord } from './segment-cursor.ts'

/** A group is cut off here, so that its first caller does not wait for megabytes of others. */
const MAX_GROUP_BYTES = 8 * 1024 * 1024

/** Records of one call. Groups may part them, so each has an outcome of its own, but all share one promise. */
export class Appending<T> {
  /** Resolves once each record has its outcome. */
  readonly outcomes: Promise<readonly AppendOutcome<T>[]>
  readonly #outcomes: AppendOutcome<T>[]
  #open: number
  #resolve!: (outcomes: readonly AppendOutcome<T>[]) => void

  constructor(records: number) {
    this.#outcomes = new Array<AppendOutcome<T>>(records)
    this.#open = records
    this.outcomes = new Promise((resolve) => {
      this.#resolve = resolve
    })
    if (records === 0) this.#resolve(this.#outcomes)
  }

  /** Once for each record. */
  settle(index: number, outcome: AppendOutcome<T>): void {
    this.#outcomes[index] = outcome
    if (--this.#open === 0) this.#resolve(this.#outcomes)
  }
}

/** A record, and whoever waits for it to be durable. */
export interface Waiting<T> {
  readonly record: PlannedRecord
  readonly value: T
  readonly appending: Appending<T>
  /** Of the record in its call. */
  readonly index: number
}

export type Group<T> = readonly Waiting<T>[]

export class GroupCommit<T> {
  readonly #commit: (group: Group<T>) => Promise<void>
  #queue: Waiting<T>[] = []
  /** What is to be done between two groups. */
  readonly #works: (() => Promise<void>)[] = []
  #running: Promise<void> | undefined

  /** @param commit MUST settle everyone of the group, and never reject. One group is committed at a time, in order. */
  constructor(commit: (group: Group<T>) => Promise<void>) {
    this.#commit = commit
  }

  /** Queues it in the step in which it is called. */
  add(waiting: Waiting<T>): void {
    this.#queue.push(waiting)
    this.#running ??= this.#run()
  }

  /** Does the work, and answers as it does, while no group is being committed. */
  between<R>(work: () => Promise<R>): Promise<R> {
    return new Promise((resolve, reject) => {
      this.#works.push(() => work().then(resolve, reject))
      this.#running ??= this.#run()
    })
  }

  /** Resolves once everyone who was added has been settled. */
  async idle(): Promise<void> {
    await this.#running
  }

  async #run(): Promise<void> {
    // One turn of the microtask queue: callers of the same tick share the first group.
    await undefined
    while (this.#queue.length > 0 || this.#works.length > 0) {
      await this.#works.shift()?.()
      if (this.#queue.length > 0) await this.#commit(this.#takeGroup())
    }
    this.#running = undefined
  }

  #takeGroup(): Waiting<T>[] {
    let bytes = 0
    let count = 0
    for (const { record } of this.#queue) {
      bytes += recordBytes(record.payload.byteLength)
      if (count > 0 && bytes > MAX_GROUP_BYTES) break
      count++
    }
    return this.#queue.splice(0, count)
  }
}

export function rejectAll<T>(group: Group<T>, error: ThermoclineError): void {
  for (const { appending, index } of group) appending.settle(index, error)
}
