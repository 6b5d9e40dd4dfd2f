/**
 * Takes entries out of hot: those that their policies let go (flow/tiering.ts), by default what was not accessed for
 * `hotToColdAge`, and earlier ones where hot is over capacity. An entry leaves only after cold has its version, and
 * only if hot still holds that version; so do deleted and expired entries. A pinned entry stays while it lives, unless
 * hot is over capacity with nothing else. The cost is that of the batch, not of the tier.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ColdTier } from '../cold/cold-tier.ts'
import { type EntryKey, keyText } from '../entry/entry-key.ts'
import type { Version } from '../entry/version.ts'
import { carryOverReads } from '../flow/access-counter.ts'
import type { Pressure } from '../flow/pressure.ts'
import { isGone, type Judged, type Tiering } from '../flow/tiering.ts'
import { recordIn } from '../hot/hot-content.ts'
import type { HotCandidate, HotTier } from '../hot/hot-tier.ts'
import type { Clock } from '../kernel/clock.ts'
import { inParallel } from '../kernel/in-parallel.ts'
import type { Logger } from '../kernel/logger.ts'
import { slices } from '../kernel/slices.ts'
import { entriesOf, eventEntry } from '../telemetry/store-events.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'
import type { MigrationPace } from './migration-pace.ts'

export interface DemoterParts {
  readonly hot: HotTier
  readonly cold: ColdTier
  readonly logger: Logger
  readonly pressure: Pressure
  readonly telemetry: Telemetry
  readonly clock: Clock
  readonly tiering: Tiering
  readonly pace: MigrationPace
  /** Entries per batch. */
  readonly batchSize: number
}

export interface DemoteStats {
  /** Entries that left hot. */
  demoted: number
  /** Entries that changed meanwhile and stay. */
  skipped: number
  /** Entries that cold would not take; they stay in hot. */
  errors: number
  /** Payload bytes that demotion itself had to write to cold. */
  bytes: number
}

/**
 * Why entries leave: since their policies let them (`idle`), because hot is over its capacity (`overflow`), or since
 * all do. What is pinned stays where they are idle, leaves last where there is too much, and leaves where all does.
 */
type Leaving = 'idle' | 'overflow' | 'all'

/** Entries that may leave next, and leave together. */
interface Batch {
  readonly keys: readonly EntryKey[]
  /** In order; undefined where hot lacks the key by now. */
  readonly read: () => Promise<readonly (HotCandidate | undefined)[]>
}

/** What may leave next: one batch, or several. */
interface Candidates {
  readonly batches: readonly Batch[]
  /** Whether these are what policies want least, of which none is pinned, rather than the least recently accessed. */
  readonly isRanked: boolean
}

/** What became of them. */
interface Outcome {
  readonly left: ReadonlySet<HotCandidate>
  readonly pinned: ReadonlySet<HotCandidate>
  /** Those that their policies keep; they are asked about later. */
  readonly kept: readonly HotCandidate[]
}

/** What a run does with batches. */
interface Terms {
  readonly why: Leaving
  readonly idleSince: number
  readonly sparesPins: boolean
  readonly signal: AbortSignal
}

const NONE: ReadonlySet<HotCandidate> = new Set()

/** By candidate; undefined where cold has none. */
type Versions = ReadonlyMap<HotCandidate, Version | undefined>

/** What came of all batches so far. */
interface Run {
  readonly total: DemoteStats
  /** Keys of what cold would not take. */
  readonly refused: Set<string>
  /** Those of them that went to the back of the queue; anew, once pins are no longer spared. */
  readonly movedBack: Set<string>
}

/** A version that cold would not take, and until when it is not asked about it again. */
interface Refused {
  readonly version: Version
  readonly until: number
}

/**
 * Where nothing holds the pace down, hot is asked for the entries of several batches at a time, and while one waits for
 * cold another leaves hot. Keys alone are asked for in greater numbers.
 */
const UNPACED = { batches: 4, entries: 4_000, keys: 5_000, atOnce: 3 }
/** What cold refuses costs it several statements each time, and it seldom takes it later. */
const REFUSED_FOR_MS = 600_000
/** Refused versions that are remembered; of more, the oldest are asked about again. */
const MOST_REFUSED = 10_000

export class Demoter {
  readonly #parts: DemoterParts
  /** By key. */
  readonly #refused = new Map<string, Refused>()

  constructor(parts: DemoterParts) {
    this.#parts = parts
  }

  /**
   * Demotes what policies let go, batch by batch and at its pace, until none is left or `signal` fires, but no more
   * than hot held at first: entries may expire there as fast as that pace.
   */
  async demoteIdle(signal: AbortSignal): Promise<DemoteStats> {
    const { hot, pace, tiering } = this.#parts
    const { entries } = await hot.size()
    const idleSince = await tiering.idleSince()
    pace.begin()
    const more = async ({ demoted }: DemoteStats): Promise<number> => {
      if (demoted >= entries) return 0
      await pace.turn(signal)
      return signal.aborted ? 0 : entries - demoted
    }
    return this.#demoteWhile(more, idleSince, signal, 'idle')
  }

  /**
   * Demotes what policies want least, by default the least recently accessed, until hot is within its capacity, but no
   * more than hot held at first: writers may fill it as fast as it is emptied. Where all that is left is pinned, that
   * leaves too: entries grow after they were pinned, and a store may be opened with a smaller hot, and writes would
   * wait for room that never comes.
   */
  async demoteOverflow(signal: AbortSignal): Promise<DemoteStats> {
    const { entries } = await this.#parts.hot.size()
    const more = async ({ demoted }: DemoteStats): Promise<number> =>
      demoted < entries && (await this.#parts.pressure.hotFill()) > 1 ? entries - demoted : 0
    return this.#demoteWhile(more, Number.POSITIVE_INFINITY, signal, 'overflow')
  }

  /**
   * Demotes everything, so that cold has whatever hot had; what is pinned comes back by a later sync. Twice what hot
   * held at first is enough, though writers fill it meanwhile: what is read goes to the back of the queue. Not complete
   * where it was ended, or came upon what would not leave.
   */
  async demoteAll(signal: AbortSignal): Promise<DemoteStats & { readonly isComplete: boolean }> {
    const { hot } = this.#parts
    const enough = 2 * (await hot.size()).entries
    const more = async ({ demoted }: DemoteStats): Promise<number> => Math.max(0, enough - demoted)
    const total = await this.#demoteWhile(more, Number.POSITIVE_INFINITY, signal, 'all')
    const left = await hot.candidates({ limit: 1, idleSince: Number.POSITIVE_INFINITY })
    return { ...total, isComplete: total.demoted >= enough || left.length === 0 }
  }

  /** Demotes these; returns those that left. The others were written meanwhile, or cold would not take them. */
  async demote(candidates: readonly HotCandidate[]): Promise<ReadonlySet<HotCandidate>> {
    // Who asks for these is told what cold says now.
    for (const { key } of candidates) this.#refused.delete(keyText(key))
    return this.#demoteBatch(candidates, newRun(), false)
  }

  /** @param more how many are to leave yet: none, or about as many. */
  async #demoteWhile(
    more: (total: DemoteStats) => Promise<number>,
    idleSince: number,
    signal: AbortSignal,
    why: Leaving,
  ): Promise<DemoteStats> {
    const { hot, logger } = this.#parts
    let sparesPins = why !== 'all'
    let byRank = why === 'overflow'
    const run = newRun()
    // A database that was set back may take what it refused.
    if (why === 'all') this.#refused.clear()
    const began = hot.now()
    let keptBefore: readonly HotCandidate[] = []
    let hasPinned = false
    while (!signal.aborted) {
      const wanted = await more(run.total)
      if (wanted === 0) break
      const next = await this.#nextCandidates(why, idleSince, wanted, sparesPins && byRank)
      if (next === undefined) break
      const movedBackBefore = run.movedBack.size
      const { left, pinned, kept } = await this.#demoteNext(next, { why, idleSince, sparesPins, signal }, run)
      if (why === 'idle') this.#parts.pace.moved(left.size)
      const hasSpared = [...pinned].some(({ lastAccessedAt }) => lastAccessedAt < began) || isNews(kept, keptBefore)
      keptBefore = kept
      // What policies want least may be just what is changing or refused: then others leave first.
      byRank = why === 'overflow' && !(next.isRanked && left.size === 0)
      if (next.isRanked && left.size === 0) continue
      hasPinned ||= pinned.size > 0
      // Those are at the back of the queue now, and others in front.
      const hasMovedBack = hasSpared || run.movedBack.size > movedBackBefore
      if (left.size === 0 && !hasMovedBack) {
        // None was in the way that is not pinned: what remains is changing or refused. Another sync tries again.
        if (!hasPinned || !sparesPins || why !== 'overflow') break
        sparesPins = false
        // By now they may stand before what is pinned again.
        run.movedBack.clear()
        logger.warn({}, 'hot is over capacity with pinned entries alone: some leave it; unpin, or raise its capacity')
        continue
      }
      await nextTurn()
    }
    return run.total
  }

  /**
   * Undefined where hot has no candidates.
   * @param byRank and not by last access, as far as policies have an order of their own.
   */
  async #nextCandidates(
    why: Leaving,
    idleSince: number,
    wanted: number,
    byRank: boolean,
  ): Promise<Candidates | undefined> {
    const { hot, tiering, pace } = this.#parts
    const batchSize = why === 'idle' ? pace.batchOf(this.#parts.batchSize) : this.#parts.batchSize
    if (byRank) {
      const ranked = await tiering.leastWanted(batchSize, (drawn) => this.#spareFromRanking(drawn))
      if (ranked !== undefined) return { batches: [known(ranked)], isRanked: true }
    }
    const isUnpaced = why === 'all' || (why === 'idle' && !pace.isLimited)
    const batches = isUnpaced
      ? await this.#unpacedBatches(wanted, idleSince)
      : [known(await hot.candidates({ limit: batchSize, idleSince }))]
    return batches.every(({ keys }) => keys.length === 0) ? undefined : { batches, isRanked: false }
  }

  /** @param wanted how many are to leave yet. */
  async #unpacedBatches(wanted: number, idleSince: number): Promise<Batch[]> {
    const { hot, batchSize } = this.#parts
    if (hot.candidateKeys === undefined || hot.examine === undefined) {
      const several = Math.min(batchSize * UNPACED.batches, UNPACED.entries, wanted)
      const candidates = await hot.candidates({ limit: Math.max(batchSize, several), idleSince })
      return [...slices(candidates, batchSize)].map(known)
    }
    const examine = hot.examine.bind(hot)
    const limit = Math.max(batchSize, Math.min(UNPACED.keys, wanted))
    const keys = await hot.candidateKeys({ limit, idleSince })
    // It may have been read since its key was asked for.
    const isIdle = (candidate: HotCandidate): boolean =>
      candidate.lastAccessedAt <= idleSince || isGone(candidate, hot.now())
    return [...slices(keys, batchSize)].map((some) => ({
      keys: some,
      read: async () =>
        (await examine(some)).map((candidate) => (candidate && isIdle(candidate) ? candidate : undefined)),
    }))
  }

  async #demoteNext({ batches, isRanked }: Candidates, terms: Terms, run: Run): Promise<Outcome> {
    if (isRanked) {
      const ranked = (await Promise.all(batches.map(({ read }) => read()))).flat()
      const candidates = ranked.filter((candidate) => candidate !== undefined)
      return { left: await this.#demoteBatch(candidates, run, true), pinned: NONE, kept: [] }
    }
    const outcomes: Outcome[] = []
    await inParallel(batches, UNPACED.atOnce, async (batch) => {
      if (!terms.signal.aborted) outcomes.push(await this.#demoteOldest(batch, terms, run))
    })
    return {
      left: new Set(outcomes.flatMap(({ left }) => [...left])),
      pinned: new Set(outcomes.flatMap(({ pinned }) => [...pinned])),
      kept: outcomes.flatMap(({ kept }) => kept),
    }
  }

  async #demoteOldest({ keys, read }: Batch, terms: Terms, run: Run): Promise<Outcome> {
    const { why, idleSince, sparesPins } = terms
    const { cold, clock, tiering } = this.#parts
    // All are asked at once: it takes as long as one. What cold has of a key only rises.
    const [found, arePinned, versions] = await Promise.all([
      read(),
      sparesPins ? cold.arePinned(keys) : [],
      cold.versions(keys),
    ])
    const now = clock.now()
    const pinned = new Set<HotCandidate>()
    const free: HotCandidate[] = []
    const inCold = new Map<HotCandidate, Version | undefined>()
    for (const [i, candidate] of found.entries()) {
      if (candidate === undefined) continue
      if (arePinned[i] === true && !isGone(candidate, now)) pinned.add(candidate)
      else free.push(candidate)
      inCold.set(candidate, versions[i])
    }
    if (pinned.size > 0) await this.#moveBack([...pinned])
    if (why !== 'idle')
      return { left: await this.#demoteBatch(free, run, why === 'overflow', inCold), pinned, kept: [] }
    const judged = await tiering.judge(free)
    const kept = judged.filter(({ leaves }) => !leaves)
    await tiering.askLater(kept, idleSince)
    const candidatesOf = (some: readonly Judged[]) => some.map(({ candidate }) => candidate)
    const leaving = candidatesOf(judged.filter(({ leaves }) => leaves))
    return { left: await this.#demoteBatch(leaving, run, false, inCold), pinned, kept: candidatesOf(kept) }
  }

  /** A policy that does not go by the last access would have what cold refuses again and again. */
  async #spareFromRanking(drawn: readonly HotCandidate[]): Promise<ReadonlySet<HotCandidate>> {
    const refused = new Set(drawn.filter((candidate) => this.#isRefused(candidate)))
    const pinned = await this.#sparePinned(drawn.filter((candidate) => !refused.has(candidate)))
    return new Set([...pinned, ...refused])
  }

  /** To the back of the queue, so that they do not stand in the way of others. */
  async #sparePinned(candidates: readonly HotCandidate[]): Promise<ReadonlySet<HotCandidate>> {
    const { cold, clock } = this.#parts
    const pinned = await pinnedAmong(candidates, cold, clock.now())
    if (pinned.size > 0) await this.#moveBack([...pinned])
    return pinned
  }

  /** Returns those that left. */
  async #demoteBatch(
    candidates: readonly HotCandidate[],
    run: Run,
    early: boolean,
    inCold?: Versions,
  ): Promise<ReadonlySet<HotCandidate>> {
    const { hot, cold, pressure, telemetry } = this.#parts
    if (candidates.length === 0) return new Set()
    const before = inCold ?? (await this.#versionsInCold(candidates))
    const leaving = await this.#ensureCold(candidates, before, run)
    const removed = await hot.remove(leaving)
    await carryOverReads(cold, leaving, removed)
    const left = new Set(leaving.filter((_, i) => removed[i] !== undefined))
    telemetry.counts[early ? 'early' : 'demoted'] += left.size
    telemetry.events.emit('demote', () => {
      const told = entriesOf([...left], ({ key, version }) => eventEntry({ ...key, version }))
      return told && { ...told, early }
    })
    run.total.demoted += left.size
    run.total.skipped += leaving.length - left.size
    // Not after a batch that made no room: early demotion would be asked for again and again in vain.
    if (left.size > 0) pressure.hotChanged()
    return left
  }

  async #versionsInCold(candidates: readonly HotCandidate[]): Promise<Versions> {
    const versions = await this.#parts.cold.versions(candidates.map(({ key }) => key))
    return new Map(candidates.map((candidate, i) => [candidate, versions[i]]))
  }

  /** Writes to cold what it lacks; returns those candidates that cold has now. */
  async #ensureCold(candidates: readonly HotCandidate[], before: Versions, run: Run): Promise<HotCandidate[]> {
    const lacking = candidates.filter((candidate) => isBehind(before.get(candidate), candidate))
    if (lacking.length === 0) return [...candidates]
    const refused = new Set(lacking.filter((candidate) => this.#isRefused(candidate)))
    const asked = lacking.filter((candidate) => !refused.has(candidate))
    for (const candidate of await this.#write(asked, run.total)) refused.add(candidate)
    if (refused.size === 0) return [...candidates]
    for (const { key } of refused) {
      run.refused.add(keyText(key))
      run.movedBack.add(keyText(key))
    }
    run.total.errors = run.refused.size
    // So that they do not stand in the way of all others.
    await this.#moveBack([...refused])
    return candidates.filter((candidate) => !refused.has(candidate))
  }

  /** Returns those that cold would not take. */
  async #write(candidates: readonly HotCandidate[], total: DemoteStats): Promise<readonly HotCandidate[]> {
    const { hot, cold, clock, logger } = this.#parts
    if (candidates.length === 0) return []
    const values = (await hot.read(candidates.map(({ key }) => key))).filter((value) => value !== undefined)
    for (const { content } of values) total.bytes += content.byteLength
    await cold.upsert(values.map(recordIn))
    const after = await cold.versions(candidates.map(({ key }) => key))
    // What is gone and cold neither has nor takes was collected there: nothing is left for it to shadow.
    const isCollected = (candidate: HotCandidate, i: number): boolean =>
      isGone(candidate, clock.now()) && after[i] === undefined
    const refused = candidates.filter((candidate, i) => isBehind(after[i], candidate) && !isCollected(candidate, i))
    if (refused.length === 0) return []
    logger.error({ entries: refused.length }, 'cold would not take entries that were to leave hot: they stay there')
    for (const { key, version } of refused)
      this.#refused.set(keyText(key), { version, until: clock.now() + REFUSED_FOR_MS })
    for (const [name] of this.#refused) {
      if (this.#refused.size <= MOST_REFUSED) break
      this.#refused.delete(name)
    }
    return refused
  }

  /** Whether cold would not take it some minutes ago. */
  #isRefused({ key, version }: HotCandidate): boolean {
    const known = this.#refused.get(keyText(key))
    return known?.version === version && this.#parts.clock.now() < known.until
  }

  /** To the back of the queue. Nothing was read, so nothing is counted. */
  async #moveBack(candidates: readonly HotCandidate[]): Promise<void> {
    const { hot } = this.#parts
    const now = hot.now()
    await hot.touch(candidates.map(({ key }) => ({ key, lastAccessedAt: now, accesses: 0 })))
  }
}

function isBehind(version: Version | undefined, candidate: HotCandidate): boolean {
  return version === undefined || version < candidate.version
}

/** Those that are pinned and live. */
export async function pinnedAmong(
  candidates: readonly HotCandidate[],
  cold: Pick<ColdTier, 'arePinned'>,
  now: number,
): Promise<ReadonlySet<HotCandidate>> {
  const live = candidates.filter((candidate) => !isGone(candidate, now))
  const arePinned = await cold.arePinned(live.map(({ key }) => key))
  return new Set(live.filter((_, i) => arePinned[i]))
}

function known(candidates: readonly HotCandidate[]): Batch {
  return { keys: candidates.map(({ key }) => key), read: async () => candidates }
}

function newRun(): Run {
  return { total: { demoted: 0, skipped: 0, errors: 0, bytes: 0 }, refused: new Set(), movedBack: new Set() }
}

/** Whether any is there that was not the last time: else they were not asked about later, as they should be. */
function isNews(kept: readonly HotCandidate[], before: readonly HotCandidate[]): boolean {
  const known = new Set(before.map(({ key }) => keyText(key)))
  return kept.some(({ key }) => !known.has(keyText(key)))
}
