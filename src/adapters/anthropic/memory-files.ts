/**
 * Keeps the tree of files that the memory tool shows a model, in one namespace: a file is a chunk, a directory an entry
 * with metadata alone, each with its path as key. What changes the tree replaces the version of its root as well, so
 * that such changes come one after the other, and each is there whole or not at all; what changes a file replaces the
 * version that it has read.
 */
import { posix } from 'node:path'
import { type ChunkEntry, isThermoclineError, type NamespaceView, type Operation } from '../../index.ts'
import { ToolFailure } from '../memory-tools/tool-failure.ts'

export const ROOT = '/memories'

/** A file or a directory, without content. */
export interface Node {
  readonly path: string
  readonly isFile: boolean
  /** In bytes. */
  readonly size: number
}

/** What most file systems say of a directory that is not long. */
const DIRECTORY_BYTES = 4096
/** A write of the store takes 1 000 operations, and the root is one of them. */
const MOST_AT_ONCE = 999
/** How often is tried what somebody else changes at the same time. */
const MOST_TRIES = 64

export class MemoryFiles {
  readonly #view: NamespaceView

  constructor(view: NamespaceView) {
    this.#view = view
  }

  /** Undefined where nothing is. The root is always there. */
  async find(path: string): Promise<Node | undefined> {
    const entry = await this.#view.entries.getByKey(path)
    if (entry === undefined) return path === ROOT ? nodeOf({ key: ROOT }) : undefined
    return nodeOf(entry)
  }

  read(path: string): Promise<ChunkEntry | undefined> {
    return this.#view.chunks.getByKey(path)
  }

  /** All that is below, in no order. */
  async below(path: string): Promise<Node[]> {
    const nodes: Node[] = []
    const query = { where: { key: { startsWith: `${path}/` } }, select: ['key', 'metadata'] } as const
    for await (const entry of this.#view.entries.findAll(query)) nodes.push(nodeOf(entry))
    return nodes
  }

  /** Replaces the text of a file by what `edit` makes of it, again where somebody else did first. */
  edit<T>(path: string, edit: (text: string | undefined) => { readonly text: string; readonly answer: T }): Promise<T> {
    return uncontested(async () => {
      const file = await this.read(path)
      const { text, answer } = edit(file?.text)
      await this.#view.chunks.update(file!.id, contentOf(text), { expectedVersion: file!.version })
      return answer
    })
  }

  /** Changes the tree as `decide` says once it has looked, again where somebody else changed it first. */
  change(decide: () => Promise<readonly Operation[]>): Promise<void> {
    return uncontested(async () => {
      const root = await this.#view.metadata.getByKey(ROOT)
      const operations = await decide()
      checkCount(operations.length)
      const put = {
        kind: 'metadata',
        key: ROOT,
        metadata: { changes: Number(root?.metadata.changes ?? 0) + 1 },
      } as const
      await this.#view.write([...operations, { put, expectedVersion: root?.version ?? null }], { atomic: true })
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
    const missing: Operation[] = []
    for (let above = posix.dirname(path); above !== ROOT; above = posix.dirname(above)) {
      const node = await this.find(above)
      if (node?.isFile) return undefined
      if (node === undefined) missing.push(directoryAt(above))
    }
    return missing
  }

  async removal(path: string): Promise<Operation[]> {
    const paths = [path, ...(await this.below(path)).map((node) => node.path)]
    return paths.map((one) => ({ delete: this.#view.entries.idOf(one) }))
  }

  /** What is at a path, and below it, is at another from then on. */
  async move(from: string, to: string): Promise<Operation[]> {
    const nodes = [await this.find(from), ...(await this.below(from))].filter((node) => node !== undefined)
    // Before they are read, which is all of their texts.
    checkCount(2 * nodes.length)
    const files = await this.#read(nodes.flatMap(({ path, isFile }) => (isFile ? [path] : [])))
    return nodes.flatMap(({ path, isFile }): Operation[] => {
      const key = to + path.slice(from.length)
      const gone = { delete: this.#view.entries.idOf(path) }
      if (!isFile) return [gone, directoryAt(key)]
      const file = files.get(path)
      if (file === undefined) return []
      const { text, createdAt } = file
      const put = { kind: 'chunk', key, ...contentOf(text), createdAt } as const
      return [
        { ...gone, expectedVersion: file.version },
        { put, expectedVersion: null },
      ]
    })
  }

  async #read(paths: readonly string[]): Promise<ReadonlyMap<string, ChunkEntry>> {
    const files = await this.#view.chunks.getManyByKey(paths)
    return new Map(paths.flatMap((path, nth) => (files[nth] === undefined ? [] : [[path, files[nth]] as const])))
  }
}

function checkCount(operations: number): void {
  if (operations <= MOST_AT_ONCE) return
  throw new ToolFailure('Too many files at once: rename or delete what is below it in parts.')
}

function nodeOf({ key, kind, metadata }: Pick<Partial<ChunkEntry>, 'key' | 'metadata'> & { kind?: string }): Node {
  const isFile = kind === 'chunk'
  return { path: key!, isFile, size: isFile ? Number(metadata?.bytes) : DIRECTORY_BYTES }
}

function directoryAt(key: string): Operation {
  return { put: { kind: 'metadata', key, metadata: {} }, expectedVersion: null }
}

function contentOf(given: string) {
  const text = given.toWellFormed()
  return { text, metadata: { bytes: Buffer.byteLength(text) } }
}

async function uncontested<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work()
    } catch (error) {
      if (!isThermoclineError(error, 'ERR_CONFLICT') || tries === MOST_TRIES) throw error
    }
  }
}
