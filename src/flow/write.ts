/**
 * The way of a write: stamp, log, pending, hot, acknowledge.
 *
 * Stamping and queueing for the log happen in one synchronous step, so log order is version order within a process. The
 * log puts a durable record into pending before the promise of its append resolves. A write that hot refuses because
 * something newer stands there is stamped again above it and logged again: an acknowledged put is never silently older.
 */
import type { CallOptions } from '../deadline.ts'
import { withDeadline } from '../deadline.ts'
import { encodeRecord } from '../entry/codec.ts'
import type { EntryRecord } from '../entry/record.ts'
import type { UnversionedRecord } from '../entry/validate.ts'
import { newest, type Version, type VersionClock } from '../entry/version.ts'
import { isThermoclineError, ThermoclineError, withoutContent } from '../errors.ts'
import type { HotTier, HotWrite, HotWriteResult } from '../hot/hot-tier.ts'
import type { Logger } from '../log.ts'
import type { AppendedRecord, WriteLog } from '../wal/write-log.ts'
import type { Admission } from './admission.ts'
import type { MissedWrites } from './missed-writes.ts'
import type { Pending } from './pending.ts'

/** What an acknowledged write reached: synced to the log on this machine's disk, or committed in cold as well. */
export type Durability = 'wal' | 'cold'

export interface Receipt {
  readonly namespace: string
  readonly id: string
  readonly version: Version
  readonly durability: Durability
}

export interface WriteOptions extends CallOptions {
  readonly durability?: Durability | undefined
}

export interface WriterParts {
  readonly log: WriteLog<EntryRecord>
  readonly keyHash: (namespace: string, id: string) => number
  readonly pending: Pending
  readonly hot: HotTier
  readonly versions: VersionClock
  readonly admission: Admission
  /** Acknowledged versions that have left pending and hot may lack. @default none: hot is this process's own */
  readonly missed?: MissedWrites | undefined
  readonly logger: Logger
  readonly durability: Durability
  /** Told after each write to hot. */
  readonly onHotWrite: () => void
  /** Resolves once cold has everything up to the sequence. */
  readonly shipThrough: (sequence: number) => Promise<void>
}

/** Contention for one key across processes beyond this is not something a further try would end. */
const MAX_STAMPS = 8
/** Writes of one putMany that are admitted and wait for the log together: as many, and about as many bytes. */
const GROUP_WRITES = 1_000
const GROUP_BYTES = 8 * 1024 * 1024

interface Stamped {
  readonly write: HotWrite
  readonly durable: Promise<AppendedRecord<EntryRecord>>
}

export class Writer {
  readonly #parts: WriterParts
  #queuedBytes = 0
  /** Settles when everything begun so far has been logged and offered to hot; resolves to nothing, or each link would hold all before it. */
  #offered: Promise<void> = Promise.resolve()

  constructor(parts: WriterParts) {
    this.#parts = parts
  }

  /** Payload bytes queued for the log and not durable yet. */
  get queuedBytes(): number {
    return this.#queuedBytes
  }

  /** Resolves once every write begun before this call is durable and was offered to hot, or has failed. */
  async settled(): Promise<void> {
    await this.#offered
  }

  async write(record: UnversionedRecord, options: WriteOptions): Promise<Receipt> {
    const [outcome] = await this.writeAll([record], options)
    if (outcome!.ok) return outcome!.value
    throw outcome!.error
  }

  /** In order, one outcome per record; the records were checked before. Never rejects. */
  async writeAll(records: readonly UnversionedRecord[], options: WriteOptions): Promise<WriteOutcome[]> {
    const outcomes: WriteOutcome[] = []
    for (const group of groupsOf(records)) {
      const begin = () => withDeadline(this.#writeGroup(group, options), options, { outcome: 'unknown' })
      try {
        outcomes.push(...(await this.#parts.admission.admit(begin, options)))
      } catch (error) {
        for (const { id } of group) outcomes.push({ ok: false, error: withId(error, id, 'unknown') })
      }
    }
    return outcomes
  }

  async #writeGroup(records: readonly UnversionedRecord[], options: WriteOptions): Promise<WriteOutcome[]> {
    const durability = options.durability ?? this.#parts.durability
    const offering = this.#logAndOffer(records, durability)
    this.#offered = Promise.allSettled([this.#offered, offering]).then(() => {})
    const { outcomes, sequence } = await offering
    if (durability === 'cold' && sequence > 0) await this.#shipThrough(sequence, outcomes)
    return outcomes
  }

  /** Until hot has stored each record or is away. Answers the highest sequence that became durable, 0 where none did. */
  async #logAndOffer(
    records: readonly UnversionedRecord[],
    durability: Durability,
  ): Promise<{ outcomes: WriteOutcome[]; sequence: number }> {
    const outcomes = new Array<WriteOutcome>(records.length)
    let open = records.map((record, index) => ({ index, record, floor: undefined as Version | undefined }))
    let sequence = 0
    for (let stamps = 0; open.length > 0 && stamps < MAX_STAMPS; stamps++) {
      const stamped = open.map(({ record, floor }) => this.#stamp(record, floor))
      const logged = await Promise.allSettled(stamped.map(({ durable }) => durable))
      const results = await this.#writeHot(
        stamped.flatMap(({ write }, i) => (logged[i]!.status === 'fulfilled' ? [write] : [])),
      )
      const again: typeof open = []
      let result = 0
      for (const [i, { index, record }] of open.entries()) {
        const log = logged[i]!
        if (log.status === 'rejected') {
          // An earlier round is in the log, whatever became of this one.
          const known = stamps > 0 ? ({ outcome: 'applied' } as const) : {}
          outcomes[index] = { ok: false, error: withId(log.reason, record.id, 'unknown', known) }
          continue
        }
        sequence = Math.max(sequence, log.value.sequence)
        const hot = results?.[result++]
        if (hot !== undefined && hot.status !== 'stored') {
          again.push({ index, record, floor: hot.status === 'refused' ? hot.floor : undefined })
          continue
        }
        const { namespace, id, version } = log.value.value
        outcomes[index] = { ok: true, value: { namespace, id, version, durability } }
      }
      open = again
    }
    for (const { index, record } of open) {
      const message = `hot refused the write ${MAX_STAMPS} times because newer versions keep coming; it is logged`
      const error = new ThermoclineError('ERR_TIMEOUT', message, { id: record.id, outcome: 'applied', tier: 'hot' })
      outcomes[index] = { ok: false, error }
    }
    return { outcomes, sequence }
  }

  /** Synchronous from the version to the log's queue. */
  #stamp(unversioned: UnversionedRecord, floor: Version | undefined): Stamped {
    const { hot, versions, log, keyHash, pending, missed, admission } = this.#parts
    const startedAt = hot.now()
    // What we have acknowledged ourselves may be ahead of the clock, if hot once made us rise above a skewed writer.
    const acknowledged = newest(pending.get(unversioned)?.version, missed?.leastVersion(unversioned))
    const version = versions.next(newest(floor, acknowledged))
    const record: EntryRecord = { ...unversioned, version }
    const payload = encodeRecord(record)
    const deleted = record.deletedAt !== null
    const type = deleted ? 'delete' : 'put'
    const durable = log.append(type, payload, keyHash(record.namespace, record.id), record)
    this.#queuedBytes += payload.byteLength
    const settle = (): void => {
      this.#queuedBytes -= payload.byteLength
    }
    // What a failed append had taken is room for another.
    durable.then(settle, settle).then(() => admission.roomMade())
    const { expiresAt } = record
    return { durable, write: { key: record, version, deleted, expiresAt, payload, reason: 'put', startedAt } }
  }

  /** Undefined where hot is away: the log and pending answer for the writes until cold has them. */
  async #writeHot(writes: readonly HotWrite[]): Promise<HotWriteResult[] | undefined> {
    if (writes.length === 0) return []
    const { hot, onHotWrite } = this.#parts
    try {
      const generation = hot.generationNumber
      const results = await hot.write(writes)
      if (generation !== undefined && hot.generationNumber === generation) this.#confirm(writes, results, generation)
      onHotWrite()
      return results
    } catch (error) {
      if (!isThermoclineError(error, 'ERR_TIER_UNAVAILABLE')) throw error
      this.#parts.logger.warn({ err: withoutContent(error), writes: writes.length }, 'acknowledging without hot')
      return undefined
    }
  }

  /** What hot is known to hold, nobody has to repair once it is in cold. */
  #confirm(writes: readonly HotWrite[], results: readonly HotWriteResult[], generation: number): void {
    for (const [i, { key, version }] of writes.entries())
      if (results[i]!.status === 'stored') this.#parts.pending.confirm(key, version, generation)
  }

  async #shipThrough(sequence: number, outcomes: WriteOutcome[]): Promise<void> {
    try {
      await this.#parts.shipThrough(sequence)
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
  for (const [at, { text, metadata, embedding }] of records.entries()) {
    const size = (text?.length ?? 0) + (metadata?.length ?? 0) + (embedding?.byteLength ?? 0)
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
  known: { readonly outcome?: 'applied' } = {},
): ThermoclineError {
  if (!(error instanceof ThermoclineError)) {
    return new ThermoclineError('ERR_WAL_FAILED', 'the write failed', { outcome, ...known, id }, { cause: error })
  }
  const details = { outcome, ...error.details, ...known, id }
  const cause = error.cause === undefined ? {} : { cause: error.cause }
  return new ThermoclineError(error.code, error.message, details as never, cause)
}
