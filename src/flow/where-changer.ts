/**
 * Deletes or updates all entries that a filter selects, batch by batch:
 *
 *     take the highest version that there is, and the time: what is put later is ignored, or a writer beside this call
 *     would keep it going; what is only updated later is included
 *     read a page, by namespace and id, of what the filter selects up to that version
 *     read each entry again, in all tiers, and leave those that the filter no longer selects
 *     write: deletes as any delete, updates by compare-and-set
 *
 * So each update replaces exactly a version that the filter selects. A delete removes what was selected when its batch
 * was read again, once there was room for it (deleter.ts). A put in the milliseconds between that and the log counts as
 * before the delete, as with any delete (rule T5 of flow/README.md).
 */
import type { ColdRow, ColdTier } from '../cold/cold-tier.ts'
import type { EntryRecord } from '../entry/record.ts'
import type { UnversionedRecord } from '../entry/validate.ts'
import { newest } from '../entry/version.ts'
import { ThermoclineError, unforeseen } from '../errors.ts'
import type { Clock } from '../kernel/clock.ts'
import { type Patience, runningOut, throwIfAborted } from '../kernel/deadline.ts'
import { inParallel } from '../kernel/in-parallel.ts'
import { type Filter, matches } from '../query/filter.ts'
import { orderKeys } from '../query/order.ts'
import type { Scope } from '../query/scope.ts'
import { thereBy, untilItsEnd, WHERE_BATCH, withFreshReads } from './batched-changes.ts'
import type { CompareAndSet } from './compare-and-set.ts'
import { atOnce, type Deleter } from './deleter.ts'
import { failureAmong, isDurable, telling } from './failed-writes.ts'
import type { Pending } from './pending.ts'
import type { Reader } from './reader.ts'
import type { Searcher } from './searcher.ts'
import type { WriteOutcome, WriteTerms } from './writer.ts'

export interface WhereChangerParts {
  readonly searcher: Searcher
  readonly reader: Pick<Reader, 'reads'>
  readonly deleter: Deleter
  readonly changes: CompareAndSet
  readonly cold: Pick<ColdTier, 'highestVersion'>
  readonly pending: Pending
  readonly clock: Clock
}

/** What `deleteWhere` did. */
export interface DeletedWhere {
  /** How many entries were selected. */
  readonly matched: number
  /** The others did not match any more at their turn. */
  readonly deleted: number
}

/** What `updateWhere` did. */
export interface UpdatedWhere {
  /** How many entries were selected. */
  readonly matched: number
  readonly updated: number
  /** Did not match any more at their turn, and were left as they are. */
  readonly skipped: number
}

/** Makes of a live entry what is to be in its place; called again where another write came first. */
type Change = (current: EntryRecord, patience: Patience) => UnversionedRecord | Promise<UnversionedRecord>

/** How many are changed and how, as it was checked. */
export interface WhereTerms<C> extends WriteTerms {
  readonly dryRun?: boolean | undefined
  readonly batchSize?: number | undefined
  readonly onProgress?: ((counts: C) => void) | undefined
}

/** Of a page only keys and reads are needed: the entries are read again. */
const KEYS: ReadonlySet<string> = new Set(['id'])

export class WhereChanger {
  readonly #parts: WhereChangerParts

  constructor(parts: WhereChangerParts) {
    this.#parts = parts
  }

  /** What fails half-way says in `details.counts` how far it came. */
  async delete(scope: Scope, filter: Filter, terms: WhereTerms<DeletedWhere>): Promise<DeletedWhere> {
    const counts = { matched: 0, deleted: 0 }
    const { dryRun, durability, onProgress } = terms
    const patience = runningOut(terms)
    if (dryRun) return { ...counts, matched: await this.#parts.searcher.count(scope, filter, patience) }
    await telling(counts, async () => {
      for await (const rows of this.#pages(scope, filter, terms, patience)) {
        const isStill = (newest: EntryRecord, i: number) => matches(newest, filter, rows[i]!.access)
        const found = rows.map(({ record }) => record)
        const deleteTerms = { durability, ...untilItsEnd(patience) }
        const outcomes = await this.#parts.deleter.delete(found, isStill, deleteTerms)
        counts.matched += rows.length
        counts.deleted += outcomes.filter(isDurable).length
        const failure = failureAmong(outcomes)
        if (failure !== undefined) throw failure
        onProgress?.({ ...counts })
      }
    })
    return counts
  }

  /**
   * As {@link delete}. Whoever else changes an entry at the same time loses nothing.
   * @param changeOfOne called for each entry, so that what a change remembers goes with it.
   */
  async update(
    scope: Scope,
    filter: Filter,
    changeOfOne: () => Change,
    terms: WhereTerms<UpdatedWhere>,
  ): Promise<UpdatedWhere> {
    const counts = { matched: 0, updated: 0, skipped: 0 }
    const { dryRun, durability, onProgress } = terms
    const patience = runningOut(terms)
    if (dryRun) return { ...counts, matched: await this.#parts.searcher.count(scope, filter, patience) }
    await telling(counts, async () => {
      for await (const rows of this.#pages(scope, filter, terms, patience)) {
        counts.matched += rows.length
        const failed: WriteOutcome[] = []
        // Those that meet are decided by one statement (replace-together.ts).
        const together = atOnce(rows.map(({ record }) => record))
        const updating = inParallel(rows, together, async (row) => {
          try {
            const isUpdated = await this.#update(row, filter, changeOfOne(), { durability, ...untilItsEnd(patience) })
            if (isUpdated) counts.updated++
            else counts.skipped++
          } catch (error) {
            failed.push({ ok: false, error: unforeseen(error) })
            throw error
          }
        })
        await updating.catch((error: unknown) => {
          counts.updated += failed.filter(isDurable).length
          throw failureAmong(failed) ?? error
        })
        onProgress?.({ ...counts })
      }
    })
    return counts
  }

  async *#pages(
    scope: Scope,
    filter: Filter,
    { batchSize: limit = WHERE_BATCH }: { readonly batchSize?: number | undefined },
    patience: Patience,
  ): AsyncGenerator<readonly ColdRow[]> {
    const there: Filter = [...filter, await this.#thereByNow()]
    for (let after: ReturnType<typeof orderKeys> | undefined; ; ) {
      throwIfAborted(patience.signal)
      const rows = await this.#parts.searcher.rows(scope, there, { limit, order: [], after, select: KEYS }, patience)
      if (rows.length > 0) yield await withFreshReads(rows, filter, this.#parts.reader, patience)
      if (rows.length < limit) return
      after = orderKeys(rows.at(-1)!.record, [])
    }
  }

  /** Holds for all that a query finds now, and for nothing that is put later, unless its `createdAt` is of earlier. */
  async #thereByNow(): Promise<Filter[number]> {
    const { cold, pending, clock } = this.#parts
    const now = clock.now()
    const highest = newest(pending.highestVersion(), await cold.highestVersion())
    return thereBy(now, highest)
  }

  async #update({ record, access }: ColdRow, filter: Filter, change: Change, terms: WriteTerms): Promise<boolean> {
    const { namespace, id } = record
    const { changes } = this.#parts
    let isSkipped = false
    const make = (current: EntryRecord | undefined): ReturnType<Change> => {
      isSkipped = current === undefined || !matches(current, filter, access)
      if (!isSkipped) return change(current!, terms)
      throw new ThermoclineError('ERR_CONFLICT', 'it does not match any more', { outcome: 'none' })
    }
    try {
      await changes.change({ namespace, id }, make, terms)
      return true
    } catch (error) {
      if (isSkipped) return false
      throw error
    }
  }
}
