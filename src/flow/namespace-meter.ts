/**
 * Measures what each tier holds of a namespace. Cold's rows are read in the order of their keys, a batch at a time, and
 * hot is asked about each batch, so no statement and no script costs more than a batch, however large the namespace is.
 * Pending is read first: of each key the newest version counts, in every tier that holds it.
 */
import type { ColdMeasure, ColdTier } from '../cold/cold-tier.ts'
import { type EntryKey, keyText } from '../entry/entry-key.ts'
import { isLive } from '../entry/expiry.ts'
import { ENTRY_KINDS, type EntryKind } from '../entry/memory-entry.ts'
import type { EntryRecord } from '../entry/record.ts'
import type { Version } from '../entry/version.ts'
import { isThermoclineError } from '../errors.ts'
import type { HotTier } from '../hot/hot-tier.ts'
import type { Clock } from '../kernel/clock.ts'
import { type Patience, runningOut, throwIfOver, withDeadline } from '../kernel/deadline.ts'
import { slices } from '../kernel/slices.ts'
import type { Scope } from '../query/scope.ts'
import type { Pending, PendingRecord } from './pending.ts'

/** How many entries, and the bytes that they take there. */
export interface TierEntries {
  readonly entries: number
  readonly bytes: number
}

/** What a tier has, in all and of each kind. */
export interface TierShare extends TierEntries {
  readonly kinds: Readonly<Record<EntryKind, TierEntries>>
}

/**
 * What each tier has of a namespace: entries that can be read, and have their newest version there. The same entry may
 * be in several tiers.
 */
export interface NamespaceStats {
  /** Each once, whichever tiers have it. */
  readonly entries: number
  /** Acknowledged writes of this process that cold does not have yet; bytes as the log has them. */
  readonly pending: TierShare
  /** Bytes of encoded entries, as of `store.stats()`; undefined where hot does not answer. */
  readonly hot: TierShare | undefined
  /**
   * Bytes that the columns take in the table: large texts and metadata as the database compresses them, without the
   * overhead of rows, and without indexes.
   */
  readonly cold: TierShare
  /** How many entries have an embedding of so many numbers, by that number. */
  readonly dimensions: Readonly<Record<number, number>>
  /** The earliest `createdAt`; undefined where there is no entry. */
  readonly oldest: Date | undefined
  /** The latest `updatedAt`. */
  readonly newest: Date | undefined
}

export interface NamespaceMeterParts {
  readonly pending: Pending
  readonly hot: Pick<HotTier, 'measure'>
  readonly cold: Pick<ColdTier, 'measure'>
  readonly clock: Clock
}

/** Rows of one statement, and keys that hot is asked for at once. */
const BATCH = 1_000

export class NamespaceMeter {
  readonly #parts: NamespaceMeterParts

  constructor(parts: NamespaceMeterParts) {
    this.#parts = parts
  }

  /** A timeout is of the whole call; each statement has that of cold besides. */
  async measure(scope: Scope, options: Patience): Promise<NamespaceStats> {
    const patience = runningOut(options)
    const { pending, hot, clock } = this.#parts
    const now = clock.now()
    const own = pending.itemsInScope(scope.namespace, scope.recursive)
    const tally = new Tally(hot, now, patience)
    for await (const rows of this.#rows(scope, patience)) {
      const newest: Measured[] = []
      for (const row of rows) {
        const item = own.get(keyText(row))
        if (item !== undefined && item.value.version > row.version) continue
        own.delete(keyText(row))
        if (!isLive(row, now)) continue
        const measured = { ...row, kind: row.kind! }
        newest.push(measured)
        tally.cold.add(measured.kind, row.bytes)
        if (item?.value.version === row.version) tally.pending.add(measured.kind, item.bytes)
      }
      await tally.add(newest)
    }
    // Those that cold has not, or older.
    const items = [...own.values()].filter(({ value }) => isLive(value, now))
    for (const { value, bytes } of items) tally.pending.add(value.kind!, bytes)
    for (const some of slices(items, BATCH)) await tally.add(some.map(measuredOf))
    return tally.stats()
  }

  async *#rows(scope: Scope, patience: Patience): AsyncGenerator<ColdMeasure[], void, undefined> {
    for (let after: EntryKey | undefined; ; ) {
      throwIfOver(patience)
      const rows = await this.#parts.cold.measure({ scope, after }, BATCH, patience)
      yield rows
      if (rows.length < BATCH) return
      after = rows.at(-1)
    }
  }
}

/** The newest version of a key, which is live. */
interface Measured extends EntryKey {
  readonly version: Version
  readonly kind: EntryKind
  readonly dimension: number | undefined
  readonly createdAt: number
  readonly updatedAt: number
}

function measuredOf({ value }: PendingRecord): Measured {
  const { namespace, id, version, kind, embedding, createdAt, updatedAt }: EntryRecord = value
  return { namespace, id, version, kind: kind!, dimension: embedding?.length, createdAt, updatedAt }
}

class Share implements TierShare {
  entries = 0
  bytes = 0
  readonly kinds = Object.fromEntries(ENTRY_KINDS.map((kind) => [kind, { entries: 0, bytes: 0 }])) as Record<
    EntryKind,
    { entries: number; bytes: number }
  >

  add(kind: EntryKind, bytes: number): void {
    for (const sum of [this, this.kinds[kind]]) {
      sum.entries++
      sum.bytes += bytes
    }
  }
}

/** What was counted so far. */
class Tally {
  readonly pending = new Share()
  readonly cold = new Share()
  readonly #hot: Pick<HotTier, 'measure'>
  readonly #now: number
  readonly #patience: Patience
  /** Undefined once hot did not answer. */
  #inHot: Share | undefined = new Share()
  #entries = 0
  readonly #dimensions: Record<number, number> = {}
  #oldest = Number.POSITIVE_INFINITY
  #newest = Number.NEGATIVE_INFINITY

  constructor(hot: Pick<HotTier, 'measure'>, now: number, patience: Patience) {
    this.#hot = hot
    this.#now = now
    this.#patience = patience
  }

  /** Counts each of them once, and in hot where hot has it. */
  async add(measured: readonly Measured[]): Promise<void> {
    for (const { dimension, createdAt, updatedAt } of measured) {
      this.#entries++
      this.#oldest = Math.min(this.#oldest, createdAt)
      this.#newest = Math.max(this.#newest, updatedAt)
      if (dimension !== undefined) this.#dimensions[dimension] = (this.#dimensions[dimension] ?? 0) + 1
    }
    await this.#addHot(measured)
  }

  async #addHot(measured: readonly Measured[]): Promise<void> {
    if (this.#inHot === undefined || measured.length === 0) return
    try {
      const held = await withDeadline(this.#hot.measure(measured), this.#patience)
      for (const [i, { version, kind }] of measured.entries()) {
        const value = held[i]
        if (value === undefined || value.version < version) continue
        const { deleted, expiresAt, bytes } = value
        if (isLive({ deletedAt: deleted ? 0 : null, expiresAt }, this.#now)) this.#inHot.add(kind, bytes)
      }
    } catch (error) {
      if (!isThermoclineError(error, 'ERR_TIER_UNAVAILABLE')) throw error
      this.#inHot = undefined
    }
  }

  stats(): NamespaceStats {
    const isEmpty = this.#entries === 0
    return {
      entries: this.#entries,
      pending: { ...this.pending },
      hot: this.#inHot && { ...this.#inHot },
      cold: { ...this.cold },
      dimensions: this.#dimensions,
      oldest: isEmpty ? undefined : new Date(this.#oldest),
      newest: isEmpty ? undefined : new Date(this.#newest),
    }
  }
}
