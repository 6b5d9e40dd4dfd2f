/**
 * Holds the log of this process and its pending writes, as writes and checkpoints use them. A write is appended, is
 * pending once it is durable, and is then offered to hot; a checkpoint waits for the writes that are between these
 * steps.
 */
import type { EntryRecord } from '../entry/record.ts'
import { encodeBundle, type LogValue } from '../entry/record-bundle.ts'
import { keyHash } from '../wal/format.ts'
import {
  type AppendedRecord,
  type AppendLog,
  type AppendOutcome,
  appendOne,
  type NewRecord,
} from '../wal/log-contract.ts'
import type { Pending } from './pending.ts'

export class Journal {
  readonly log: AppendLog<LogValue>
  /** The log puts each record here before the promise of its append resolves. */
  readonly pending: Pending
  /** What has begun and not settled yet. */
  readonly #offered = new Set<Promise<unknown>>()

  constructor(log: AppendLog<LogValue>, pending: Pending) {
    this.log = log
    this.pending = pending
  }

  /**
   * Queues the records before it returns; resolves once each is durable or has failed. `payloads` are their bytes, in
   * the same order.
   */
  appendAll(
    records: readonly EntryRecord[],
    payloads: readonly Uint8Array[],
  ): Promise<readonly AppendOutcome<LogValue>[]> {
    return this.log.appendAll(records.map((record, i) => newRecord(record, payloads[i]!)))
  }

  /**
   * As {@link appendAll}, of at least one; all of them are durable or none is, whatever happens, for they are one
   * record of the log. Rejects with why it failed.
   */
  appendTogether(records: readonly EntryRecord[], payloads: readonly Uint8Array[]): Promise<AppendedRecord<LogValue>> {
    if (records.length === 1) return appendOne(this.log, newRecord(records[0]!, payloads[0]!))
    return appendOne(this.log, { type: 'bundle', payload: encodeBundle(payloads), keyHash: 0, value: records })
  }

  /** @param offered settles when writes that have begun were logged and offered to hot, or have failed. */
  begun(offered: Promise<unknown>): void {
    this.#offered.add(offered)
    const settle = (): void => {
      this.#offered.delete(offered)
    }
    offered.then(settle, settle)
  }

  /** Resolves once every write begun before this call is durable and was offered to hot, or has failed. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#offered)
  }
}

function newRecord(record: EntryRecord, payload: Uint8Array): NewRecord<LogValue> {
  const { namespace, id, kind } = record
  const type = kind === null ? 'delete' : kind === 'blob' ? 'blob' : 'put'
  return { type, payload, keyHash: keyHash(namespace, id), value: record }
}
