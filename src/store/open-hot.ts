/** The hot tier of a store: Redis, shared by its processes, or one in this process for itself alone. */
import { randomUUID } from 'node:crypto'
import type { ColdTier } from '../cold/cold-tier.ts'
import { ThermoclineError, withoutContent } from '../errors.ts'
import type { HotTier } from '../hot/hot-tier.ts'
import { type CountedRead, InProcessHotTier } from '../hot/in-process/in-process-hot-tier.ts'
import { loadIoredis } from '../hot/redis/load-ioredis.ts'
import { RedisHotTier } from '../hot/redis/redis-hot-tier.ts'
import type { RedisLocation } from '../hot/redis/redis-location.ts'
import type { Clock } from '../kernel/clock.ts'
import { Emitter } from '../kernel/emitter.ts'
import type { ReleaseStack } from '../kernel/release-stack.ts'
import type { CallGate } from '../repository/call-gate.ts'
import { Lease } from '../sync/lease.ts'
import type { ResolvedOptions } from './resolve-options.ts'

/** Held by the one process that uses a database with a hot tier of its own. */
const SOLE_PROCESS = 'sole-process'

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
  /** Hands over some of the reads that only this tier has counted, where it goes with the process. */
  readonly takeReads?: (limit: number) => CountedRead[]
}

/**
 * Opens the hot tier. Redis may be away: the store serves without it, and it is used once it is there. Rejects where it
 * refuses us for good, as with a wrong password, and with `ERR_LOCKED` where another process must be alone with the
 * database.
 */
export async function openHot(parts: HotParts, releases: ReleaseStack): Promise<OpenedHot> {
  const { hot, cold } = parts.options
  if (hot.kind === 'redis') return openRedis(hot.server, parts, releases)
  const generationNumber = cold.isShared ? await becomeSole(parts, releases) : await followKnown(parts.cold)
  const tier = new InProcessHotTier({ ...hot, clock: parts.clock, generationNumber })
  releases.push('the hot tier', () => tier.close())
  // Our lease ran out for a while, as it does in a process that is paused, and another took our place.
  const onCurrentGeneration = (current: number): void => {
    if (current !== generationNumber) parts.gate.fail(inUse())
  }
  return {
    tier,
    isShared: false,
    isAway: () => false,
    newGeneration: new Emitter(),
    onCurrentGeneration,
    takeReads: (limit) => tier.takeReads(limit),
  }
}

async function openRedis(server: RedisLocation, parts: HotParts, releases: ReleaseStack): Promise<OpenedHot> {
  const { cold, isColdAway } = parts
  const { logger, timeouts } = parts.options
  // While cold is away nobody can tell, and hot is not used either: it has to be entered in cold first.
  if (!isColdAway) await refuseBesideSole(cold)
  await loadIoredis()
  const newGeneration = new Emitter<string>()
  const tier = new RedisHotTier({
    server,
    storeId: cold.storeId,
    commandTimeout: timeouts.hot,
    logger,
    // A process that has come to be alone since does not see what we write to Redis: until it is gone, cold must do.
    enterGeneration: async (generationId) => {
      await refuseBesideSole(cold)
      const entered = await cold.enterHotGeneration(generationId)
      await refuseBesideSole(cold)
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
  return { tier, isShared: true, isAway: () => tier.generationNumber === undefined, newGeneration, onCurrentGeneration }
}

async function refuseBesideSole(cold: ColdTier): Promise<void> {
  if ((await cold.leaseHolder(SOLE_PROCESS)) !== undefined) throw inUse()
}

/**
 * An embedded database needs no generations: nobody else ever writes to it. One that knows some, since it was once used
 * with Redis, notes for good what the latest is not known to hold, unless this process begins another.
 */
async function followKnown(cold: ColdTier): Promise<number | undefined> {
  const { generationNumber } = await cold.hotMisses(1)
  return generationNumber === undefined ? undefined : enterOwn(cold)
}

/** Answers the number of the generation that is this process's own. */
async function becomeSole({ cold, options, gate }: HotParts, releases: ReleaseStack): Promise<number> {
  const lease = new Lease(cold, SOLE_PROCESS, options.logger)
  if (!(await lease.hold())) throw inUse()
  lease.keep(() => gate.fail(inUse()))
  releases.push('the lease of the only process', () => lease.release())
  return enterOwn(cold)
}

async function enterOwn(cold: ColdTier): Promise<number> {
  const number = await cold.enterPrivateGeneration(`private:${randomUUID()}`)
  if (number === undefined) throw inUse()
  return number
}

function inUse(): ThermoclineError {
  return new ThermoclineError(
    'ERR_LOCKED',
    'a process with a hot tier of its own uses this database: close it, or name Redis in every process (`hot.url`); one that died is out of the way within a minute',
    {},
  )
}
