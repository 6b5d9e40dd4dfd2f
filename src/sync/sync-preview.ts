/**
 * Tells what a sync would do now, and does none of it: which entries would leave hot, by which policy, which of those
 * that are idle stay, and which have expired. The sync itself is in full-sync.ts.
 */
import type { ColdTier } from '../cold/cold-tier.ts'
import type { EntryKind } from '../entry/memory-entry.ts'
import type { AccessCounter } from '../flow/access-counter.ts'
import { isGone, type Judged, type Tiering } from '../flow/tiering.ts'
import type { HotTier } from '../hot/hot-tier.ts'
import type { Clock } from '../kernel/clock.ts'
import { type Patience, withDeadline } from '../kernel/deadline.ts'
import { pinnedAmong } from './demoter.ts'

/** An entry that a sync would look at. */
export interface PreviewedEntry {
  readonly namespace: string
  readonly id: string
  /** Undefined of what is deleted, and where hot lost the entry meanwhile. */
  readonly kind: EntryKind | undefined
  /** Of the encoded entry. */
  readonly bytes: number | undefined
  /**
   * Why it would leave hot: `policy` says so, or it is `deleted` or has `expired`. Why it would stay: `policy` says so,
   * or it is `pinned`.
   */
  readonly reason: 'policy' | 'deleted' | 'expired' | 'pinned'
  /** Name of the policy, where that is the reason. */
  readonly policy: string | undefined
  /** Milliseconds since it was read or written. */
  readonly idleMs: number
  readonly accessCount: number
}

export interface SyncPreview {
  /** Those that would leave hot, the longest idle first. */
  readonly demote: readonly PreviewedEntry[]
  /** Those that were looked at, and would stay. */
  readonly stay: readonly PreviewedEntry[]
  /** Those that would become tombstones, the first to expire first. */
  readonly expire: readonly { readonly namespace: string; readonly id: string }[]
  /** Whether there may be more than `limit` allowed to look at. */
  readonly more: { readonly hot: boolean; readonly expired: boolean }
}

export interface PreviewerParts {
  readonly hot: HotTier
  readonly cold: Pick<ColdTier, 'arePinned' | 'expired'>
  readonly access: Pick<AccessCounter, 'flush'>
  readonly tiering: Tiering
  readonly clock: Clock
}

export class Previewer {
  readonly #parts: PreviewerParts

  constructor(parts: PreviewerParts) {
    this.#parts = parts
  }

  /** @param limit how many are looked at in hot, and how many that have expired. */
  preview(limit: number, options: Patience): Promise<SyncPreview> {
    return withDeadline(this.#preview(limit), options)
  }

  async #preview(limit: number): Promise<SyncPreview> {
    const { hot, cold, access, tiering, clock } = this.#parts
    // As a sync does: what was read a moment ago must not look idle.
    await access.flush()
    const candidates = await hot.candidates({ limit, idleSince: await tiering.idleSince() })
    const now = clock.now()
    const pinned = await pinnedAmong(candidates, cold, now)
    const judged = await tiering.judge(candidates.filter((candidate) => !pinned.has(candidate)))
    const expire = await cold.expired(limit)
    const told = (one: Judged): PreviewedEntry => previewOf(one, now)
    const spared = [...pinned].map((candidate) => ({
      ...previewOf({ candidate, leaves: false, policy: '', state: undefined }, now),
      reason: 'pinned' as const,
      policy: undefined,
    }))
    return {
      demote: judged.filter(({ leaves }) => leaves).map(told),
      stay: [...spared, ...judged.filter(({ leaves }) => !leaves).map(told)],
      expire: expire.map(({ namespace, id }) => ({ namespace, id })),
      more: { hot: candidates.length === limit, expired: expire.length === limit },
    }
  }
}

function previewOf({ candidate, policy, state }: Judged, now: number): PreviewedEntry {
  const { key, deleted, lastAccessedAt, accessCount } = candidate
  const reason = deleted ? 'deleted' : isGone(candidate, now) ? 'expired' : 'policy'
  return {
    ...{ namespace: key.namespace, id: key.id, kind: state?.kind, bytes: state?.bytes },
    ...{ reason, policy: reason === 'policy' ? policy : undefined },
    ...{ idleMs: Math.max(0, now - lastAccessedAt), accessCount },
  }
}
