/**
 * Decides about a write that depends on what it replaces: exactly one version, or nothing; and about several writes
 * that happen all or not at all (rules K1 to K9 of flow/README.md).
 *
 *     read the newest of pending, hot and cold, and make sure that cold has it
 *     reserve: from now on every plain put that hot takes is above the new version
 *     cold decides by the locks of the rows, in one transaction
 *     log, as one record, pending, hot, as any write; then it is acknowledged
 *
 * Cold decides (cold/sql/replace-version.ts, which also finds out what happened where an answer was lost), and not hot:
 * hot may forget what it has decided, and then two writers would both have replaced the same version. Nobody reads the
 * new version before cold has it, so nothing that was read is ever withdrawn. Log and pending get it afterwards: so a
 * database that is set back gets it again, as it gets every other write.
 */
import type { ColdRow, ColdTier, IdempotencyKey } from '../cold/cold-tier.ts'
import { encodeRecord } from '../entry/codec.ts'
import { type EntryKey, keyText } from '../entry/entry-key.ts'
import { isLive } from '../entry/expiry.ts'
import { ATOMIC_LIMITS } from '../entry/limits.ts'
import { type AccessStats, type EntryRecord, newerOf, withVersion, withVersionsOf } from '../entry/record.ts'
import { bundleBytes } from '../entry/record-bundle.ts'
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
import { recordIn } from '../hot/hot-content.ts'
import type { HotReservation, HotTier, HotWrite } from '../hot/hot-tier.ts'
import type { Clock } from '../kernel/clock.ts'
import { Coalescer } from '../kernel/coalescer.ts'
import { runningOut, withDeadline } from '../kernel/deadline.ts'
import { KeyedLock } from '../kernel/keyed-lock.ts'
import type { Logger } from '../kernel/logger.ts'
import { slices } from '../kernel/slices.ts'
import { carryOverReads } from './access-counter.ts'
import { ChangesUnderWay, ChangeUnderWay } from './changes-under-way.ts'
import type { Journal } from './journal.ts'
import type { Pressure } from './pressure.ts'
import { ReplaceTogether } from './replace-together.ts'
import type { Receipt, WriteTerms } from './writer.ts'

export interface CompareAndSetParts {
  readonly journal: Journal
  readonly hot: HotTier
  /** Its reads wait while the database is set back. */
  readonly reads: Pick<ColdTier, 'read' | 'versions'>
  readonly cold: Pick<ColdTier, 'upsert' | 'replace' | 'replaceEach' | 'recordAccess' | 'answerTo'>
  readonly versions: VersionClock
  readonly clock: Clock
  readonly pressure: Pressure
  readonly logger: Logger
  /** Cold has the log up to this sequence, unless it was set back. */
  readonly shippedSequence: () => number
}

export interface ChangesTerms extends WriteTerms {
  /** Under which the same is asked for again. @default none */
  readonly idempotency?: IdempotencyKey | undefined
  /** Finds out, before each attempt, what the changes are made of. Not asked where the same was done before. */
  readonly prepare?: (() => Promise<void>) | undefined
}

/** Of what a change is made, and what it depends on. */
export interface ChangeTerms extends ChangesTerms {
  /** The version that is to be replaced, null where there must be no entry. @default whatever is there */
  readonly expectedVersion?: Version | null | undefined
}

/**
 * Makes of the live entry that is there, if there is one, the entry that is to be; may throw. Called again where
 * another write came first.
 */
export type Make = (current: EntryRecord | undefined) => UnversionedRecord | Promise<UnversionedRecord>

/** One of several changes of which all happen or none. */
export interface Change extends Pick<ChangeTerms, 'expectedVersion'> {
  readonly key: EntryKey
  /** As {@link Make}; undefined: the entry is left as it is. */
  readonly make: (current: EntryRecord | undefined) => ReturnType<Make> | undefined
}

/**
 * The part of a marker's time for which a reservation is relied on, by the database's clock: a put that hot takes once
 * the marker has ended may be below the new version.
 */
const RELIED_ON = 1 / 4
/** Each time another write came first, or a tier changed under it. */
const MAX_ATTEMPTS = 64
const LONGEST_PAUSE_MS = 50
/** Changes that ask at the same time: what a model takes at once by default, so that one write waits for few calls. */
const ASKED_AT_ONCE = 128
/** For how long a read of what is there keeps others waiting, which then go together. */
const READ_TURN_MS = 50
/** An entry may have megabytes, and one statement brings all of them. */
const KEYS_READ_TOGETHER = 32
/** Codes that say of an attempt that what is there forbids it. */
const REFUSALS = ['ERR_CONFLICT', 'ERR_NOT_FOUND', 'ERR_INVALID_ENTRY'] as const

/** Where the write stands, for whoever stops waiting for it. */
interface Progress {
  outcome: 'none' | 'unknown' | 'applied'
  /** Of what is written, or of the first of that. */
  id: string
  version: Version | undefined
  /** Aborted once nobody waits any more. */
  readonly givenUp: AbortSignal
  readonly underWay: ChangeUnderWay
  readonly idempotency: IdempotencyKey | undefined
}

/** The newest version that anybody is known to have; cold has it. */
interface Newest {
  readonly record: EntryRecord | undefined
  /** What cold has of the key: that version, or nothing, where the record is of a tombstone that cold has collected. */
  readonly base: Version | undefined
  readonly access: AccessStats | undefined
}

/** A change, and what it is about to replace. */
interface Made {
  readonly record: EntryRecord
  readonly newest: Newest
  /** When what it replaces expires. */
  readonly end: number
}

/** What hot has promised. */
interface Reservation {
  readonly startedAt: number
  readonly generationId: string
  readonly generationNumber: number | undefined
  readonly until: number
  readonly access: readonly (AccessStats | undefined)[]
}

export class CompareAndSet {
  readonly #parts: CompareAndSetParts
  readonly #locks = new KeyedLock()
  readonly #underWay = new ChangesUnderWay()
  readonly #replacing: ReplaceTogether
  readonly #rows = new Coalescer<EntryKey, ColdRow | undefined>((keys) => this.#parts.reads.read(keys), {
    turnMs: READ_TURN_MS,
    fits: (keys, more) => keys.length + more.length <= KEYS_READ_TOGETHER,
  })

  constructor(parts: CompareAndSetParts) {
    this.#parts = parts
    this.#replacing = new ReplaceTogether(parts.cold, parts.clock)
  }

  /**
   * Rejects with `ERR_CONFLICT` where something else than `expectedVersion` is there. What ends otherwise says by
   * `details.outcome` whether the entry was written: `unknown` is never a conflict.
   */
  async change(key: EntryKey, make: Make, { expectedVersion, ...terms }: ChangeTerms): Promise<Receipt> {
    const [receipt] = await this.changeAll([{ key, make, expectedVersion }], terms)
    return receipt!
  }

  /**
   * As {@link change}, all of them or none; no key twice. Answers in order; undefined for what is left as it is. What
   * is wrong with one of several says in `details.index` with which.
   */
  async changeAll(changes: readonly Change[], terms: ChangesTerms): Promise<(Receipt | undefined)[]> {
    const patience = runningOut(terms)
    const givingUp = new AbortController()
    const { id } = changes[0]!.key
    const { idempotency, prepare } = terms
    const underWay = new ChangeUnderWay(this.#underWay)
    const givenUp = givingUp.signal
    const progress: Progress = { outcome: 'none', id, version: undefined, givenUp, underWay, idempotency }
    const names = changes.map(({ key }) => keyText(key))
    const begin = () => {
      const work = this.#locks.runAll(names, () => {
        // Not before: what waits for its turn has read nothing, and the one before it may ask a schema.
        underWay.begin()
        return this.#doOnce(changes, progress, prepare)
      })
      const end = (): void => underWay.end()
      work.then(end, end)
      return withDeadline(work, patience)
    }
    try {
      return await this.#parts.pressure.admit(begin, patience)
    } catch (error) {
      givingUp.abort()
      throw withProgress(error, progress)
    }
  }

  /** Resolves once nothing goes on with what it has read by now, also behind calls that were given up. */
  settled(): Promise<void> {
    return this.#underWay.settled()
  }

  /**
   * What refuses an attempt may have come after the same was done by another process, since this one asked: it is asked
   * for once more then (rule K9).
   */
  async #doOnce(
    changes: readonly Change[],
    progress: Progress,
    prepare: ChangesTerms['prepare'],
  ): Promise<(Receipt | undefined)[]> {
    try {
      return await this.#repeat(changes, progress, prepare)
    } catch (error) {
      if (progress.outcome !== 'none' || !REFUSALS.some((code) => isThermoclineError(error, code))) throw error
      const answered = await this.#answered(progress)
      if (answered === undefined) throw error
      return answered
    }
  }

  async #repeat(
    changes: readonly Change[],
    progress: Progress,
    prepare: ChangesTerms['prepare'],
  ): Promise<(Receipt | undefined)[]> {
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      refuseGivenUp(progress)
      const answered = await this.#answered(progress)
      if (answered !== undefined) return answered
      await prepare?.()
      for (const [i, change] of changes.entries()) this.#refuseOutdated(change, placeOf(i, changes))
      try {
        const written = await this.#attempt(changes, progress)
        if (written !== undefined) return written
      } catch (error) {
        // It may have lost what it held: the next who asks waits until it is known what it has now.
        if (attempt > 1 || progress.outcome !== 'none' || !isOfHot(error)) throw error
      }
      await pause(attempt)
    }
    throw new ThermoclineError(
      'ERR_TIER_UNAVAILABLE',
      'the entry, or the tiers under it, changed again and again: ask later, or from fewer callers at the same time',
      { tier: 'cold', outcome: 'none' },
    )
  }

  /** Undefined where something else came first. */
  async #attempt(changes: readonly Change[], progress: Progress): Promise<(Receipt | undefined)[] | undefined> {
    progress.underWay.beginToRead()
    const newest = await this.#newest(changes.map(({ key }) => key))
    if (newest === undefined) return undefined
    const made = await this.#make(changes, newest, progress)
    const written = await this.#tryReplace(
      made.filter((one) => one !== undefined),
      progress,
    )
    return written && made.map((one) => one && written.get(one))
  }

  /** What the same was answered before, by whomever (rule K9). */
  async #answered({ idempotency }: Progress): Promise<Receipt[] | undefined> {
    if (idempotency === undefined) return undefined
    const answer = await this.#parts.cold.answerTo(idempotency)
    if (answer === undefined) return undefined
    if (Buffer.compare(answer.digest, idempotency.digest) !== 0) throw keyReused()
    const { namespace } = idempotency
    return answer.receipts.map((receipt) => receiptOf({ namespace, ...receipt }))
  }

  /** Nobody has to be asked where this process itself has written something newer. */
  #refuseOutdated({ key, expectedVersion: expected }: Change, place: ReturnType<typeof placeOf>): void {
    const own = this.#parts.journal.pending.get(key)
    if (typeof expected === 'string' && own !== undefined && own.version > expected)
      throw conflict(expected, this.#liveOf(own)?.version, place)
  }

  /**
   * In the order of rule R3. What only hot or a log has goes to cold first, for cold is to decide; undefined where it
   * changed meanwhile. Rejects where cold refuses to have it.
   */
  async #newest(keys: readonly EntryKey[]): Promise<readonly Newest[] | undefined> {
    const { journal, hot, reads, cold, versions } = this.#parts
    const own = keys.map((key) => journal.pending.get(key))
    const held = await hot.read(keys)
    const rows = await this.#rows.call(keys)
    const newest = keys.map((key, i): Newest => {
      // Of one version, the copy that cold has may be rounded.
      const record = newerOf(rows[i]?.record, newerOf(held[i] && recordIn(held[i]), own[i]))
      if (record !== undefined) versions.observe(key, record.version)
      return { record, base: rows[i]?.record.version, access: rows[i]?.access }
    })
    const lacking = newest.filter(({ record, base }) => record !== undefined && record.version !== base)
    if (lacking.length === 0) return newest
    const records = lacking.map(({ record }) => record!)
    const { rejected } = await cold.upsert(records)
    const bases = new Map(lacking.map((one, i) => [one, i] as const))
    const found = await reads.versions(records)
    const settled = newest.map((one) => (bases.has(one) ? { ...one, base: found[bases.get(one)!] } : one))
    // Deleted or expired so long ago that cold has collected it, while hot still held it.
    const isCollected = ({ record, base }: Newest) => base === undefined && this.#liveOf(record) === undefined
    if (settled.every((one) => one.base === one.record?.version || isCollected(one))) return settled
    if (rejected > 0) throw refusedByCold('nothing can be compared with it')
    return undefined
  }

  /** In order; undefined for what is left as it is. */
  async #make(
    changes: readonly Change[],
    newest: readonly Newest[],
    progress: Progress,
  ): Promise<(Made | undefined)[]> {
    const live = newest.map(({ record }) => this.#liveOf(record))
    for (const [i, { expectedVersion: expected }] of changes.entries())
      if (expected !== undefined && (live[i]?.version ?? null) !== expected)
        throw conflict(expected, live[i]?.version, placeOf(i, changes))
    const answers = await answersOf(changes, live, progress)
    const versions = new Map<string, Version>()
    let bytes = 0
    const made = answers.map((next, i): Made | undefined => {
      if (next === undefined) return undefined
      const completed = withVersionsOf(next, versions)
      if (changes.length > 1) bytes += bundleBytes([completed])
      const version = this.#parts.versions.next(next, newest[i]!.record?.version)
      versions.set(keyText(next), version)
      const end = live[i]?.expiresAt ?? Number.POSITIVE_INFINITY
      return { record: withVersion(completed, version), newest: newest[i]!, end }
    })
    if (bytes > ATOMIC_LIMITS.bytes) throw tooLarge(bytes)
    return made
  }

  /** Undefined where something else came first. */
  async #tryReplace(made: readonly Made[], progress: Progress): Promise<Map<Made, Receipt> | undefined> {
    const { journal, shippedSequence } = this.#parts
    if (progress.underWay.isOutdated) return undefined
    if (made.length === 0) return new Map()
    const reservation = await this.#reserve(made)
    if (reservation === undefined || made.some((one) => this.#hasNewer(one))) return undefined
    refuseGivenUp(progress)
    const { walId, epoch } = journal.log
    const log = { walId, epoch, sequence: shippedSequence() }
    const { generationNumber, until } = reservation
    const [{ record: first }] = made as [Made]
    Object.assign(progress, { outcome: 'unknown', id: first.id, version: first.version })
    const changes = made.map(({ record, newest: { base } }) => ({ record, base }))
    const { idempotency } = progress
    const verdict = await this.#replacing.replace({ changes, generationNumber, until, log, idempotency })
    progress.outcome = verdict === 'replaced' ? 'applied' : 'none'
    if (verdict !== 'replaced') return undefined
    await this.#take(
      made.map(({ record }) => record),
      reservation,
    )
    return new Map(made.map((one) => [one, receiptOf(one.record)]))
  }

  /** A plain write of this process that hot did not judge, because it was away for a moment, is in pending alone. */
  #hasNewer({ record, newest }: Made): boolean {
    const own = this.#parts.journal.pending.get(record)
    return own !== undefined && own.version > (newest.record?.version ?? ZERO_VERSION)
  }

  /** Until the first of what is replaced expires: what is gone does not come back later than a commit takes. */
  async #reserve(made: readonly Made[]): Promise<Reservation | undefined> {
    const { hot, cold, clock } = this.#parts
    const origin = { startedAt: hot.now(), generationId: hot.generationId, generationNumber: hot.generationNumber }
    const end = made.reduce((earliest, one) => Math.min(earliest, one.end), Number.POSITIVE_INFINITY)
    const until = Math.min(clock.now() + hot.markerTtl * RELIED_ON, end - 1)
    const reserved = await hot.reserve(made.map(reservationOf))
    const reads = reserved.map((one) => (one.status === 'reserved' ? one.reads : undefined))
    // Also where another key has something newer: what was dropped takes its reads along.
    await carryOverReads(
      cold,
      made.map(({ record }) => ({ key: record })),
      reads,
    )
    if (reserved.some(({ status }) => status === 'newer') || hot.generationId !== origin.generationId) return undefined
    return { ...origin, until, access: made.map(({ newest }, i) => sumOf(newest.access, reads[i])) }
  }

  /** Cold has them: they are the newest versions by now, or were. */
  async #take(records: readonly EntryRecord[], reservation: Reservation): Promise<void> {
    const { journal, pressure } = this.#parts
    const payloads = records.map(encodeRecord)
    const durable = journal.appendTogether(records, payloads)
    pressure.queue(
      payloads.reduce((sum, { byteLength }) => sum + byteLength, 0),
      durable,
    )
    const offering = durable.then(() => this.#writeHot(records, payloads, reservation))
    journal.begun(offering)
    await offering
  }

  /**
   * Hot holds nothing older, since what it held has left with the reservation, unless cold took so long that the marker
   * has ended. Where it does not take a version, others may have something newer there, or reserved it.
   */
  async #writeHot(
    records: readonly EntryRecord[],
    payloads: readonly Uint8Array[],
    { startedAt, generationId, generationNumber, access }: Reservation,
  ): Promise<void> {
    const { hot, journal, logger, pressure } = this.#parts
    const writes = records.map((record, i): HotWrite => {
      const { version, expiresAt, deletedAt } = record
      const known = access[i] === undefined ? {} : { access: access[i] }
      const origin = { reason: 'promotion', startedAt, generationId, ...known } as const
      return { key: record, version, deleted: deletedAt !== null, expiresAt, payload: payloads[i]!, ...origin }
    })
    try {
      const results = await hot.write(writes)
      const refused = writes.filter((_, i) => results[i]!.status !== 'stored')
      if (refused.length > 0) await hot.repair(refused)
      journal.pending.note(writes, results, hot.generationNumber === generationNumber ? generationNumber : undefined)
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

/** What the changes make of what is there, in order. Those that ask a model or a schema ask at the same time. */
async function answersOf(
  changes: readonly Change[],
  live: readonly (EntryRecord | undefined)[],
  { givenUp, underWay }: Progress,
): Promise<(UnversionedRecord | undefined)[]> {
  const answers: (UnversionedRecord | undefined)[] = []
  for (const some of slices([...changes.entries()], ASKED_AT_ONCE)) {
    let isAsking = false
    const making = some.map(([i, { make }]) =>
      within(placeOf(i, changes), async () => {
        const answer = make(live[i])
        isAsking ||= isPromise(answer)
        return answer
      }),
    )
    const made = Promise.all(making)
    answers.push(...(await (isAsking ? underWay.ask(withDeadline(made, { signal: givenUp })) : made)))
  }
  return answers
}

/** What nobody waits for any more is not begun. */
function refuseGivenUp({ givenUp }: Progress): void {
  if (givenUp.aborted) throw new ThermoclineError('ERR_ABORTED', 'the call was given up', { outcome: 'none' })
}

function receiptOf({ namespace, id, version }: Pick<EntryRecord, 'namespace' | 'id' | 'version'>): Receipt {
  return { namespace, id, version, durability: 'cold' }
}

function reservationOf({ record, newest }: Made): HotReservation {
  return { key: record, newest: newest.record?.version ?? ZERO_VERSION, below: justBelow(record.version) }
}

/** Which of several changes something is about; nothing, where there is one. */
function placeOf(index: number, changes: readonly Change[]): { readonly index?: number; readonly id?: string } {
  return changes.length === 1 ? {} : { index, id: changes[index]!.key.id }
}

/** Does the work, and says of what it throws which change that is about. */
async function within<T>(place: ReturnType<typeof placeOf>, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (place.index === undefined || !(error instanceof ThermoclineError)) throw error
    throw retold(error, { ...error.details, ...place }, `operation ${place.index}: ${error.message}`)
  }
}

/**
 * To be asked again would change nothing: the database refuses that version of it whenever it is brought.
 * @param consequence what cannot be done, as `nothing can be compared with it`.
 */
export function refusedByCold(consequence: string): ThermoclineError<'ERR_TIER_UNAVAILABLE'> {
  const message =
    `the database refuses the version that is there now, so ${consequence}: ` +
    '`thermocline.dead_letters` says why; put the entry anew, or delete it'
  return new ThermoclineError('ERR_TIER_UNAVAILABLE', message, { tier: 'cold', outcome: 'none' })
}

function tooLarge(bytes: number): ThermoclineError<'ERR_INVALID_ENTRY'> {
  const most = `at most ${ATOMIC_LIMITS.bytes} are written all or none`
  const message = `the operations would write ${bytes} bytes, and ${most}: leave some to another call`
  return new ThermoclineError('ERR_INVALID_ENTRY', message, { field: 'operations' })
}

function keyReused(): ThermoclineError<'ERR_IDEMPOTENCY'> {
  const message =
    'the idempotency key was used within the last 24 hours for another write of this namespace: give each write a ' +
    'key of its own, and repeat one with the very input that it had'
  return new ThermoclineError('ERR_IDEMPOTENCY', message, { outcome: 'none' })
}

/** @param actual the version that is there; undefined: there is no entry. */
function conflict(
  expected: Version | null,
  actual: Version | undefined,
  place: ReturnType<typeof placeOf>,
): ThermoclineError<'ERR_CONFLICT'> {
  const fault =
    expected === null
      ? 'there is such an entry already'
      : actual === undefined
        ? 'there is no such entry any more'
        : 'the entry has another version than the expected one'
  const message = `${fault}: read it again (\`details.actual\` is the version that is there) and decide anew`
  return new ThermoclineError('ERR_CONFLICT', message, { actual: actual ?? null, outcome: 'none', ...place })
}

function sumOf(known: AccessStats | undefined, reads: AccessStats | undefined): AccessStats | undefined {
  if (known === undefined || reads === undefined) return known ?? reads
  return {
    accessCount: known.accessCount + reads.accessCount,
    lastAccessedAt: Math.max(known.lastAccessedAt, reads.lastAccessedAt),
  }
}

function isOfHot(error: unknown): boolean {
  return isThermoclineError(error, 'ERR_TIER_UNAVAILABLE') && error.details.tier === 'hot'
}

/** Others get their turn; without it two processes may stand in each other's way for long. */
function pause(attempt: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.random() * Math.min(LONGEST_PAUSE_MS, attempt)))
}

/** The error with the id of the entry, or of one of several, and what became of the write. */
function withProgress(error: unknown, { outcome, id, version }: Progress): ThermoclineError {
  if (!(error instanceof ThermoclineError)) return unforeseen(error, { outcome, id })
  // What cold has decided is durable, whatever became of the rest.
  const known = outcome === 'applied' ? { outcome } : {}
  const details: WriteFailure = { outcome, id, ...error.details, ...known }
  if (details.outcome === 'unknown' && version !== undefined) details.version = version
  return retold(error, details)
}
