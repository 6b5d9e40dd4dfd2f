/** What the write flow needs of a log; write-ahead-log.ts is the durable one, in-process-log.ts keeps nothing. */
import type { ThermoclineError } from '../errors.ts'

/** A record the log has made durable. */
export interface AppendedRecord<T> {
  readonly sequence: number
  /** Bytes of its payload. */
  readonly bytes: number
  /** What the caller gave to `append`. */
  readonly value: T
}

export interface AppendLog<T> {
  readonly walId: string
  readonly epoch: number
  /** Highest durable sequence, 0 where there is none. */
  readonly lastSequence: number
  /** Set once the log has stopped for good; every append rejects with it. */
  readonly failure: ThermoclineError<'ERR_WAL_FAILED'> | undefined

  /** MUST queue in call order before it returns; resolves once the record is durable and `onDurable` has seen it. */
  append(type: 'put' | 'delete', payload: Uint8Array, keyHash: number, value: T): Promise<AppendedRecord<T>>
  /** Every record up to `sequence` is in cold: drops what holds only those. */
  release(sequence: number): Promise<{ segments: number; bytes: number }>
  /** Waits for what is queued; the log stays for the next opener. */
  close(): Promise<void>
}
