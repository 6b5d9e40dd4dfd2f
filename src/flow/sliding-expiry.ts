/**
 * Extends entries with a sliding ttl after counted reads. A read is due to extend an entry when less than three
 * quarters of its ttl are left (entry/sliding.ts). reader.ts and the searchers report each counted read, and no read
 * waits for what follows. Entries that are due go to cold in a batch: at once, or after the batch that is on its way.
 * Reads by touch() go with the next flush of counts (access-counter.ts), about a second later. Once cold has extended a
 * version, pending and hot get the new expiry (rules S1 to S3 of flow/README.md).
 *
 *     read ── due ─► cold extends the version, if it lives ─► pending and hot get the same expiry
 *
 */
import type { ColdTier, Slid, SlidingRead } from '../cold/cold-tier.ts'
import { type EntryKey, keyText } from '../entry/entry-key.ts'
import type { EntryRecord } from '../entry/record.ts'
import { isDueToSlide, mayHaveSlid } from '../entry/sliding.ts'
import { isThermoclineError, withoutContent } from '../errors.ts'
import { recordIn } from '../hot/hot-content.ts'
import type { HotTier } from '../hot/hot-tier.ts'
import type { Logger } from '../kernel/logger.ts'
import type { Pending } from './pending.ts'

export interface SlidingExpiryParts {
  readonly cold: Pick<ColdTier, 'slide' | 'upsert'>
  readonly hot: HotTier
  readonly pending: Pending
  readonly logger: Logger
}

/** Of one statement. */
const AT_ONCE = 500
/** Most entries that wait for cold; reads beyond these extend nothing. */
const MOST_WAITING = 10_000
/** While cold is away. */
const RETRY_MS = 1_000

/** What is known of an entry that was read. */
type Known = Pick<EntryRecord, 'namespace' | 'id' | 'version' | 'expiresAt' | 'slidingTtl'>

export class SlidingExpiry {
  readonly #parts: SlidingExpiryParts
  #waiting = new Map<string, SlidingRead>()
  #running: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(parts: SlidingExpiryParts) {
    this.#parts = parts
  }

  /** A read that counts found this. */
  read(entry: Known, now: number): void {
    if (isDueToSlide(entry, now)) this.#add({ ...keyOf(entry), version: entry.version, readAt: now })
  }

  /** Reads were counted of which only the key is known. What pending or hot has mostly tells that nothing is due. */
  touched(key: EntryKey, now: number): void {
    const known = this.#parts.pending.get(key) ?? this.#heldAtHand(key)
    if (known !== undefined && !mayHaveSlid(known, now)) this.read(known, now)
    else this.#add({ ...keyOf(key), version: undefined, readAt: now })
  }

  /** Cold was found to have extended a version that hot may know less of. */
  found(slid: Slid): void {
    this.#parts.hot.extend([slid]).catch((error: unknown) => this.#tell(error))
  }

  /** Tries what waits once more; resolves when nothing is under way. What cold could not be told of waits on. */
  async settled(): Promise<void> {
    this.#begin()
    await this.#running
  }

  /** Gives up what waits. */
  stop(): void {
    clearTimeout(this.#timer)
    this.#waiting.clear()
  }

  #heldAtHand(key: EntryKey): EntryRecord | undefined {
    const held = this.#parts.hot.held?.(key)
    return held && recordIn(held)
  }

  #add(read: SlidingRead): void {
    const name = keyText(read)
    if (this.#waiting.size >= MOST_WAITING && !this.#waiting.has(name)) return
    // Who knew the version knew more.
    const version = read.version ?? this.#waiting.get(name)?.version
    this.#waiting.set(name, { ...read, version })
    if (this.#timer === undefined) this.#begin()
  }

  #begin(): void {
    if (this.#running !== undefined || this.#waiting.size === 0) return
    clearTimeout(this.#timer)
    this.#timer = undefined
    // What one turn of the event loop reads goes together.
    this.#running = Promise.resolve()
      .then(() => this.#run())
      .finally(() => {
        this.#running = undefined
      })
  }

  async #run(): Promise<void> {
    while (this.#waiting.size > 0) {
      const batch = [...this.#waiting.values()].slice(0, AT_ONCE)
      for (const read of batch) this.#waiting.delete(keyText(read))
      try {
        await this.#extend(batch)
      } catch (error) {
        this.#tell(error)
        if (!isThermoclineError(error, 'ERR_TIER_UNAVAILABLE')) continue
        for (const read of batch) if (!this.#waiting.has(keyText(read))) this.#waiting.set(keyText(read), read)
        this.#timer = setTimeout(() => this.#retry(), RETRY_MS).unref()
        return
      }
    }
  }

  #retry(): void {
    this.#timer = undefined
    this.#begin()
  }

  async #extend(reads: readonly SlidingRead[]): Promise<void> {
    const { cold, hot, pending } = this.#parts
    const first = await cold.slide(reads)
    const missed = reads.filter(({ version }, i) => first[i] === undefined && version !== undefined)
    const slid = [...first, ...(await this.#extendUnshipped(missed))].filter((one) => one !== undefined)
    if (slid.length === 0) return
    for (const one of slid) pending.extend(one.key, one.version, one.expiresAt)
    await hot.extend(slid)
  }

  /** What cold lacks still is brought there, as it stands in pending or hot: cold alone tells what lives. */
  async #extendUnshipped(reads: readonly SlidingRead[]): Promise<(Slid | undefined)[]> {
    if (reads.length === 0) return []
    const { cold, hot, pending } = this.#parts
    const own = reads.map((read) => pending.get(read))
    const held = own.every((record, i) => record?.version === reads[i]!.version) ? [] : await hot.read(reads)
    const records = reads.flatMap(({ version }, i) => {
      const copies = [own[i], held[i] && recordIn(held[i])]
      return copies.find((copy) => copy?.version === version && copy?.deletedAt === null) ?? []
    })
    if (records.length === 0) return []
    await cold.upsert(records)
    return cold.slide(reads)
  }

  #tell(error: unknown): void {
    const isAway = isThermoclineError(error, 'ERR_TIER_UNAVAILABLE') || isThermoclineError(error, 'ERR_CLOSED')
    const message = 'entries that slide were read and not extended'
    this.#parts.logger[isAway ? 'debug' : 'warn']({ err: withoutContent(error) }, message)
  }
}

/** Nothing of the entry is kept. */
function keyOf({ namespace, id }: EntryKey): EntryKey {
  return { namespace, id }
}
