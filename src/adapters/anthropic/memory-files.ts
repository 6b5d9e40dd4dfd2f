/**
 * Keeps the tree of files that the memory tool shows a model, in one namespace: a file is a chunk, a directory an entry
 * with metadata alone, each with its path as key. What changes the tree replaces the version of its root as well, so
 * that such changes come one after the other, and each is there whole or not at all; what changes a file replaces the
 * version that it has read.
 */
import { posix } from 'node:path'
import type { ChunkEntry, EntryKind, NamespaceView, Operation, Version } from '../../index.ts'
import { untilUncontested } from '../in-common/until-uncontested.ts'
import { ToolFailure } from '../memory-tools/tool-failure.ts'

export const ROOT = '/memories'

/** A file or a directory. */
export interface Node {
  readonly path: string
  /** Undefined of a directory. */
  readonly bytes: number | undefined
}

/** What was read by itself: what is no file is a directory. */
export type Found = ChunkEntry | { readonly kind: Exclude<EntryKind, 'chunk'>; readonly key?: string | undefined }

interface Edit<T> {
  /** As it was read. */
  readonly file: ChunkEntry
  readonly text: string
  readonly answer: T
}

/** A write of the store takes 1 000 operations, and the root is one of them. */
const MOST_AT_ONCE = 999

export class MemoryFiles {
  readonly #view: NamespaceView

  constructor(view: NamespaceView) {
    this.#view = view
  }

  /** Undefined where nothing is. The root is always there. */
  async find(path: string): Promise<Found | undefined> {
    return path === ROOT ? { kind: 'metadata', key: ROOT } : this.#view.entries.getByKey(path)
  }

  /** All that is below, in no order. */
  async below(path: string): Promise<Node[]> {
    const nodes: Node[] = []
    const query = { where: { key: { startsWith: `${path}/` } }, select: ['key', 'metadata'] } as const
    for await (const { kind, key, metadata } of this.#view.entries.findAll(query))
      nodes.push({ path: key!, bytes: kind === 'chunk' ? Number(metadata?.bytes) : undefined })
    return nodes
  }

  /** Replaces the text of a file as `decide` says once it has read it, again where somebody else did first. */
  edit<T>(decide: () => Promise<Edit<T>>): Promise<T> {
    return untilUncontested(async () => {
      const { file, text, answer } = await decide()
      await this.#view.chunks.update(file.id, contentOf(text), { expectedVersion: file.version })
      return answer
    })
  }

  /** Changes the tree as `decide` says once it has looked, again where somebody else changed it first. */
  change(decide: () => Promise<readonly Operation[]>): Promise<void> {
    return untilUncontested(async () => {
      const root = await this.#view.metadata.getByKey(ROOT)
      const operations = await decide()
      checkCount(operations.length)
      await this.#view.write([...operations, directoryAt(ROOT, root?.version)], { atomic: true })
    })
  }

  /** A file, and the directories above it that are not there yet. Undefined where one of those is a file. */
  async creation(path: string, text: string): Promise<Operation[] | undefined> {
    const directories = await this.directoriesAbove(path)
    return (
      directories && [...directories, { put: { kind: 'chunk', key: path, ...contentOf(text) }, expectedVersion: null }]
    )
  }

  /** Those that are not there yet; undefined where one of them is a file. */
  async directoriesAbove(path: string): Promise<Operation[] | undefined> {
    const above: string[] = []
    for (let at = posix.dirname(path); at !== ROOT; at = posix.dirname(at)) above.push(at)
    const there = await this.#view.entries.getManyByKey(above)
    if (there.some((entry) => entry?.kind === 'chunk')) return undefined
    return above.filter((_, nth) => there[nth] === undefined).map((key) => directoryAt(key))
  }

  async removal(path: string): Promise<Operation[]> {
    const paths = [path, ...(await this.below(path)).map((node) => node.path)]
    return paths.map((one) => ({ delete: this.#view.entries.idOf(one) }))
  }

  /** What was found, and what is below it, is at another path from then on. */
  async move(found: Found, to: string): Promise<Operation[]> {
    const from = found.key!
    const nodes = await this.below(from)
    // Before they are read, which is all of their texts.
    checkCount(2 * (1 + nodes.length))
    const below = await this.#view.entries.getManyByKey(nodes.map(({ path }) => path))
    return [found, ...below].flatMap((node) => (node ? this.#moved(node, to + node.key!.slice(from.length)) : []))
  }

  #moved(node: Found, key: string): Operation[] {
    const gone = { delete: this.#view.entries.idOf(node.key!) }
    if (node.kind !== 'chunk') return [gone, directoryAt(key)]
    const { text, createdAt, version: expectedVersion } = node
    const put = { kind: 'chunk', key, ...contentOf(text), createdAt } as const
    return [
      { ...gone, expectedVersion },
      { put, expectedVersion: null },
    ]
  }
}

function checkCount(operations: number): void {
  if (operations <= MOST_AT_ONCE) return
  throw new ToolFailure('Too many files at once: rename or delete what is below it in parts.')
}

/** @param seen the version that it replaces; undefined: nothing is there. */
function directoryAt(key: string, seen?: Version): Operation {
  return { put: { kind: 'metadata', key, metadata: {} }, expectedVersion: seen ?? null }
}

function contentOf(given: string) {
  const text = given.toWellFormed()
  return { text, metadata: { bytes: Buffer.byteLength(text) } }
}
