import { namespacePath } from '../entry/namespace.ts'
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

  /** Answers a child namespace. A segment may hold any character; `('acme')` never matches `('acme-corp')`. */
  namespace(...segments: readonly string[]): NamespaceView {
    return new NamespaceView(this.#flows, namespacePath(segments, this.path))
  }
}
