/**
 * Defines what the write flow needs of a log: write-ahead-log.ts is the durable one, in-process-log.ts stores nothing.
 */
import { ThermoclineError } from '../errors.ts'

/** A record the log has made durable. */
export interface AppendedRecord<T> {
  readonly sequence: number
  /** Bytes of its payload. */
  readonly bytes: number
  /** What the caller gave to `append`. */
  readonly value: T
}

/** A record that is to be appended. */
export interface NewRecord<T> {
  /** `blob`: a put of bytes. `bundle`: several puts and deletes of which all count or none. */
  readonly type: 'put' | 'delete' | 'blob' | 'bundle'
  readonly payload: Uint8Array
  readonly keyHash: number
  readonly value: T
}

/** What became of a record: durable, or why not. */
export type AppendOutcome<T> = AppendedRecord<T> | ThermoclineError

export interface LogExtent {
  readonly segments: number
  readonly bytes: number
}

export interface AppendLog<T> {
  readonly walId: string
  readonly epoch: number
  /** Highest durable sequence, 0 where there is none. */
  readonly lastSequence: number
  /** Set once the log has stopped for good; every append rejects with it. */
  readonly failure: ThermoclineError<'ERR_WAL_FAILED'> | undefined
  /** What appends are refused with for now, because the disk is full; undefined once it is seen to have room again. */
  readonly fullDisk: string | undefined

  /**
   * MUST queue in call order before it returns. Resolves, with an outcome for each record, once each is durable and
   * `onDurable` has seen it, or has failed; never rejects. Many records cost one promise.
   */
  appendAll(records: readonly NewRecord<T>[]): Promise<readonly AppendOutcome<T>[]>
  /**
   * Ends the file that is being written, so that what is durable by now and what comes later share none. Answers the
   * sequence of the last record before that.
   */
  endSegment(): Promise<number>
  /** Whether a file still holds records up to `sequence`, which {@link endSegment} answered. */
  holdsUpTo(sequence: number): boolean
  /** What its files take, the one that is being written included; nothing where it has none. */
  readonly extent: LogExtent
  /** Every record up to `sequence` is in cold: drops what holds only those. */
  release(sequence: number): Promise<{ segments: number; bytes: number }>
  /** Waits for what is queued; the log stays for the next opener. */
  close(): Promise<void>
}

/** Appends one record, or throws why that failed. */
export async function appendOne<T>(log: AppendLog<T>, record: NewRecord<T>): Promise<AppendedRecord<T>> {
  const [outcome] = await log.appendAll([record])
  if (outcome instanceof ThermoclineError) throw outcome
  return outcome!
}
