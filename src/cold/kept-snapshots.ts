/**
 * Reads snapshots from the embedded database. It has one session, so a long transaction would keep everybody else out.
 * Instead, since every write there is this process's own, each write comes here first: rows that it replaces, and that
 * a snapshot has not read yet, are read before and stored for that snapshot. Snapshots of a server are in
 * frozen-snapshot.ts.
 *
 *     snapshot    begins between two writes: count ── page ── page ── … ── last page, with the rows stored for it
 *     write       keys ── rows of these that snapshots have not read yet are read ── written
 */
import type { EntryKey } from '../entry/entry-key.ts'
import { keyText } from '../entry/entry-key.ts'
import { isLive } from '../entry/expiry.ts'
import { contentSize } from '../entry/record.ts'
import { compareText } from '../entry/text.ts'
import { asksForReads, matches } from '../query/filter.ts'
import { isWithin } from '../query/scope.ts'
import type { ColdReader } from './cold-driver.ts'
import { unavailable } from './cold-errors.ts'
import type { ColdQuery, ColdRow, ColdSnapshot } from './cold-tier.ts'
import { countEntries } from './sql/find-entries.ts'
import { readEntries } from './sql/read-entries.ts'
import { readSnapshotPage } from './sql/snapshot-page.ts'

/** Of what is kept for one snapshot until it is taken: content, and keys that were seen. */
const MOST_BYTES = 64 * 1024 * 1024
const MOST_KEYS = 1_000_000
/** Rows that are read together before they are replaced: blobs are large. */
const KEPT_AT_ONCE = 32

type WrittenKeys = readonly EntryKey[] | (() => Promise<readonly EntryKey[]>)
type Concerns = (snapshot: KeptSnapshot) => boolean

export class KeptSnapshots {
  readonly #reader: ColdReader
  readonly #open = new Set<KeptSnapshot>()
  readonly #writes = new Set<Promise<unknown>>()
  /** Settles once no snapshot is about to begin. */
  #beginning: Promise<unknown> = Promise.resolve()

  constructor(reader: ColdReader) {
    this.#reader = reader
  }

  /** Writes what has these keys, which are asked for only where a snapshot has not read everything yet. */
  write<T>(keys: WrittenKeys, work: () => Promise<T>): Promise<T> {
    return this.#write(keys, work, () => true)
  }

  /** As {@link write}, of reads that are counted: they matter only to who selects by them. */
  writeReads<T>(keys: readonly EntryKey[], work: () => Promise<T>): Promise<T> {
    return this.#write(keys, work, ({ selectsByReads }) => selectsByReads)
  }

  async #write<T>(keys: WrittenKeys, work: () => Promise<T>, concerns: Concerns): Promise<T> {
    for (let seen: unknown; seen !== this.#beginning; ) {
      seen = this.#beginning
      await seen
    }
    const writing = this.#keepAndWrite(keys, work, concerns)
    this.#writes.add(writing)
    try {
      return await writing
    } finally {
      this.#writes.delete(writing)
    }
  }

  /** Begins once the writes under way are done; those that come later wait until it has. */
  begin(query: ColdQuery): Promise<ColdSnapshot> {
    const begun = this.#beginning.then(async () => {
      await Promise.allSettled(this.#writes)
      const count = await countEntries(this.#reader, query, [])
      const snapshot = new KeptSnapshot(this.#reader, query, count, () => this.#open.delete(snapshot))
      this.#open.add(snapshot)
      return snapshot
    })
    this.#beginning = begun.catch(() => {})
    return begun
  }

  async #keepAndWrite<T>(keys: WrittenKeys, work: () => Promise<T>, concerns: Concerns): Promise<T> {
    const open = [...this.#open].filter(concerns)
    if (open.length > 0) {
      const written = typeof keys === 'function' ? await keys() : keys
      for (const snapshot of open) await snapshot.keep(written)
    }
    return work()
  }
}

class KeptSnapshot implements ColdSnapshot {
  readonly count: number
  readonly #reader: ColdReader
  readonly #query: ColdQuery
  readonly #onClosed: () => void
  /** The last row that was read. */
  #after: EntryKey | undefined
  /** Keys beyond it that were written since the beginning: what stands there now is none of the snapshot's. */
  readonly #written = new Set<string>()
  /** What stood there. */
  #kept: ColdRow[] = []
  #keptBytes = 0
  readonly #keeping = new Set<Promise<void>>()
  #failure: unknown

  constructor(reader: ColdReader, query: ColdQuery, count: number, onClosed: () => void) {
    this.#reader = reader
    this.#query = query
    this.count = count
    this.#onClosed = onClosed
  }

  async *pages(): AsyncGenerator<readonly ColdRow[], void, undefined> {
    for (let isLast = false; !isLast; ) {
      const rows = await readSnapshotPage(this.#reader, this.#query, this.#after)
      isLast = rows.length === 0
      const own = rows.filter(({ record }) => !this.#written.has(keyText(record)))
      if (!isLast) this.#after = rows.at(-1)!.record
      // What is read before a write is there by then.
      while (isLast && this.#keeping.size > 0) await Promise.all(this.#keeping)
      const page = [...this.#takeKept(), ...own]
      if (this.#failure !== undefined) throw this.#failure
      if (page.length > 0) yield page
    }
  }

  get selectsByReads(): boolean {
    return asksForReads(this.#query.filter)
  }

  async close(): Promise<void> {
    this.#onClosed()
    this.#kept = []
  }

  /**
   * Resolves once these may be written. Nobody waits for the reader of the snapshot, which fails where it is too slow.
   */
  async keep(keys: readonly EntryKey[]): Promise<void> {
    // It answers nothing any more.
    if (this.#failure !== undefined) return this.#written.clear()
    const ahead = keys.filter((key) => this.#isAhead(key) && !this.#written.has(keyText(key)))
    if (ahead.length === 0) {
      // One of them may be being read for another write.
      await Promise.all(this.#keeping)
      return
    }
    for (const key of ahead) this.#written.add(keyText(key))
    if (this.#written.size > MOST_KEYS) this.#failure ??= tooSlow()
    const keeping = this.#read(ahead).catch((error: unknown) => {
      this.#failure ??= error
    })
    this.#keeping.add(keeping)
    await Promise.all(this.#keeping)
    this.#keeping.delete(keeping)
  }

  async #read(keys: readonly EntryKey[]): Promise<void> {
    for (let from = 0; from < keys.length && this.#failure === undefined; from += KEPT_AT_ONCE) {
      const rows = await readEntries(this.#reader, keys.slice(from, from + KEPT_AT_ONCE))
      for (const row of rows) if (row !== undefined && this.#isSelected(row)) this.#keepRow(row)
    }
  }

  #keepRow(row: ColdRow): void {
    this.#kept.push(row)
    this.#keptBytes += contentSize(row.record)
    if (this.#keptBytes <= MOST_BYTES) return
    this.#failure ??= tooSlow()
    this.#takeKept()
  }

  #takeKept(): readonly ColdRow[] {
    const kept = this.#kept
    this.#kept = []
    this.#keptBytes = 0
    return kept
  }

  #isSelected({ record, access }: ColdRow): boolean {
    const { scope, filter, now } = this.#query
    const isInScope = isWithin(record.namespace, scope.namespace, scope.recursive)
    return isInScope && isLive(record, now) && matches(record, filter, access)
  }

  #isAhead({ namespace, id }: EntryKey): boolean {
    if (this.#after === undefined) return true
    const order = compareText(namespace, this.#after.namespace)
    return order > 0 || (order === 0 && id > this.#after.id)
  }
}

function tooSlow(): Error {
  return unavailable(
    'more was overwritten than could be kept for a snapshot that is read slowly: read faster, or while less is written',
  )
}
