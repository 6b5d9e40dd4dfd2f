/**
 * The way of a write that depends on what it replaces: it takes the place of exactly one version, or of nothing (rules
 * K1 to K6 of flow/README.md).
 *
 *     read the newest of pending, hot and cold, and see to it that cold has it
 *     reserve: from now on every plain put that hot takes is above the new version
 *     cold decides by the lock of the row
 *     log, pending, hot, as any write; then it is acknowledged
 *
 * Cold decides, and not hot: what hot has decided it may forget, and then two writers would both have replaced the same
 * version. Nobody reads the new version before cold has it, so nothing that was read is taken back. Log and pending get
 * it afterwards: a database that is set back gets it again as it gets every other write.
 */
import type { ColdTier } from '../cold/cold-tier.ts'
import { encodeRecord } from '../entry/codec.ts'
import { type EntryKey, keyText } from '../entry/entry-key.ts'
import { isLive } from '../entry/expiry.ts'
import { type AccessStats, type EntryRecord, newerOf } from '../entry/record.ts'
import { isPromise } from '../entry/standard-schema.ts'
import type { UnversionedRecord } from '../entry/validate.ts'
import { justBelow, type Version, type VersionClock, ZERO_VERSION } from '../entry/version.ts'
import {
  isThermoclineError,
  retold,
  ThermoclineError,
  unforeseen,
  type WriteFailure,
  withoutContent,
} from '../errors.ts'
import type { HotTier, HotWrite } from '../hot/hot-tier.ts'
import type { Clock } from '../kernel/clock.ts'
import { runningOut, withDeadline } from '../kernel/deadline.ts'
import { KeyedLock } from '../kernel/keyed-lock.ts'
import type { Logger } from '../kernel/logger.ts'
import { carryOverReads } from './access-counter.ts'
import type { Journal } from './journal.ts'
import type { Pressure } from './pressure.ts'
import type { Receipt, WriteTerms } from './writer.ts'

export interface CompareAndSetParts {
  readonly journal: Journal
  readonly hot: HotTier
  /** Its reads wait while the database is set back. */
  readonly reads: Pick<ColdTier, 'read' | 'versions'>
  readonly cold: Pick<ColdTier, 'upsert' | 'replace' | 'recordAccess'>
  readonly versions: VersionClock
  readonly clock: Clock
  readonly pressure: Pressure
  readonly logger: Logger
  /** Cold has the log up to this sequence, unless it was set back. */
  readonly shippedSequence: () => number
}

export interface ChangeTerms extends WriteTerms {
  /** The version that is to be replaced, null where there must be no entry. @default whatever is there */
  readonly expectedVersion?: Version | null | undefined
}

/**
 * Makes of the live entry that is there, if there is one, the entry that is to be; may throw. Called again where
 * another write came first.
 */
export type Make = (current: EntryRecord | undefined) => UnversionedRecord | Promise<UnversionedRecord>

/**
 * The part of a marker's time for which a reservation is relied on, by the database's clock: a put that hot takes once
 * the marker has ended may be below the new version.
 */
const RELIED_ON = 1 / 4
/** Each time another write came first, or a tier changed under it. */
const MAX_ATTEMPTS = 64
const LONGEST_PAUSE_MS = 50

/** Where the write stands, for whoever stops waiting for it. */
interface Progress {
  outcome: 'none' | 'unknown' | 'applied'
  version: Version | undefined
  /** Aborted once nobody waits any more. */
  readonly givenUp: AbortSignal
}

/** The newest version that anybody is known to have; cold has it. */
interface Newest {
  readonly record: EntryRecord | undefined
  /** What cold has of the key: that version, or nothing, where the record is of a tombstone that cold has collected. */
  readonly base: Version | undefined
  readonly access: AccessStats | undefined
}

/** What hot has promised. */
interface Reservation {
  readonly startedAt: number
  readonly generationId: string
  readonly generationNumber: number | undefined
  readonly until: number
  readonly access: AccessStats | undefined
}

export class CompareAndSet {
  readonly #parts: CompareAndSetParts
  readonly #locks = new KeyedLock()
  readonly #running = new Set<Promise<unknown>>()

  constructor(parts: CompareAndSetParts) {
    this.#parts = parts
  }

  /**
   * Rejects with `ERR_CONFLICT` where something else than `expectedVersion` is there. What ends otherwise says by
   * `details.outcome` whether the entry was written: `unknown` is never a conflict.
   */
  async change(key: EntryKey, make: Make, terms: ChangeTerms): Promise<Receipt> {
    const patience = runningOut(terms)
    const givingUp = new AbortController()
    const progress: Progress = { outcome: 'none', version: undefined, givenUp: givingUp.signal }
    const begin = () => {
      const work = this.#locks.run(keyText(key), () => this.#repeat(key, make, terms.expectedVersion, progress))
      const running = work.catch(() => {}).finally(() => this.#running.delete(running))
      this.#running.add(running)
      return withDeadline(work, patience)
    }
    try {
      return await this.#parts.pressure.admit(begin, patience)
    } catch (error) {
      givingUp.abort()
      throw withProgress(error, key.id, progress)
    }
  }

  /** Resolves once nothing goes on behind calls that were given up. */
  async settled(): Promise<void> {
    await Promise.all(this.#running)
  }

  async #repeat(key: EntryKey, make: Make, expected: Version | null | undefined, progress: Progress): Promise<Receipt> {
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      refuseGivenUp(progress)
      this.#refuseOutdated(key, expected)
      const newest = await this.#newest(key)
      if (newest !== undefined) {
        const current = this.#liveOf(newest.record)
        if (expected !== undefined && (current?.version ?? null) !== expected)
          throw conflict(expected, current?.version)
        const made = make(current)
        const next = isPromise(made) ? await withDeadline(made, { signal: progress.givenUp }) : made
        const receipt = await this.#tryReplace(next, newest, current, progress)
        if (receipt !== undefined) return receipt
      }
      await pause(attempt)
    }
    throw new ThermoclineError(
      'ERR_TIER_UNAVAILABLE',
      'the entry, or the tiers under it, changed again and again: ask later, or from fewer callers at the same time',
      { tier: 'cold', outcome: 'none' },
    )
  }

  /** Nobody has to be asked where this process itself has written something newer. */
  #refuseOutdated(key: EntryKey, expected: Version | null | undefined): void {
    const own = this.#parts.journal.pending.get(key)
    if (typeof expected === 'string' && own !== undefined && own.version > expected)
      throw conflict(expected, this.#liveOf(own)?.version)
  }

  /**
   * In the order of rule R3. What only hot or a log has goes to cold first, for cold is to decide; undefined where it
   * changed meanwhile.
   */
  async #newest(key: EntryKey): Promise<Newest | undefined> {
    const { journal, hot, reads, cold, versions } = this.#parts
    const own = journal.pending.get(key)
    const [held] = await hot.read([key])
    const [row] = await reads.read([key])
    const heldIsNewer = held !== undefined && held.version > (own?.version ?? ZERO_VERSION)
    const near = heldIsNewer ? held.content.record : own
    const newest = newerOf(near, row?.record)
    if (newest !== undefined) versions.observe(key, newest.version)
    if (newest === undefined || newest === row?.record)
      return { record: newest, base: newest?.version, access: row?.access }
    await cold.upsert([newest])
    const [base] = await reads.versions([key])
    // Deleted or expired so long ago that cold has collected it, while hot still held it.
    const isCollected = base === undefined && this.#liveOf(newest) === undefined
    return base === newest.version || isCollected ? { record: newest, base, access: row?.access } : undefined
  }

  /** Undefined where something else came first. @param current what it was made of: the newest, while that is live. */
  async #tryReplace(
    unversioned: UnversionedRecord,
    newest: Newest,
    current: EntryRecord | undefined,
    progress: Progress,
  ): Promise<Receipt | undefined> {
    const { versions, cold, journal, shippedSequence } = this.#parts
    const record: EntryRecord = { ...unversioned, version: versions.next(unversioned, newest.record?.version) }
    const reservation = await this.#reserve(record, newest, current?.expiresAt ?? Number.POSITIVE_INFINITY)
    if (reservation === undefined || this.#hasNewer(record, newest)) return undefined
    refuseGivenUp(progress)
    const { walId, epoch } = journal.log
    const log = { walId, epoch, sequence: shippedSequence() }
    const { generationNumber, until } = reservation
    progress.outcome = 'unknown'
    progress.version = record.version
    const verdict = await cold.replace({ record, base: newest.base, generationNumber, until, log })
    progress.outcome = verdict === 'replaced' ? 'applied' : 'none'
    return verdict === 'replaced' ? this.#take(record, reservation) : undefined
  }

  /** A plain write of this process that hot did not judge, because it was away for a moment, is in pending alone. */
  #hasNewer(key: EntryKey, newest: Newest): boolean {
    const own = this.#parts.journal.pending.get(key)
    return own !== undefined && own.version > (newest.record?.version ?? ZERO_VERSION)
  }

  /** @param end when what is replaced expires. What is gone does not come back later than a commit takes. */
  async #reserve(
    record: EntryRecord,
    { record: replaced, access }: Newest,
    end: number,
  ): Promise<Reservation | undefined> {
    const { hot, cold, clock } = this.#parts
    const origin = { startedAt: hot.now(), generationId: hot.generationId, generationNumber: hot.generationNumber }
    const until = Math.min(clock.now() + hot.markerTtl * RELIED_ON, end - 1)
    const newest = replaced?.version ?? ZERO_VERSION
    const reserved = await hot.reserve({ key: record, newest, below: justBelow(record.version) })
    if (reserved.status === 'newer' || hot.generationId !== origin.generationId) return undefined
    const { reads } = reserved
    await carryOverReads(cold, [{ key: record }], [reads])
    return { ...origin, until, access: sumOf(access, reads) }
  }

  /** Cold has it: it is the newest version by now, or was. */
  async #take(record: EntryRecord, reservation: Reservation): Promise<Receipt> {
    const { journal, pressure } = this.#parts
    const payload = encodeRecord(record)
    const durable = journal.append(record, payload)
    pressure.queue(payload.byteLength, durable)
    const offering = durable.then(() => this.#writeHot(record, payload, reservation))
    journal.begun(offering)
    await offering
    const { namespace, id, version } = record
    return { namespace, id, version, durability: 'cold' }
  }

  /**
   * Hot holds nothing older, since what it held has left with the reservation, unless cold took so long that the marker
   * has ended. Where it does not take the version, others may have something newer there, or reserved it.
   */
  async #writeHot(record: EntryRecord, payload: Uint8Array, reservation: Reservation): Promise<void> {
    const { hot, journal, logger, pressure } = this.#parts
    const { startedAt, generationId, generationNumber, access } = reservation
    const { version, expiresAt } = record
    const deleted = record.deletedAt !== null
    const known = access === undefined ? {} : { access }
    const origin = { reason: 'promotion', startedAt, generationId, ...known } as const
    const write: HotWrite = { key: record, version, deleted, expiresAt, payload, ...origin }
    try {
      const [result] = await hot.write([write])
      if (result!.status !== 'stored') {
        await hot.repair([{ key: record, version }])
        journal.pending.refuse(record, version)
      } else if (generationNumber !== undefined && hot.generationNumber === generationNumber)
        journal.pending.confirm(record, version, generationNumber)
    } catch (error) {
      if (!isThermoclineError(error, 'ERR_TIER_UNAVAILABLE')) throw error
      logger.debug({ err: withoutContent(error) }, 'acknowledging without hot')
    } finally {
      pressure.written()
    }
  }

  #liveOf(record: EntryRecord | undefined): EntryRecord | undefined {
    return record !== undefined && isLive(record, this.#parts.clock.now()) ? record : undefined
  }
}

/** What nobody waits for any more is not begun. */
function refuseGivenUp({ givenUp }: Progress): void {
  if (givenUp.aborted) throw new ThermoclineError('ERR_ABORTED', 'the call was given up', { outcome: 'none' })
}

/** @param actual the version that is there; undefined: there is no entry. */
function conflict(expected: Version | null, actual: Version | undefined): ThermoclineError<'ERR_CONFLICT'> {
  const fault =
    expected === null
      ? 'there is such an entry already'
      : actual === undefined
        ? 'there is no such entry any more'
        : 'the entry has another version than the expected one'
  const message = `${fault}: read it again (\`details.actual\` is the version that is there) and decide anew`
  return new ThermoclineError('ERR_CONFLICT', message, { actual: actual ?? null, outcome: 'none' })
}

function sumOf(known: AccessStats | undefined, reads: AccessStats | undefined): AccessStats | undefined {
  if (known === undefined || reads === undefined) return known ?? reads
  return {
    accessCount: known.accessCount + reads.accessCount,
    lastAccessedAt: Math.max(known.lastAccessedAt, reads.lastAccessedAt),
  }
}

/** Others get their turn; without it two processes may stand in each other's way for long. */
function pause(attempt: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.random() * Math.min(LONGEST_PAUSE_MS, attempt)))
}

/** The error with the id of the entry and what became of the write. */
function withProgress(error: unknown, id: string, { outcome, version }: Progress): ThermoclineError {
  if (!(error instanceof ThermoclineError)) return unforeseen(error, { outcome, id })
  // What cold has decided is durable, whatever became of the rest.
  const known = outcome === 'applied' ? { outcome } : {}
  const details: WriteFailure = { outcome, ...error.details, ...known, id }
  if (details.outcome === 'unknown' && version !== undefined) details.version = version
  return retold(error, details)
}
