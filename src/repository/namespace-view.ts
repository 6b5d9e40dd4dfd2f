import { namespacePath, ownNamespace } from '../entry/namespace.ts'
import type { Receipt } from '../flow/writer.ts'
import { type Operation, writeTogether } from './atomic-write.ts'
import { type AtomicOptions, CALLS } from './calls.ts'
import { ChunkRepository } from './chunk-repository.ts'
import type { Flows } from './flows.ts'
import { MemoryRepository } from './memory-repository.ts'
import { RaptorRepository } from './raptor-repository.ts'

/** The repositories of one namespace. A view cannot leave its scope. */
export class NamespaceView {
  readonly #flows: Flows
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
    return this.#flows.gate.run(CALLS.write, options, async (checked) =>
      writeTogether(this.#flows, ownNamespace(this.path), operations, checked),
    )
  }

  /** Answers a child namespace. A segment may hold any character; `('acme')` never matches `('acme-corp')`. */
  namespace(...segments: readonly string[]): NamespaceView {
    return new NamespaceView(this.#flows, namespacePath(segments, this.path))
  }
}
