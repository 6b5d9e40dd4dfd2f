/**
 * Asks the policies (policy/) about entries: which of those that may leave hot do, in which order where hot is over its
 * capacity, and which enter it when they were read. It moves nothing: demotion is in sync/demoter.ts, promotion in
 * promoter.ts. While memory is short every entry counts as idle for longer (policy/memory-slack.ts).
 */
import { type EntryKey, keyText } from '../entry/entry-key.ts'
import type { EntryKind } from '../entry/memory-entry.ts'
import type { AccessStats, EntryRecord } from '../entry/record.ts'
import { parseVersion } from '../entry/version.ts'
import type { HotCandidate, HotTier } from '../hot/hot-tier.ts'
import type { Clock } from '../kernel/clock.ts'
import { FrequencySketch } from '../policy/frequency-sketch.ts'
import { slackAt } from '../policy/memory-slack.ts'
import type { KnownPolicy, PolicyTable } from '../policy/policy-table.ts'
import type { EntryState } from '../policy/tiering-policy.ts'
import type { Pressure } from './pressure.ts'

export interface TieringParts {
  readonly hot: HotTier
  readonly pressure: Pick<Pressure, 'latestFill'>
  readonly policies: PolicyTable
  /** Milliseconds in which what a read counts halves. */
  readonly halfLifeMs: number
  readonly clock: Clock
}

/** What a policy says of an entry in hot. `state` is undefined where nothing of it had to be known. */
export interface Judged {
  readonly candidate: HotCandidate
  readonly leaves: boolean
  readonly policy: string
  readonly state: EntryState | undefined
}

/** An entry that was read from cold. */
interface ReadEntry {
  readonly record: EntryRecord
  readonly bytes: number
  /** Before this read. */
  readonly access: AccessStats | undefined
  /** With this read. */
  readonly accessCount: number
}

/** How many times as many are drawn as are to leave, of which those leave that rank highest. */
const DRAWN_FOR_EACH = 8
/** Of a hot tier without a capacity, as Redis is. */
const ENTRIES = 100_000

export class Tiering {
  readonly #parts: TieringParts
  readonly #sketch: FrequencySketch | undefined
  #memoryUse = 0

  constructor(parts: TieringParts) {
    this.#parts = parts
    if (parts.policies.asksFrequency) this.#sketch = new FrequencySketch(parts.hot.capacity.maxEntries ?? ENTRIES)
  }

  /** Whether one policy goes by idle time alone, so that all that is idle for that long leaves. */
  get isIdleTimeAlone(): boolean {
    return this.#parts.policies.isIdleTimeAlone
  }

  /** Counts a read. */
  counted(key: EntryKey): void {
    this.#sketch?.count(keyText(key))
  }

  /** What was not accessed after this time may be asked about; looks first how short memory is. */
  async idleSince(): Promise<number> {
    const { hot, clock, policies } = this.#parts
    this.#memoryUse = (await hot.memoryUse?.()) ?? 0
    return clock.now() - policies.leastIdleMs * slackAt(this.#memoryUse)
  }

  /** In order, those of them that hot still holds. Deleted and expired entries leave, whatever a policy says. */
  async judge(candidates: readonly HotCandidate[]): Promise<Judged[]> {
    const { clock, hot } = this.#parts
    // What hot takes for expired by a clock that is ahead would be its candidate again and again.
    const now = Math.max(clock.now(), hot.now())
    if (this.isIdleTimeAlone) {
      const { name } = this.#parts.policies.fallback
      return candidates.map((candidate) => ({ candidate, leaves: true, policy: name, state: undefined }))
    }
    const states = await this.#statesOf(candidates)
    return candidates.flatMap((candidate, i): Judged[] => {
      const known = states[i]
      if (isGone(candidate, now)) return [{ candidate, leaves: true, policy: 'gone', state: known?.state }]
      if (known === undefined) return []
      const { policy, state } = known
      const isDue = state.idleMs >= policy.leastIdleMs
      return [{ candidate, leaves: isDue && policy.decide(state) === 'demote', policy: policy.name, state }]
    })
  }

  /** Has those that stay asked about later, so that they do not stand in the way of others. */
  async askLater(judged: readonly Judged[], idleSince: number): Promise<void> {
    const { hot, clock, policies } = this.#parts
    if (judged.length === 0) return
    const now = clock.now()
    const soonest = Math.floor(idleSince) + 1
    await hot.postpone(
      judged.map(({ candidate: { key, lastAccessedAt }, state }) => {
        const own = state === undefined ? 0 : policies.of(state.namespace, state.kind).leastIdleMs
        const isDue = now - lastAccessedAt >= own
        const asIfAccessedAt = isDue ? now : lastAccessedAt + own - policies.leastIdleMs
        return { key, asIfAccessedAt: Math.max(soonest, Math.floor(asIfAccessedAt)) }
      }),
    )
  }

  /**
   * Some of hot, those first that policies would rather have leave; undefined where that is by last access, as
   * `candidates` of hot answers: with policies that has those later that were asked about already ({@link askLater}).
   * @param spared those that must not be among them.
   */
  async leastWanted(
    limit: number,
    spared: (drawn: readonly HotCandidate[]) => Promise<ReadonlySet<HotCandidate>>,
  ): Promise<HotCandidate[] | undefined> {
    const { hot, policies } = this.#parts
    if (policies.isIdleTimeAlone) return undefined
    const drawn = await hot.sample?.(limit * DRAWN_FOR_EACH)
    if (drawn === undefined) return undefined
    const left = await spared(drawn)
    const free = drawn.filter((candidate) => !left.has(candidate))
    const states = await this.#statesOf(free)
    const ranked = free.map((candidate, i) => {
      const known = states[i]
      return { candidate, rank: known === undefined ? Number.POSITIVE_INFINITY : known.policy.rank(known.state) }
    })
    // A rank that is no number would leave the order to chance.
    ranked.sort((a, b) => (b.rank || 0) - (a.rank || 0))
    return ranked.length === 0 ? undefined : ranked.slice(0, limit).map(({ candidate }) => candidate)
  }

  /** Whether an entry that was read from cold enters hot; known at once unless that depends on what would leave. */
  isWanted({ record, bytes, access, accessCount }: ReadEntry): boolean | Promise<boolean> {
    const { policies, clock, halfLifeMs } = this.#parts
    const { kind } = record
    if (kind === null) return false
    const policy = policies.of(record.namespace, kind)
    const now = clock.now()
    const idleMs = Math.max(0, now - (access?.lastAccessedAt ?? parseVersion(record.version).millis))
    const state: EntryState = {
      ...{ tier: 'cold', namespace: record.namespace, kind, bytes, idleMs, accessCount, halfLifeMs },
      ageMs: ageOf(record.version, now),
      // Cold keeps the last read alone.
      activation: 1 + (accessCount > 1 ? 2 ** (-idleMs / halfLifeMs) : 0),
      hotFill: this.#hotFill,
      frequency: 0,
      rivalFrequency: 0,
    }
    if (!policy.asksFrequency) return policy.decide(state) === 'promote'
    return this.#isWantedMore(record, policy, state)
  }

  async #isWantedMore(key: EntryKey, policy: KnownPolicy, state: EntryState): Promise<boolean> {
    // Nothing has to leave a hot tier without a bound, as a Redis may be, which would be asked in vain at each read.
    const hasRival = state.hotFill > 0
    const [rival] = hasRival ? await this.#parts.hot.candidates({ limit: 1, idleSince: Number.POSITIVE_INFINITY }) : []
    const rivalFrequency = rival === undefined ? 0 : this.#frequency(rival.key)
    return policy.decide({ ...state, frequency: this.#frequency(key), rivalFrequency }) === 'promote'
  }

  get #hotFill(): number {
    return Math.max(this.#parts.pressure.latestFill, this.#memoryUse)
  }

  #frequency(key: EntryKey): number {
    return this.#sketch?.guess(keyText(key)) ?? 0
  }

  /** In order; undefined where hot does not hold it any more, or as a tombstone. */
  async #statesOf(
    candidates: readonly HotCandidate[],
  ): Promise<({ readonly policy: KnownPolicy; readonly state: EntryState } | undefined)[]> {
    const { hot, clock, policies, halfLifeMs } = this.#parts
    const keys = candidates.map(({ key }) => key)
    const now = clock.now()
    const [values, activations] = await Promise.all([hot.read(keys), hot.activations(keys, now)])
    const slack = slackAt(this.#memoryUse)
    return candidates.map(({ key, version, lastAccessedAt, accessCount }, i) => {
      const content = values[i]?.content
      const kind: EntryKind | null | undefined = content?.kind
      if (content === undefined || kind === null || kind === undefined) return undefined
      const policy = policies.of(key.namespace, kind)
      const idleMs = Math.max(0, now - lastAccessedAt)
      const state: EntryState = {
        ...{ tier: 'hot', namespace: key.namespace, kind, bytes: content.byteLength, accessCount, halfLifeMs },
        ...{ idleMs: idleMs / slack, ageMs: ageOf(version, now), hotFill: this.#hotFill },
        activation: slack * (activations[i] ?? 2 ** (-idleMs / halfLifeMs)),
        frequency: policy.asksFrequency ? this.#frequency(key) : 0,
        rivalFrequency: 0,
      }
      return { policy, state }
    })
  }
}

function ageOf(version: string, now: number): number {
  return Math.max(0, now - parseVersion(version).millis)
}

export function isGone({ deleted, expiresAt }: HotCandidate, now: number): boolean {
  return deleted || (expiresAt !== null && expiresAt <= now)
}
