/**
 * Deletes what a query has found. Each entry is read again in all tiers, once there is room for the deletes and right
 * before they get their versions, and is left where it has changed meanwhile (rule T5 of flow/README.md). Batches are
 * so small that such a read is one request to each tier.
 */
import { type EntryRecord, tombstoneOf } from '../entry/record.ts'
import type { UnversionedRecord } from '../entry/validate.ts'
import { retold, unforeseen, type WriteFailure } from '../errors.ts'
import type { Clock } from '../kernel/clock.ts'
import { type Patience, runningOut } from '../kernel/deadline.ts'
import type { Reader } from './reader.ts'
import type { WriteOutcome, Writer, WriteTerms } from './writer.ts'

/** Entries that are looked at and changed together, with their content in memory. Blobs are large. */
const AT_ONCE = 100
const BLOBS_AT_ONCE = 8
/** Bytes of a tombstone in the log, without namespace and key. */
const TOMBSTONE_BYTES = 200

/** What of an entry has to be known before it is deleted. */
export type Found = Pick<EntryRecord, 'namespace' | 'id' | 'key' | 'kind'>

/** What is written of the entry at this place, of which the newest that lives is given, if there is one. */
type Make = (newest: EntryRecord | undefined, place: number, now: number) => UnversionedRecord | undefined

/** Whether the newest of the entry at this place is to be deleted. */
export type IsStill = (newest: EntryRecord, place: number) => boolean

export interface DeleterParts {
  readonly reader: Pick<Reader, 'newest'>
  readonly writer: Writer
  readonly clock: Clock
}

export class Deleter {
  readonly #parts: DeleterParts

  constructor(parts: DeleterParts) {
    this.#parts = parts
  }

  /**
   * As {@link delete}, for good: the tombstones hold no key. What has expired or is deleted gets one as well, which
   * takes the place of what there is of it.
   */
  erase(found: readonly Found[], isStill: IsStill, options: WriteTerms): Promise<WriteOutcome[]> {
    const make = (newest: EntryRecord | undefined, i: number, now: number) =>
      newest !== undefined && !isStill(newest, i) ? undefined : tombstoneOf({ ...found[i]!, key: null }, '', now)
    return this.#write(found, make, options)
  }

  /** Returns outcomes of those that were to be deleted, and of those that were not reached. Never rejects. */
  delete(found: readonly Found[], isStill: IsStill, options: WriteTerms): Promise<WriteOutcome[]> {
    const make = (newest: EntryRecord | undefined, i: number, now: number) =>
      newest !== undefined && isStill(newest, i) ? tombstoneOf(newest, '', now) : undefined
    return this.#write(found, make, options)
  }

  async #write(found: readonly Found[], make: Make, options: WriteTerms): Promise<WriteOutcome[]> {
    const terms: WriteTerms = Object.assign(runningOut(options), { durability: options.durability })
    const step = atOnce(found)
    const outcomes: WriteOutcome[] = []
    for (let from = 0; from < found.length; from += step) {
      const some = found.slice(from, from + step)
      const look = (patience: Patience) =>
        this.#tombstones(some, (newest, i, now) => make(newest, from + i, now), patience)
      try {
        outcomes.push(...(await this.#parts.writer.writeAfterLook(look, bytesOf(some), terms)))
      } catch (error) {
        outcomes.push(...failed(some, error), ...failed(found.slice(from + step), error, 'none'))
        break
      }
    }
    return outcomes
  }

  async #tombstones(found: readonly Found[], make: Make, patience: Patience): Promise<UnversionedRecord[]> {
    const { reader, clock } = this.#parts
    const newest = await reader.newest(found, patience)
    const now = clock.now()
    return newest.map((record, i) => make(record, i, now)).filter((record) => record !== undefined)
  }
}

/** How many of these may be in memory together, whole. */
export function atOnce(found: readonly Pick<Found, 'kind'>[]): number {
  return found.some(({ kind }) => kind === 'blob' || kind === null) ? BLOBS_AT_ONCE : AT_ONCE
}

function bytesOf(found: readonly Found[]): number {
  return found.reduce((sum, { namespace, key }) => sum + TOMBSTONE_BYTES + namespace.length + (key?.length ?? 0), 0)
}

function failed(found: readonly Found[], cause: unknown, known?: 'none'): WriteOutcome[] {
  const error = unforeseen(cause)
  const { outcome = 'none', ...details } = error.details as WriteFailure
  return found.map(({ id }) => ({ ok: false, error: retold(error, { ...details, outcome: known ?? outcome, id }) }))
}
