/** Opens the hot tier of a store: Redis, which the processes share, or one of this process alone, ours or a user's. */
import type { ColdTier } from '../cold/cold-tier.ts'
import { DEFAULTS } from '../default-options.ts'
import { withoutContent } from '../errors.ts'
import { guardHotTier, refuseUnlike } from '../hot/guarded-hot-tier.ts'
import { HotContent } from '../hot/hot-content.ts'
import { DEFAULT_MARKER_TTL, type HotTier, type HotTierOpening } from '../hot/hot-tier.ts'
import { type CountedRead, InProcessHotTier } from '../hot/in-process/in-process-hot-tier.ts'
import { loadIoredis } from '../hot/redis/load-ioredis.ts'
import type { RedisLocation } from '../hot/redis/redis-location.ts'
import type { Clock } from '../kernel/clock.ts'
import { Emitter } from '../kernel/emitter.ts'
import type { ReleaseStack } from '../kernel/release-stack.ts'
import type { CallGate } from '../repository/call-gate.ts'
import { OtherRedis } from './other-redis.ts'
import type { ResolvedHot, ResolvedOptions } from './resolve-options.ts'
import { becomeSole, enterOwn, followKnown, inUse, refuseBesideSole } from './sole-process.ts'

export interface HotParts {
  readonly options: ResolvedOptions
  readonly cold: ColdTier
  /** Whether cold was away when the store began to open. */
  readonly isColdAway: boolean
  readonly clock: Clock
  /** Refuses calls once this process is not the sole one any more that it has to be. */
  readonly gate: Pick<CallGate, 'fail'>
}

export interface OpenedHot {
  readonly tier: HotTier
  /** Whether other processes use it as well. */
  readonly isShared: boolean
  /** Whether it is known to be away without asking it. */
  readonly isAway: () => boolean
  /** It has become another generation. */
  readonly newGeneration: Emitter<string>
  /** Has to be told which generation cold has as current. */
  readonly onCurrentGeneration: (generationNumber: number) => void
  /** Undefined where there is no Redis. */
  readonly otherRedis?: Pick<OtherRedis, 'isThere'>
  /** Hands over some of the reads that only this tier has counted, where it goes with the process. */
  readonly takeReads?: (limit: number) => CountedRead[]
}

/**
 * Opens the hot tier. Redis may be away: the store serves without it, and it is used once it is there. Rejects where it
 * refuses us for good, as with a wrong password, and with `ERR_LOCKED` where another process must be alone with the
 * database.
 */
export async function openHot(parts: HotParts, releases: ReleaseStack): Promise<OpenedHot> {
  const { hot, cold, logger } = parts.options
  if (hot.kind === 'redis') return openRedis(hot.server, parts, releases)
  const enter = hot.kind === 'own' ? enterOwn : followKnown
  const generationNumber = cold.isShared ? await becomeSole({ ...parts, logger }, releases) : await enter(parts.cold)
  const opening: HotTierOpening = {
    markerTtl: DEFAULT_MARKER_TTL,
    generationNumber,
    activationHalfLife: halfLifeOf(parts.options),
    contentOf: (payload) => new HotContent(payload),
  }
  const opened =
    hot.kind === 'own'
      ? { tier: await openOwn(hot, opening, parts.options, releases) }
      : openInProcess(hot, opening, parts, releases)
  // Our lease ran out for a while, as it does in a process that is paused, and another took our place.
  const onCurrentGeneration = (current: number): void => {
    if (current !== generationNumber) parts.gate.fail(inUse())
  }
  return { ...opened, isShared: false, isAway: () => false, newGeneration: new Emitter(), onCurrentGeneration }
}

function openInProcess(
  capacity: Extract<ResolvedHot, { kind: 'memory' }>,
  opening: HotTierOpening,
  { clock }: HotParts,
  releases: ReleaseStack,
): Pick<OpenedHot, 'tier' | 'takeReads'> {
  const tier = new InProcessHotTier({ ...capacity, ...opening, clock })
  releases.push('the hot tier', () => tier.close())
  return { tier, takeReads: (limit) => tier.takeReads(limit) }
}

/**
 * Calls to it may fail, so cold has to know what it may hold older: its generation always has a number. One that is
 * refused is closed as well.
 */
async function openOwn(
  { name, open }: Extract<ResolvedHot, { kind: 'own' }>,
  opening: HotTierOpening,
  { timeouts }: ResolvedOptions,
  releases: ReleaseStack,
): Promise<HotTier> {
  const tier = await open(opening)
  if (typeof tier?.close === 'function') releases.push('the hot tier', () => tier.close())
  refuseUnlike(name, tier, opening)
  return guardHotTier(tier, { name, timeout: timeouts.hot })
}

/** Hot keeps activations only where a policy may ask for them, which idle time alone does not. */
function halfLifeOf({ policies, sync }: ResolvedOptions): number | undefined {
  return policies.length === 0 ? undefined : (sync || DEFAULTS.sync).activationHalfLife
}

async function openRedis(server: RedisLocation, parts: HotParts, releases: ReleaseStack): Promise<OpenedHot> {
  const { cold, isColdAway } = parts
  const { logger, timeouts } = parts.options
  // While cold is away nobody can tell, and hot is not used either: it has to be entered in cold first.
  if (!isColdAway) await refuseBesideSole(cold)
  const [{ RedisHotTier }] = await Promise.all([import('../hot/redis/redis-hot-tier.ts'), loadIoredis()])
  const newGeneration = new Emitter<string>()
  const otherRedis = new OtherRedis(logger)
  const tier = new RedisHotTier({
    server,
    storeId: cold.storeId,
    commandTimeout: timeouts.hot,
    activationHalfLife: halfLifeOf(parts.options),
    logger,
    // A process that has come to be alone since does not see what we write to Redis: until it is gone, cold must do.
    enterGeneration: async (generationId) => {
      await refuseBesideSole(cold)
      const entered = await cold.enterHotGeneration(generationId)
      await refuseBesideSole(cold)
      if (entered === undefined) otherRedis.noteEnded()
      return entered
    },
    onNewGeneration: (generationId) => newGeneration.emit(generationId),
  })
  releases.push('the hot tier', () => tier.close())
  try {
    await tier.connect()
  } catch (error) {
    if (tier.refusesUs) throw error
    logger.warn({ err: withoutContent(error) }, 'serving without the hot tier until Redis is there')
  }
  const onCurrentGeneration = (current: number): void => {
    if (tier.generationNumber !== undefined && tier.generationNumber !== current) tier.reenter()
  }
  const isAway = () => tier.generationNumber === undefined
  return { tier, isShared: true, isAway, newGeneration, onCurrentGeneration, otherRedis }
}
