/**
 * The composition root: with {@link ./open-cold.ts} and {@link ./open-hot.ts} the only place that names concrete drivers.
 * It opens the parts of a store in order and releases them in reverse order.
 *
 * open: the folder → cold, migrated → its time → the log's folder belongs to this store → recover the logs that others
 * left → begin or continue a log → hot, repaired → flows, worker. close: wait for running calls → stop the worker → ship
 * → retire the log, or leave it → release everything.
 */

import { LateColdTier } from '../cold/late-cold-tier.ts'
import type { EntryRecord } from '../entry/record.ts'
import { VersionClock } from '../entry/version.ts'
import { type ThermoclineError, withoutContent } from '../errors.ts'
import { AccessCounter, handOverReads } from '../flow/access-counter.ts'
import { Admission } from '../flow/admission.ts'
import { MissedWrites } from '../flow/missed-writes.ts'
import { Pending } from '../flow/pending.ts'
import { Reader } from '../flow/reader.ts'
import { Searcher } from '../flow/searcher.ts'
import { TierWatch } from '../flow/tier-watch.ts'
import { Writer } from '../flow/writer.ts'
import type { HotTier } from '../hot/hot-tier.ts'
import { type Clock, systemClock } from '../kernel/clock.ts'
import { ReleaseStack } from '../kernel/release-stack.ts'
import type { MemoryStoreOptions } from '../options.ts'
import { CallGate } from '../repository/call-gate.ts'
import { Checkpointer } from '../sync/checkpointer.ts'
import { DatabaseClock } from '../sync/database-clock.ts'
import { Demoter } from '../sync/demoter.ts'
import { HotRepair } from '../sync/hot-repair.ts'
import { Lease } from '../sync/lease.ts'
import { SyncWorker } from '../sync/sync-worker.ts'
import { wholeCold } from '../sync/whole-cold.ts'
import { keyHash } from '../wal/write-ahead-log.ts'
import { bindToStore } from './data-folder.ts'
import { attempt, type CloseResult, MemoryStore, tellWhatIsLeft } from './memory-store.ts'
import { openCold } from './open-cold.ts'
import { openFolder } from './open-folder.ts'
import { openHot } from './open-hot.ts'
import { openDurableLog, openInProcessLog } from './open-log.ts'
import { type ResolvedOptions, resolveOptions } from './resolve-options.ts'

/** Writes wait once hot is this much fuller than its capacity; early demotion normally keeps up long before. */
const OVERFULL = 1.25
/** How often a process says that its log is alive although there is nothing to ship. */
const HEARTBEAT_MS = 30_000
/** Held by the process that demotes, sweeps and indexes. */
const SYNC_LEASE = 'sync'

/**
 * Opens a store. Rejects with `ERR_INVALID_OPTIONS`; with `ERR_LOCKED` while another process has the folder; with
 * `ERR_WAL_CORRUPT` when the log lost acknowledged writes (run `thermocline recover`); with `ERR_SCHEMA` or
 * `ERR_UNSUPPORTED` when the data comes from a newer version.
 */
export function openMemoryStore(options?: MemoryStoreOptions): Promise<MemoryStore> {
  return openMemoryStoreOver({ openCold, openHot }, options)
}

/** @internal How the tiers of a store are opened. */
export interface TierOpeners {
  readonly openCold: typeof openCold
  readonly openHot: typeof openHot
}

/** @internal The same over other tiers. */
export async function openMemoryStoreOver(tiers: TierOpeners, options?: MemoryStoreOptions): Promise<MemoryStore> {
  const resolved = resolveOptions(options)
  const releases = new ReleaseStack()
  try {
    return await assemble(resolved, tiers, releases)
  } catch (error) {
    // The reason why it did not open matters more than what else went wrong on the way out.
    await releases.release().catch(() => {})
    throw error
  }
}

async function assemble(options: ResolvedOptions, tiers: TierOpeners, releases: ReleaseStack): Promise<MemoryStore> {
  const { logger } = options
  const isShared = options.cold.isShared
  const pending = new Pending()
  const folder = options.inMemory ? undefined : await openFolder(options, releases)
  const coldWatch = new TierWatch('cold')
  const hotWatch = new TierWatch('hot')
  const openedCold = await tiers.openCold(options, folder, releases)
  const isColdAway = openedCold instanceof LateColdTier && openedCold.isWaiting
  const cold = coldWatch.over(openedCold)
  const isOwnClock = options.clock === systemClock
  const time = isShared
    ? new DatabaseClock(cold, options.clock, isOwnClock ? { logger } : { logger, name: 'the clock given as `clock`' })
    : undefined
  // A clock that was given is what it is meant to be; that it is far from the others' is told, for versions go by it.
  if (!isColdAway) await (isOwnClock ? time?.measureOrRefuse() : time?.measure())
  const clock: Clock = isOwnClock && time !== undefined ? time : options.clock
  const versions = new VersionClock(clock)
  if (folder !== undefined) await bindToStore(folder, cold, { lockTimeout: options.wal.lockTimeout, isShared, logger })
  const logParts = { options, cold, versions, pending }
  const { log, checkpoint, firstSequence, retire, place, scanAfter, adoptOthers } =
    folder === undefined ? await openInProcessLog(logParts) : await openDurableLog(folder, logParts, isColdAway)
  releases.push('the log', () => log.close())
  const gate = new CallGate()
  let repair: HotRepair | undefined
  const repairNow = async (): Promise<void> => {
    await repair?.run().catch((error: unknown) => {
      logger.warn({ err: withoutContent(error) }, 'hot could not be repaired yet: the next checkpoint tries again')
    })
  }
  const hotParts = {
    options,
    cold: openedCold,
    isColdAway,
    clock,
    onNewGeneration: () => void repairNow(),
    onUsurped: (error: ThermoclineError) => gate.fail(error),
  }
  const { tier, shared, onCurrentGeneration, takeReads } = await tiers.openHot(hotParts, releases)
  const hot = shared === undefined ? tier : hotWatch.over(tier)
  const missed = hot.generationNumber === undefined && shared === undefined ? undefined : new MissedWrites()
  if (missed !== undefined)
    repair = new HotRepair({ hot, cold, pending, missed, logger, onOtherGeneration: onCurrentGeneration })
  const isHotAway = (): boolean => shared !== undefined && shared.generationNumber === undefined
  // What recovery shipped, hot may hold older.
  await repairNow()

  const access = new AccessCounter(hot, cold, logger)
  let overfull = false
  const demoter = new Demoter({
    hot,
    cold,
    logger,
    batchSize: options.sync === false ? 100 : options.sync.batchSize,
    onDemoted: () => void noteFill(),
  })
  const admission = new Admission({
    hasRoom: () => !overfull && pending.bytes + writer.queuedBytes < options.wal.maxPendingBytes,
    onFull: () => (overfull ? worker.demoteSoon() : worker.checkpointSoon()),
    timeout: options.timeouts.cold,
  })
  const noteFill = async (): Promise<void> => {
    // Where hot cannot tell, nothing waits for it.
    const fill = await demoter.fill().catch((error: unknown) => {
      logger.debug({ err: withoutContent(error) }, 'hot did not tell how full it is')
      return 0
    })
    if (fill > 1) worker.demoteSoon()
    overfull = fill > OVERFULL
    if (!overfull) admission.roomMade()
  }
  const checkpointer: Checkpointer = new Checkpointer(
    {
      log,
      pending,
      cold,
      versions,
      clock,
      logger,
      settled: () => writer.settled(),
      onShipped: () => void noteFill(),
      scanAfter,
      firstSequence,
      place,
      missed,
      dropOlder: missed === undefined ? dropOlderFrom(hot) : undefined,
      mayEvict: () => shared?.mayEvict === true,
      onCurrentGeneration,
      onCaughtUp: () => worker.handOverHotSoon(),
    },
    checkpoint,
  )
  const writer: Writer = new Writer({
    log,
    keyHash,
    pending,
    hot,
    versions,
    admission,
    logger,
    durability: options.durability,
    onHotWrite: () => {
      void noteFill()
      if (pending.bytes > options.wal.checkpointBytes) worker.checkpointSoon()
    },
    shipThrough: (sequence) => checkpointer.shipThrough(sequence),
  })
  const minAccesses = options.promote === false ? undefined : options.promote.minAccesses
  const readable = wholeCold(cold, checkpointer)
  const reader = new Reader({
    pending,
    hot,
    cold: readable,
    access,
    versions,
    clock,
    logger,
    missed,
    minAccesses,
    onPromoted: () => void noteFill(),
  })
  const searcher = new Searcher({ pending, cold: readable, access, versions, clock, timeout: options.timeouts.search })
  const worker: SyncWorker = new SyncWorker({
    checkpointer,
    demoter,
    access,
    cold,
    clock,
    logger,
    checkpointEvery: options.checkpoint.every,
    schedule: options.sync === false ? undefined : options.sync.schedule,
    hotToColdAge: options.sync === false ? Number.POSITIVE_INFINITY : options.sync.hotToColdAge,
    ...(isShared && {
      lease: new Lease(cold, SYNC_LEASE, logger),
      heartbeatEvery: HEARTBEAT_MS,
    }),
    ...(isShared && adoptOthers && { adoptLogs: adoptOthers }),
    ...(repair && { repair }),
    isHotAway,
    ...(time && { time }),
  })

  const shutDown = async (signal: AbortSignal, timeLeft: () => number): Promise<CloseResult> => {
    folder?.releaseSoon()
    await attempt(gate.idle(), signal, logger, 'running calls')
    await attempt(worker.shutdown(), signal, logger, 'the worker')
    await attempt(reader.settled(), signal, logger, 'promotions')
    let shipped = 0
    // Also where nothing is pending: cold may have been set back since, and the log is all that has what it lost.
    const ship = checkpointer.checkpointNow({ heartbeat: true }).then((stats) => {
      shipped = stats.shipped + stats.superseded
    })
    const isShipped = await attempt(ship, signal, logger, 'the last checkpoint')
    // Only this process knows that cold lost it, as late as by the last checkpoint.
    if (worker.owesHot) await attempt(demoter.demoteAll(signal), signal, logger, 'handing hot over to the database')
    await attempt(access.flush(), signal, logger, 'the last access counts')
    // A hot tier in this process goes with it: what it counted is carried to cold, which has every entry already.
    if (takeReads !== undefined)
      await attempt(handOverReads(takeReads, cold, signal), signal, logger, 'handing over access counts')
    // A call that outlived the deadline may still be writing to the log.
    const isQuiet = isShipped && !signal.aborted && pending.size === 0 && log.failure === undefined
    if (isQuiet) await attempt(retire(), signal, logger, 'retiring the log')
    await releases.release({ timeLeft, onLeft: (name, release) => tellWhatIsLeft(logger, name, release) })
    return { shipped, remaining: pending.size }
  }

  worker.start()
  folder?.keep()
  const parts = {
    writer,
    reader,
    searcher,
    gate,
    clock,
    log,
    pending,
    hot,
    cold,
    checkpointer,
    worker,
    hotState: () => hotWatch.state(isHotAway()),
    coldState: () => coldWatch.state(),
    logger,
    shutDown,
  }
  return new MemoryStore(parts)
}

function dropOlderFrom(hot: HotTier) {
  return async (records: readonly EntryRecord[]): Promise<void> => {
    await hot.repair(records.map((record) => ({ key: record, version: record.version })))
  }
}
