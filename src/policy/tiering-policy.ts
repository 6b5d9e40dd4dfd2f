/**
 * Defines what a tiering policy is: a pure function that decides which entries stay in hot. It chooses only among those
 * that may leave; that cold has an entry first, and what is pinned, is decided by sync/demoter.ts. Which policy an
 * entry goes by is decided in policy-table.ts, and who asks it in flow/tiering.ts.
 */
import type { Duration } from '../entry/duration.ts'
import type { EntryKind } from '../entry/memory-entry.ts'

/** What a policy is told of an entry. Nothing of its content. */
export interface EntryState {
  /** `hot`: it may leave hot. `cold`: it was read from cold just now, and may enter hot. */
  readonly tier: 'hot' | 'cold'
  /** Its path; `namespaceSegments` tells the segments. */
  readonly namespace: string
  readonly kind: EntryKind
  /** Bytes of the encoded entry. */
  readonly bytes: number
  /** Milliseconds since it was read or written; in cold, since a read before this one. */
  readonly idleMs: number
  /** Milliseconds since it was written. */
  readonly ageMs: number
  /** Reads, about a second behind; in cold, this one included. */
  readonly accessCount: number
  /**
   * Reads lately: each counts 1, and half as much after each `sync.activationHalfLife`. Entering hot counts as a read;
   * so does being written there, unless it was read since it entered.
   */
  readonly activation: number
  /** `sync.activationHalfLife`, in milliseconds. */
  readonly halfLifeMs: number
  /** How full hot is, by its capacity or by its memory, whichever is fuller: 1 is full, 0 where it has no bound. */
  readonly hotFill: number
  /** How often it was read of late, by this process, guessed (frequency-sketch.ts); 0 unless a policy asks for it. */
  readonly frequency: number
  /** The same of the entry that would leave hot next; 0 where there is none, and of an entry in hot. */
  readonly rivalFrequency: number
}

/** Of an entry in cold, whatever is not `promote` leaves it there; of one in hot, whatever is not `demote`. */
export type TieringDecision = 'stay' | 'demote' | 'promote'

/**
 * Decides which entries stay in hot. Methods MUST be pure and quick: they are called for thousands of entries. One that
 * throws is told to the logger once; its `decide` counts as `stay` then, and its `rank` as `idleMs`.
 */
export interface TieringPolicy {
  /** Told by `store.previewSync()`. */
  readonly name: string
  /**
   * Time without an access before an entry is asked about at all, and after which one that stays is asked about again;
   * less while memory is short.
   * @default '1m'
   */
  readonly leastIdle?: Duration | undefined
  decide(entry: EntryState): TieringDecision
  /**
   * As how long idle an entry counts, in milliseconds: where hot is over its capacity, the greatest leaves first. Those
   * of several policies are compared. @default `idleMs`
   */
  rank?(entry: EntryState): number
  /** Whether `decide` looks at `frequency` and `rivalFrequency`, which cost a little with each read. @default false */
  readonly asksFrequency?: boolean | undefined
}
