import { randomUUID } from 'node:crypto'
import type { AppendedRecord, AppendLog, AppendOutcome, NewRecord } from './log-contract.ts'

/** A log that keeps nothing, for stores opened with `inMemory`: what it acknowledges lives as long as the process. */
export class InProcessLog<T> implements AppendLog<T> {
  readonly walId = randomUUID()
  readonly epoch = 1
  readonly failure = undefined
  readonly fullDisk = undefined
  readonly extent = { segments: 0, bytes: 0 }
  readonly #onDurable: (records: readonly AppendedRecord<T>[]) => void
  #sequence = 0

  constructor(onDurable: (records: readonly AppendedRecord<T>[]) => void) {
    this.#onDurable = onDurable
  }

  get lastSequence(): number {
    return this.#sequence
  }

  appendAll(records: readonly NewRecord<T>[]): Promise<readonly AppendOutcome<T>[]> {
    const appended = records.map(({ payload, value }) => ({
      sequence: ++this.#sequence,
      bytes: payload.byteLength,
      value,
    }))
    this.#onDurable(appended)
    return Promise.resolve(appended)
  }

  endSegment(): Promise<number> {
    return Promise.resolve(this.#sequence)
  }

  holdsUpTo(): boolean {
    return false
  }

  release(): Promise<{ segments: number; bytes: number }> {
    return Promise.resolve({ segments: 0, bytes: 0 })
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}
