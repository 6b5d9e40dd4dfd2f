/**
 * Opens the folder, the tiers, the time and the log, as the first step of opening a store, each after those that it
 * needs.
 */
import type { ColdTier } from '../cold/cold-tier.ts'
import { LateColdTier } from '../cold/late-cold-tier.ts'
import { TierWatch } from '../flow/tier-watch.ts'
import type { Clock } from '../kernel/clock.ts'
import type { ReleaseStack } from '../kernel/release-stack.ts'
import { CallGate } from '../repository/call-gate.ts'
import type { StoreTime } from '../sync/store-time.ts'
import type { StoreEvents } from '../telemetry/store-events.ts'
import { Telemetry } from '../telemetry/telemetry.ts'
import { EarlyLogThread } from '../wal/log-device.ts'
import { bindToStore } from './data-folder.ts'
import type { openCold } from './open-cold.ts'
import { type OpenedFolder, openFolder } from './open-folder.ts'
import type { OpenedHot, openHot } from './open-hot.ts'
import { openStoreLog, type StoreLog } from './open-log.ts'
import { openTime } from './open-time.ts'
import type { ResolvedOptions } from './resolve-options.ts'

/** @internal How the tiers of a store are opened. */
export interface TierOpeners {
  readonly openCold: typeof openCold
  readonly openHot: typeof openHot
}

export interface OpenedParts {
  readonly telemetry: Telemetry
  /** Undefined: everything is in memory, or nothing is written. */
  readonly folder: OpenedFolder | undefined
  readonly gate: CallGate
  readonly cold: ColdTier
  /** There where cold was away. */
  readonly lateCold: LateColdTier | undefined
  readonly hot: OpenedHot
  /** What becomes of calls to the tiers. */
  readonly watches: { readonly hot: TierWatch; readonly cold: TierWatch }
  readonly time: StoreTime
  readonly log: StoreLog
}

/** What was opened is on `releases`, also where opening rejects. */
export async function openParts(
  options: ResolvedOptions,
  tiers: TierOpeners,
  releases: ReleaseStack,
): Promise<OpenedParts> {
  const telemetry = new Telemetry(options.clock, options.logger)
  const folder =
    options.inMemory || (options.looks && options.cold.isShared) ? undefined : await openFolder(options, releases)
  const logThread = folder && startLogThread(releases)
  const openedCold = await tiers.openCold(options, folder, releases, { makesNone: options.looks === true })
  const lateCold = openedCold instanceof LateColdTier ? openedCold : undefined
  const isColdAway = lateCold?.isWaiting === true
  const coldWatch = new TierWatch('cold', undefined, options.clock)
  const cold = coldWatch.over(openedCold, telemetry.timing('cold', false))
  const time = await openTime(options, cold, isColdAway)
  if (folder !== undefined) {
    const { logger, wal } = options
    await bindToStore(folder, cold, { lockTimeout: wal.lockTimeout, isShared: options.cold.isShared, logger })
  }
  const log = await openStoreLog(folder, {
    options,
    cold,
    isColdAway,
    versions: time.versions,
    telemetry,
    openDevice: logThread?.open,
  })
  releases.push('the log', () => log.journal.log.close())
  const gate = new CallGate(telemetry)
  const hotParts = { options, cold: openedCold, isColdAway, clock: time.clock, gate }
  const hot = await tiers.openHot(hotParts, releases)
  const hotWatch = new TierWatch('hot', hot.isAway, options.clock)
  const tier = hotWatch.over(hot.tier, telemetry.timing('hot', options.hot.kind === 'memory'))
  tellChanges(telemetry.events, [coldWatch, hotWatch], options.clock)
  hot.newGeneration.subscribe(() => {
    telemetry.events.emit('generation', () => ({ generation: hot.tier.generationNumber }))
  })
  return {
    telemetry,
    folder,
    gate,
    cold,
    lateCold,
    hot: { ...hot, tier },
    watches: { hot: hotWatch, cold: coldWatch },
    time,
    log,
  }
}

/** It begins while the database opens. */
function startLogThread(releases: ReleaseStack): EarlyLogThread {
  const thread = new EarlyLogThread()
  releases.push('the thread of the log', () => thread.end())
  return thread
}

function tellChanges(events: StoreEvents, watches: readonly TierWatch[], clock: Clock): void {
  for (const { changes } of watches)
    changes.subscribe(({ tier, isAway, since }) => {
      const told = { tier, since: new Date(since) }
      if (isAway) events.emit('tier-down', () => told)
      else events.emit('tier-up', () => ({ ...told, awayMs: clock.now() - since }))
    })
}
