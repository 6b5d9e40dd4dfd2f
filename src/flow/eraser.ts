/**
 * Erases entries: deletes them, and removes what every place still has of them.
 *
 *     checkpoint: what is pending here is found in cold, and what cold refuses is a dead letter
 *     per batch: staged copies, dead letters and idempotency keys of its entries go, then tombstones are written that
 *                hold no key
 *                ─ acknowledged once cold has them ─► hot drops what it has of the entries, tombstones included, and
 *                cold the idempotency keys of versions that came in between
 *     the log ends its file and ships: every file from before goes; dead letters are looked for once more
 *     hot deletes what earlier generations left; the other logs are asked to do what this one did (rule E5)
 *     cold vacuums, where that was asked for; `done()` does so once more when the last log has let go
 *
 * Traces go before the tombstone: whoever calls again after a crash finds either the entry, and with it everything, or
 * its tombstone, and then what is left is in places that each call clears as a whole. The tombstone keeps namespace,
 * id, version and times (rule T4 of README.md): without it an older copy would come back.
 */
import type { ColdQuery, ColdTier, NamedEntry, RegisteredLog, Vacuuming } from '../cold/cold-tier.ts'
import type { Duration } from '../entry/duration.ts'
import { type EntryKey, keyText } from '../entry/entry-key.ts'
import type { EntryRecord } from '../entry/record.ts'
import { lowestAt } from '../entry/version.ts'
import { isThermoclineError, withoutContent } from '../errors.ts'
import type { HotRemoval, HotTier } from '../hot/hot-tier.ts'
import type { Clock } from '../kernel/clock.ts'
import { type Patience, runningOut, throwIfOver, withDeadline } from '../kernel/deadline.ts'
import type { Logger } from '../kernel/logger.ts'
import { SingleFlight } from '../kernel/single-flight.ts'
import { slices } from '../kernel/slices.ts'
import { asksForReads, type Filter, matches } from '../query/filter.ts'
import { orderKeys } from '../query/order.ts'
import { isWithin, type Scope } from '../query/scope.ts'
import { AskedLogs, type Awaited, type Look } from './asked-logs.ts'
import { thereBy, untilItsEnd, WHERE_BATCH, withFreshReads } from './batched-changes.ts'
import type { Deleter, Found, IsStill } from './deleter.ts'
import { type ErasedPlaces, type EraseState, type Remnant, remnants, toBeAsked } from './erase-remnants.ts'
import { beforeWriting, failureAmong, telling } from './failed-writes.ts'
import type { Reader } from './reader.ts'
import type { Searcher } from './searcher.ts'
import type { Receipt } from './writer.ts'

/** What became of the files of the log. */
export interface LogCut {
  readonly segments: number
  readonly bytes: number
  /** Whether none is left that has a record from before. The logger was told why, where one is. */
  readonly isWhole: boolean
}

export interface EraserParts {
  readonly cold: Pick<
    ColdTier,
    | 'eraseStaged'
    | 'eraseStagedWhere'
    | 'eraseIdempotencyKeys'
    | 'deadLetters'
    | 'removeDeadLetters'
    | 'vacuum'
    | 'logs'
    | 'askCuts'
  >
  /** Its reads wait while the database is set back. */
  readonly reads: Pick<ColdTier, 'find' | 'highestVersion'>
  readonly hot: HotTier
  readonly searcher: Searcher
  readonly reader: Pick<Reader, 'reads'>
  readonly deleter: Deleter
  readonly log: {
    checkpointNow(): Promise<unknown>
    /** Ships what was acknowledged before, and lets go of every file that has something of it. */
    cut(): Promise<LogCut>
    /** Ships and removes logs in the same folder whose processes are gone. */
    adoptOthers(signal: AbortSignal): Promise<void>
  }
  readonly places: ErasedPlaces
  readonly clock: Clock
  readonly logger: Logger
}

/** What was removed, and what is left by then. */
export interface ErasedSoFar {
  /** How many entries were selected, or ids given. */
  readonly matched: number
  /** How many of them were erased; the others did not match any more at their turn. */
  readonly erased: number
  readonly removed: {
    /** Keys that hot held in any version, tombstones included. */
    readonly hot: number
    /** Rows that failed attempts had left staged. */
    readonly staged: number
    readonly deadLetters: number
    /** Of writes that wrote one of them. Whoever asks for the same by such a key again writes again. */
    readonly idempotencyKeys: number
    /** Files of the log of this process, with all that was in them. */
    readonly log: { readonly segments: number; readonly bytes: number }
  }
  /** What may still have something of them, and what to do about each; empty where nothing is known of. */
  readonly left: readonly Remnant[]
}

export interface Erased extends ErasedSoFar {
  /**
   * Waits until the logs of other processes have let go of it as well, vacuums once more where that was asked for, and
   * answers what is left then. After `within` it answers what is left by then.
   */
  done(options?: EraseDoneOptions): Promise<readonly Remnant[]>
}

export interface EraseDoneOptions {
  /** How long to wait: milliseconds or text like `'5s'`. @default '30s' */
  readonly within?: Duration | undefined
  /** Ends the wait with `ERR_ABORTED`. */
  readonly signal?: AbortSignal | undefined
}

/** What one call of `erase` came to. */
export interface Erasure {
  readonly erased: ErasedSoFar
  /** Adopts what dead processes left, and clears up once other logs have let go; what is left by now. */
  readonly others: Awaited<readonly Remnant[]>
}

export interface EraseProgress {
  readonly matched: number
  readonly erased: number
}

/** Entries by their keys, or what a filter selects. */
export type Asked = { readonly keys: readonly EntryKey[] } | { readonly scope: Scope; readonly filter: Filter }

export interface EraseTerms extends Patience {
  readonly dryRun?: boolean | undefined
  readonly batchSize?: number | undefined
  readonly vacuum?: Vacuuming | undefined
  readonly onProgress?: ((progress: EraseProgress) => void) | undefined
}

type Vacuumed = Pick<EraseState, 'vacuumed' | 'heldBy'>
const NOT_VACUUMED: Vacuumed = { vacuumed: undefined, heldBy: [] }

/** Dead letters that are read together; each may be as large as an entry may be. */
const LETTERS = 20
const FIELDS: ReadonlySet<keyof EntryRecord> = new Set(['namespace', 'id', 'version', 'kind'])

interface Page {
  /** With its version where that was read. */
  readonly found: readonly (Found & NamedEntry)[]
  readonly isStill: IsStill
}

/** What is erased once more when other logs have shipped what they had acknowledged. */
interface Late {
  readonly asked: Asked
  /** What was put later stays. */
  readonly began: number
  /** What was only written again by then goes, too: other logs hold what came later. */
  readonly cutAt: number
  readonly batchSize: number | undefined
}

/** Counts as they rise. */
interface Tally {
  readonly counts: { matched: number; erased: number }
  readonly removed: { hot: number; staged: number; deadLetters: number; idempotencyKeys: number }
  isHotAway: boolean
  /** Dead letters that this version cannot read. */
  unreadable: number
}

export class Eraser {
  readonly #parts: EraserParts

  constructor(parts: EraserParts) {
    this.#parts = parts
  }

  /** What fails half-way says in `details.counts` how far it came; calling it again goes on. */
  async erase(asked: Asked, terms: EraseTerms): Promise<Erasure> {
    const patience = runningOut(terms)
    if (terms.dryRun) return this.#count(asked, patience)
    const tally: Tally = {
      counts: { matched: 0, erased: 0 },
      removed: { hot: 0, staged: 0, deadLetters: 0, idempotencyKeys: 0 },
      isHotAway: false,
      unreadable: 0,
    }
    return telling(tally.counts, async () => {
      const { log } = this.#parts
      await beforeWriting(() => withDeadline(log.checkpointNow(), patience))
      // First: what a dead process acknowledged is to be found as well.
      await withDeadline(this.#adopt(patience), patience)
      const letters = await this.#eraseLetters(asked, tally, patience)
      const began = this.#parts.clock.now()
      for await (const page of this.#pages(asked, terms, patience)) {
        await this.#erasePage(page, letters, tally, patience)
        terms.onProgress?.({ ...tally.counts })
      }
      const cutAt = this.#parts.clock.now()
      const cut = await withDeadline(log.cut(), patience)
      // What the log held until now may have been refused just then.
      await this.#eraseLetters(asked, tally, patience)
      return this.#end({ asked, began, cutAt, batchSize: terms.batchSize }, tally, cut, terms.vacuum, patience)
    })
  }

  async #count(asked: Asked, patience: Patience): Promise<Erasure> {
    const { cold, places, searcher } = this.#parts
    const matched = 'keys' in asked ? asked.keys.length : await searcher.count(asked.scope, asked.filter, patience)
    const removed = { hot: 0, staged: 0, deadLetters: 0, idempotencyKeys: 0, log: { segments: 0, bytes: 0 } }
    const left = toBeAsked(places, await withDeadline(cold.logs(), patience))
    const look = async () => ({ isDone: true, answer: left })
    return { erased: { matched, erased: 0, removed, left }, others: { advance: async () => {}, look } }
  }

  async *#pages(
    asked: Asked,
    { batchSize: limit = WHERE_BATCH }: EraseTerms,
    patience: Patience,
  ): AsyncGenerator<Page> {
    if ('keys' in asked) {
      for (let from = 0; from < asked.keys.length; from += limit) {
        throwIfOver(patience)
        const found = asked.keys.slice(from, from + limit).map((key) => ({ ...key, key: null, kind: null }))
        yield { found, isStill: () => true }
      }
      return
    }
    const { scope, filter } = asked
    const { reads, clock } = this.#parts
    // All that is in cold now, and what was put before and comes there yet.
    const selected = [...filter, thereBy(clock.now(), await reads.highestVersion())]
    yield* this.#selected({ scope, filter: selected }, filter, limit, patience)
  }

  /** @param still What an entry has to meet when its turn comes. */
  async *#selected(
    { scope, filter }: { readonly scope: Scope; readonly filter: Filter },
    still: Filter,
    limit: number,
    patience: Patience,
  ): AsyncGenerator<Page> {
    const { reader, reads } = this.#parts
    // Whether or not it has expired: the content of that is there as well.
    const query: ColdQuery = { scope, filter, now: 0, exclude: [] }
    for (let after: ReturnType<typeof orderKeys> | undefined; ; ) {
      throwIfOver(patience)
      const { rows } = await reads.find({ ...query, after, fields: FIELDS }, limit, patience)
      const found = rows.map(({ record }) => record)
      const fresh = await withFreshReads(rows, still, reader, patience)
      if (rows.length > 0) yield { found, isStill: (newest, i) => matches(newest, still, fresh[i]!.access) }
      if (rows.length < limit) return
      after = orderKeys(found.at(-1)!, [])
    }
  }

  async #erasePage({ found, isStill }: Page, letters: Letters, tally: Tally, patience: Patience): Promise<void> {
    const { cold, deleter } = this.#parts
    tally.counts.matched += found.length
    tally.removed.staged += await withDeadline(cold.eraseStaged(found), patience)
    const own = found.flatMap((key) => letters.get(keyText(key)) ?? [])
    tally.removed.deadLetters += await withDeadline(cold.removeDeadLetters(own), patience)
    tally.removed.idempotencyKeys += await withDeadline(cold.eraseIdempotencyKeys(found), patience)
    const outcomes = await deleter.erase(found, isStill, { durability: 'cold', ...untilItsEnd(patience) })
    const receipts = outcomes.flatMap((outcome) => (outcome.ok ? [outcome.value] : []))
    tally.counts.erased += receipts.length
    tally.removed.idempotencyKeys += await withDeadline(cold.eraseIdempotencyKeys(receipts), patience)
    const failure = failureAmong(outcomes)
    if (failure !== undefined) throw failure
    await this.#eraseInHot(receipts, tally)
  }

  /** Cold has the tombstones, so that hot needs none: what it would shadow there is older (rule L1). */
  async #eraseInHot(receipts: readonly Receipt[], tally: Tally): Promise<void> {
    const { hot } = this.#parts
    const removals = receipts.map((receipt): HotRemoval => ({ key: receipt, version: receipt.version }))
    await this.#unlessAway(tally, async () => {
      const dropped = [...(await hot.repair(removals)), ...(await hot.remove(removals))]
      tally.removed.hot += dropped.filter((reads) => reads !== undefined).length
    })
  }

  async #end(
    late: Late,
    tally: Tally,
    cut: LogCut,
    vacuum: Vacuuming | undefined,
    patience: Patience,
  ): Promise<Erasure> {
    const { cold, hot, places } = this.#parts
    await this.#unlessAway(tally, async () => {
      await hot.deleteFormer?.()
      await hot.verify()
    })
    const others = await withDeadline(AskedLogs.ask(cold, places.walId), patience)
    // Before it vacuums: what they ship from now on leaves dead rows anew.
    const open = await withDeadline(others.look(), patience)
    // The last of them may have shipped since the letters were looked for.
    if (open.length === 0) await this.#eraseLate(late, tally, patience)
    let vacuumed = await this.#vacuum(vacuum, patience)
    const leftIn = (logs: readonly RegisteredLog[]): Promise<Remnant[]> => {
      const { isHotAway, unreadable } = tally
      return remnants(places, { logs, isLogCut: cut.isWhole, isHotAway, unreadable, vacuum, ...vacuumed })
    }
    const { segments, bytes } = cut
    const erased = {
      ...tally.counts,
      removed: { ...tally.removed, log: { segments, bytes } },
      left: await leftIn(open),
    }
    let isDone = open.length === 0
    const clearUp = new SingleFlight(async () => {
      if (isDone) return
      await this.#adopt({})
      if ((await others.look()).length > 0) return
      // What they shipped is dead in the tables by now.
      vacuumed = NOT_VACUUMED
      await this.#eraseLate(late, tally, {})
      vacuumed = await this.#vacuum(vacuum, {})
      isDone = true
    })
    const look = async (): Promise<Look<readonly Remnant[]>> => {
      return { isDone, answer: await leftIn(isDone ? [] : await others.look()) }
    }
    return { erased, others: { advance: () => clearUp.join(), look } }
  }

  async #vacuum(mode: Vacuuming | undefined, patience: Patience): Promise<Vacuumed> {
    const done = mode && (await withDeadline(this.#parts.cold.vacuum(mode), patience))
    return { vacuumed: done?.isDone ? mode : undefined, heldBy: done?.heldBy ?? [] }
  }

  /**
   * What other logs shipped since then may have been refused, or have been left staged by who was killed. What they had
   * acknowledged and not shipped when the entries were looked for is selected by a filter now, and by keys was found
   * then. What they wrote later stays, as their logs have it.
   */
  async #eraseLate(late: Late, tally: Tally, patience: Patience): Promise<void> {
    const { asked, began, cutAt, batchSize = WHERE_BATCH } = late
    const { cold, places } = this.#parts
    if ('keys' in asked)
      for (const keys of slices(asked.keys, WHERE_BATCH)) await withDeadline(cold.eraseStaged(keys), patience)
    const letters = await this.#eraseLetters(asked, tally, patience)
    // Beside an embedded database there were none. By its reads, an entry may be selected by now that was not then.
    if ('keys' in asked || !places.isColdServer || asksForReads(asked.filter)) return
    const { scope } = asked
    const isOlder = (at: number) => ({ field: 'version', operator: 'lt', value: lowestAt(at) }) as const
    const wasThere = { field: 'createdAt', operator: 'lt', value: began } as const
    const filter: Filter = [...asked.filter, { or: [[isOlder(began)], [wasThere, isOlder(cutAt)]] }]
    for await (const page of this.#selected({ scope, filter }, filter, batchSize, patience))
      await this.#erasePage(page, letters, tally, patience)
  }

  /** Removes those that are asked for by what they hold; returns the others, by their keys, which a batch may name. */
  async #eraseLetters(asked: Asked, tally: Tally, patience: Patience): Promise<Letters> {
    const { cold } = this.#parts
    const isAsked = letterIsAsked(asked)
    tally.unreadable = 0
    const others: Letters = new Map()
    if ('filter' in asked) {
      const { scope, filter } = asked
      const query = { scope, filter, now: 0, exclude: [] }
      tally.removed.staged += await withDeadline(cold.eraseStagedWhere(query), patience)
    }
    for (let after = ''; ; ) {
      throwIfOver(patience)
      const letters = await withDeadline(cold.deadLetters(after, LETTERS), patience)
      const going = letters.filter(({ record }) => record !== undefined && isAsked(record))
      tally.removed.deadLetters += await cold.removeDeadLetters(going.map(({ digest }) => digest))
      for (const { digest, record } of letters) {
        if (record === undefined) {
          tally.unreadable++
          continue
        }
        const name = keyText(record)
        others.set(name, [...(others.get(name) ?? []), digest])
      }
      if (letters.length < LETTERS) return others
      after = letters.at(-1)!.digest
    }
  }

  /** A log that cannot be adopted is told of by what is left. */
  async #adopt({ signal = new AbortController().signal }: Patience): Promise<void> {
    try {
      await this.#parts.log.adoptOthers(signal)
    } catch (error) {
      const message = 'a log that another process left could not be shipped: it may have what was erased'
      this.#parts.logger.warn({ err: withoutContent(error) }, message)
    }
  }

  async #unlessAway(tally: Tally, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (!isThermoclineError(error, 'ERR_TIER_UNAVAILABLE') || error.details.tier !== 'hot') throw error
      tally.isHotAway = true
    }
  }
}

/** Digests by {@link keyText}. */
type Letters = Map<string, readonly string[]>

function letterIsAsked(asked: Asked): (record: EntryRecord) => boolean {
  if ('keys' in asked) {
    const names = new Set(asked.keys.map(keyText))
    return (record) => names.has(keyText(record))
  }
  const { namespace, recursive } = asked.scope
  return (record) => isWithin(record.namespace, namespace, recursive) && canMatch(record, asked.filter)
}

/** Metadata that is no JSON is why some were refused: nobody can tell, so they go. */
function canMatch(record: EntryRecord, filter: Filter): boolean {
  try {
    return matches(record, filter, undefined)
  } catch {
    return true
  }
}
