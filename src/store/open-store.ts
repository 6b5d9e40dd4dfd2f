/**
 * The composition root: with {@link ./open-cold.ts} and {@link ./open-hot.ts} the only place that names concrete
 * drivers, of which each is loaded when a store is opened that uses it.
 *
 * open ({@link ./open-parts.ts}): the folder → cold, migrated → its time → the log's folder belongs to this store →
 * recover the logs that others left → begin or continue a log → hot. connect ({@link ./connect-flows.ts}): hot,
 * repaired → flows → worker. close ({@link ./close-store.ts}): in reverse order.
 */
import type { PgliteClient } from '../cold/pglite/pglite-client.ts'
import { ReleaseStack } from '../kernel/release-stack.ts'
import type { MemoryStoreOptions } from '../options.ts'
import { longestGap } from '../sync/sync-schedule.ts'
import { SLOT_MS, type Telemetry } from '../telemetry/telemetry.ts'
import { StoreCloser } from './close-store.ts'
import { connectFlows } from './connect-flows.ts'
import { foldersOf } from './disk-space.ts'
import { StoreLogs } from './log-standings.ts'
import { MemoryStore } from './memory-store.ts'
import { openCold } from './open-cold.ts'
import { openHot } from './open-hot.ts'
import { type OpenedParts, openParts, type TierOpeners } from './open-parts.ts'
import { type ResolvedOptions, resolveOptions, toLook } from './resolve-options.ts'
import { StoreAlerts } from './store-alerts.ts'
import { StoreNumbers } from './store-stats.ts'
import { StoreStatus } from './store-status.ts'

/**
 * @internal The tiers that there are.
 * @param thread of an embedded database, where it was started before.
 */
export function tierOpeners(thread?: PgliteClient): TierOpeners {
  return {
    openCold: (options, folder, releases, terms) => openCold(options, folder, releases, { ...terms, thread }),
    openHot,
  }
}

/** @internal As {@link openMemoryStore} of {@link ./open-memory-store.ts}, over whatever tiers. */
export async function openMemoryStoreOver(tiers: TierOpeners, options?: MemoryStoreOptions): Promise<MemoryStore> {
  return openResolved(tiers, resolveOptions(options))
}

/** @internal As {@link openStoreToLook} of {@link ./open-memory-store.ts}, over whatever tiers. */
export async function openStoreToLookOver(tiers: TierOpeners, options: MemoryStoreOptions): Promise<MemoryStore> {
  return openResolved(tiers, toLook(resolveOptions(options)))
}

async function openResolved(tiers: TierOpeners, resolved: ResolvedOptions): Promise<MemoryStore> {
  const releases = new ReleaseStack(resolved.logger)
  try {
    return await assemble(resolved, tiers, releases)
  } catch (error) {
    // Why it did not open matters more than what else went wrong on the way out, of which the logger is told.
    await releases.release().catch(() => {})
    throw error
  }
}

async function assemble(options: ResolvedOptions, tiers: TierOpeners, releases: ReleaseStack): Promise<MemoryStore> {
  const opened = await openParts(options, tiers, releases)
  const connected = await connectFlows(options, opened)
  const { cold, gate, log, telemetry, time, watches } = opened
  const { checkpointer, embedding, flows, pressure, sync, syncLease: lease, worker } = connected
  const hot = opened.hot.tier
  const known = { journal: log.journal, checkpointer, watches, clock: time.clock }
  const hotName = options.hot.kind === 'own' ? options.hot.name : undefined
  const status = new StoreStatus({ ...known, hotName, gate, pressure, embedding, otherRedis: opened.hot.otherRedis })
  const numbers = new StoreNumbers({ ...known, hot, cold, telemetry, sync, lease, embedding })
  const logs = new StoreLogs({ ...known, cold, wal: opened.folder?.wal })
  const alerts = openAlerts(options, opened, { numbers, status }, releases)
  keepTurning(telemetry, watches, releases)
  const closer = new StoreCloser(opened, connected, releases, options.logger)
  worker.start()
  opened.folder?.keep()
  return new MemoryStore({ flows, worker, status, numbers, logs, alerts, telemetry, closer })
}

function openAlerts(
  options: ResolvedOptions,
  { folder, hot, telemetry, time, watches }: OpenedParts,
  parts: { readonly numbers: StoreNumbers; readonly status: StoreStatus },
  releases: ReleaseStack,
): StoreAlerts | undefined {
  const { alerts: limits, cold, logger, sync, wal } = options
  if (limits === false) return undefined
  const { schedule } = sync || { schedule: undefined }
  let gap: number | undefined
  const alerts = new StoreAlerts({
    ...{ ...parts, hot: hot.tier, watch: watches.hot, telemetry, clock: time.clock, limits, logger },
    maxPendingBytes: wal.maxPendingBytes,
    folders: folder === undefined ? [] : foldersOf(folder, !cold.isShared),
    syncGap: () => {
      if (schedule !== undefined) gap ??= longestGap(schedule)
      return gap
    },
    drift: () => time.database?.drift,
  })
  const stop = alerts.start()
  releases.push('the timer of alerts', async () => stop())
  return alerts
}

/** The last minutes are those of whoever asks for them, however seldom that is. */
function keepTurning(telemetry: Telemetry, watches: OpenedParts['watches'], releases: ReleaseStack): void {
  const timer = setInterval(() => {
    telemetry.turn()
    // A connection that is gone is seen by looking.
    for (const watch of [watches.hot, watches.cold]) watch.state()
  }, SLOT_MS).unref()
  releases.push('the timer of windows', async () => clearInterval(timer))
}
