/**
 * Stands for a cold tier that was away when the store opened. While it waits, it tries again and again in the
 * background to reach the database, and every call rejects with `ERR_TIER_UNAVAILABLE`. Once the database is there,
 * calls go to it, for good, unless they are held back until it has told what it had of a log. Once closed, calls reject
 * with `ERR_CLOSED`. A database that turns out to be that of another store is never used: from then on every call
 * rejects with that error.
 */
import { ThermoclineError, withoutContent } from '../errors.ts'
import type { Patience } from '../kernel/deadline.ts'
import type { Logger } from '../kernel/logger.ts'
import { letGo } from '../kernel/release-stack.ts'
import type { ColdTier, SearchedCold } from './cold-tier.ts'

export interface LateColdOptions {
  /** The id of the store that is waited for. */
  readonly storeId: string
  /** Rejects while the database is away, and soon after the signal, however long the rest of it would take. */
  readonly open: (signal: AbortSignal) => Promise<ColdTier>
  /** Why it is away. */
  readonly reason: ThermoclineError
  readonly logger: Logger
}

const RETRY_MS = 1_000

export class LateColdTier implements ColdTier {
  readonly storeId: string
  readonly #options: LateColdOptions
  readonly #stop = new AbortController()
  /** The database, once it is there. */
  #cold: ColdTier | undefined
  #reason: ThermoclineError
  /** Registers the log; undefined: nothing is held back. */
  #register: (() => Promise<unknown>) | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(options: LateColdOptions) {
    this.storeId = options.storeId
    this.#options = options
    this.#reason = options.reason
    this.#retryLater()
  }

  /** Whether the database was not there until now. */
  get isWaiting(): boolean {
    return this.#cold === undefined
  }

  /**
   * Until {@link admit}, the database is asked for nothing but to register a log: what this process has pending of that
   * may have been deleted by others long ago. `register` is called once it is there, and again where that fails.
   */
  holdBack(register: () => Promise<unknown>): void {
    this.#register = register
    if (this.#cold !== undefined) void this.#registerOrRetry()
  }

  /** Calls go to the database from now on, or once it is there. */
  admit(): void {
    this.#register = undefined
  }

  async read(...args: Parameters<ColdTier['read']>) {
    return this.#there.read(...args)
  }

  async versions(...args: Parameters<ColdTier['versions']>) {
    return this.#there.versions(...args)
  }

  async highestVersion(...args: Parameters<ColdTier['highestVersion']>) {
    return this.#there.highestVersion(...args)
  }

  async find(...args: Parameters<ColdTier['find']>) {
    return this.#there.find(...args)
  }

  async count(...args: Parameters<ColdTier['count']>) {
    return this.#there.count(...args)
  }

  async documents(...args: Parameters<ColdTier['documents']>) {
    return this.#there.documents(...args)
  }

  async namespaces(...args: Parameters<ColdTier['namespaces']>) {
    return this.#there.namespaces(...args)
  }

  async measure(...args: Parameters<ColdTier['measure']>) {
    return this.#there.measure(...args)
  }

  async walk(...args: Parameters<ColdTier['walk']>) {
    return this.#there.walk(...args)
  }

  async roots(...args: Parameters<ColdTier['roots']>) {
    return this.#there.roots(...args)
  }

  async haveParents(...args: Parameters<ColdTier['haveParents']>) {
    return this.#there.haveParents(...args)
  }

  async snapshot(...args: Parameters<ColdTier['snapshot']>) {
    return this.#there.snapshot(...args)
  }

  async search(...args: Parameters<ColdTier['search']>) {
    return this.#there.search(...args)
  }

  async searchTexts(...args: Parameters<ColdTier['searchTexts']>) {
    return this.#there.searchTexts(...args)
  }

  async together<T>(ask: (cold: SearchedCold) => Promise<T>, options?: Patience): Promise<T> {
    return this.#there.together(ask, options)
  }

  async upsert(...args: Parameters<ColdTier['upsert']>) {
    return this.#there.upsert(...args)
  }

  async ship(...args: Parameters<ColdTier['ship']>) {
    return this.#there.ship(...args)
  }

  async replace(...args: Parameters<ColdTier['replace']>) {
    return this.#there.replace(...args)
  }

  async replaceEach(...args: Parameters<ColdTier['replaceEach']>) {
    return this.#there.replaceEach(...args)
  }

  async answerTo(...args: Parameters<ColdTier['answerTo']>) {
    return this.#there.answerTo(...args)
  }

  async pin(...args: Parameters<ColdTier['pin']>) {
    return this.#there.pin(...args)
  }

  async unpin(...args: Parameters<ColdTier['unpin']>) {
    return this.#there.unpin(...args)
  }

  async arePinned(...args: Parameters<ColdTier['arePinned']>) {
    return this.#there.arePinned(...args)
  }

  async pins(...args: Parameters<ColdTier['pins']>) {
    return this.#there.pins(...args)
  }

  async takeOver(...args: Parameters<ColdTier['takeOver']>) {
    return this.#reached.takeOver(...args)
  }

  async checkpointOf(...args: Parameters<ColdTier['checkpointOf']>) {
    return this.#reached.checkpointOf(...args)
  }

  async retire(...args: Parameters<ColdTier['retire']>) {
    return this.#there.retire(...args)
  }

  async logs(...args: Parameters<ColdTier['logs']>) {
    return this.#there.logs(...args)
  }

  async askCuts(...args: Parameters<ColdTier['askCuts']>) {
    return this.#there.askCuts(...args)
  }

  async askedCut(...args: Parameters<ColdTier['askedCut']>) {
    return this.#there.askedCut(...args)
  }

  async noteCut(...args: Parameters<ColdTier['noteCut']>) {
    return this.#there.noteCut(...args)
  }

  async recordLoss(...args: Parameters<ColdTier['recordLoss']>) {
    return this.#there.recordLoss(...args)
  }

  async enterHotGeneration(...args: Parameters<ColdTier['enterHotGeneration']>) {
    return this.#there.enterHotGeneration(...args)
  }

  async enterPrivateGeneration(...args: Parameters<ColdTier['enterPrivateGeneration']>) {
    return this.#there.enterPrivateGeneration(...args)
  }

  async hotMisses(...args: Parameters<ColdTier['hotMisses']>) {
    return this.#there.hotMisses(...args)
  }

  async clearHotMisses(...args: Parameters<ColdTier['clearHotMisses']>) {
    return this.#there.clearHotMisses(...args)
  }

  async holdLease(...args: Parameters<ColdTier['holdLease']>) {
    return this.#there.holdLease(...args)
  }

  async releaseLease(...args: Parameters<ColdTier['releaseLease']>) {
    return this.#there.releaseLease(...args)
  }

  async leaseHolder(...args: Parameters<ColdTier['leaseHolder']>) {
    return this.#there.leaseHolder(...args)
  }

  async time(...args: Parameters<ColdTier['time']>) {
    return this.#there.time(...args)
  }

  async slide(...args: Parameters<ColdTier['slide']>) {
    return this.#there.slide(...args)
  }

  async recordAccess(...args: Parameters<ColdTier['recordAccess']>) {
    return this.#there.recordAccess(...args)
  }

  async raiseAccess(...args: Parameters<ColdTier['raiseAccess']>) {
    return this.#there.raiseAccess(...args)
  }

  async unembedded(...args: Parameters<ColdTier['unembedded']>) {
    return this.#there.unembedded(...args)
  }

  async registerModel(...args: Parameters<ColdTier['registerModel']>) {
    return this.#there.registerModel(...args)
  }

  async isModelUsed(...args: Parameters<ColdTier['isModelUsed']>) {
    return this.#there.isModelUsed(...args)
  }

  async indexInBulk(...args: Parameters<ColdTier['indexInBulk']>) {
    return this.#there.indexInBulk(...args)
  }

  async indexVectors(...args: Parameters<ColdTier['indexVectors']>) {
    return this.#there.indexVectors(...args)
  }

  async sweep(...args: Parameters<ColdTier['sweep']>) {
    return this.#there.sweep(...args)
  }

  async expired(...args: Parameters<ColdTier['expired']>) {
    return this.#there.expired(...args)
  }

  async eraseStaged(...args: Parameters<ColdTier['eraseStaged']>) {
    return this.#there.eraseStaged(...args)
  }

  async eraseStagedWhere(...args: Parameters<ColdTier['eraseStagedWhere']>) {
    return this.#there.eraseStagedWhere(...args)
  }

  async eraseIdempotencyKeys(...args: Parameters<ColdTier['eraseIdempotencyKeys']>) {
    return this.#there.eraseIdempotencyKeys(...args)
  }

  async deadLetters(...args: Parameters<ColdTier['deadLetters']>) {
    return this.#there.deadLetters(...args)
  }

  async retryDeadLetters(...args: Parameters<ColdTier['retryDeadLetters']>) {
    return this.#there.retryDeadLetters(...args)
  }

  async removeDeadLetters(...args: Parameters<ColdTier['removeDeadLetters']>) {
    return this.#there.removeDeadLetters(...args)
  }

  async vacuum(...args: Parameters<ColdTier['vacuum']>) {
    return this.#there.vacuum(...args)
  }

  async validate(...args: Parameters<ColdTier['validate']>) {
    return this.#there.validate(...args)
  }

  async recordSyncRun(...args: Parameters<ColdTier['recordSyncRun']>) {
    return this.#there.recordSyncRun(...args)
  }

  async stats(...args: Parameters<ColdTier['stats']>) {
    return this.#there.stats(...args)
  }

  /**
   * Does not wait for an opening under way, which may migrate or build an index for hours: that closes what it opened.
   */
  async close(): Promise<void> {
    clearTimeout(this.#timer)
    this.#stop.abort()
    await this.#cold?.close()
  }

  get #there(): ColdTier {
    const cold = this.#reached
    if (this.#register === undefined) return cold
    const message = 'the database is there, and has yet to tell what it had of the log: ask again'
    throw new ThermoclineError('ERR_TIER_UNAVAILABLE', message, { tier: 'cold' })
  }

  /** Whether or not calls are held back. */
  get #reached(): ColdTier {
    if (this.#stop.signal.aborted) throw new ThermoclineError('ERR_CLOSED', 'the cold tier is closed', {})
    if (this.#cold === undefined) throw this.#reason
    return this.#cold
  }

  #retryLater(): void {
    if (this.#stop.signal.aborted) return
    this.#timer = setTimeout(() => void this.#open(), RETRY_MS).unref()
  }

  async #open(): Promise<void> {
    const { logger, open } = this.#options
    const { signal } = this.#stop
    try {
      const cold = await open(signal)
      if (signal.aborted) return await cold.close()
      if (cold.storeId === this.storeId) {
        this.#cold = cold
        logger.info({}, 'the cold tier is there: the log is shipped to it now')
        return await this.#registerOrRetry()
      }
      this.#reason = new ThermoclineError(
        'ERR_TIER_UNAVAILABLE',
        'the database belongs to another store than the data folder: name the one it belongs to, and open the store again',
        { tier: 'cold' },
      )
      logger.error({ err: this.#reason }, 'the cold tier cannot be used')
      return await letGo('the database', () => cold.close(), logger)
    } catch (error) {
      if (error instanceof ThermoclineError) this.#reason = error
      const message = signal.aborted ? 'the opening of the cold tier was given up' : 'the cold tier is still away'
      logger.debug({ err: withoutContent(error) }, message)
    }
    this.#retryLater()
  }

  /** Does nothing where nothing is held back. */
  async #registerOrRetry(): Promise<void> {
    await this.#register?.().catch((error: unknown) => {
      this.#options.logger.debug({ err: withoutContent(error) }, 'the log is not registered yet')
    })
    if (this.#register === undefined || this.#stop.signal.aborted) return
    this.#timer = setTimeout(() => void this.#registerOrRetry(), RETRY_MS).unref()
  }
}
