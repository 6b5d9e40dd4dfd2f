/**
 * Decides which generation of hot this is. A Redis that restarts empty or from an old snapshot, is flushed, or fails
 * over to a replica that lags must not pass for the one that took our writes. A *generation* is one uninterrupted life
 * of what Redis holds: its id is a hash of every master's run id and replication id, and of a random nonce kept in
 * Redis, which a flush loses. All keys carry it, so what an older generation left is never read.
 *
 * States: *unknown*, at first and from the moment any connection breaks; *current*, once the masters were asked over
 * the new connections. Nothing is sent to a slot while the generation is unknown: callers wait for the look. A new
 * generation is entered in this order: the owner registers it in cold and learns cold's highest version; that becomes
 * the floor of each slot; then the generation is declared ready, for everybody. From then on a slot has lost what it
 * held where it has no floor, or lacks the latest change that was seen of it (its *mark*, which redis-scripts.ts
 * compares). Either ends the generation: the nonce is replaced.
 *
 * Another layout of what Redis holds is another generation, with a nonce in another key. Processes of an older and of a
 * newer layout must not use theirs side by side: each would answer what it has, and not what the other has newer. So
 * whoever knows layout 2 takes the nonce of layout 1 away for good, which lets nobody enter there any more, and then
 * the slots of its generation, which ends it; both before a generation of layout 2 is entered. To processes of layout 1
 * Redis is away from then on, which they are made for (rule G8 of flow/README.md): they go on with pending and cold,
 * and what they ship is confirmed nowhere, so that whoever has a generation repairs it (rules G5 to G7).
 */
import { createHash } from 'node:crypto'
import type { Version } from '../../entry/version.ts'
import { ThermoclineError, withoutContent } from '../../errors.ts'
import type { Logger } from '../../kernel/logger.ts'
import type { RedisConnection } from './redis-connection.ts'
import { AnsweredByReplica, GenerationLost, isFromReplica } from './redis-errors.ts'
import {
  FORMER_SLOTS,
  formerNonceKey,
  GenerationKeys,
  MAX_SLOTS,
  makeNonce,
  nonceKey,
  slotsOf,
  storePrefix,
} from './redis-keys.ts'
import { deleteOtherGenerations, inspectMaster, mayEvict, memoryUseOf } from './redis-masters.ts'
import { RedisWarnings } from './redis-warnings.ts'

/** What cold says of a generation that it knows as current now; undefined: it has ended. */
export type EnterGeneration = (
  generationId: string,
) => Promise<{ readonly number: number; readonly highestVersion: Version } | undefined>

export interface GenerationOptions {
  readonly connection: RedisConnection
  readonly storeId: string
  readonly logger: Logger
  readonly enter: EnterGeneration
  readonly onCurrent: (generationId: string, isNew: boolean) => void
}

/** A generation that was current when it was handed out. */
export interface Generation {
  readonly id: string
  /** Under which cold knows it. */
  readonly number: number
  readonly keys: GenerationKeys
  /** The latest change that was seen of each slot; empty before the first. */
  readonly marks: string[]
}

/** Names a generation before it is entered. */
type NamedGeneration = Pick<Generation, 'id' | 'keys'>

interface ReadNonce {
  readonly nonce: string
  /** The generation that was declared ready; empty: none. */
  readonly ready: string
  /** The generation of layout 1 that is still to be ended; empty: none. */
  readonly former: string
}

/** Pause before another look after one that failed although Redis is connected. */
const RETRY_MS = 1_000

export class RedisGeneration {
  readonly #options: GenerationOptions
  readonly #warnings: RedisWarnings
  #current: Generation | undefined
  #looking: Promise<Generation> | undefined
  #measuring: Promise<unknown> | undefined
  /** Counts what made the generation unknown: a look that began before the latest says nothing. */
  #breaks = 0
  /** What has been seen of the latest generation. */
  #known: Pick<Generation, 'id' | 'marks'> | undefined
  #lastId: string | undefined
  #lastNumber = 0
  #mayEvict = false
  #isSilent = false
  /** Slots of a generation that begins now. */
  #slots = MAX_SLOTS
  #retry: NodeJS.Timeout | undefined
  #isClosed = false
  /** Redis's clock less ours. */
  #offset = Date.now() - performance.now()

  constructor(options: GenerationOptions) {
    this.#options = options
    this.#warnings = new RedisWarnings(options.logger)
  }

  /** The latest known; empty before the first. */
  get id(): string {
    return this.#lastId ?? ''
  }

  /** Under which cold knows the current one; undefined while that is unknown. */
  get number(): number | undefined {
    return this.#current?.number
  }

  get mayEvict(): boolean {
    return this.#mayEvict
  }

  /** Whether nothing but its slots tells what Redis holds from an older copy of it: INFO is blocked. */
  get isSilent(): boolean {
    return this.#isSilent
  }

  /** Redis's own time as last measured, on a clock that does not step. */
  now(): number {
    return Math.round(performance.now() + this.#offset)
  }

  /** The current generation, looked up first where it is unknown. */
  current(): Promise<Generation> {
    if (this.#current !== undefined) return Promise.resolve(this.#current)
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined
    })
    return this.#looking
  }

  isCurrent(generation: Generation): boolean {
    return this.#current === generation
  }

  /** Cold knows another one as current: this one is entered anew, if it is still what Redis has. */
  reenter(): void {
    this.#lastId = undefined
    this.forget()
    this.lookSoon()
  }

  /** A connection broke. */
  forget(): void {
    this.#breaks++
    this.#current = undefined
  }

  /** Masters can be asked (again). */
  lookSoon(): void {
    clearTimeout(this.#retry)
    this.current().catch((error: unknown) => {
      // A connection that comes up brings the next look.
      if (this.#isClosed || !this.#options.connection.isUp) return
      this.#warnings.ofFailure(error)
      clearTimeout(this.#retry)
      this.#retry = setTimeout(() => this.lookSoon(), RETRY_MS).unref()
    })
  }

  /** A slot of this generation has no floor, or not the changes that it had. */
  async lose(lost: Generation): Promise<void> {
    try {
      const { nonce, ready } = await this.#readNonce()
      // Where another one is ready, or none, somebody was before us.
      if (ready === lost.id) {
        await this.#renounce(nonce)
        await this.#end(lost.keys)
      }
    } finally {
      this.#leave(lost)
    }
  }

  /** Rejects with {@link GenerationLost} where the masters are not those of the current generation any more. */
  async verify(): Promise<void> {
    const known = await this.current()
    try {
      const { id, ready } = await this.#identify()
      if (id === known.id && ready === id) return
    } catch (error) {
      if (!isFromReplica(error)) throw error
    }
    throw new GenerationLost('another generation answers')
  }

  /** Deletes every key of earlier generations. Rejects where another one has begun meanwhile. */
  async deleteFormer(): Promise<void> {
    const known = await this.current()
    await this.#cleanUp(known)
    if (!this.isCurrent(known)) throw new GenerationLost('another generation answers')
  }

  /** Measures Redis's clock anew: between two that drift apart, every write would be late. */
  measureTime(): Promise<unknown> {
    this.#measuring ??= this.#readNonce().finally(() => {
      this.#measuring = undefined
    })
    return this.#measuring
  }

  /** Which share of its memory the fullest master uses; 0 where none has a limit or tells. */
  async memoryUse(): Promise<number> {
    return Math.max(0, ...(await Promise.all(this.#options.connection.masters().map(memoryUseOf))))
  }

  close(): void {
    this.#isClosed = true
    this.forget()
    clearTimeout(this.#retry)
  }

  get #nonceKey(): string {
    return nonceKey(this.#options.storeId)
  }

  /** Nobody uses it any more here; the next call looks. */
  #leave(lost: Generation): void {
    if (this.#current === lost) this.forget()
    this.lookSoon()
  }

  /** Which generation Redis would have now, whether anybody has entered it or not. */
  async #identify(): Promise<{ id: string } & ReadNonce> {
    const fingerprints = await this.#inspectMasters()
    const read = await this.#readNonce()
    return { id: hashOf([...fingerprints, read.nonce]), ...read }
  }

  async #look(): Promise<Generation> {
    const { connection, storeId } = this.#options
    for (;;) {
      const breaks = this.#breaks
      const { id, nonce, ready, former } = await this.#identify()
      if (former !== '') await this.#endFormer(former)
      const keys = new GenerationKeys(storeId, id, slotsOf(nonce))
      if (this.#lastId === undefined) await connection.run('tryCommands', [keys.trial], [])
      let number = this.#lastNumber
      if (id !== this.#lastId || ready !== id) {
        const entered = await this.#enter(id)
        if (entered === undefined) {
          await this.#renounce(nonce)
          continue
        }
        number = entered.number
        if (ready !== id && !(await this.#prepare({ id, keys }, nonce, entered.highestVersion))) continue
      }
      const generation = { id, number, keys, marks: this.#marksOf(id, keys) }
      if (this.#isClosed) throw new Error('closed meanwhile')
      if (breaks !== this.#breaks) continue
      this.#become(generation)
      return generation
    }
  }

  /** What was known before a connection broke holds afterwards, where it is the same generation. */
  #marksOf(id: string, { slots }: GenerationKeys): string[] {
    if (this.#known?.id !== id) this.#known = { id, marks: slots.map(() => '') }
    return this.#known.marks
  }

  async #inspectMasters(): Promise<string[]> {
    const reports = await Promise.all(this.#options.connection.masters().map(inspectMaster))
    if (reports.length === 0) throw new Error('no master is known')
    if (reports.some((report) => report.isReplica)) throw new AnsweredByReplica('a master became a replica')
    this.#isSilent = reports.some(({ fingerprint }) => fingerprint === undefined)
    this.#mayEvict = reports.some(mayEvict)
    this.#slots = reports.every(({ isAlone }) => isAlone) ? 1 : MAX_SLOTS
    for (const report of reports) this.#warnings.ofMaster(report)
    return reports.map((report) => report.fingerprint ?? '').sort()
  }

  /** A new nonce makes a new generation of what the same Redis holds, for every process. */
  async #renounce(nonce: string): Promise<void> {
    await this.#options.connection.run('renounce', [this.#nonceKey], [nonce, makeNonce(this.#slots)])
  }

  async #end(keys: GenerationKeys): Promise<void> {
    await Promise.all(keys.slots.map((slot) => this.#options.connection.run('end', [keys.slot(slot)], [])))
  }

  /** Nobody enters the generation of layout 1 any more; this is for those who have. */
  async #endFormer(id: string): Promise<void> {
    const { connection, storeId } = this.#options
    await this.#end(new GenerationKeys(storeId, id, FORMER_SLOTS))
    await connection.run('formerEnded', [formerNonceKey(storeId)], [id])
  }

  async #enter(id: string): ReturnType<EnterGeneration> {
    try {
      return await this.#options.enter(id)
    } catch (cause) {
      const { address } = this.#options.connection
      const message = `the hot tier at ${address} waits for the cold tier, which must know of its generation first`
      throw new ThermoclineError('ERR_TIER_UNAVAILABLE', message, { tier: 'hot' }, { cause })
    }
  }

  /** Gives each slot its floor; false where the nonce was replaced meanwhile. */
  async #prepare({ id, keys }: NamedGeneration, nonce: string, floor: Version): Promise<boolean> {
    const { connection, logger } = this.#options
    await Promise.all(keys.slots.map((slot) => connection.run('raiseFloor', [keys.slot(slot)], [floor])))
    const isReady = (await connection.run('declareReady', [this.#nonceKey], [nonce, id])) === 1
    if (isReady) {
      logger.info({ generation: id }, 'the hot tier begins anew')
      this.#cleanUp({ id, keys }).catch((error: unknown) =>
        logger.debug({ err: withoutContent(error) }, 'old hot keys stay until the next generation'),
      )
    }
    return isReady
  }

  async #cleanUp({ id, keys }: NamedGeneration): Promise<void> {
    const { connection, logger, storeId } = this.#options
    const isCurrent = async (): Promise<boolean> => (await this.#readNonce()).ready === id && !this.#isClosed
    for (const master of connection.masters()) {
      const deleted = await deleteOtherGenerations(master, storePrefix(storeId), keys.prefix, isCurrent)
      if (deleted > 0) logger.info({ keys: deleted }, 'deleted hot keys of earlier generations')
    }
  }

  #become(generation: Generation): void {
    const isNew = generation.id !== this.#lastId
    this.#current = generation
    this.#lastId = generation.id
    this.#lastNumber = generation.number
    this.#warnings.entered()
    this.#options.onCurrent(generation.id, isNew)
  }

  async #readNonce(): Promise<ReadNonce> {
    const sentAt = performance.now()
    const keys = [this.#nonceKey, formerNonceKey(this.#options.storeId)]
    const answer = await this.#options.connection.run('nonce', keys, [makeNonce(this.#slots)])
    const [nonce, ready, time, former] = answer as [string, string, string, string]
    this.#offset = Number(time) - (sentAt + performance.now()) / 2
    return { nonce, ready, former }
  }
}

function hashOf(parts: readonly string[]): string {
  return createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 24)
}
