/**
 * A cold tier that was away when the store opened. Until it is there every call rejects with `ERR_TIER_UNAVAILABLE`; it is
 * asked for again and again in the background, and from then on calls go to it. A database that turns out to be that of
 * another store is never used.
 */
import { ThermoclineError, withoutContent } from '../errors.ts'
import type { Logger } from '../kernel/logger.ts'
import type { ColdTier } from './cold-tier.ts'

export interface LateColdOptions {
  /** Of the store that is waited for. */
  readonly storeId: string
  /** Rejects while the database is away, and soon after the signal, however long the rest of it would take. */
  readonly open: (signal: AbortSignal) => Promise<ColdTier>
  /** Why it is away. */
  readonly reason: ThermoclineError
  readonly logger: Logger
}

const RETRY_MS = 1_000

const late = new WeakSet<ColdTier>()

/** Whether the tier was away when the store opened. */
export function isLate(cold: ColdTier): boolean {
  return late.has(cold)
}

export function openLater(options: LateColdOptions): ColdTier {
  const waiting = new Waiting(options)
  const tier = new Proxy({} as ColdTier, {
    get(_, name) {
      if (name === 'storeId') return options.storeId
      if (name === 'close') return () => waiting.close()
      // A promise that resolves to the tier looks whether it is one itself.
      if (name === 'then') return undefined
      return (...args: unknown[]) => waiting.call(name as keyof ColdTier, args)
    },
  })
  late.add(tier)
  return tier
}

class Waiting {
  readonly #options: LateColdOptions
  #cold: ColdTier | undefined
  #reason: ThermoclineError
  #timer: NodeJS.Timeout | undefined
  readonly #stop = new AbortController()

  constructor(options: LateColdOptions) {
    this.#options = options
    this.#reason = options.reason
    this.#retryLater()
  }

  async call(name: keyof ColdTier, args: unknown[]): Promise<unknown> {
    if (this.#stop.signal.aborted) throw new ThermoclineError('ERR_CLOSED', 'the cold tier is closed', {})
    if (this.#cold === undefined) throw this.#reason
    return (this.#cold[name] as (...args: unknown[]) => Promise<unknown>)(...args)
  }

  /** Does not wait for an opening under way, which may migrate or build an index for hours: that closes what it opened. */
  async close(): Promise<void> {
    clearTimeout(this.#timer)
    this.#stop.abort()
    await this.#cold?.close()
  }

  #retryLater(): void {
    if (this.#stop.signal.aborted) return
    this.#timer = setTimeout(() => void this.#open(), RETRY_MS).unref()
  }

  async #open(): Promise<void> {
    const { logger, open, storeId } = this.#options
    const { signal } = this.#stop
    try {
      const cold = await open(signal)
      if (signal.aborted) return await cold.close()
      if (cold.storeId === storeId) {
        this.#cold = cold
        logger.info({}, 'the cold tier is there: the log is shipped to it now')
        return
      }
      await cold.close()
      this.#reason = new ThermoclineError(
        'ERR_TIER_UNAVAILABLE',
        'the database belongs to another store than the data folder: name the one it belongs to, and open the store again',
        { tier: 'cold' },
      )
      logger.error({ err: this.#reason }, 'the cold tier cannot be used')
    } catch (error) {
      if (error instanceof ThermoclineError) this.#reason = error
      const message = signal.aborted ? 'the opening of the cold tier was given up' : 'the cold tier is still away'
      logger.debug({ err: withoutContent(error) }, message)
    }
    this.#retryLater()
  }
}
