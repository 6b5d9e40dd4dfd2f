/**
 * Defines the store: repositories in front, worker behind. How it opens and closes is in open-store.ts and
 * close-store.ts.
 */
import type { CallOptions } from '../call-options.ts'
import type { Duration } from '../entry/duration.ts'
import { DEFAULT_NAMESPACE, namespacePath, ROOT } from '../entry/namespace.ts'
import { type Imported, ThermoclineError } from '../errors.ts'
import type { Exported } from '../flow/exporter.ts'
import type { NamespaceSummary } from '../flow/namespace-reader.ts'
import type { Reembedded } from '../flow/reembedder.ts'
import type { Receipt } from '../flow/writer.ts'
import { type Patience, withDeadline } from '../kernel/deadline.ts'
import type { Operation } from '../repository/atomic-write.ts'
import {
  type AtomicOptions,
  CALL_DEFAULTS,
  CALLS,
  type CollectOptions,
  checkLetters,
  type DeadLettersOptions,
  type ExportOptions,
  type ImportOptions,
  type NamespacesOptions,
  type PreviewSyncOptions,
  type ReembedOptions,
} from '../repository/calls.ts'
import type { Flows } from '../repository/flows.ts'
import { NamespaceView } from '../repository/namespace-view.ts'
import type { FindResult } from '../repository/repository-types.ts'
import type { RootView } from '../repository/root-view.ts'
import type { CheckpointStats } from '../sync/checkpointer.ts'
import type { SyncStats } from '../sync/full-sync.ts'
import type {
  DeadLetterChoice,
  DeadLetterPage,
  DroppedDeadLetters,
  RetriedDeadLetters,
} from '../sync/refused-writes.ts'
import type { SyncPreview } from '../sync/sync-preview.ts'
import type { SyncWorker } from '../sync/sync-worker.ts'
import type { Alert } from '../telemetry/alerts.ts'
import { collectInto, type MetricRegistry } from '../telemetry/metric-registry.ts'
import { type MetricFamily, prometheusText } from '../telemetry/prometheus-text.ts'
import type { StoreEvent, StoreListener } from '../telemetry/store-events.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'
import type { CloseResult, StoreCloser } from './close-store.ts'
import type { LogStanding, StoreLogs } from './log-standings.ts'
import type { StoreAlerts } from './store-alerts.ts'
import { metricsOf } from './store-metrics.ts'
import type { StoreNumbers, StoreStats } from './store-stats.ts'
import type { StoreHealth, StoreStatus } from './store-status.ts'

/** @internal */
export interface StoreParts {
  readonly flows: Flows
  readonly worker: SyncWorker
  readonly status: StoreStatus
  readonly numbers: StoreNumbers
  readonly logs: StoreLogs
  /** Undefined: nobody is to be alerted. */
  readonly alerts: StoreAlerts | undefined
  readonly telemetry: Telemetry
  readonly closer: StoreCloser
}

export interface CloseOptions {
  /**
   * How long to wait for running calls, the last checkpoint and what is let go of; a second for each of those at least.
   * @default '10s'
   */
  readonly timeout?: Duration | undefined
}

export class MemoryStore implements AsyncDisposable {
  readonly #parts: StoreParts
  readonly #default: NamespaceView
  readonly #root: RootView
  /** Each takes the store out of a registry. */
  readonly #leaveRegistries = new Set<() => void>()
  #closing: Promise<CloseResult> | undefined

  /** @internal */
  constructor(parts: StoreParts) {
    this.#parts = parts
    this.#default = new NamespaceView(parts.flows, DEFAULT_NAMESPACE)
    this.#root = new NamespaceView(parts.flows, ROOT)
  }

  /** Entries of every kind in the namespace `default`. */
  get entries(): NamespaceView['entries'] {
    return this.#default.entries
  }

  get chunks(): NamespaceView['chunks'] {
    return this.#default.chunks
  }

  get embeddings(): NamespaceView['embeddings'] {
    return this.#default.embeddings
  }

  get metadata(): NamespaceView['metadata'] {
    return this.#default.metadata
  }

  get raptorNodes(): NamespaceView['raptorNodes'] {
    return this.#default.raptorNodes
  }

  get blobs(): NamespaceView['blobs'] {
    return this.#default.blobs
  }

  /** The background worker; it runs already. */
  get worker(): SyncWorker {
    return this.#parts.worker
  }

  /** Every namespace at once: finds, counts, searches and changes what a query selects in any of them. */
  get root(): RootView {
    return this.#root
  }

  /** The same repositories in another namespace: `store.namespace('tenant', 'acme').chunks`. */
  namespace(...segments: readonly string[]): NamespaceView {
    return new NamespaceView(this.#parts.flows, namespacePath(segments))
  }

  /** As {@link NamespaceView.namespaces}, of all there are. */
  namespaces(options?: NamespacesOptions): Promise<FindResult<NamespaceSummary>> {
    return this.#root.namespaces(options)
  }

  /** As {@link NamespaceView.write}, in the namespace `default`. */
  write(operations: readonly Operation[], options: AtomicOptions): Promise<Receipt[]> {
    return this.#default.write(operations, options)
  }

  /** As {@link NamespaceView.export}, of all namespaces. */
  export(options: ExportOptions): Promise<Exported> {
    return this.#root.export(options)
  }

  /** As {@link NamespaceView.import}; each entry goes into the namespace that it was exported from. */
  import(options: ImportOptions): Promise<Imported> {
    return this.#root.import(options)
  }

  /** Runs a whole sync now: checkpoint, demote, bring back what is pinned, sweep, index. */
  sync(options?: CallOptions): Promise<SyncStats> {
    return this.#parts.flows.gate.run(CALLS.sync, options, (checked) =>
      withDeadline(this.#parts.worker.syncNow(), checked),
    )
  }

  /**
   * Tells what a sync would take out of hot now, and what has expired, with the reasons; nothing moves. It needs both
   * tiers: `ERR_TIER_UNAVAILABLE` while one is away.
   */
  previewSync(options?: PreviewSyncOptions): Promise<SyncPreview> {
    const { gate, previewer } = this.#parts.flows
    return gate.run(CALLS.previewSync, options, (checked) =>
      previewer.preview(checked.limit ?? CALL_DEFAULTS.previewSync.limit, checked),
    )
  }

  /** Ships every write acknowledged so far to cold. */
  checkpoint(options?: CallOptions): Promise<CheckpointStats> {
    return this.#parts.flows.gate.run(CALLS.checkpoint, options, (checked) =>
      withDeadline(this.#parts.worker.checkpointNow(), checked),
    )
  }

  /**
   * Gives entries of every namespace whose vectors are of a former model (`embed.former`) new ones of the store's
   * model. The store is used meanwhile; queries are asked of both models. Where it fails or is aborted half-way,
   * calling it again goes on, from whichever process. `ERR_INVALID_OPTIONS` where the store was opened without a
   * former model.
   */
  reembed(options?: ReembedOptions): Promise<Reembedded> {
    return this.#parts.flows.gate.run(CALLS.reembed, options, (checked) => {
      const { reembedder } = this.#parts.flows
      if (reembedder === undefined) throw noFormerModel()
      return reembedder.run(checked)
    })
  }

  /**
   * A page of the acknowledged writes that the database refused: which entry, which version, why and when. They stay
   * until they are retried or dropped. `ERR_TIER_UNAVAILABLE` while the database is away.
   */
  deadLetters(options?: DeadLettersOptions): Promise<DeadLetterPage> {
    return this.#parts.flows.gate.run(CALLS.deadLetters, options, ({ limit, cursor, content, ...checked }) =>
      this.#parts.flows.refusedWrites.list({ limit: limit ?? CALL_DEFAULTS.find.limit, cursor, content }, checked),
    )
  }

  /**
   * Has the database take these writes, once what it refused them for is mended. Each is the old version that it was:
   * it takes the place of nothing newer, and brings back nothing that was deleted or erased. Calling it again is
   * harmless.
   * @param letters as `deadLetters` names them by `letter`, or `'all'`.
   */
  retryDeadLetters(letters: DeadLetterChoice, options?: CallOptions): Promise<RetriedDeadLetters> {
    return this.#parts.flows.gate.run(CALLS.retryDeadLetters, options, (checked) =>
      this.#parts.flows.refusedWrites.retry(checkLetters(letters), checked),
    )
  }

  /** Gives these acknowledged writes up for good; hot lets go of them as well, and has to be there. */
  dropDeadLetters(letters: DeadLetterChoice, options?: CallOptions): Promise<DroppedDeadLetters> {
    return this.#parts.flows.gate.run(CALLS.dropDeadLetters, options, (checked) =>
      this.#parts.flows.refusedWrites.drop(checkLetters(letters), checked),
    )
  }

  /**
   * Numbers of the store and of what this process did, cheap enough for once a second. No tier that is away is waited
   * for.
   */
  stats(options?: CallOptions): Promise<StoreStats> {
    return this.#parts.flows.gate.run(CALLS.stats, options, (checked) => this.#parts.numbers.stats(checked))
  }

  /**
   * Every log from which the database still expects records, of whichever process, the one not heard of for longest
   * first. `ERR_TIER_UNAVAILABLE` while the database is away.
   */
  logs(options?: CallOptions): Promise<LogStanding[]> {
    return this.#parts.flows.gate.run(CALLS.logs, options, (checked) => this.#parts.logs.list(checked))
  }

  /**
   * The numbers of `stats()` as text for Prometheus (exposition format 0.0.4, `text/plain; version=0.0.4`). No
   * namespace, id or key is in it.
   */
  metrics(options?: CallOptions): Promise<string> {
    return this.#parts.flows.gate.run(CALLS.metrics, options, async (checked) =>
      prometheusText(await this.#families(checked)),
    )
  }

  /**
   * Has a registry of prom-client tell the same numbers, read anew for each scrape, until the store is closed. `store`
   * names it there, in a label, which several stores of one registry need. `ERR_INVALID_OPTIONS` where the registry has
   * another store of that name, or a metric of the same name.
   */
  collectInto(registry: MetricRegistry, options?: CollectOptions): Promise<void> {
    return this.#parts.flows.gate.run(CALLS.collectInto, options, async ({ store, ...patience }) => {
      checkRegistry(registry)
      const families = await this.#families(patience)
      // `close` takes it out of those registries alone that have it by then.
      if (this.#closing !== undefined)
        throw new ThermoclineError('ERR_CLOSED', 'the store was closed meanwhile', { outcome: 'none' })
      this.#leaveRegistries.add(collectInto(registry, store, families, this.#scraped))
    })
  }

  /**
   * What is wrong by now, each with what to do: judged anew by this call, and every few seconds anyway. Empty where
   * the store was opened with `alerts: false`.
   */
  alerts(options?: CallOptions): Promise<Alert[]> {
    return this.#parts.flows.gate.run(CALLS.alerts, options, async (checked) => this.#parts.alerts?.now(checked) ?? [])
  }

  /** What this process did is counted anew from now on; what is where stays as it is. */
  resetStats(): void {
    this.#parts.telemetry.reset()
  }

  /** Asks nobody: to be called as often as a load balancer likes. */
  health(): StoreHealth {
    return this.#parts.status.health()
  }

  /**
   * Has the listener called whenever that happens in this process, for as long as the store is open. What it throws is
   * told to the logger, and to nobody else. `ERR_INVALID_OPTIONS` where there is no such event.
   */
  on<E extends StoreEvent>(event: E, listener: StoreListener<E>): this {
    this.#parts.telemetry.events.on(event, listener)
    return this
  }

  /** As {@link on}, the next time alone. */
  once<E extends StoreEvent>(event: E, listener: StoreListener<E>): this {
    this.#parts.telemetry.events.on(event, listener, { once: true })
    return this
  }

  /** The listener is not called any more. */
  off<E extends StoreEvent>(event: E, listener: StoreListener<E>): this {
    this.#parts.telemetry.events.off(event, listener)
    return this
  }

  /**
   * Refuses new calls, waits for running ones, ships what is pending and lets go of everything. What could not be
   * shipped in time stays in the log for the next open. Idempotent.
   */
  async close(options?: CloseOptions): Promise<CloseResult> {
    const { timeout = 10_000 } = CALLS.close(options)
    for (const leave of this.#leaveRegistries) leave()
    this.#leaveRegistries.clear()
    this.#closing ??= this.#parts.closer.close(timeout)
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #families(patience: Patience): Promise<readonly MetricFamily[]> {
    const { stats, tally } = await this.#parts.numbers.read(patience)
    return metricsOf(stats, tally, this.health(), this.#parts.alerts?.raised ?? [])
  }

  readonly #scraped = (): Promise<readonly MetricFamily[]> =>
    this.#parts.flows.gate.run(CALLS.metrics, undefined, (checked) => this.#families(checked))
}

function noFormerModel(): ThermoclineError<'ERR_INVALID_OPTIONS'> {
  const message = 'option `embed.former` names no model to move from: open the store with it, and call `reembed` then'
  return new ThermoclineError('ERR_INVALID_OPTIONS', message, { option: 'embed.former' })
}

/** Judges by shape: prom-client is the program's own. */
function checkRegistry(registry: unknown): void {
  const { registerMetric } = (registry ?? {}) as Partial<MetricRegistry>
  if (typeof registerMetric === 'function') return
  const message = 'option `registry` must be a Registry of prom-client'
  throw new ThermoclineError('ERR_INVALID_OPTIONS', message, { option: 'registry' })
}
