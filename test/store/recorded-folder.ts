/**
 * A data folder as one version left it, in one file: brotli over msgpack, `{ commit, entries, files }`. What was
 * acknowledged stands beside the files, as that version read it just before it was killed. record-folder.ts makes one.
 */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib'
import { decode, encode } from '@msgpack/msgpack'
import type { NamespaceView } from '../../src/index.ts'

/** Those that are kept, by the latest migration that each had. */
export const RECORDED = join(import.meta.dirname, 'earlier-folders')

/** Namespaces of the entries. */
export const NAMESPACES = ['tenant/acme', 'tenant/acme-corp', 'tenant/acme/below']

/** Besides the folder, what its store is opened with. */
export const OPTIONS = {
  checkpoint: { every: '1h' },
  sync: { schedule: '0 0 0 1 1 *', hotToColdAge: 0 },
  cold: { dimensions: [4], language: 'english', indexes: ['metadata.n'] },
} as const

export interface RecordedFolder {
  /** The version that wrote it. */
  readonly commit: string
  /** By namespace, each as {@link saidOf} says it. */
  readonly entries: Readonly<Record<string, readonly unknown[]>>
  readonly files: readonly RecordedFile[]
}

interface RecordedFile {
  /** Relative to the data folder. */
  readonly path: string
  /** Undefined: an empty folder. */
  readonly content: Uint8Array | undefined
}

/** All that a read says of an entry, but how often it was read. */
export function saidOf({ accessCount: _, lastAccessedAt: __, ...entry }: object & EntryReads): unknown {
  return JSON.parse(JSON.stringify(entry, (___, value) => (ArrayBuffer.isView(value) ? [...bytesOf(value)] : value)))
}

interface EntryReads {
  readonly accessCount?: number
  readonly lastAccessedAt?: Date
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}

export async function saidIn(view: NamespaceView): Promise<unknown[]> {
  return (await view.entries.find({ limit: 1_000 })).items.map(saidOf)
}

/** Reads the folder of a process that is dead, without its locks. */
export async function filesOf(dir: string): Promise<RecordedFile[]> {
  const found = await readdir(dir, { recursive: true, withFileTypes: true })
  const paths = found.map((entry) => ({ entry, path: join(entry.parentPath, entry.name).slice(dir.length + 1) }))
  const kept = paths.filter(({ path }) => !/(^|\/)lock(\/|$)/.test(path)).sort((a, b) => (a.path < b.path ? -1 : 1))
  return Promise.all(
    kept.map(async ({ entry, path }) => ({
      path,
      content: entry.isDirectory() ? undefined : await readFile(join(dir, path)),
    })),
  )
}

export function packed(folder: RecordedFolder): Uint8Array {
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24 }
  return brotliCompressSync(encode(folder), { params })
}

/** Makes the folder as it was, and answers what is recorded beside it. */
export async function unpackInto(dir: string, name: string): Promise<RecordedFolder> {
  const folder = decode(brotliDecompressSync(await readFile(join(RECORDED, name)))) as RecordedFolder
  for (const { path, content } of folder.files) {
    const target = join(dir, path)
    await mkdir(content ? dirname(target) : target, { recursive: true, mode: 0o700 })
    if (content) await writeFile(target, content, { mode: 0o600 })
  }
  return folder
}
