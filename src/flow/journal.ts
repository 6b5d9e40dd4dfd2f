/**
 * The log of this process and what of it cold does not have yet, as writes and checkpoints see them: a write is
 * appended, is pending once it is durable, and is then offered to hot; a checkpoint waits for those that are on this
 * way.
 */
import type { EntryRecord } from '../entry/record.ts'
import { keyHash } from '../wal/format.ts'
import type { AppendedRecord, AppendLog } from '../wal/log-contract.ts'
import type { Pending } from './pending.ts'

export class Journal {
  readonly log: AppendLog<EntryRecord>
  /** The log puts each record here before the promise of its append resolves. */
  readonly pending: Pending
  /** Settles when everything begun so far has; resolves to nothing, or each link would hold all before it. */
  #offered: Promise<void> = Promise.resolve()

  constructor(log: AppendLog<EntryRecord>, pending: Pending) {
    this.log = log
    this.pending = pending
  }

  /** Queues the record before it returns; resolves once it is durable. */
  append(record: EntryRecord, payload: Uint8Array): Promise<AppendedRecord<EntryRecord>> {
    const type = record.deletedAt === null ? 'put' : 'delete'
    return this.log.append(type, payload, keyHash(record.namespace, record.id), record)
  }

  /** @param offered settles when writes that have begun were logged and offered to hot, or have failed. */
  begun(offered: Promise<unknown>): void {
    this.#offered = Promise.allSettled([this.#offered, offered]).then(() => {})
  }

  /** Resolves once every write begun before this call is durable and was offered to hot, or has failed. */
  async settled(): Promise<void> {
    await this.#offered
  }
}
