/**
 * Deletes what a query has found, as far as it is still to be deleted: each entry is looked at again in all tiers, once
 * there is room for the deletes and right before they get their versions (rule T5 of README.md).
 */
import { contentSize, type EntryRecord, tombstoneOf } from '../entry/record.ts'
import type { UnversionedRecord } from '../entry/validate.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Reader } from './reader.ts'
import type { WriteOutcome, Writer, WriteTerms } from './writer.ts'

/** Entries whose content is in memory together. Blobs are large. */
const AT_ONCE = 100
const BLOBS_AT_ONCE = 8

export class Deleter {
  readonly #reader: Pick<Reader, 'newest'>
  readonly #writer: Writer
  readonly #clock: Clock

  constructor(reader: Pick<Reader, 'newest'>, writer: Writer, clock: Clock) {
    this.#reader = reader
    this.#writer = writer
    this.#clock = clock
  }

  /**
   * Answers outcomes of the deletes alone. Rejects where the look does, or where patience ends before it.
   *
   * @param found at most 1 000.
   * @param isStill whether the newest of the entry at this place is to be deleted.
   */
  delete(
    found: readonly EntryRecord[],
    isStill: (newest: EntryRecord, place: number) => boolean,
    terms: WriteTerms,
  ): Promise<WriteOutcome[]> {
    const bytes = found.reduce((sum, record) => sum + contentSize(this.#tombstone(record)), 0)
    return this.#writer.writeLooked(() => this.#stillThere(found, isStill, terms), bytes, terms)
  }

  async #stillThere(
    found: readonly EntryRecord[],
    isStill: (newest: EntryRecord, place: number) => boolean,
    terms: WriteTerms,
  ): Promise<UnversionedRecord[]> {
    const step = found.some(({ kind }) => kind === 'blob') ? BLOBS_AT_ONCE : AT_ONCE
    const tombstones: UnversionedRecord[] = []
    for (let from = 0; from < found.length; from += step) {
      const newest = await this.#reader.newest(found.slice(from, from + step), terms)
      for (const [i, record] of newest.entries())
        if (record !== undefined && isStill(record, from + i)) tombstones.push(this.#tombstone(record))
    }
    return tombstones
  }

  #tombstone(record: EntryRecord): UnversionedRecord {
    return tombstoneOf(record, '', this.#clock.now())
  }
}
