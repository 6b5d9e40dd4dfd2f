/**
 * Takes the readings that alerts go by, every few seconds and whenever somebody asks, and tells whoever listens what
 * changed: the logger, in a line each, and the events `alert` and `alert-cleared`. When an alert is raised and cleared
 * is decided in telemetry/alerts.ts.
 */
import { withoutContent } from '../errors.ts'
import type { TierWatch } from '../flow/tier-watch.ts'
import type { HotTier } from '../hot/hot-tier.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Patience } from '../kernel/deadline.ts'
import type { Logger } from '../kernel/logger.ts'
import { type Alert, type AlertLimits, type AlertReadings, AlertStates, type Reading } from '../telemetry/alerts.ts'
import { LastSaid } from '../telemetry/last-said.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'
import { scarcestDisk } from './disk-space.ts'
import type { StoreNumbers, StoreStats } from './store-stats.ts'
import type { StoreHealth, StoreStatus } from './store-status.ts'

export interface StoreAlertsParts {
  readonly numbers: StoreNumbers
  readonly status: StoreStatus
  readonly hot: Pick<HotTier, 'capacity' | 'memoryUse'>
  readonly watch: TierWatch
  readonly telemetry: Telemetry
  readonly clock: Clock
  readonly limits: AlertLimits
  readonly maxPendingBytes: number
  /** Folders with what must not run out of room. */
  readonly folders: readonly string[]
  /** Milliseconds between syncs; undefined: this process runs none by itself. */
  readonly syncGap: () => number | undefined
  /** Milliseconds by which the database is ahead of this machine, as last measured; undefined where nobody knows. */
  readonly drift: () => number | undefined
  readonly logger: Logger
}

const LOOK_EVERY_MS = 5_000
/** Servers are asked about themselves more rarely. */
const ASK_EVERY_MS = 60_000
/** Fewer of them say nothing. */
const LEAST_LOOKUPS = 1_000
const LEAST_CALLS = 100
/** What callers of hot wait for. */
const AWAITED = ['read', 'write'] as const

export class StoreAlerts {
  readonly #parts: StoreAlertsParts
  readonly #states: AlertStates
  readonly #openedAt: number
  #askedAt = performance.now()
  /** What hot said of its memory. */
  readonly #memory: LastSaid<{ readonly use: number | undefined }>
  /** When the log was last seen to shrink, or to have one file, and how large it was then. */
  #logBegan: { readonly at: number; readonly bytes: number } | undefined
  #lastBytes = 0

  constructor(parts: StoreAlertsParts) {
    this.#parts = parts
    this.#states = new AlertStates(parts.limits)
    this.#openedAt = parts.clock.now()
    const { hot, watch, clock } = parts
    const ask = async () => ({ use: await hot.memoryUse?.() })
    this.#memory = new LastSaid({ ask, isAway: () => watch.state().is === 'away', clock })
  }

  /** As they were judged last. */
  get raised(): readonly Alert[] {
    return this.#states.raised
  }

  /** Looks every few seconds from now on; answers how to end that. Keeps no process alive. */
  start(): () => void {
    const timer = setInterval(() => void this.#look(), LOOK_EVERY_MS).unref()
    return () => clearInterval(timer)
  }

  /** Asks everybody, judges, and answers what is wrong. */
  async now(patience: Patience): Promise<Alert[]> {
    await this.#ask(patience)
    return this.#states.raised
  }

  async #look(): Promise<void> {
    try {
      if (performance.now() - this.#askedAt >= ASK_EVERY_MS) await this.#ask({})
      else await this.#judge(this.#parts.numbers.known())
    } catch (error) {
      this.#parts.logger.debug({ err: withoutContent(error) }, 'what alerts go by could not be read')
    }
  }

  async #ask(patience: Patience): Promise<void> {
    this.#askedAt = performance.now()
    const stats = await this.#parts.numbers.stats(patience)
    await this.#memory.now()
    await this.#judge(stats)
  }

  async #judge(stats: StoreStats): Promise<void> {
    const { clock, status } = this.#parts
    const diskFree = await this.#diskFree()
    const now = clock.now()
    this.#tell(this.#states.judge({ ...this.#readings(stats, status.health(), now), diskFree }, now))
  }

  #readings(stats: StoreStats, health: StoreHealth, now: number): Omit<AlertReadings, 'diskFree'> {
    const { maxPendingBytes, drift, syncGap } = this.#parts
    const { windows } = stats
    const driftMs = drift()
    const gap = syncGap()
    const { last } = stats.sync
    const endedAt = last === undefined ? 0 : last.startedAt.getTime() + last.durationMs
    const isSynced = gap !== undefined || last !== undefined
    return {
      checkpointLag: stats.checkpoint.lagSeconds * 1_000,
      pendingFill: stats.pending.bytes / maxPendingBytes,
      syncAge: isSynced ? now - Math.max(this.#openedAt, endedAt) : null,
      syncGap: gap ?? 0,
      hotAway: awayFor(health.hot, now),
      coldAway: awayFor(health.cold, now),
      deadLetters: stats.tiers.cold.deadLetters,
      hotFill: this.#hotFill(stats),
      hitRatio: hitRatioOf(windows.fiveMinutes.tiers.hot),
      hotLatency: latencyOf(windows.oneMinute.tiers.hot),
      logGrowth: this.#logGrowth(stats.tiers.log, now),
      clockDrift: driftMs === undefined ? null : Math.abs(driftMs),
    }
  }

  /** Of whichever is scarcest. */
  #hotFill({ tiers: { hot } }: StoreStats): Reading {
    const { maxEntries, maxBytes } = this.#parts.hot.capacity
    const shares = [shareOf(hot.entries, maxEntries), shareOf(hot.bytes, maxBytes), this.#memory.last?.value.use]
    const known = shares.filter((share) => share !== undefined)
    return known.length === 0 ? null : Math.max(...known)
  }

  /** One file is as large as `wal.segmentBytes` says before it ends; more than one has to be let go of soon. */
  #logGrowth({ bytes = 0, segments }: StoreStats['tiers']['log'], now: number): number {
    if (segments <= 1 || bytes < this.#lastBytes || this.#logBegan === undefined) this.#logBegan = { at: now, bytes }
    this.#lastBytes = bytes
    return bytes > this.#logBegan.bytes ? now - this.#logBegan.at : 0
  }

  async #diskFree(): Promise<Reading> {
    const { folders, limits, logger } = this.#parts
    if (limits.diskFree === false) return null
    try {
      return (await scarcestDisk(folders))?.free ?? null
    } catch (error) {
      logger.debug({ err: withoutContent(error) }, 'how much of the disk is free could not be read')
      return undefined
    }
  }

  #tell({ raised, cleared }: ReturnType<AlertStates['judge']>): void {
    const { logger, telemetry } = this.#parts
    for (const alert of raised) {
      const { message, ...fields } = alert
      logger[alert.severity === 'critical' ? 'error' : 'warn'](fields, message)
      telemetry.events.emit('alert', () => alert)
    }
    for (const alert of cleared) {
      const { message: _, ...fields } = alert
      logger.info(fields, `the alert ${alert.code} is over`)
      telemetry.events.emit('alert-cleared', () => alert)
    }
  }
}

function awayFor(state: StoreHealth['hot'], now: number): number {
  return state.is === 'away' ? now - state.since.getTime() : 0
}

function shareOf(used: number | undefined, most: number | undefined): number | undefined {
  return used === undefined || most === undefined ? undefined : used / most
}

type HotActivity = StoreStats['windows']['oneMinute']['tiers']['hot']

function hitRatioOf({ hits, misses, hitRatio }: HotActivity): Reading {
  return hits + misses < LEAST_LOOKUPS ? null : (hitRatio ?? null)
}

function latencyOf({ operations }: HotActivity): Reading {
  const slowest = AWAITED.flatMap((name) => operations[name] ?? []).filter(({ count }) => count >= LEAST_CALLS)
  return slowest.length === 0 ? null : Math.max(...slowest.map(({ p99 }) => p99))
}
