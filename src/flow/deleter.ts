/**
 * Deletes what a query has found, as far as it is still to be deleted: each entry is looked at again in all tiers, once
 * there is room for the deletes and right before they get their versions (rule T5 of README.md). So few go together
 * that a look is one question to each tier.
 */
import { type EntryRecord, tombstoneOf } from '../entry/record.ts'
import type { UnversionedRecord } from '../entry/validate.ts'
import { retold, unforeseen, type WriteFailure } from '../errors.ts'
import type { Clock } from '../kernel/clock.ts'
import { type Patience, runningOut } from '../kernel/deadline.ts'
import type { Reader } from './reader.ts'
import type { WriteOutcome, Writer, WriteTerms } from './writer.ts'

/** Entries that are looked at and deleted together, with their content in memory. Blobs are large. */
const AT_ONCE = 100
const BLOBS_AT_ONCE = 8
/** Bytes of a tombstone in the log, without namespace and key. */
const TOMBSTONE_BYTES = 200

/** Whether the newest of the entry at this place is to be deleted. */
export type IsStill = (newest: EntryRecord, place: number) => boolean

export class Deleter {
  readonly #reader: Pick<Reader, 'newest'>
  readonly #writer: Writer
  readonly #clock: Clock

  constructor(reader: Pick<Reader, 'newest'>, writer: Writer, clock: Clock) {
    this.#reader = reader
    this.#writer = writer
    this.#clock = clock
  }

  /** Answers outcomes of those that were to be deleted, and of those that were not reached. Never rejects. */
  async delete(found: readonly EntryRecord[], isStill: IsStill, options: WriteTerms): Promise<WriteOutcome[]> {
    const terms: WriteTerms = Object.assign(runningOut(options), { durability: options.durability })
    const step = found.some(({ kind }) => kind === 'blob') ? BLOBS_AT_ONCE : AT_ONCE
    const outcomes: WriteOutcome[] = []
    for (let from = 0; from < found.length; from += step) {
      const some = found.slice(from, from + step)
      const look = (patience: Patience) => this.#tombstones(some, (newest, i) => isStill(newest, from + i), patience)
      try {
        outcomes.push(...(await this.#writer.writeLooked(look, bytesOf(some), terms)))
      } catch (error) {
        outcomes.push(...failed(some, error), ...failed(found.slice(from + step), error, 'none'))
        break
      }
    }
    return outcomes
  }

  async #tombstones(found: readonly EntryRecord[], isStill: IsStill, patience: Patience): Promise<UnversionedRecord[]> {
    const newest = await this.#reader.newest(found, patience)
    const now = this.#clock.now()
    return newest.flatMap((record, i) =>
      record !== undefined && isStill(record, i) ? tombstoneOf(record, '', now) : [],
    )
  }
}

function bytesOf(found: readonly EntryRecord[]): number {
  return found.reduce((sum, { namespace, key }) => sum + TOMBSTONE_BYTES + namespace.length + (key?.length ?? 0), 0)
}

function failed(found: readonly EntryRecord[], cause: unknown, known?: 'none'): WriteOutcome[] {
  const error = unforeseen(cause)
  const { outcome = 'none', ...details } = error.details as WriteFailure
  return found.map(({ id }) => ({ ok: false, error: retold(error, { ...details, outcome: known ?? outcome, id }) }))
}
