/**
 * Defines the contract of the hot tier: a fast, bounded cache of the newest versions, which may vanish at any time.
 * Nothing acknowledged depends on it. What keeps it from returning something older than it once held (markers, floors,
 * generations) are rules H1 to H8 and G1 to G3 of flow/README.md; the suite in testkit/contract/hot-tier-contract.ts
 * checks them on every driver.
 */

import type { EntryKey } from '../entry/entry-key.ts'
import type { AccessStats } from '../entry/record.ts'
import type { Version } from '../entry/version.ts'
import type { HotContent } from './hot-content.ts'

/**
 * Milliseconds that a marker outlives what left: longer than any call waits for its tiers, and short enough that few
 * keys carry a marker at a time.
 */
export const DEFAULT_MARKER_TTL = 60_000

/** What hot needs to know of a version. */
export interface HotState {
  readonly version: Version
  /** A tombstone: it shadows what cold may still have. */
  readonly deleted: boolean
  readonly expiresAt: number | null
}

/** A version as hot keeps it. `payload` is what `encodeRecord` made. */
export interface HotValue extends HotState {
  readonly payload: Uint8Array
}

export interface HotWrite extends HotValue {
  readonly key: EntryKey
  /**
   * Why the value comes.
   * - `put`: a new version, put or delete. Refused with the version to rise above where it would be silently older.
   * - `repush`: an acknowledged version that hot may have lost. No floor stands in its way.
   * - `promotion`: what cold held when it was read at `startedAt`.
   */
  readonly reason: 'put' | 'repush' | 'promotion'
  /** `HotTier.now()` before the write was stamped, or before cold was read. */
  readonly startedAt: number
  /**
   * `HotTier.generationId` before cold was read, of promotions and re-pushes: another generation may have begun with
   * what cold has newer, so there the write is late. @default whichever is current
   */
  readonly generationId?: string
  /** Reads known so far, where the writer knows them (promotions). */
  readonly access?: AccessStats
}

export type HotWriteResult =
  /** Hot holds this version now, or held it already. */
  | { readonly status: 'stored' }
  /**
   * Hot holds something newer, or a newer version has left it. A put must be stamped above `floor` and logged again.
   */
  | { readonly status: 'refused'; readonly floor: Version }
  /**
   * The write took longer than half of `markerTtl` since `startedAt`, so what left hot meanwhile may be forgotten, or
   * the generation is another one. Begin anew.
   */
  | { readonly status: 'late' }

export interface HotRead extends HotState, AccessStats {
  readonly content: HotContent
}

/** What hot holds of a key, without the content. */
export interface HotMeasure extends HotState {
  /** Of the payload. */
  readonly bytes: number
}

/** One that may leave hot. */
export interface HotCandidate extends AccessStats {
  readonly key: EntryKey
  readonly version: Version
  readonly deleted: boolean
  readonly expiresAt: number | null
}

export interface HotRemoval {
  readonly key: EntryKey
  readonly version: Version
}

/** Of a key whose next version cold is about to decide on (rule K2 of flow/README.md). */
export interface HotReservation {
  readonly key: EntryKey
  /** The newest version that cold has of it; the zero version where cold has none. */
  readonly newest: Version
  /** Just below the version that is to follow. */
  readonly below: Version
}

/** `reads`: those counted since the key entered hot and not yet handed over, where hot held it. */
export type HotReserved =
  | { readonly status: 'reserved'; readonly reads: AccessStats | undefined }
  /** Hot holds a version that cold does not have. Nothing was done. */
  | { readonly status: 'newer' }

export interface HotTouch {
  readonly key: EntryKey
  readonly lastAccessedAt: number
  /** Reads to add. */
  readonly accesses: number
}

/** Has a key wait for its turn among the candidates. */
export interface HotPostponement {
  readonly key: EntryKey
  /** From then on it is a candidate where it is idle since then. Its last access stays as it was. */
  readonly asIfAccessedAt: number
}

/** A version lives on, by cold. */
export interface HotExtension {
  readonly key: EntryKey
  readonly version: Version
  readonly expiresAt: number
}

export interface HotSize {
  readonly entries: number
  readonly bytes: number
}

/** What the driver holds before it asks for early demotion; undefined where age alone decides. */
export interface HotCapacity {
  readonly maxEntries: number | undefined
  readonly maxBytes: number | undefined
}

/** What a hot tier is opened with. */
export interface HotTierOpening {
  /** The tier MUST have it as {@link HotTier.markerTtl}, in milliseconds. */
  readonly markerTtl: number
  /** The tier MUST have it as {@link HotTier.generationNumber}. */
  readonly generationNumber: number | undefined
  /**
   * Milliseconds in which what a read adds to the activation of an entry halves; undefined: nobody asks for
   * activations.
   */
  readonly activationHalfLife: number | undefined
  /** Makes {@link HotRead.content} of a payload, which nobody may write to any more. */
  readonly contentOf: (payload: Uint8Array) => HotContent
}

/**
 * Every rejection is a ThermoclineError: `ERR_TIER_UNAVAILABLE` (tier hot) where the tier does not answer, and
 * `ERR_CLOSED` once it was closed. What was rejected may still be done, and may arrive late.
 */
export interface HotTier {
  readonly capacity: HotCapacity
  /** How long a marker outlives what left, in milliseconds. @default {@link DEFAULT_MARKER_TTL} */
  readonly markerTtl: number
  /**
   * Names the generation: one life of what the tier holds. Whoever finds another one than before MUST treat every
   * earlier write as lost from hot.
   */
  readonly generationId: string
  /**
   * Under which cold knows this generation; undefined where it knows none, or hot is unknown just now. What was written
   * while this number stayed the same is confirmed under it.
   */
  readonly generationNumber: number | undefined
  /** Whether the tier may drop entries by itself, so that nothing it took is known to be there still. @default false */
  readonly mayEvict?: boolean

  /** The tier's own time, in milliseconds since the epoch; for `startedAt` only. */
  now(): number

  /** What hot holds of the key, at once. A tier of several processes has no such answer. */
  held?(key: EntryKey): HotRead | undefined

  /** Returns results in order; undefined where hot lacks the key or holds only a marker. MUST NOT count an access. */
  read(keys: readonly EntryKey[]): Promise<readonly (HotRead | undefined)[]>

  /**
   * Sets each value only if it is newer than what hot holds, in order, and only where marker and floor allow it. MUST
   * be idempotent: the same write may arrive twice and late. Existing access counts of the key are kept.
   */
  write(writes: readonly HotWrite[]): Promise<HotWriteResult[]>

  /** Adds reads; returns the touches whose key hot does not hold. */
  touch(touches: readonly HotTouch[]): Promise<HotTouch[]>

  /**
   * Lets each key that hot holds in exactly this version expire at that time, where that is later than what hot has.
   * Only an expiry moves: what hot holds without one, or deleted, stays as it is. Cold MUST have it by then.
   */
  extend(extensions: readonly HotExtension[]): Promise<void>

  /**
   * Least recently accessed first, at most `limit`: those not accessed after `idleSince`, and any that have expired.
   * Costs what it answers, not what hot holds.
   */
  candidates(query: { readonly limit: number; readonly idleSince: number }): Promise<HotCandidate[]>

  /**
   * The keys alone of {@link candidates}, in that order as far as it is known without looking at them: up to `limit` by
   * their last access, and up to as many that have expired. For many at a time, of which {@link examine} tells part by
   * part, while what leaves before them leaves. @default `candidates` is asked
   */
  candidateKeys?(query: { readonly limit: number; readonly idleSince: number }): Promise<EntryKey[]>

  /** In order, what {@link candidates} says of these; undefined where hot lacks the key. Goes with `candidateKeys`. */
  examine?(keys: readonly EntryKey[]): Promise<(HotCandidate | undefined)[]>

  /**
   * Has each key that hot holds be a candidate as if it had been accessed then, where that is later than what hot goes
   * by. What it answers of a key stays as it was, and a later access counts as ever. A key that it lacks is passed
   * over.
   */
  postpone(postponements: readonly HotPostponement[]): Promise<void>

  /**
   * Draws up to `limit` different entries, each as likely as any other. @default the tier has no capacity, and nobody
   * has to choose
   */
  sample?(limit: number): Promise<HotCandidate[]>

  /**
   * In order, what is left at that time of the reads of each key since it entered hot (policy/decaying-activation.ts),
   * where entering hot counted as one; undefined where it was not read since, or nothing of it is kept.
   */
  activations(keys: readonly EntryKey[], at: number): Promise<readonly (number | undefined)[]>

  /** Which share of the memory that the tier may use is in use. @default nobody knows */
  memoryUse?(): Promise<number>

  /**
   * Drops each key only if its version is still the given one, leaving a marker of it and raising the floor. Callers
   * MUST have seen the version (or a newer one) in cold before. In order: the reads counted since the key entered hot
   * and not yet handed over, or undefined where nothing was removed.
   */
  remove(removals: readonly HotRemoval[]): Promise<(AccessStats | undefined)[]>

  /**
   * Drops each key that hot holds older than the given version, and leaves a marker of that version and raises the
   * floor whether it held the key or not: a copy on its way here must not arrive. Cold MUST have the version or a newer
   * one. Answers as {@link HotTier.remove}.
   */
  repair(repairs: readonly HotRemoval[]): Promise<(AccessStats | undefined)[]>

  /**
   * Where hot holds nothing newer than `newest`, drops what it holds, and leaves a marker of `below` and raises the
   * floor, so that every new put of the key is stamped above that. Else does nothing. In one step per key, and
   * idempotent. Answers in order.
   */
  reserve(reservations: readonly HotReservation[]): Promise<HotReserved[]>

  /**
   * Rejects where another generation answers by now, or nobody can tell. One that is exchanged behind an open
   * connection is otherwise noticed only by those who know something that it has lost.
   */
  verify(): Promise<void>

  /** Deletes what earlier generations left, which nobody reads. @default there is nothing of the kind */
  deleteFormer?(): Promise<void>

  /** Returns results in order, as {@link HotTier.read}, and no content: it costs a fraction of that. */
  measure(keys: readonly EntryKey[]): Promise<readonly (HotMeasure | undefined)[]>

  size(): Promise<HotSize>
  close(): Promise<void>
}
