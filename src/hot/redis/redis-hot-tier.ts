/**
 * The hot tier in Redis or Valkey (6.2 or newer), shared by every process of a store. It guarantees what hot-tier.ts
 * asks of every driver; redis-scripts.ts holds the rules and redis-generation.ts says which generation it is.
 *
 * Redis may be away at any time: then every call rejects with `ERR_TIER_UNAVAILABLE` (tier hot), at the latest after
 * `commandTimeout`, and at once while the breaker is open. A rejected write may still arrive; the scripts see to it
 * that this does no harm. An answer counts only if the generation is still the one that was asked.
 */

import type { EntryKey } from '../../entry/entry-key.ts'
import type { AccessStats } from '../../entry/record.ts'
import { isThermoclineError, ThermoclineError, withoutContent } from '../../errors.ts'
import { systemClock } from '../../kernel/clock.ts'
import { Coalescer } from '../../kernel/coalescer.ts'
import { withDeadline } from '../../kernel/deadline.ts'
import type { Logger } from '../../kernel/logger.ts'
import { activationAt } from '../../policy/decaying-activation.ts'
import {
  DEFAULT_MARKER_TTL,
  type HotCandidate,
  type HotCapacity,
  type HotExtension,
  type HotMeasure,
  type HotPostponement,
  type HotRead,
  type HotRemoval,
  type HotReservation,
  type HotReserved,
  type HotSize,
  type HotTier,
  type HotTouch,
  type HotWrite,
  type HotWriteResult,
} from '../hot-tier.ts'
import { CircuitBreaker } from './circuit-breaker.ts'
import { lowestScores } from './lowest-scores.ts'
import { RedisConnection } from './redis-connection.ts'
import { GenerationLost, isRefusalForGood, isReply, RedisFull, reasonOf, replyCode } from './redis-errors.ts'
import { type EnterGeneration, type Generation, RedisGeneration } from './redis-generation.ts'
import { groupBySlot, keyOfName, nameOf, type SlotItem, storePrefix } from './redis-keys.ts'
import type { RedisLocation } from './redis-location.ts'
import type { SlotScriptName } from './redis-scripts.ts'
import { entryOf, leftOverOf, lineOf, measureOf, readOf, resultOf, stateOf } from './redis-values.ts'
import { MAX_BYTES, MAX_ITEMS, type SlotCall, SlotScripts } from './slot-scripts.ts'

export interface RedisHotTierOptions {
  readonly server: RedisLocation
  /** UUID of the store: two stores on one Redis never see each other. */
  readonly storeId: string
  /** Milliseconds. @default 60_000 */
  readonly markerTtl?: number
  /** Milliseconds for one call. @default 2_000 */
  readonly commandTimeout?: number
  /** Milliseconds in which an activation halves. @default none are kept */
  readonly activationHalfLife?: number | undefined
  readonly logger: Logger
  /**
   * Called before this process uses a generation that it does not know: MUST register it in cold as current, and
   * resolve to what cold answers, undefined where that generation has ended. While it rejects, the tier is unavailable;
   * it is asked again.
   */
  readonly enterGeneration: EnterGeneration
  /** Called when another generation has become current, the first included: re-push what hot may lack. */
  readonly onNewGeneration?: (generationId: string) => void
}

const DEFAULT_COMMAND_TIMEOUT = 2_000
/** Failures in a row before Redis is left alone, and for how long: one lost packet is no outage. */
const BREAKER = { threshold: 5, restMs: 1_000 }

export class RedisHotTier implements HotTier {
  readonly capacity: HotCapacity = { maxEntries: undefined, maxBytes: undefined }
  readonly markerTtl: number
  readonly #connection: RedisConnection
  readonly #generation: RedisGeneration
  readonly #scripts: SlotScripts
  readonly #breaker: CircuitBreaker
  /** Not on a cluster: whoever asks one master must not fail with those who ask another. */
  readonly #reads = new Coalescer((keys: readonly EntryKey[], calls) => this.#readAll(keys, calls))
  readonly #writes = new Coalescer((writes: readonly HotWrite[], calls) => this.#writeAll(writes, calls))
  readonly #reservations = new Coalescer((all: readonly HotReservation[], calls) => this.#reserveAll(all, calls))
  readonly #commandTimeout: number
  readonly #halfLife: number
  readonly #logger: Logger
  /** Matches every key of this store. */
  readonly #keyPattern: string
  #refusesUs = false
  #isClosed = false

  constructor(options: RedisHotTierOptions) {
    const { server, storeId, logger, enterGeneration, onNewGeneration } = options
    this.markerTtl = options.markerTtl ?? DEFAULT_MARKER_TTL
    this.#commandTimeout = options.commandTimeout ?? DEFAULT_COMMAND_TIMEOUT
    this.#halfLife = options.activationHalfLife ?? 0
    this.#logger = logger
    this.#keyPattern = `${storePrefix(storeId)}*`
    this.#breaker = new CircuitBreaker({
      ...BREAKER,
      clock: systemClock,
      isOutage: (error) => !isReply(error) && !(error instanceof GenerationLost || error instanceof RedisFull),
    })
    this.#connection = new RedisConnection({
      server,
      commandTimeout: this.#commandTimeout,
      onUp: () => this.#generation.lookSoon(),
      onDown: () => this.#generation.forget(),
      onError: (error) => logger.debug({ err: withoutContent(error), reply: replyCode(error) }, 'hot connection error'),
    })
    this.#scripts = new SlotScripts(this.#connection)
    this.#generation = new RedisGeneration({
      connection: this.#connection,
      storeId,
      logger,
      enter: enterGeneration,
      onCurrent: (generationId, isNew) => {
        this.#breaker.close()
        if (isNew) onNewGeneration?.(generationId)
      },
    })
  }

  /**
   * Resolves when the tier can be used, to be called once. A rejection, after twice `commandTimeout` at the latest,
   * says why it cannot yet; it goes on trying until it is closed.
   */
  async connect(): Promise<void> {
    try {
      const ready = this.#connection.connect().then(() => this.#generation.current())
      await withDeadline(ready, { timeout: 2 * this.#commandTimeout })
    } catch (error) {
      this.#refusesUs = isRefusalForGood(error, this.#connection.trouble)
      throw this.#unavailable(error)
    }
  }

  /**
   * Where it differs before and after a write, nobody knows in which of the two the write is: treat it as lost. Empty
   * before the first connection.
   */
  get generationId(): string {
    return this.#generation.id
  }

  get generationNumber(): number | undefined {
    return this.#generation.number
  }

  /** Whether Redis may drop entries by itself, so that nothing it took is known to be there still. */
  get mayEvict(): boolean {
    return this.#generation.mayEvict
  }

  /** Whether the first attempt to connect met something that waiting does not mend, such as a wrong password. */
  get refusesUs(): boolean {
    return this.#refusesUs
  }

  /** Enters the generation anew: cold says that another one is current. */
  reenter(): void {
    this.#generation.reenter()
  }

  now(): number {
    return this.#generation.now()
  }

  async read(keys: readonly EntryKey[]): Promise<readonly (HotRead | undefined)[]> {
    return this.#scripts.spansSlots ? this.#reads.call(keys) : this.#readAll(keys)
  }

  async write(writes: readonly HotWrite[]): Promise<HotWriteResult[]> {
    const verdicts = await (this.#scripts.spansSlots ? this.#writes.call(writes) : this.#writeAll(writes))
    // What there was room for is stored all the same; a write that is rejected may always have arrived.
    if (verdicts.includes('full')) throw this.#unavailable(new RedisFull('a write found no room'))
    const results = verdicts.map(resultOf)
    if (results.some((result) => result.status === 'late')) this.#measureTime()
    return results
  }

  async touch(touches: readonly HotTouch[]): Promise<HotTouch[]> {
    const counted = await this.#perSlot('touch', touches, keyOfItem, {
      call: ({ keys }, slot, group) => ({
        keys: [
          ...[keys.slot(slot), keys.byLastAccess(slot)],
          ...group.map(({ name }) => keys.entry(slot, name)),
          keys.activations(slot),
        ],
        args: [...group.flatMap(({ name, item }) => [name, item.lastAccessedAt, item.accesses]), this.#halfLife],
      }),
      result: (answer) => answer as number,
    })
    return touches.filter((_, i) => counted[i] !== 1)
  }

  async postpone(postponements: readonly HotPostponement[]): Promise<void> {
    await this.#perSlot('postpone', postponements, keyOfItem, {
      call: ({ keys }, slot, group) => ({
        keys: [keys.slot(slot), keys.byLastAccess(slot)],
        args: group.flatMap(({ name, item }) => [name, item.asIfAccessedAt]),
      }),
      result: () => undefined,
    })
  }

  async activations(entries: readonly EntryKey[], when: number): Promise<readonly (number | undefined)[]> {
    if (this.#halfLife === 0) return entries.map(() => undefined)
    return this.#perSlot('activations', entries, (key) => key, {
      call: ({ keys }, slot, group) => ({
        keys: [keys.slot(slot), keys.activations(slot)],
        args: group.map(({ name }) => name),
      }),
      result: (answer) => {
        if (answer === null) return undefined
        const [value, at] = (answer as string).split(' ').map(Number) as [number, number]
        return activationAt({ value, at }, when, this.#halfLife)
      },
    })
  }

  memoryUse(): Promise<number> {
    return this.#call(() => this.#generation.memoryUse())
  }

  async extend(extensions: readonly HotExtension[]): Promise<void> {
    await this.#perSlot('extend', extensions, keyOfItem, {
      call: ({ keys }, slot, group) => ({
        keys: [keys.slot(slot), keys.byExpiry(slot), ...group.map(({ name }) => keys.entry(slot, name))],
        args: group.flatMap(({ name, item }) => [name, item.version, item.expiresAt]),
      }),
      result: () => undefined,
    })
  }

  candidates({ limit, idleSince }: { limit: number; idleSince: number }): Promise<HotCandidate[]> {
    return this.#call(async (generation) => {
      const found = await this.#candidatesOf(generation, await this.#candidateNames(generation, idleSince, limit))
      return found.sort((a, b) => a.lastAccessedAt - b.lastAccessedAt).slice(0, limit)
    })
  }

  candidateKeys({ limit, idleSince }: { limit: number; idleSince: number }): Promise<EntryKey[]> {
    return this.#call(async (generation) => (await this.#candidateNames(generation, idleSince, limit)).map(keyOfName))
  }

  async examine(keys: readonly EntryKey[]): Promise<(HotCandidate | undefined)[]> {
    const states = await this.#perSlot('examine', keys, (key) => key, {
      call: (generation, slot, group) => ({ keys: entryKeys(generation.keys, slot, group), args: [] }),
      result: (header) => (header === null ? undefined : stateOf(header as string)),
    })
    return states.map((state, i) => state && { key: keys[i]!, ...state })
  }

  remove(removals: readonly HotRemoval[]): Promise<(AccessStats | undefined)[]> {
    return this.#depart('remove', removals)
  }

  repair(repairs: readonly HotRemoval[]): Promise<(AccessStats | undefined)[]> {
    return this.#depart('repair', repairs)
  }

  async reserve(reservations: readonly HotReservation[]): Promise<HotReserved[]> {
    const { spansSlots } = this.#scripts
    const answers = await (spansSlots ? this.#reservations.call(reservations) : this.#reserveAll(reservations))
    if (answers.some(([verdict]) => verdict === 'full'))
      throw this.#unavailable(new RedisFull('a reservation found no room'))
    return answers.map(([verdict, accesses, last]) => {
      if (verdict === 'newer') return { status: 'newer' }
      const reads = accesses === undefined ? undefined : { accessCount: Number(accesses), lastAccessedAt: Number(last) }
      return { status: 'reserved', reads }
    })
  }

  async measure(keys: readonly EntryKey[]): Promise<(HotMeasure | undefined)[]> {
    return this.#perSlot('describe', keys, (key) => key, {
      call: (generation, slot, group) => ({ keys: entryKeys(generation.keys, slot, group), args: [] }),
      result: (described) => (described === null ? undefined : measureOf(described as string)),
    })
  }

  size(): Promise<HotSize> {
    return this.#call((generation) => this.#size(generation))
  }

  /** Where INFO is blocked, only the slots tell what Redis holds from an older copy of it. */
  async verify(): Promise<void> {
    await this.#call(async (generation) => {
      await this.#generation.verify()
      if (this.#generation.isSilent) await this.#size(generation)
    })
  }

  /** Looks at every key of the server, so it takes longer than a call may. */
  async deleteFormer(): Promise<void> {
    try {
      await this.#generation.deleteFormer()
    } catch (error) {
      throw this.#unavailable(error)
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#generation.close()
    await this.#connection.close()
  }

  #readAll(keys: readonly EntryKey[], calls = 1): Promise<(HotRead | undefined)[]> {
    return this.#call(async (generation) => {
      const groups = groupsOf(keys, generation, (key) => key)
      const slots = groups.map(([slot, group]) => ({ slot, keys: entryKeys(generation.keys, slot, group) }))
      return inOrder(keys.length, groups, await this.#scripts.read(generation, slots), readOf)
    }, calls)
  }

  #writeAll(writes: readonly HotWrite[], calls = 1): Promise<string[]> {
    const script: SlotScript<HotWrite, string> = {
      call: ({ id, keys }, slot, group) => ({
        keys: [...slotKeys(keys, slot), ...entryAndMarkerKeys(keys, slot, group)],
        args: [this.markerTtl, ...group.flatMap(({ name, item }) => [lineOf(name, item, id), entryOf(item)])],
      }),
      result: (verdict) => verdict as string,
      bytesOf: ({ payload }) => payload.byteLength,
    }
    return this.#perSlot('write', writes, keyOfItem, script, calls)
  }

  #reserveAll(reservations: readonly HotReservation[], calls = 1): Promise<(readonly [string, ...string[]])[]> {
    const script: SlotScript<HotReservation, readonly [string, ...string[]]> = {
      call: ({ keys }, slot, group) => ({
        keys: [...slotKeys(keys, slot), ...entryAndMarkerKeys(keys, slot, group), keys.activations(slot)],
        args: [this.markerTtl, ...group.flatMap(({ name, item }) => [name, item.newest, item.below])],
      }),
      result: (answer) => answer as readonly [string, ...string[]],
    }
    return this.#perSlot('reserve', reservations, keyOfItem, script, calls)
  }

  async #size(generation: Generation): Promise<HotSize> {
    const { keys } = generation
    const calls = keys.slots.map((slot) => ({ slot, keys: [keys.slot(slot), keys.byLastAccess(slot)], args: [] }))
    const sizes = (await this.#scripts.run(generation, 'size', calls)) as [number, number][]
    return sizes.reduce<HotSize>(
      (sum, [entries, bytes]) => ({ entries: sum.entries + entries, bytes: sum.bytes + bytes }),
      { entries: 0, bytes: 0 },
    )
  }

  #depart(script: 'remove' | 'repair', departures: readonly HotRemoval[]): Promise<(AccessStats | undefined)[]> {
    return this.#perSlot(script, departures, keyOfItem, {
      call: ({ keys }, slot, group) => ({
        keys: [...slotKeys(keys, slot), ...entryAndMarkerKeys(keys, slot, group), keys.activations(slot)],
        args: [this.markerTtl, ...group.flatMap(({ name, item }) => [name, item.version])],
      }),
      result: (leftOver) => leftOverOf(leftOver as string),
    })
  }

  /** Runs a script in each slot that the items are in; answers in the order of the items. */
  #perSlot<T, R>(
    script: SlotScriptName,
    items: readonly T[],
    keyOf: (item: T) => EntryKey,
    { call, result, bytesOf }: SlotScript<T, R>,
    calls = 1,
  ): Promise<R[]> {
    return this.#call(async (generation) => {
      const groups = groupsOf(items, generation, keyOf, bytesOf)
      const slotCalls = groups.map(([slot, group]) => ({ slot, ...call(generation, slot, group) }))
      const answers = (await this.#scripts.run(generation, script, slotCalls)) as unknown[][]
      return inOrder(items.length, groups, answers, result)
    }, calls)
  }

  /** Names with the lowest scores over all slots, lowest first. */
  #lowest(generation: Generation, index: 'byLastAccess' | 'byExpiry', max: number, limit: number): Promise<string[]> {
    const { keys } = generation
    return lowestScores(keys.slots.length, limit, async (pages) => {
      const calls = pages.map(({ list: slot, offset, count }) => ({
        slot,
        keys: [keys.slot(slot), keys[index](slot)],
        args: [max, offset, count],
      }))
      const answers = (await this.#scripts.run(generation, 'lowest', calls)) as string[][]
      return answers.map((flat) =>
        Array.from({ length: flat.length / 2 }, (_, i) => ({ name: flat[2 * i]!, score: Number(flat[2 * i + 1]) })),
      )
    })
  }

  /** Up to `limit` that are idle, by the last access, and then as many that have expired. */
  async #candidateNames(generation: Generation, idleSince: number, limit: number): Promise<string[]> {
    const [idle, expired] = await Promise.all([
      this.#lowest(generation, 'byLastAccess', idleSince, limit),
      this.#lowest(generation, 'byExpiry', this.now(), limit),
    ])
    return [...new Set([...idle, ...expired])]
  }

  /** What is known of the names that are still held. */
  async #candidatesOf(generation: Generation, names: readonly string[]): Promise<HotCandidate[]> {
    const groups = inChunks(groupBySlot(names, generation.keys.slots.length, (name) => name))
    const calls = groups.map(([slot, group]) => ({ slot, keys: entryKeys(generation.keys, slot, group), args: [] }))
    const answers = (await this.#scripts.run(generation, 'examine', calls)) as (string | null)[][]
    const described = groups.flatMap(([, group], g) =>
      group.map(({ name }, i) => {
        const header = answers[g]![i]
        return header ? { key: keyOfName(name), ...stateOf(header) } : undefined
      }),
    )
    return described.filter((candidate) => candidate !== undefined)
  }

  /**
   * The one way to Redis: breaker, generation, deadline, and errors of ours alone.
   * @param calls that the work is for.
   */
  async #call<T>(work: (generation: Generation) => Promise<T>, calls = 1): Promise<T> {
    this.#refuseIfClosed()
    try {
      return await this.#breaker.run(() => withDeadline(this.#ask(work), { timeout: this.#commandTimeout }), calls)
    } catch (error) {
      this.#refuseIfClosed()
      throw this.#unavailable(error)
    }
  }

  async #ask<T>(work: (generation: Generation) => Promise<T>): Promise<T> {
    const generation = await this.#generation.current()
    try {
      const answer = await work(generation)
      if (this.#generation.isCurrent(generation)) return answer
    } catch (error) {
      if (!(error instanceof GenerationLost)) throw error
      await this.#generation.lose(generation)
    }
    throw new GenerationLost('the generation that was asked is gone')
  }

  #measureTime(): void {
    this.#generation.measureTime().catch((error: unknown) => {
      this.#logger.debug({ err: withoutContent(error) }, 'the time of hot could not be measured')
    })
  }

  #unavailable(error: unknown): ThermoclineError {
    if (isThermoclineError(error, 'ERR_TIER_UNAVAILABLE')) return error
    const { address, trouble } = this.#connection
    return new ThermoclineError(
      'ERR_TIER_UNAVAILABLE',
      `the hot tier at ${address} ${reasonOf(error, trouble, this.#keyPattern)}`,
      { tier: 'hot' },
      { cause: error },
    )
  }

  #refuseIfClosed(): void {
    if (this.#isClosed) throw new ThermoclineError('ERR_CLOSED', 'the hot tier is closed', {})
  }
}

/** How a script is called for the items of a slot, and what its answer of an item says. */
interface SlotScript<T, R> {
  readonly call: (
    generation: Generation,
    slot: number,
    group: readonly SlotItem<T>[],
  ) => Pick<SlotCall, 'keys' | 'args'>
  readonly result: (answer: unknown) => R
  /** What Redis is handed of an item. */
  readonly bytesOf?: (item: T) => number
}

type SlotGroup<T> = readonly [slot: number, group: readonly SlotItem<T>[]]

function groupsOf<T>(
  items: readonly T[],
  { keys }: Generation,
  keyOf: (item: T) => EntryKey,
  bytesOf?: (item: T) => number,
): SlotGroup<T>[] {
  return inChunks(
    groupBySlot(items, keys.slots.length, (item) => nameOf(keyOf(item))),
    bytesOf,
  )
}

/** One call takes no more than a script may; items stay in their order. */
function inChunks<T>(groups: Iterable<SlotGroup<T>>, bytesOf?: (item: T) => number): SlotGroup<T>[] {
  const chunks: SlotGroup<T>[] = []
  for (const [slot, group] of groups) {
    let [from, bytes] = [0, 0]
    for (const [i, { item }] of group.entries()) {
      bytes += bytesOf?.(item) ?? 0
      if (i === from || (i - from < MAX_ITEMS && bytes <= MAX_BYTES)) continue
      chunks.push([slot, group.slice(from, i)])
      from = i
      bytes = bytesOf?.(item) ?? 0
    }
    chunks.push([slot, from === 0 ? group : group.slice(from)])
  }
  return chunks
}

/** What was answered of the items of each group, in the order in which the items were given. */
function inOrder<T, A, R>(
  count: number,
  groups: readonly SlotGroup<T>[],
  answers: readonly (readonly A[])[],
  resultOfAnswer: (answer: A) => R,
): R[] {
  const all: R[] = new Array(count)
  for (const [g, [, group]] of groups.entries())
    for (const [i, { index }] of group.entries()) all[index] = resultOfAnswer(answers[g]![i]!)
  return all
}

const keyOfItem = ({ key }: { readonly key: EntryKey }): EntryKey => key

function entryKeys<T>(keys: Generation['keys'], slot: number, group: readonly SlotItem<T>[]): string[] {
  return [keys.slot(slot), ...group.map(({ name }) => keys.entry(slot, name))]
}

function slotKeys(keys: Generation['keys'], slot: number): string[] {
  return [keys.slot(slot), keys.byLastAccess(slot), keys.byExpiry(slot)]
}

function entryAndMarkerKeys<T>(keys: Generation['keys'], slot: number, group: readonly SlotItem<T>[]): string[] {
  return group.flatMap(({ name }) => [keys.entry(slot, name), keys.marker(slot, name)])
}
