/**
 * The log of this process and what of it cold does not have yet, as writes and checkpoints see them: a write is
 * appended, is pending once it is durable, and is then offered to hot; a checkpoint waits for those that are on this
 * way.
 */
import type { EntryRecord } from '../entry/record.ts'
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
  readonly log: AppendLog<EntryRecord>
  /** The log puts each record here before the promise of its append resolves. */
  readonly pending: Pending
  /** What has begun and not settled yet. */
  readonly #offered = new Set<Promise<unknown>>()

  constructor(log: AppendLog<EntryRecord>, pending: Pending) {
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
  ): Promise<readonly AppendOutcome<EntryRecord>[]> {
    return this.log.appendAll(records.map((record, i) => newRecord(record, payloads[i]!)))
  }

  /** As {@link appendAll}, of one record; rejects with why it failed. */
  append(record: EntryRecord, payload: Uint8Array): Promise<AppendedRecord<EntryRecord>> {
    return appendOne(this.log, newRecord(record, payload))
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

function newRecord(record: EntryRecord, payload: Uint8Array): NewRecord<EntryRecord> {
  const { namespace, id, kind } = record
  const type = kind === null ? 'delete' : kind === 'blob' ? 'blob' : 'put'
  return { type, payload, keyHash: keyHash(namespace, id), value: record }
}
