/**
 * Defines the calls of one namespace, and gives its repositories. Which namespaces a query of theirs sees is decided in
 * query/scope.ts.
 */
import { namespacePath, ownNamespace, ROOT } from '../entry/namespace.ts'
import { type Imported, ThermoclineError } from '../errors.ts'
import { watching } from '../flow/archive-target.ts'
import type { Exported } from '../flow/exporter.ts'
import type { NamespaceStats } from '../flow/namespace-meter.ts'
import type { NamespaceSummary } from '../flow/namespace-reader.ts'
import type { DeletedWhere } from '../flow/where-changer.ts'
import type { Receipt } from '../flow/writer.ts'
import { scopeOf } from '../query/scope.ts'
import { type Operation, writeTogether } from './atomic-write.ts'
import { PlacedGate } from './call-gate.ts'
import {
  type AtomicOptions,
  CALL_DEFAULTS,
  CALLS,
  type DeleteAllOptions,
  type ExportOptions,
  type ImportOptions,
  type NamespaceCountOptions,
  type NamespaceStatsOptions,
  type NamespacesOptions,
} from './calls.ts'
import { ChunkRepository } from './chunk-repository.ts'
import type { Flows } from './flows.ts'
import { MemoryRepository } from './memory-repository.ts'
import { RaptorRepository } from './raptor-repository.ts'
import type { FindResult } from './repository-types.ts'

/** The repositories of one namespace. A view cannot leave its scope. */
export class NamespaceView {
  readonly #flows: Flows
  readonly #gate: PlacedGate
  /** Path of the namespace; empty above all of them. */
  readonly path: string
  /** Entries of every kind. */
  readonly entries: MemoryRepository
  readonly chunks: ChunkRepository
  readonly embeddings: MemoryRepository<'embedding'>
  readonly metadata: MemoryRepository<'metadata'>
  readonly raptorNodes: RaptorRepository
  readonly blobs: MemoryRepository<'blob'>

  /** @internal */
  constructor(flows: Flows, path: string) {
    this.#flows = flows
    this.#gate = new PlacedGate(flows.gate, { namespace: path, kind: undefined })
    this.path = path
    this.entries = new MemoryRepository(flows, path, undefined)
    this.chunks = new ChunkRepository(flows, path)
    this.embeddings = new MemoryRepository(flows, path, 'embedding')
    this.metadata = new MemoryRepository(flows, path, 'metadata')
    this.raptorNodes = new RaptorRepository(flows, path)
    this.blobs = new MemoryRepository(flows, path, 'blob')
  }

  /**
   * Puts, updates and deletes entries of this namespace all together or not at all, also where the process is killed:
   * nobody finds some of it in a query. At most 1 000 operations and 8 MiB, each about another entry; receipts in
   * order. Where one cannot be done (`ERR_CONFLICT`, `ERR_NOT_FOUND`, …) nothing is, and `details.index` says which.
   * Cold decides, so it needs both tiers. A metadata schema of `withMetadata` is not asked.
   */
  write(operations: readonly Operation[], options: AtomicOptions): Promise<Receipt[]> {
    return this.#gate.run(CALLS.write, options, async (checked) =>
      writeTogether(this.#flows, ownNamespace(this.path), operations, checked),
    )
  }

  /**
   * Returns a page of the namespaces that have entries, this one and those below it, in the order of their segments,
   * and how many entries each has. What has expired and what was deleted does not count.
   */
  namespaces(options?: NamespacesOptions): Promise<FindResult<NamespaceSummary>> {
    return this.#gate.run(CALLS.namespaces, options, async (checked) => {
      const { begins, ends: suffix, limit = CALL_DEFAULTS.find.limit, cursor } = checked
      const own = this.path === ROOT ? [] : this.path.split('/')
      const depth = checked.depth && own.length + checked.depth
      return this.#flows.namespaces.list(
        this.path,
        { prefix: [...own, ...begins], suffix, depth, limit, cursor },
        checked,
      )
    })
  }

  /** How many entries of any kind there are, without reading them. `entries.count` takes a `where`. */
  count(options?: NamespaceCountOptions): Promise<number> {
    return this.#gate.run(CALLS.countNamespace, options, async (checked) =>
      this.#flows.namespaces.count(scopeOf(this.path, checked.recursive), checked),
    )
  }

  /**
   * Says what each tier has of the namespace. It is for looking at by hand: it reads every row that cold has of it, and
   * asks hot for each entry, 1 000 at a time, but no content. What is written meanwhile may count or not; what only
   * another process has pending is not known here. Counts no access. Where hot is away, `hot` is undefined.
   */
  stats(options?: NamespaceStatsOptions): Promise<NamespaceStats> {
    return this.#gate.run(CALLS.namespaceStats, options, async (checked) =>
      this.#flows.meter.measure(scopeOf(this.path, checked.recursive), checked),
    )
  }

  /**
   * Deletes the entries of any kind that are there when it begins, in batches. Where it fails or is aborted half-way,
   * `details.counts` says how far it came: calling it again goes on.
   */
  deleteAll(options?: DeleteAllOptions): Promise<DeletedWhere> {
    return this.#gate.run(CALLS.deleteAll, options, async (checked) =>
      this.#flows.whereChanger.delete(scopeOf(ownNamespace(this.path), checked.recursive), [], checked),
    )
  }

  /**
   * Writes this namespace and those below into an archive, as of the moment at which all that was acknowledged here
   * before the call is in cold. Other processes' writes are in it as far as a query would find them.
   */
  export(options: ExportOptions): Promise<Exported> {
    const { exporter } = this.#flows
    return this.#gate.run(CALLS.export, options, async ({ to, where = [], ...checked }) => {
      if (to === undefined) throw missing('export', 'to')
      const scope = { namespace: this.path, recursive: true }
      return watching(to, () => exporter.export(scope, where, { to, ...checked }))
    })
  }

  /**
   * Writes what an archive holds into this namespace, in place of the one that was exported, once the whole archive was
   * verified. Entries keep ids, keys, times and counted reads, and get new versions. Called again after an interruption
   * it goes on: what is there with the same content is left.
   */
  import(options: ImportOptions): Promise<Imported> {
    const { importer } = this.#flows
    return this.#gate.run(CALLS.import, options, async ({ from, ...checked }) => {
      if (from === undefined) throw missing('import', 'from')
      const { onConflict = CALL_DEFAULTS.import.onConflict } = checked
      return watching(from, () => importer.import(this.path, { ...checked, from, onConflict }))
    })
  }

  /** Returns a child namespace. A segment may hold any character; `('acme')` never matches `('acme-corp')`. */
  namespace(...segments: readonly string[]): NamespaceView {
    return new NamespaceView(this.#flows, namespacePath(segments, this.path))
  }
}

function missing(call: string, option: string): ThermoclineError<'ERR_INVALID_OPTIONS'> {
  return new ThermoclineError('ERR_INVALID_OPTIONS', `${call} needs the option \`${option}\``, { option })
}
