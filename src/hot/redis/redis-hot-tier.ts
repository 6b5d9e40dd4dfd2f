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
import { withDeadline } from '../../kernel/deadline.ts'
import type { Logger } from '../../kernel/logger.ts'
import type {
  HotCandidate,
  HotCapacity,
  HotRead,
  HotRemoval,
  HotSize,
  HotTier,
  HotTouch,
  HotWrite,
  HotWriteResult,
} from '../hot-tier.ts'
import { CircuitBreaker } from './circuit-breaker.ts'
import { lowestScores } from './lowest-scores.ts'
import { GenerationLost, isRefusalForGood, isReply, RedisFull, reasonOf, replyCode } from './redis-errors.ts'
import { type EnterGeneration, type Generation, RedisGeneration } from './redis-generation.ts'
import { ALL_SLOTS, groupBySlot, keyOfName, nameOf, SLOT_COUNT, type SlotItem, storePrefix } from './redis-keys.ts'
import { RedisLink } from './redis-link.ts'
import type { RedisLocation } from './redis-location.ts'
import type { ScriptName } from './redis-scripts.ts'
import { argumentsOf, resultOf, STATE_FIELDS, stateOf } from './redis-values.ts'

export interface RedisHotTierOptions {
  readonly server: RedisLocation
  /** UUID of the store: two stores on one Redis never see each other. */
  readonly storeId: string
  /** Milliseconds. @default 60_000 */
  readonly markerTtl?: number
  /** Milliseconds for one call. @default 2_000 */
  readonly commandTimeout?: number
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

const DEFAULT_MARKER_TTL = 60_000
const DEFAULT_COMMAND_TIMEOUT = 2_000
/** Failures in a row before Redis is left alone, and for how long: one lost packet is no outage. */
const BREAKER = { threshold: 5, restMs: 1_000 }

export class RedisHotTier implements HotTier {
  readonly capacity: HotCapacity = { maxEntries: undefined, maxBytes: undefined }
  readonly markerTtl: number
  readonly #link: RedisLink
  readonly #generation: RedisGeneration
  readonly #breaker: CircuitBreaker
  readonly #commandTimeout: number
  readonly #logger: Logger
  /** Matches every key of this store. */
  readonly #keyPattern: string
  #refusesUs = false
  #isClosed = false

  constructor(options: RedisHotTierOptions) {
    const { server, storeId, logger, enterGeneration, onNewGeneration } = options
    this.markerTtl = options.markerTtl ?? DEFAULT_MARKER_TTL
    this.#commandTimeout = options.commandTimeout ?? DEFAULT_COMMAND_TIMEOUT
    this.#logger = logger
    this.#keyPattern = `${storePrefix(storeId)}*`
    this.#breaker = new CircuitBreaker({
      ...BREAKER,
      clock: systemClock,
      isOutage: (error) => !isReply(error) && !(error instanceof GenerationLost || error instanceof RedisFull),
    })
    this.#link = new RedisLink({
      server,
      commandTimeout: this.#commandTimeout,
      onUp: () => this.#generation.lookSoon(),
      onDown: () => this.#generation.forget(),
      onError: (error) => logger.debug({ err: withoutContent(error), reply: replyCode(error) }, 'hot connection error'),
    })
    this.#generation = new RedisGeneration({
      link: this.#link,
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
      const ready = this.#link.connect().then(() => this.#generation.current())
      await withDeadline(ready, { timeout: 2 * this.#commandTimeout })
    } catch (error) {
      this.#refusesUs = isRefusalForGood(error, this.#link.trouble)
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

  read(keys: readonly EntryKey[]): Promise<(HotRead | undefined)[]> {
    return this.#perSlot(keys, nameOf, async (generation, slot, group) => {
      const names = generation.keys
      const redisKeys = [names.slot(slot), ...group.map(({ name }) => names.entry(slot, name))]
      const args = [...STATE_FIELDS, 'payload']
      const found = await this.#run(generation, slot, 'read', redisKeys, args, { asBytes: true })
      return (found as (Buffer | null)[][]).map((fields) => {
        const state = stateOf(fields.slice(0, STATE_FIELDS.length).map((field) => field?.toString() ?? null))
        return state && { ...state, payload: fields.at(-1)! }
      })
    })
  }

  async write(writes: readonly HotWrite[]): Promise<HotWriteResult[]> {
    const results = await this.#perSlot(
      writes,
      (write) => nameOf(write.key),
      async (generation, slot, group) => {
        const { id, keys } = generation
        const args = group.flatMap(({ name, item }) => argumentsOf(name, item, id))
        const redisKeys = [...slotKeys(keys, slot), ...entryAndMarkerKeys(keys, slot, group)]
        const verdicts = (await this.#run(generation, slot, 'write', redisKeys, [this.markerTtl, ...args])) as string[]
        // What there was room for is stored all the same; a write that is rejected may always have arrived.
        if (verdicts.includes('full')) throw new RedisFull('a write found no room')
        return verdicts.map(resultOf)
      },
    )
    if (results.some((result) => result.status === 'late')) this.#measureTime()
    return results
  }

  async touch(touches: readonly HotTouch[]): Promise<HotTouch[]> {
    const counted = await this.#perSlot(
      touches,
      (touch) => nameOf(touch.key),
      async (generation, slot, group) => {
        const { keys } = generation
        const redisKeys = [keys.slot(slot), keys.byLastAccess(slot), ...group.map(({ name }) => keys.entry(slot, name))]
        const args = group.flatMap(({ name, item }) => [name, item.lastAccessedAt, item.accesses])
        const answers = await this.#run(generation, slot, 'touch', redisKeys, args)
        return (answers as number[]).map((answer) => answer === 1)
      },
    )
    return touches.filter((_, i) => !counted[i])
  }

  candidates({ limit, idleSince }: { limit: number; idleSince: number }): Promise<HotCandidate[]> {
    return this.#call(async (generation) => {
      const [idle, expired] = await Promise.all([
        this.#lowest(generation, 'byLastAccess', idleSince, limit),
        this.#lowest(generation, 'byExpiry', this.now(), limit),
      ])
      const found = await this.#candidatesOf(generation, [...new Set([...idle, ...expired])])
      return found.sort((a, b) => a.lastAccessedAt - b.lastAccessedAt).slice(0, limit)
    })
  }

  remove(removals: readonly HotRemoval[]): Promise<(AccessStats | undefined)[]> {
    return this.#depart('remove', removals)
  }

  repair(repairs: readonly HotRemoval[]): Promise<(AccessStats | undefined)[]> {
    return this.#depart('repair', repairs)
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

  async close(): Promise<void> {
    this.#isClosed = true
    this.#generation.close()
    await this.#link.close()
  }

  async #size(generation: Generation): Promise<HotSize> {
    const { keys } = generation
    const sizes = await Promise.all(
      ALL_SLOTS.map((slot) => this.#run(generation, slot, 'size', [keys.slot(slot), keys.byLastAccess(slot)], [])),
    )
    return (sizes as [number, number][]).reduce<HotSize>(
      (sum, [entries, bytes]) => ({ entries: sum.entries + entries, bytes: sum.bytes + bytes }),
      { entries: 0, bytes: 0 },
    )
  }

  #depart(script: 'remove' | 'repair', departures: readonly HotRemoval[]): Promise<(AccessStats | undefined)[]> {
    return this.#perSlot(
      departures,
      (departure) => nameOf(departure.key),
      async (generation, slot, group) => {
        const { keys } = generation
        const args = group.flatMap(({ name, item }) => [name, item.version])
        const redisKeys = [...slotKeys(keys, slot), ...entryAndMarkerKeys(keys, slot, group)]
        const removed = await this.#run(generation, slot, script, redisKeys, [this.markerTtl, ...args])
        return (removed as string[][]).map(([accesses, last]) =>
          accesses === undefined ? undefined : { accessCount: Number(accesses), lastAccessedAt: Number(last) },
        )
      },
    )
  }

  /** Runs once per slot that the items are in, all at once; answers in the order of the items. */
  #perSlot<T, R>(
    items: readonly T[],
    nameOfItem: (item: T) => string,
    run: (generation: Generation, slot: number, group: readonly SlotItem<T>[]) => Promise<readonly R[]>,
  ): Promise<R[]> {
    return this.#call(async (generation) => {
      const results: R[] = new Array(items.length)
      const runGroup = async ([slot, group]: [number, SlotItem<T>[]]): Promise<void> => {
        const answers = await run(generation, slot, group)
        for (const [i, { index }] of group.entries()) results[index] = answers[i]!
      }
      await Promise.all([...groupBySlot(items, nameOfItem)].map(runGroup))
      return results
    })
  }

  /** Names with the lowest scores over all slots, lowest first. */
  #lowest(generation: Generation, index: 'byLastAccess' | 'byExpiry', max: number, limit: number): Promise<string[]> {
    const { keys } = generation
    return lowestScores(SLOT_COUNT, limit, async (slot, offset, count) => {
      const redisKeys = [keys.slot(slot), keys[index](slot)]
      const flat = (await this.#run(generation, slot, 'lowest', redisKeys, [max, offset, count])) as string[]
      return Array.from({ length: flat.length / 2 }, (_, i) => ({ name: flat[2 * i]!, score: Number(flat[2 * i + 1]) }))
    })
  }

  /** What is known of the names that are still held. */
  async #candidatesOf(generation: Generation, names: readonly string[]): Promise<HotCandidate[]> {
    const { keys } = generation
    const groups = groupBySlot(names, (name) => name)
    const described = await Promise.all(
      [...groups].map(async ([slot, group]) => {
        const redisKeys = [keys.slot(slot), ...group.map(({ name }) => keys.entry(slot, name))]
        const found = await this.#run(generation, slot, 'read', redisKeys, STATE_FIELDS)
        return (found as (string | null)[][]).map((fields, i) => {
          const state = stateOf(fields)
          return state && { key: keyOfName(group[i]!.name), ...state }
        })
      }),
    )
    return described.flat().filter((candidate) => candidate !== undefined)
  }

  /** Runs a script of a slot. */
  async #run(
    generation: Generation,
    slot: number,
    script: ScriptName,
    keys: readonly string[],
    args: readonly (string | number | Uint8Array)[],
    { asBytes = false } = {},
  ): Promise<unknown> {
    const all = [...args, generation.marks[slot]!]
    const answer = asBytes ? this.#link.runForBytes(script, keys, all) : this.#link.run(script, keys, all)
    return resultIn(generation, slot, await answer)
  }

  /** The one way to Redis: breaker, generation, deadline, and errors of ours alone. */
  async #call<T>(work: (generation: Generation) => Promise<T>): Promise<T> {
    this.#refuseIfClosed()
    try {
      return await this.#breaker.run(() => withDeadline(this.#ask(work), { timeout: this.#commandTimeout }))
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
    const { address, trouble } = this.#link
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

function slotKeys(keys: Generation['keys'], slot: number): string[] {
  return [keys.slot(slot), keys.byLastAccess(slot), keys.byExpiry(slot)]
}

function entryAndMarkerKeys<T>(keys: Generation['keys'], slot: number, group: readonly SlotItem<T>[]): string[] {
  return group.flatMap(({ name }) => [keys.entry(slot, name), keys.marker(slot, name)])
}

/**
 * What a script of a slot answers, where the slot is still the one that we know. In a cluster a script may be answered
 * after one that was sent later, so the mark of the highest number counts.
 */
function resultIn({ marks }: Generation, slot: number, answer: unknown): unknown {
  if (answer === null) throw new GenerationLost('a slot has no floor, or not the changes that it had')
  const [mark, result] = answer as readonly [string | Buffer, unknown]
  const latest = mark.toString()
  if (Number.parseInt(latest, 10) >= (Number.parseInt(marks[slot]!, 10) || 0)) marks[slot] = latest
  return result
}
