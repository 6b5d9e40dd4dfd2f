/**
 * Builds the flows over what was opened, as the second step of opening a store. Each flow gets finished parts and calls
 * none that is built after it. What has to go the other way goes through {@link Emitter}s, to which the worker, built
 * last, subscribes.
 */

import { DEFAULTS } from '../default-options.ts'
import { isThermoclineError } from '../errors.ts'
import { AccessCounter } from '../flow/access-counter.ts'
import { ChildVersions } from '../flow/child-versions.ts'
import { CompareAndSet } from '../flow/compare-and-set.ts'
import { Deleter } from '../flow/deleter.ts'
import { DocumentReader } from '../flow/document-reader.ts'
import { DocumentWriter } from '../flow/document-writer.ts'
import { Embedder } from '../flow/embedder.ts'
import { Eraser } from '../flow/eraser.ts'
import { Explainer } from '../flow/explainer.ts'
import { Exporter } from '../flow/exporter.ts'
import { HotReads } from '../flow/hot-reads.ts'
import { Importer } from '../flow/importer.ts'
import { MissedWrites } from '../flow/missed-writes.ts'
import { NamespaceMeter } from '../flow/namespace-meter.ts'
import { NamespaceReader } from '../flow/namespace-reader.ts'
import { Pressure } from '../flow/pressure.ts'
import { Promoter } from '../flow/promoter.ts'
import { Reader } from '../flow/reader.ts'
import { Reembedder } from '../flow/reembedder.ts'
import { Searcher } from '../flow/searcher.ts'
import { SlidingExpiry } from '../flow/sliding-expiry.ts'
import { StaleNodes } from '../flow/stale-nodes.ts'
import { Tiering } from '../flow/tiering.ts'
import { TreeReader, type TreeReaderParts } from '../flow/tree-reader.ts'
import { TreeSearcher } from '../flow/tree-searcher.ts'
import { Vectors } from '../flow/vectors.ts'
import { WhereChanger } from '../flow/where-changer.ts'
import { Writer } from '../flow/writer.ts'
import { idleTimePolicy } from '../policy/idle-time.ts'
import { PolicyTable } from '../policy/policy-table.ts'
import type { Flows } from '../repository/flows.ts'
import { AskedCuts } from '../sync/asked-cuts.ts'
import { BackgroundEmbedding } from '../sync/background-embedding.ts'
import { Checkpointer } from '../sync/checkpointer.ts'
import { Demoter } from '../sync/demoter.ts'
import { FullSync } from '../sync/full-sync.ts'
import { HotFollower } from '../sync/hot-follower.ts'
import { HotRepair } from '../sync/hot-repair.ts'
import { HotUpkeep } from '../sync/hot-upkeep.ts'
import { Lease } from '../sync/lease.ts'
import { MigrationPace } from '../sync/migration-pace.ts'
import { ModelRegistry } from '../sync/model-registry.ts'
import { OutageReport } from '../sync/outage-report.ts'
import { Peers } from '../sync/peers.ts'
import { Pins } from '../sync/pins.ts'
import { type ColdReads, readsWhileSetBack } from '../sync/reads-while-set-back.ts'
import { RefusedWrites } from '../sync/refused-writes.ts'
import { Previewer } from '../sync/sync-preview.ts'
import { beginSchedule } from '../sync/sync-schedule.ts'
import { SyncWorker } from '../sync/sync-worker.ts'
import { TierMoves } from '../sync/tier-moves.ts'
import { quarantinedIn } from './data-folder.ts'
import type { OpenedParts } from './open-parts.ts'
import type { ResolvedOptions } from './resolve-options.ts'

/** Held by the process that demotes, sweeps and indexes. */
const SYNC_LEASE = 'sync'
/** Held by the process that makes vectors in the background, of each model by one. */
const EMBED_LEASE = 'embed'

export interface ConnectedFlows {
  readonly flows: Flows
  readonly checkpointer: Checkpointer
  readonly pressure: Pressure
  readonly access: AccessCounter
  readonly sliding: SlidingExpiry
  readonly promoter: Promoter
  readonly upkeep: HotUpkeep
  readonly worker: SyncWorker
  readonly sync: FullSync
  readonly embedding: Embedding | undefined
  /** `own`: undefined where this process alone uses the store. */
  readonly syncLease: { readonly name: string; readonly own: Lease | undefined }
}

/** How vectors of texts are made. */
export interface Embedding {
  readonly embedder: Embedder
  /** Of models that the store is moved from. */
  readonly former: readonly Embedder[]
  readonly registry: ModelRegistry
  readonly background: BackgroundEmbedding
}

/** What all flows share beside what was opened. */
interface Common {
  readonly pressure: Pressure
  readonly access: AccessCounter
  readonly sliding: SlidingExpiry
  readonly checkpointer: Checkpointer
  /** Undefined where hot is this process's own, and always current. */
  readonly missed: MissedWrites | undefined
  readonly demoter: Demoter
  readonly tiering: Tiering
  readonly pace: MigrationPace
  readonly follower: HotFollower
  /** Undefined: the store makes no vectors. */
  readonly models: Models | undefined
}

/** What is known of vectors before there are calls. */
interface Models extends Pick<Embedding, 'embedder' | 'former'> {
  /** Finds out anew which models entries have vectors of. */
  lookAgain: () => Promise<void>
}

/** Resolves once every write that has begun is in the log, or has failed. */
type Settled = () => Promise<unknown>

export async function connectFlows(options: ResolvedOptions, opened: OpenedParts): Promise<ConnectedFlows> {
  const { logger, timeouts, wal } = options
  const { cold, hot, log, telemetry, time } = opened
  const { missed, repair } = await connectRepair(options, opened)
  const pressure = new Pressure(log.journal.pending, hot.tier, { ...wal, timeout: timeouts.cold }, logger)
  const sliding = new SlidingExpiry({ cold, hot: hot.tier, pending: log.journal.pending, logger })
  const tiering = connectTiering(options, opened, pressure)
  const access = new AccessCounter(hot.tier, cold, sliding, logger, tiering)
  const { onCurrentGeneration } = hot
  const follower = new HotFollower(hot.tier, missed && { missed, onCurrentGeneration })
  const checkpointer = new Checkpointer({ log, cold, hot: follower, pressure, time, telemetry, logger })
  holdBackCold(opened, checkpointer)
  const { batchSize, maxMigrationsPerSecond: most } = options.sync || ONLY_WHEN_ASKED
  const pace = new MigrationPace({ most, takeCallTimes: () => telemetry.takeCallTimes() })
  const demoter = new Demoter({
    ...{ hot: hot.tier, cold, pressure, telemetry, clock: time.clock, logger },
    ...{ tiering, pace, batchSize },
  })
  const models = connectModels(options)
  const common = { pressure, access, sliding, checkpointer, missed, demoter, tiering, pace, follower, models }
  const { flows, promoter, settled } = connectCalls(options, opened, common)
  const embedding = models && (await connectEmbedding(options, opened, models, { ...flows, checkpointer }))
  const working = connectWorker(options, opened, { ...common, repair, flows, settled, embedding })
  return { flows, checkpointer, pressure, access, sliding, promoter, embedding, ...working }
}

/** What was resumed of the log without cold counts for no call beside cold before cold has told what it had of that. */
function holdBackCold({ lateCold, log }: OpenedParts, checkpointer: Checkpointer): void {
  if (lateCold === undefined || log.journal.pending.isSettled) return
  for (const told of [checkpointer.registered, checkpointer.ended]) told.subscribe(() => lateCold.admit())
  lateCold.holdBack(() => checkpointer.checkpointNow({ heartbeat: true, inBackground: true }))
}

function connectModels({ embed }: ResolvedOptions): Models | undefined {
  if (embed === undefined) return undefined
  const former = embed.former.map((model) => new Embedder({ ...embed, ...model }))
  return { embedder: new Embedder(embed), former, lookAgain: async () => {} }
}

/** The models are registered before anything is written by one, unless cold is away: then once it is there. */
async function connectEmbedding(
  { embed, logger, looks }: ResolvedOptions,
  { cold, telemetry, time }: OpenedParts,
  models: Models,
  { changes, checkpointer }: { readonly changes: CompareAndSet; readonly checkpointer: Checkpointer },
): Promise<Embedding> {
  const { batchSize, maxConcurrency, model } = embed!
  const lease = time.database === undefined ? undefined : new Lease(cold, `${EMBED_LEASE} ${model}`, logger)
  const registry = new ModelRegistry({ models: [embed!, ...embed!.former], cold, logger })
  const background = new BackgroundEmbedding({
    ...{ embedder: models.embedder, registry, cold, changes, lease, logger },
    ...{ pageSize: batchSize * maxConcurrency, events: telemetry.events, clock: time.clock },
  })
  models.lookAgain = async () => {
    await checkpointer.checkpointNow()
    await registry.lookForOthersNow()
  }
  if (!looks)
    await registry.register().catch((error: unknown) => {
      if (!isThermoclineError(error, 'ERR_TIER_UNAVAILABLE')) throw error
    })
  return { ...models, registry, background }
}

/** What no policy of the options is for goes by idle time, as `sync` and `promote` say. */
function connectTiering(options: ResolvedOptions, { hot, time }: OpenedParts, pressure: Pressure): Tiering {
  const { hotToColdAge, activationHalfLife } = options.sync || ONLY_WHEN_ASKED
  const { minAccesses } = options.promote || DEFAULTS.promote
  return new Tiering({
    ...{ hot: hot.tier, pressure, clock: time.clock, halfLifeMs: activationHalfLife },
    policies: new PolicyTable(options.policies, idleTimePolicy(hotToColdAge, minAccesses), options.logger),
  })
}

/** Hot is repaired before anything is read from it: what recovery shipped, it may hold older. */
async function connectRepair({ logger }: ResolvedOptions, { cold, hot, log }: OpenedParts) {
  if (!hot.isShared && hot.tier.generationNumber === undefined) return { missed: undefined, repair: undefined }
  const { pending } = log.journal
  const { tier, newGeneration, onCurrentGeneration } = hot
  const missed = new MissedWrites()
  const repair = new HotRepair({ hot: tier, cold, pending, missed, logger, onOtherGeneration: onCurrentGeneration })
  newGeneration.subscribe(() => void repair.tryRun())
  await repair.tryRun()
  return { missed, repair }
}

/** What calls go through. */
function connectCalls(options: ResolvedOptions, opened: OpenedParts, common: Common) {
  const { durability, logger, timeouts } = options
  const { precision } = options.cold
  const { access, checkpointer, demoter, follower, missed, models, pressure, sliding } = common
  const { cold, gate, log, telemetry } = opened
  const { journal } = log
  const { pending } = journal
  const { clock, versions } = opened.time
  const hot = opened.hot.tier
  const readable = readsWhileSetBack(cold, checkpointer)
  const tiering = options.promote === false ? undefined : common.tiering
  const promoter = new Promoter({ hot, access, pressure, telemetry, logger, tiering })
  const hotReads = new HotReads({ hot, sharesContent: !opened.hot.isShared, missed, logger })
  const shippedSequence = () => checkpointer.sequence
  const changes = new CompareAndSet({
    ...{ journal, hot, reads: readable, cold, versions, clock, pressure, logger },
    shippedSequence,
  })
  const asked = { storeId: cold.storeId, pending, cold: readable, clock, timeout: timeouts.search }
  const searcher = new Searcher({ ...asked, access, versions })
  const documents = new DocumentReader(searcher, cold.storeId)
  const writer = new Writer({ journal, hot, versions, pressure, shipper: checkpointer, logger, durability })
  const reader = new Reader({ ...asked, hot: hotReads, access, versions, promoter, sliding, telemetry })
  const deleter = new Deleter({ reader, writer, clock })
  const moves = new TierMoves({
    ...{ hot, hotReads, cold: readable, pending, searcher, demoter, pressure, clock, telemetry },
  })
  const settled = () => Promise.all([changes.settled(), journal.settled()])
  const flows: Flows = {
    ...{ changes, writer, reader, searcher, documents, gate, clock },
    ...connectTrees({ ...asked, searcher }, access, reader),
    ...{ ...connectVectors(options, models, { searcher, reader, changes }), namespaces: new NamespaceReader(asked) },
    meter: new NamespaceMeter({ pending, hot, cold: readable, clock }),
    whereChanger: new WhereChanger({ searcher, reader, deleter, changes, cold: readable, pending, clock }),
    eraser: connectEraser(options, opened, { checkpointer, readable, searcher, reader, deleter, settled }),
    documentWriter: new DocumentWriter({ documents, reader, writer, deleter, changes, clock, settled, precision }),
    explainer: new Explainer({ pending, hot, cold: readable, clock }),
    exporter: new Exporter({ storeId: cold.storeId, cold: readable, shipper: checkpointer, clock }),
    importer: new Importer({ reader, writer, cold, shipper: checkpointer, clock }),
    refusedWrites: new RefusedWrites({ storeId: cold.storeId, cold, hot, follower, shipper: checkpointer }),
    ...{ moves, pins: new Pins({ hot, cold, reads: readable, reader, moves, logger }) },
    previewer: new Previewer({ hot, cold, access, tiering: common.tiering, clock }),
  }
  return { flows, promoter, settled }
}

/** What makes vectors, and what moves entries to those of another model. */
function connectVectors(
  { cold: { precision }, embed }: ResolvedOptions,
  models: Models | undefined,
  { reader, ...flows }: { readonly searcher: Searcher; readonly reader: Reader; readonly changes: CompareAndSet },
): Pick<Flows, 'vectors' | 'reembedder'> {
  if (embed === undefined || models === undefined) return { vectors: new Vectors(undefined), reembedder: undefined }
  const { embedder, former } = models
  const vectors = new Vectors({ embedder, when: embed.when, former, reader, precision })
  if (former.length === 0) return { vectors, reembedder: undefined }
  const reembedder = new Reembedder({
    ...{ ...flows, embedder, former: former.map(({ model }) => model) },
    ...{ pageSize: embed.batchSize * embed.maxConcurrency, moved: () => models.lookAgain() },
  })
  return { vectors, reembedder }
}

/** What erases, in every place that there is. */
function connectEraser(
  options: ResolvedOptions,
  { cold, folder, hot, log, time }: OpenedParts,
  parts: {
    readonly checkpointer: Checkpointer
    readonly readable: ColdReads
    readonly searcher: Searcher
    readonly reader: Reader
    readonly deleter: Deleter
    readonly settled: Settled
  },
): Eraser {
  const { checkpointer, readable: reads, searcher, reader, deleter, settled } = parts
  const { journal, adoptOthers } = log
  const cut = async () => {
    await settled()
    return checkpointer.cut()
  }
  return new Eraser({
    ...{ cold, reads, hot: hot.tier, searcher, reader, deleter, clock: time.clock, logger: options.logger },
    log: { checkpointNow: () => checkpointer.checkpointNow(), cut, adoptOthers },
    places: {
      walId: journal.log.walId,
      isHotServer: hot.isShared,
      isColdServer: options.cold.isShared,
      quarantined: async () => (folder === undefined ? [] : quarantinedIn(folder)),
    },
  })
}

/** What is about trees of nodes. */
function connectTrees(parts: TreeReaderParts, access: AccessCounter, reader: Reader) {
  const { searcher, clock } = parts
  const trees = new TreeReader(parts)
  return {
    trees,
    childVersions: new ChildVersions(reader, trees),
    staleNodes: new StaleNodes(searcher, trees),
    treeSearcher: new TreeSearcher({ trees, searcher, access, clock }),
  }
}

/** What runs in the background. */
function connectWorker(
  options: ResolvedOptions,
  opened: OpenedParts,
  parts: Common & {
    readonly repair: HotRepair | undefined
    readonly flows: Flows
    readonly settled: Settled
    readonly embedding: Embedding | undefined
  },
) {
  const { access, checkpointer, demoter, embedding, flows, pace, pressure, repair, settled } = parts
  const { pins } = flows
  const { checkpoint, logger } = options
  const { cold, hot, telemetry, time } = opened
  const outages = new OutageReport(logger)
  const { schedule } = options.sync || ONLY_WHEN_ASKED
  const upkeep = new HotUpkeep({ hot, demoter, pace, pins, repair, outages })
  const own = time.database === undefined ? undefined : new Lease(cold, SYNC_LEASE, logger)
  const peers = connectPeers(options, opened, own)
  const cuts = peers && new AskedCuts({ cold, checkpointer, settled })
  const sync = new FullSync({ access, checkpointer, cuts, hot: upkeep, cold, time, outages, telemetry, logger })
  const worker = new SyncWorker({
    ...{ sync, checkpointer, cuts, peers },
    // What makes vectors in the background writes them.
    ...{ hot: upkeep, embedding: options.looks ? undefined : embedding?.background, pressure, outages },
    schedule: { checkpointEvery: checkpoint.every, sync: schedule },
    beginSchedule,
  })
  return { upkeep, worker, sync, syncLease: { name: SYNC_LEASE, own } }
}

/** Where the background sync is off, age alone demotes nothing. */
const ONLY_WHEN_ASKED = {
  schedule: undefined,
  hotToColdAge: Number.POSITIVE_INFINITY,
  batchSize: DEFAULTS.sync.batchSize,
  activationHalfLife: DEFAULTS.sync.activationHalfLife,
  maxMigrationsPerSecond: DEFAULTS.sync.maxMigrationsPerSecond,
}

function connectPeers(
  { logger }: ResolvedOptions,
  { log, time }: OpenedParts,
  lease: Lease | undefined,
): Peers | undefined {
  if (time.database === undefined || lease === undefined) return undefined
  return new Peers({ lease, time: time.database, adoptLogs: log.adoptOthers, logger })
}
