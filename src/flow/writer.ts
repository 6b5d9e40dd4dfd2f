/**
 * Decides when a write is acknowledged: it is stamped, logged, pending, offered to hot, and then acknowledged.
 *
 * Stamping and queueing for the log happen in one synchronous step, so log order is version order within a process. The
 * log puts a durable record into pending before the promise of its append resolves. A write that hot refuses because
 * something newer stands there is stamped again above it and logged again: an acknowledged put is never silently older
 * (rules V2 and H6 of flow/README.md).
 *
 * Where hot refuses that one as well, and holds a newer version, the write was overtaken, and is acknowledged as it is:
 * it is above all that hot knew of the key after the write had begun, so above whatever was acknowledged through hot
 * before, and what it lost to came to hot while it was under way. (What hot refuses by the floor that keys share has
 * lost to nothing, and is stamped once more.) What was acknowledged without hot is ordered by version alone, as ever.
 *
 * A write that hot did not judge, and that cold turns out to have had something newer of, stays as it is, even where
 * that is too far ahead to be credible. Stamped again above it, it would pass over what a third process had
 * acknowledged since in the same way, and reads there would go back.
 */

import { encodedEmbedding, encodeRecord } from '../entry/codec.ts'
import { keyText } from '../entry/entry-key.ts'
import { contentSize, type EntryRecord, withVersion, withVersionsOf } from '../entry/record.ts'
import type { LogValue } from '../entry/record-bundle.ts'
import type { UnversionedRecord } from '../entry/validate.ts'
import type { Version, VersionClock } from '../entry/version.ts'
import { isThermoclineError, retold, ThermoclineError, unforeseen, withoutContent } from '../errors.ts'
import type { HotTier, HotWrite, HotWriteResult } from '../hot/hot-tier.ts'
import { type Patience, runningOut, throwIfOver, withDeadline } from '../kernel/deadline.ts'
import type { Logger } from '../kernel/logger.ts'
import type { AppendOutcome } from '../wal/log-contract.ts'
import type { Journal } from './journal.ts'
import type { Pressure } from './pressure.ts'

/** What an acknowledged write reached: synced to the log on this machine's disk, or committed in cold as well. */
export type Durability = 'wal' | 'cold'

export interface Receipt {
  readonly namespace: string
  readonly id: string
  readonly version: Version
  readonly durability: Durability
}

/** What a write was told, as it was checked. */
export interface WriteTerms extends Patience {
  readonly durability?: Durability | undefined
}

export interface WriterParts {
  readonly journal: Journal
  readonly hot: HotTier
  readonly versions: VersionClock
  readonly pressure: Pressure
  readonly shipper: Shipper
  readonly logger: Logger
  /** What a write waits for that names nothing. */
  readonly durability: Durability
}

/** Whoever brings what is pending to cold. */
export interface Shipper {
  /** Resolves once cold has every record up to the sequence, or has refused it. */
  shipThrough(sequence: number): Promise<void>
  /** Those of the records, which were shipped, that cold refused. @param first sequence of the first of them. */
  refusedOf(records: readonly EntryRecord[], first: number): Promise<ReadonlySet<EntryRecord>>
}

/** A write that hot has neither taken nor overtaken by then goes on without it. */
const MAX_STAMPS = 8
/** Writes of one putMany that are admitted and wait for the log together: as many, and about as many bytes. */
const GROUP_WRITES = 1_000
const GROUP_BYTES = 8 * 1024 * 1024

/** A record with its version, and as hot gets it once it is durable. */
interface Stamped {
  readonly record: EntryRecord
  readonly write: HotWrite
}

/** A record that hot has not taken yet. */
interface Offer {
  readonly index: number
  readonly record: UnversionedRecord
  /** What hot said that it has to rise above. */
  readonly floor: Version | undefined
}

interface Logged extends Offer {
  readonly write: HotWrite
}

/** What became durable of a group. */
interface Durable {
  /** As the log has them, each at its place in the group: of what was stamped once more, the latest. */
  readonly records: (EntryRecord | undefined)[]
  /** Sequences of the first and the last of them, those that were stamped once more included; 0: there are none. */
  first: number
  last: number
}

export class Writer {
  readonly #parts: WriterParts

  constructor(parts: WriterParts) {
    this.#parts = parts
  }

  async write(record: UnversionedRecord, options: WriteTerms): Promise<Receipt> {
    const [outcome] = await this.writeAll([record], options)
    if (outcome!.ok) return outcome!.value
    throw outcome!.error
  }

  /**
   * In order, one outcome per record; the records were checked before. Never rejects. Where patience or room ends, what
   * was not begun by then is not begun any more.
   */
  async writeAll(records: readonly UnversionedRecord[], options: WriteTerms): Promise<WriteOutcome[]> {
    const outcomes: WriteOutcome[] = []
    const patience = runningOut(options)
    for (const group of groupsOf(records)) {
      const begin = () => withDeadline(this.#writeGroup(group, options), patience, { outcome: 'unknown' })
      try {
        outcomes.push(...(await this.#parts.pressure.admit(begin, patience)))
      } catch (error) {
        for (const { id } of group) outcomes.push({ ok: false, error: withId(error, id, 'unknown') })
        for (const { id } of records.slice(outcomes.length))
          outcomes.push({ ok: false, error: withId(error, id, 'unknown', { outcome: 'none' }) })
        break
      }
    }
    return outcomes
  }

  /**
   * As {@link writeAll}, of what `look` returns: it is called once there is room, and nothing waits between what it saw
   * and the versions. Rejects where `look` does, or where patience ends, or the store is closed meanwhile.
   *
   * @param bytes how many it writes at most.
   */
  async writeAfterLook(
    look: (patience: Patience) => Promise<readonly UnversionedRecord[]>,
    bytes: number,
    options: WriteTerms,
  ): Promise<WriteOutcome[]> {
    const { pressure } = this.#parts
    const patience = runningOut(options)
    const begin = () => {
      const looked = look(patience)
      const work = looked.then(async (records) => {
        throwIfOver(patience, { outcome: 'none' })
        try {
          return await this.#writeGroup(records, options)
        } catch (error) {
          const own = unforeseen(error)
          throw retold(own, { outcome: 'unknown', ...own.details })
        }
      })
      // Until what is written has queued itself, in the step before.
      pressure.queue(bytes, looked)
      return withDeadline(work, patience, { outcome: 'unknown' })
    }
    return pressure.admit(begin, patience)
  }

  async #writeGroup(records: readonly UnversionedRecord[], options: WriteTerms): Promise<WriteOutcome[]> {
    const durability = options.durability ?? this.#parts.durability
    const offering = this.#logAndOffer(records, durability)
    this.#parts.journal.begun(offering)
    const { outcomes, durable } = await offering
    if (durability === 'cold' && durable.last > 0) await this.#ship(durable, outcomes)
    return outcomes
  }

  /**
   * Until hot has stored or overtaken each record, or is away. Answers besides what became durable.
   */
  async #logAndOffer(
    records: readonly UnversionedRecord[],
    durability: Durability,
  ): Promise<{ outcomes: WriteOutcome[]; durable: Durable }> {
    const outcomes = new Array<WriteOutcome>(records.length)
    let open: Offer[] = records.map((record, index) => ({ index, record, floor: undefined }))
    const versions = new Map<string, Version>()
    const durable: Durable = { records: new Array(records.length), first: 0, last: 0 }
    for (let stamps = 1; open.length > 0; stamps++) {
      const stamped = this.#stampAll(open, versions)
      const logged = await this.#log(stamped)
      const offers: Logged[] = []
      for (const [i, outcome] of logged.entries()) {
        const { index, record, floor } = open[i]!
        if (outcome instanceof ThermoclineError) {
          // An earlier round is in the log, whatever became of this one.
          const known = stamps > 1 ? ({ outcome: 'applied' } as const) : {}
          outcomes[index] = { ok: false, error: withId(outcome, record.id, 'unknown', known) }
          continue
        }
        const { record: written, write } = stamped[i]!
        const { namespace, id, version } = written
        outcomes[index] = { ok: true, value: { namespace, id, version, durability } }
        durable.records[index] = written
        durable.first ||= outcome.sequence
        durable.last = outcome.sequence
        offers.push({ index, record, floor, write })
      }
      open = await this.#refused(offers)
      if (open.length === 0 || stamps < MAX_STAMPS) continue
      this.#parts.logger.warn({ writes: open.length, stamps }, 'acknowledging writes that hot does not take')
      break
    }
    return { outcomes, durable }
  }

  /** Those that have to be stamped again; none where hot is away. */
  async #refused(logged: readonly Logged[]): Promise<Offer[]> {
    const results = await this.#writeHot(logged.map(({ write }) => write))
    if (results === undefined) return []
    const refused = logged.flatMap((offer, i) => {
      const result = results[i]!
      return result.status === 'stored'
        ? []
        : [{ ...offer, told: result.status === 'refused' ? result.floor : undefined }]
    })
    const overtaken = await this.#overtaken(
      refused.filter(({ floor, told }) => floor !== undefined && told !== undefined),
    )
    return refused
      .filter(({ write }) => !overtaken.has(write))
      .map(({ index, record, floor, told }) => ({ index, record, floor: told ?? floor }))
  }

  /** Those of which hot holds a newer version now. */
  async #overtaken(refused: readonly Logged[]): Promise<ReadonlySet<HotWrite>> {
    if (refused.length === 0) return new Set()
    try {
      const held = await this.#parts.hot.read(refused.map(({ write }) => write.key))
      return new Set(refused.flatMap(({ write }, i) => ((held[i]?.version ?? '') > write.version ? [write] : [])))
    } catch (error) {
      if (!isThermoclineError(error, 'ERR_TIER_UNAVAILABLE')) throw error
      return new Set()
    }
  }

  /** MUST be followed by {@link #log} in the same step, so that log order is version order. */
  #stampAll(open: readonly Offer[], versions: Map<string, Version>): Stamped[] {
    // Nobody else wants to know.
    if (!open.some(({ record }) => record.kind === 'raptor'))
      return open.map(({ record, floor }) => this.#stamp(record, floor))
    return open.map(({ record, floor }) => {
      const stamped = this.#stamp(withVersionsOf(record, versions), floor)
      versions.set(keyText(record), stamped.record.version)
      return stamped
    })
  }

  #stamp(unversioned: UnversionedRecord, floor: Version | undefined): Stamped {
    const { hot, versions } = this.#parts
    const startedAt = hot.now()
    const version = versions.next(unversioned, floor)
    const stamped = withVersion(unversioned, version)
    const payload = encodeRecord(stamped)
    // Pending keeps the record and hot these bytes. One copy of the embedding for both makes a put cheaper.
    const embedding = encodedEmbedding(stamped, payload)
    const record: EntryRecord = embedding === null ? stamped : { ...stamped, embedding }
    const { expiresAt } = record
    const deleted = record.deletedAt !== null
    return { record, write: { key: record, version, deleted, expiresAt, payload, reason: 'put', startedAt } }
  }

  /** Queues all of them before it returns. */
  #log(stamped: readonly Stamped[]): Promise<readonly AppendOutcome<LogValue>[]> {
    const { journal, pressure } = this.#parts
    const payloads = stamped.map(({ write }) => write.payload)
    const logged = journal.appendAll(
      stamped.map(({ record }) => record),
      payloads,
    )
    const bytes = payloads.reduce((sum, { byteLength }) => sum + byteLength, 0)
    pressure.queue(bytes, logged)
    return logged
  }

  /** Returns undefined where hot is away: the log and pending stand in for it until cold has the writes. */
  async #writeHot(writes: readonly HotWrite[]): Promise<HotWriteResult[] | undefined> {
    if (writes.length === 0) return []
    const { hot, journal, pressure } = this.#parts
    try {
      const { generationNumber } = hot
      const results = await hot.write(writes)
      journal.pending.note(writes, results, hot.generationNumber === generationNumber ? generationNumber : undefined)
      return results
    } catch (error) {
      if (!isThermoclineError(error, 'ERR_TIER_UNAVAILABLE')) throw error
      // For details: that hot is away is told once, by the worker.
      this.#parts.logger.debug({ err: withoutContent(error), writes: writes.length }, 'acknowledging without hot')
      return undefined
    } finally {
      pressure.written()
    }
  }

  async #ship({ records, first, last }: Durable, outcomes: WriteOutcome[]): Promise<void> {
    const { shipper } = this.#parts
    try {
      await shipper.shipThrough(last)
      const refused = await shipper.refusedOf(
        records.filter((record) => record !== undefined),
        first,
      )
      if (refused.size === 0) return
      for (const [i, record] of records.entries())
        if (record !== undefined && refused.has(record) && outcomes[i]!.ok)
          outcomes[i] = { ok: false, error: refusedByCold(record) }
    } catch (error) {
      for (const [i, outcome] of outcomes.entries())
        if (outcome.ok) outcomes[i] = { ok: false, error: withId(error, outcome.value.id, 'applied') }
    }
  }
}

export type WriteOutcome =
  | { readonly ok: true; readonly value: Receipt }
  | { readonly ok: false; readonly error: ThermoclineError }

/** Consecutive runs of the records that are written together. */
function* groupsOf(records: readonly UnversionedRecord[]): Generator<readonly UnversionedRecord[]> {
  let from = 0
  let bytes = 0
  for (const [at, record] of records.entries()) {
    const size = contentSize(record)
    if (at > from && (at - from === GROUP_WRITES || bytes + size > GROUP_BYTES)) {
      yield records.slice(from, at)
      from = at
      bytes = 0
    }
    bytes += size
  }
  if (from < records.length) yield records.slice(from)
}

/** The error with the id that the write chose, so that a retry can name it. */
function withId(
  error: unknown,
  id: string,
  outcome: 'unknown' | 'applied',
  known: { readonly outcome?: 'none' | 'applied' } = {},
): ThermoclineError {
  if (!(error instanceof ThermoclineError)) return unforeseen(error, { outcome, ...known, id })
  return retold(error, { outcome, ...error.details, ...known, id })
}

/** It was to be in cold, and is a dead letter there: to ask again with nothing changed would make another. */
function refusedByCold({ id }: EntryRecord): ThermoclineError<'ERR_TIER_UNAVAILABLE'> {
  const message =
    'the database refuses what was written, which is durable, and a dead letter (`store.deadLetters()` says why): ' +
    'put the entry anew, delete it, or have the database take it'
  const details = { tier: 'cold', outcome: 'applied', id } as const
  return new ThermoclineError('ERR_TIER_UNAVAILABLE', message, details, { retryable: false })
}
