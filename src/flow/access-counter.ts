/**
 * Counts the reads that reader.ts (`get`, `touch`) and searcher.ts (hits) report, without making them wait. Counts are
 * collected here and written about once a second, in batches: to hot where it holds the entry, else to cold. A crash
 * loses what was not written yet, which is acceptable. When a read extends a sliding ttl is decided in
 * entry/sliding.ts.
 */
import type { ColdTier } from '../cold/cold-tier.ts'
import { type EntryKey, keyText } from '../entry/entry-key.ts'
import type { AccessStats, EntryRecord } from '../entry/record.ts'
import { isThermoclineError, withoutContent } from '../errors.ts'
import type { HotTier, HotTouch } from '../hot/hot-tier.ts'
import type { Logger } from '../kernel/logger.ts'
import type { SlidingExpiry } from './sliding-expiry.ts'
import type { Tiering } from './tiering.ts'

const FLUSH_EVERY_MS = 1_000
/** Flush early beyond this many entries, so that a scan does not pile them up. */
const FLUSH_AT = 10_000

interface Tally {
  readonly key: EntryKey
  lastAccessedAt: number
  accesses: number
  /** Whether one of them looked at nothing, so that nobody knows whether the entry slides. */
  isBlind: boolean
}

export class AccessCounter {
  readonly #hot: HotTier
  readonly #cold: ColdTier
  readonly #sliding: SlidingExpiry
  readonly #logger: Logger
  readonly #tiering: Pick<Tiering, 'counted'>
  #tallies = new Map<string, Tally>()
  #timer: NodeJS.Timeout | undefined
  #flushing: Promise<void> = Promise.resolve()

  constructor(
    hot: HotTier,
    cold: ColdTier,
    sliding: SlidingExpiry,
    logger: Logger,
    tiering: Pick<Tiering, 'counted'> = { counted: () => {} },
  ) {
    this.#hot = hot
    this.#cold = cold
    this.#sliding = sliding
    this.#logger = logger
    this.#tiering = tiering
  }

  /** Counts one read and answers the totals with it, given those the tier knew. */
  count(read: EntryRecord, known: AccessStats | undefined, now: number): AccessStats {
    this.#sliding.read(read, now)
    const { lastAccessedAt, accesses } = this.#tally(read, now)
    return { lastAccessedAt, accessCount: (known?.accessCount ?? 0) + accesses }
  }

  /** Counts one read of what nobody looked at. */
  touch(key: EntryKey, now: number): void {
    this.#tally(key, now).isBlind = true
  }

  #tally(read: EntryKey, now: number): Tally {
    this.#tiering.counted(read)
    const text = keyText(read)
    let tally = this.#tallies.get(text)
    if (tally === undefined) {
      const { namespace, id } = read
      tally = { key: { namespace, id }, lastAccessedAt: now, accesses: 0, isBlind: false }
      this.#tallies.set(text, tally)
      if (this.#tallies.size >= FLUSH_AT) this.#flushSoon()
      else this.#timer ??= setTimeout(() => this.#flushSoon(), FLUSH_EVERY_MS).unref()
    }
    tally.accesses++
    tally.lastAccessedAt = Math.max(tally.lastAccessedAt, now)
    return tally
  }

  /** Reads of the entry that no tier knows of yet. */
  unflushed(key: EntryKey): number {
    return this.#tallies.get(keyText(key))?.accesses ?? 0
  }

  /** Hands over everything counted so far. Rejects with what the tiers reject with; those counts are lost. */
  flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const flushed = this.#flushing.then(() => this.#handOver())
    this.#flushing = flushed.catch(() => {})
    return flushed
  }

  async #handOver(): Promise<void> {
    if (this.#tallies.size === 0) return
    const tallies = [...this.#tallies.values()]
    this.#tallies = new Map()
    for (const { key, lastAccessedAt, isBlind } of tallies) if (isBlind) this.#sliding.touched(key, lastAccessedAt)
    const missed = await this.#touchHot(tallies)
    if (missed.length > 0) await this.#cold.recordAccess(missed.map((touch) => ({ ...touch.key, ...countsOf(touch) })))
  }

  /** Returns what hot could not count: all of it while hot is away. */
  async #touchHot(touches: readonly HotTouch[]): Promise<readonly HotTouch[]> {
    try {
      return await this.#hot.touch(touches)
    } catch (error) {
      if (!isThermoclineError(error, 'ERR_TIER_UNAVAILABLE')) throw error
      return touches
    }
  }

  #flushSoon(): void {
    this.flush().catch((error: unknown) =>
      this.#logger.warn({ err: withoutContent(error) }, 'access counts of about a second were lost'),
    )
  }
}

function countsOf({ lastAccessedAt, accesses }: HotTouch): { lastAccessedAt: number; accesses: number } {
  return { lastAccessedAt, accesses }
}

/** Records in cold what hot had counted of keys that left it; in order, undefined where nothing left. */
export async function carryOverReads(
  cold: Pick<ColdTier, 'recordAccess'>,
  departures: readonly { readonly key: EntryKey }[],
  reads: readonly (AccessStats | undefined)[],
): Promise<void> {
  const touches = reads.flatMap((read, i) =>
    read === undefined || read.accessCount === 0
      ? []
      : [{ ...departures[i]!.key, lastAccessedAt: read.lastAccessedAt, accesses: read.accessCount }],
  )
  if (touches.length > 0) await cold.recordAccess(touches)
}

/** Keys of one statement. */
const HANDED_OVER_AT_ONCE = 1_000

/** Records in cold what a hot tier that ends has counted, until nothing is left or `signal` fires. */
export async function handOverReads(
  takeReads: (limit: number) => readonly ({ readonly key: EntryKey } & AccessStats)[],
  cold: Pick<ColdTier, 'recordAccess'>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const reads = takeReads(HANDED_OVER_AT_ONCE)
    if (reads.length === 0) return
    await carryOverReads(cold, reads, reads)
  }
}
