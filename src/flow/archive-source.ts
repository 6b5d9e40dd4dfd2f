/**
 * Opens what an import reads, twice: once to verify all of it, and once to write. A stream is first written to a
 * temporary file. Archives compressed by gzip are recognized by their first bytes, whatever their name.
 */
import { createReadStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable, type Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { isThermoclineError, retold, ThermoclineError } from '../errors.ts'
import { writeWholeStream } from '../kernel/durable-files.ts'
import { namingFile, namingFolder } from '../kernel/folder-error.ts'
import { type ArchiveLine, ArchiveVerifier, corrupt } from './archive-format.ts'
import { brokenStream } from './archive-target.ts'

/** A path, or bytes or texts as they come, as of a `Readable`. */
export type ArchiveSource = string | AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>

/** Longer than any line of an entry: a character of its text takes six bytes at most. */
const LONGEST_LINE = 128 * 1024 * 1024
const NEWLINE = 0x0a

/** A file that holds the archive. */
export class ArchiveFile {
  readonly #path: string
  readonly #folder: string | undefined

  private constructor(path: string, folder?: string) {
    this.#path = path
    this.#folder = folder
  }

  static async of(source: ArchiveSource, signal: AbortSignal): Promise<ArchiveFile> {
    if (typeof source === 'string') return new ArchiveFile(source)
    const folder = await inTemporaryFolder(tmpdir(), () => mkdtemp(join(tmpdir(), 'thermocline-import-')))
    const file = new ArchiveFile(join(folder, 'archive'), folder)
    try {
      await inTemporaryFolder(folder, () => fill(file.#path, source, signal))
      return file
    } catch (error) {
      await file.close()
      throw error
    }
  }

  /** Returns the lines, each verified; the last was read only where all of them are right. */
  async *lines(): AsyncGenerator<ArchiveLine, void, undefined> {
    const verifier = new ArchiveVerifier()
    const source = await this.#bytes()
    try {
      for await (const line of linesOf(source, verifier)) yield verifier.add(line)
    } catch (error) {
      throw isOfGzip(error) ? corrupt(verifier.nextLine, 'cannot be decompressed: use an intact copy') : error
    } finally {
      source.destroy()
    }
    verifier.finish()
  }

  async close(): Promise<void> {
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true })
  }

  async #bytes(): Promise<Readable> {
    const { file, first } = await namingFile('from', this.#path, async () => {
      const opened = createReadStream(this.#path)
      return { file: opened, first: await beginning(opened) }
    })
    file.unshift(first)
    if (first[0] !== 0x1f || first[1] !== 0x8b) return file
    const gunzip: Transform = createGunzip()
    // Whoever reads hears of what goes wrong in the file.
    pipeline(file, gunzip).catch((error: Error) => gunzip.destroy(error))
    return gunzip
  }
}

/** What the stream fails with is told by the option, and apart from what the disk does. */
async function fill(path: string, source: Exclude<ArchiveSource, string>, signal: AbortSignal): Promise<void> {
  const watched = async function* (): AsyncGenerator<Uint8Array | string> {
    try {
      yield* source
    } catch (cause) {
      throw brokenStream('from', cause, 'nothing was imported: give one that has the whole archive')
    }
  }
  await writeWholeStream(path, (target) => pipeline(Readable.from(watched()), target, { signal }))
}

async function inTemporaryFolder<T>(folder: string, work: () => Promise<T>): Promise<T> {
  let failure: unknown
  const watched = () =>
    work().catch((error: unknown) => {
      failure = error
      throw error
    })
  try {
    return await namingFolder('from', folder, watched)
  } catch (error) {
    // What is no error of the file system has stayed what it was.
    if (error === failure || !isThermoclineError(error)) throw error
    const remedy = 'what comes as a stream is put there first: set TMPDIR to another folder, or import from a path'
    throw retold(error, error.details, `${error.message}; ${remedy}`)
  }
}

/** The first chunk, empty where there is none. */
async function beginning(file: Readable): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    file.once('error', reject)
    file.once('readable', () => {
      file.off('error', reject)
      resolve((file.read() as Buffer | null) ?? Buffer.alloc(0))
    })
  })
}

/** Lines without their ends. What stands after the last end is one as well: it is damaged then. */
async function* linesOf(source: Readable, verifier: ArchiveVerifier): AsyncGenerator<Buffer, void, undefined> {
  let parts: Buffer[] = []
  let bytes = 0
  for await (const chunk of source as AsyncIterable<Buffer>) {
    let from = 0
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      parts.push(chunk.subarray(from, at))
      yield parts.length === 1 ? parts[0]! : Buffer.concat(parts)
      parts = []
      bytes = 0
      from = at + 1
    }
    if (from === chunk.byteLength) continue
    parts.push(chunk.subarray(from))
    bytes += chunk.byteLength - from
    if (bytes > LONGEST_LINE) throw corrupt(verifier.nextLine, 'is longer than any that an export writes')
  }
  if (parts.length > 0)
    throw corrupt(verifier.nextLine, 'ends too early: its export was interrupted, or the rest was lost')
}

function isOfGzip(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return !(error instanceof ThermoclineError) && typeof code === 'string' && /^Z_/.test(code)
}
