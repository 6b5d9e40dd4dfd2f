/**
 * Decides what `health()` says of a store; `stats()` is in store-stats.ts, and what people are alerted of in
 * store-alerts.ts. When a tier counts as away is decided in flow/tier-watch.ts.
 */
import type { ThermoclineError } from '../errors.ts'
import type { Journal } from '../flow/journal.ts'
import type { Pressure } from '../flow/pressure.ts'
import type { TierState, TierWatch } from '../flow/tier-watch.ts'
import type { Clock } from '../kernel/clock.ts'
import type { CallGate } from '../repository/call-gate.ts'
import type { BackgroundEmbedding } from '../sync/background-embedding.ts'
import type { Checkpointer } from '../sync/checkpointer.ts'
import type { ModelRegistry } from '../sync/model-registry.ts'
import type { SetBack } from '../sync/set-back.ts'
import type { OpenedHot } from './open-hot.ts'
import { OTHER_REDIS } from './other-redis.ts'

/**
 * - `closed`: the store was closed.
 * - `stopped`: the log has failed, another process took it over, the database no longer knows it, or another process
 *   needs the database to itself: open the store again.
 * - `hot-away`, `cold-away`: a tier does not answer.
 * - `pending-full`: what cold does not have yet has filled `wal.maxPendingBytes`: writes wait, and are then refused.
 * - `hot-overfull`: hot is more than a quarter over its capacity, and what it holds leaves it too slowly: the same.
 * - `disk-full`: the disk under the log has no room for another write: writes are refused.
 * - `other-redis`: another process of the store uses another Redis, and either may answer older values.
 * - `unembedded`: entries wait for vectors which the model does not make, or cannot be written.
 * - `other-model`: entries have vectors of another model, which queries of this store leave out unless `embed.former`
 *   names it.
 * - `set-back`: the database lacks what it once had: reads wait until it has that again from the log, or are refused.
 */
export type HealthReasonCode =
  | 'closed'
  | 'stopped'
  | 'hot-away'
  | 'cold-away'
  | 'pending-full'
  | 'hot-overfull'
  | 'disk-full'
  | 'set-back'
  | 'other-redis'
  | 'unembedded'
  | 'other-model'

/** Why a store is not live, not ready, or degraded. */
export interface HealthReason {
  readonly code: HealthReasonCode
  /** Since when it is known to be so. */
  readonly since: Date
  readonly message: string
}

export interface StoreHealth {
  /**
   * False when the log has failed, another process took it over, the database no longer knows it, another process needs
   * the database to itself (it has no Redis), or the store is closed: only opening it again helps, as a restart does.
   * `error` says which, but not of a closed store.
   */
  readonly live: boolean
  /**
   * Whether calls can be served: live, with room for writes, and with a database that has what it had. A tier that is
   * away leaves it true, for the others go on.
   */
  readonly ready: boolean
  /**
   * True when a tier is away of a store that is open. Without hot every call still works, more slowly. Without cold,
   * writes still work, and so do reads of entries that are pending or in hot.
   */
  readonly degraded: boolean
  /** Empty where there is nothing to say. */
  readonly reasons: readonly HealthReason[]
  /** Whether each tier answers, by the latest calls of this process; nothing is asked for it. */
  readonly hot: TierState
  readonly cold: TierState
  readonly error?: ThermoclineError
  /**
   * The database was found in an earlier state than it had been in, as after a restore. Stays until the store is opened
   * again.
   */
  readonly setBack?: SetBack
}

/** @internal */
export interface StoreStatusParts {
  /** Of a hot tier of the user's own. */
  readonly hotName: string | undefined
  readonly journal: Journal
  readonly checkpointer: Checkpointer
  readonly watches: { readonly hot: TierWatch; readonly cold: TierWatch }
  readonly gate: CallGate
  readonly pressure: Pick<Pressure, 'pendingFill' | 'isHotOverfull'>
  readonly otherRedis: OpenedHot['otherRedis']
  readonly clock: Clock
  /** Undefined: the store makes no vectors. */
  readonly embedding:
    | {
        readonly registry: Pick<ModelRegistry, 'advice'>
        readonly background: Pick<BackgroundEmbedding, 'trouble'>
      }
    | undefined
}

/** Calls are refused, or wait. */
const NOT_READY: ReadonlySet<HealthReasonCode> = new Set([
  'closed',
  'stopped',
  'pending-full',
  'hot-overfull',
  'disk-full',
  'set-back',
])

/** @internal */
export class StoreStatus {
  readonly #parts: StoreStatusParts
  /** When each reason that counts by now was first seen. */
  readonly #since = new Map<HealthReasonCode, Date>()

  constructor(parts: StoreStatusParts) {
    this.#parts = parts
  }

  health(): StoreHealth {
    const { journal, checkpointer, gate, watches } = this.#parts
    const hot = watches.hot.state()
    const cold = watches.cold.state()
    const { setBack } = checkpointer
    const error = journal.log.failure ?? checkpointer.fenced ?? gate.failure
    const reasons = this.#dated(this.#reasons(hot, cold, error))
    return {
      live: error === undefined && !gate.isClosed,
      ready: !reasons.some(({ code }) => NOT_READY.has(code)),
      degraded: reasons.some(({ code }) => code === 'hot-away' || code === 'cold-away'),
      ...{ reasons, hot, cold },
      ...(error && { error }),
      ...(setBack && { setBack }),
    }
  }

  #reasons(hot: TierState, cold: TierState, error: ThermoclineError | undefined): Reason[] {
    const { checkpointer, gate, journal, otherRedis, pressure } = this.#parts
    const { fullDisk } = journal.log
    const { isCatchingUp, isLost } = checkpointer
    const reasons: Reason[] = []
    if (gate.isClosed) reasons.push({ code: 'closed', message: 'the store is closed' })
    if (error !== undefined) reasons.push({ code: 'stopped', message: error.message })
    // Of a store that is closed, its connections are.
    if (hot.is === 'away' && !gate.isClosed)
      reasons.push({ code: 'hot-away', message: this.#hotAway, since: hot.since })
    if (cold.is === 'away' && !gate.isClosed) reasons.push({ code: 'cold-away', message: COLD_AWAY, since: cold.since })
    if (pressure.pendingFill >= 1) reasons.push({ code: 'pending-full', message: FULL })
    if (pressure.isHotOverfull) reasons.push({ code: 'hot-overfull', message: OVERFULL })
    if (fullDisk !== undefined)
      reasons.push({ code: 'disk-full', message: `${fullDisk}; until then writes are refused` })
    if (isCatchingUp || isLost) reasons.push({ code: 'set-back', message: isLost ? LOST : CATCHING_UP })
    if (otherRedis?.isThere) reasons.push({ code: 'other-redis', message: OTHER_REDIS })
    return [...reasons, ...this.#ofVectors()]
  }

  get #hotAway(): string {
    const { hotName } = this.#parts
    const named = hotName === undefined ? 'the hot tier' : `the hot tier ${hotName}`
    return `${named} does not answer: calls go on without it, and take longer`
  }

  #ofVectors(): Reason[] {
    const { embedding } = this.#parts
    if (embedding === undefined) return []
    const { trouble } = embedding.background
    const { advice } = embedding.registry
    const reasons: Reason[] = []
    if (trouble !== undefined) {
      const message = `${trouble.entries ?? 'all'} entries that wait for vectors get none: ${trouble.error.message}`
      reasons.push({ code: 'unembedded', message, since: trouble.since })
    }
    if (advice !== undefined) reasons.push({ code: 'other-model', message: advice })
    return reasons
  }

  /** What does not say since when it is so, is so since it was seen. */
  #dated(reasons: readonly Reason[]): HealthReason[] {
    for (const code of this.#since.keys()) if (!reasons.some((reason) => reason.code === code)) this.#since.delete(code)
    return reasons.map(({ code, message, since }) => {
      const seen = since ?? this.#since.get(code) ?? new Date(this.#parts.clock.now())
      this.#since.set(code, seen)
      return { code, since: seen, message }
    })
  }
}

interface Reason {
  readonly code: HealthReasonCode
  readonly message: string
  readonly since?: Date
}

const COLD_AWAY =
  'the cold tier does not answer: writes are taken until `wal.maxPendingBytes` is full; what only it has cannot be read'
const FULL = '`wal.maxPendingBytes` is full of what cold does not have yet: writes wait, and are then refused'
const OVERFULL =
  'hot is over its capacity, and what it holds leaves it no faster, as where cold is slow or away: writes wait, and ' +
  'are then refused'
const CATCHING_UP = 'the database was set back, and gets again what the log holds: reads wait for that'
const LOST = 'the database was set back, and does not get from here what it lost: open the store again'
