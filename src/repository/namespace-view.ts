import { namespacePath } from '../entry/namespace.ts'
import { MemoryRepository, type RepositoryParts } from './memory-repository.ts'

/** The repositories of one namespace. A view cannot leave its scope. */
export class NamespaceView {
  readonly #parts: RepositoryParts
  /** Path of the namespace. */
  readonly path: string
  /** Entries of every kind. */
  readonly entries: MemoryRepository
  readonly chunks: MemoryRepository<'chunk'>
  readonly embeddings: MemoryRepository<'embedding'>
  readonly metadata: MemoryRepository<'metadata'>
  readonly raptorNodes: MemoryRepository<'raptor'>

  /** @internal */
  constructor(parts: RepositoryParts, path: string) {
    this.#parts = parts
    this.path = path
    this.entries = new MemoryRepository(parts, path, undefined)
    this.chunks = new MemoryRepository(parts, path, 'chunk')
    this.embeddings = new MemoryRepository(parts, path, 'embedding')
    this.metadata = new MemoryRepository(parts, path, 'metadata')
    this.raptorNodes = new MemoryRepository(parts, path, 'raptor')
  }

  /** Answers a child namespace. A segment may hold any character; `('acme')` never matches `('acme-corp')`. */
  namespace(...segments: readonly string[]): NamespaceView {
    return new NamespaceView(this.#parts, namespacePath(segments, this.path))
  }
}
