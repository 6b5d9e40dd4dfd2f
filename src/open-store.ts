/**
 * The composition root: with {@link ./open-folder.ts} the only place that names concrete drivers. It opens the parts of a
 * store in order and releases them in reverse order.
 *
 * open: lock the folder → cold, migrated → recover the logs that others left → begin or continue a log → hot, flows,
 * worker. close: wait for running calls → stop the worker → ship → retire the log, or leave it → release everything.
 */
import type { ColdTier } from './cold/cold-tier.ts'
import type { EntryRecord } from './entry/record.ts'
import { VersionClock } from './entry/version.ts'
import { withoutContent } from './errors.ts'
import { AccessCounter } from './flow/access.ts'
import { Admission } from './flow/admission.ts'
import { Pending } from './flow/pending.ts'
import { Reader } from './flow/read.ts'
import { Searcher } from './flow/search.ts'
import { Writer } from './flow/write.ts'
import type { HotTier } from './hot/hot-tier.ts'
import { MemoryHotTier } from './hot/memory-hot-tier.ts'
import { attempt, type CloseResult, MemoryStore } from './memory-store.ts'
import { lockFolder, openCold } from './open-folder.ts'
import { type MemoryStoreOptions, type ResolvedOptions, resolveOptions } from './options.ts'
import { ReleaseStack } from './release-stack.ts'
import { CallGate } from './repository/call-gate.ts'
import { Checkpointer } from './sync/checkpoint.ts'
import { Demoter } from './sync/demote.ts'
import { openLog, retireLog } from './sync/open-log.ts'
import { SyncWorker } from './sync/sync-worker.ts'
import { MemoryLog } from './wal/memory-log.ts'
import { keyHash } from './wal/write-ahead-log.ts'
import type { WriteLog } from './wal/write-log.ts'

/** Writes wait once hot is this much fuller than its capacity; early demotion normally keeps up long before. */
const OVERFULL = 1.25

/**
 * Opens a store. Rejects with `ERR_INVALID_OPTIONS`; with `ERR_LOCKED` while another process has the folder; with
 * `ERR_WAL_CORRUPT` when the log lost acknowledged writes (run `thermocline recover`); with `ERR_SCHEMA` or
 * `ERR_UNSUPPORTED` when the data comes from a newer version.
 */
export function openMemoryStore(options?: MemoryStoreOptions): Promise<MemoryStore> {
  return openMemoryStoreOver(EMBEDDED, options)
}

/** @internal How the tiers of a store are opened. */
export interface TierOpeners {
  readonly openCold: typeof openCold
  readonly openHot: (options: ResolvedOptions) => HotTier
}

const EMBEDDED: TierOpeners = { openCold, openHot: ({ hot, clock }) => new MemoryHotTier({ ...hot, clock }) }

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

/** The log a store writes to, and how it ends. */
interface StoreLog {
  readonly log: WriteLog<EntryRecord>
  readonly checkpoint: number
  /** After everything was shipped. */
  readonly retire: () => Promise<void>
}

async function assemble(options: ResolvedOptions, tiers: TierOpeners, releases: ReleaseStack): Promise<MemoryStore> {
  const { clock, logger } = options
  const versions = new VersionClock(clock)
  const pending = new Pending()
  const folder = options.inMemory ? undefined : await lockFolder(options, releases)
  const cold = await tiers.openCold(options, folder, releases)
  const { log, checkpoint, retire } =
    folder === undefined
      ? await openMemoryLog(cold, pending)
      : await openDurableLog(folder.wal, { options, cold, versions, pending })
  releases.push(() => log.close())
  const hot = tiers.openHot(options)
  releases.push(() => hot.close())

  const access = new AccessCounter(hot, cold, logger)
  const gate = new CallGate()
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
    { log, pending, cold, versions, logger, settled: () => writer.settled(), onShipped: () => void noteFill() },
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
  const reader = new Reader({
    pending,
    hot,
    cold,
    access,
    versions,
    clock,
    logger,
    minAccesses,
    onPromoted: () => void noteFill(),
  })
  const searcher = new Searcher({ pending, cold, access, clock, timeout: options.timeouts.search })
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
  })

  const shutDown = async (signal: AbortSignal): Promise<CloseResult> => {
    await attempt(gate.idle(), signal, logger, 'running calls')
    await attempt(worker.shutdown(), signal, logger, 'the worker')
    await attempt(reader.settled(), signal, logger, 'promotions')
    let shipped = 0
    const ship = checkpointer.checkpointNow().then((stats) => {
      shipped = stats.shipped + stats.superseded
    })
    await attempt(ship, signal, logger, 'the last checkpoint')
    // Hot goes with this process: what it counted is carried to cold, which has every entry already.
    await attempt(access.flush(), signal, logger, 'the last access counts')
    await attempt(demoter.demoteIdle(Number.POSITIVE_INFINITY, signal), signal, logger, 'handing over access counts')
    // A call that outlived the deadline may still be writing to the log.
    const isQuiet = !signal.aborted && pending.size === 0 && log.failure === undefined
    if (isQuiet) await attempt(retire(), signal, logger, 'retiring the log')
    await releases.release()
    return { shipped, remaining: pending.size }
  }

  worker.start()
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
    logger,
    shutDown,
  }
  return new MemoryStore(parts)
}

async function openMemoryLog(cold: ColdTier, pending: Pending): Promise<StoreLog> {
  const log = new MemoryLog<EntryRecord>((records) => pending.apply(records))
  const { sequence } = await cold.takeOver(log.walId, log.epoch)
  return { log, checkpoint: sequence, retire: () => cold.retire(log.walId, log.epoch) }
}

interface DurableLogParts {
  readonly options: ResolvedOptions
  readonly cold: ColdTier
  readonly versions: VersionClock
  readonly pending: Pending
}

async function openDurableLog(dir: string, { options, cold, versions, pending }: DurableLogParts): Promise<StoreLog> {
  const { logger } = options
  const { segmentBytes, lockTimeout } = options.wal
  const wal = { dir, segmentBytes, lockTimeout, logger, onDurable: pending.apply.bind(pending) }
  const { log, checkpoint } = await openLog({ wal, cold, versions, logger })
  return { log, checkpoint, retire: () => retireLog(log, cold) }
}
