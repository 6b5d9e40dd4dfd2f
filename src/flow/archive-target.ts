/**
 * Opens what an export writes to: a stream, which is ended, or a file. A file is written under a temporary name, and
 * gets its own once it is complete:
 *
 *     backup.ndjson.partial-HOST-PID-RANDOM     HOST: 8 hex digits made of this machine's name
 *
 * The temporary file of a killed process is removed by the next export to that name on this machine. Those of other
 * machines that share the disk are not touched: nobody here knows whether they are still being written.
 */
import { createHash, randomBytes } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { readdir, rm, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import type { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { ThermoclineError, withoutContent } from '../errors.ts'
import { writeWholeStream } from '../kernel/durable-files.ts'
import { namingFile } from '../kernel/folder-error.ts'
import { shared } from '../kernel/shared.ts'

/** A path, which has the archive only when it is whole, or a stream, which is ended. */
export type ArchiveTarget = string | Writable

const PARTIAL = /\.partial-([0-9a-f]{8})-(\d+)-[0-9a-f]{8}$/
const HOST = createHash('sha256').update(hostname()).digest('hex').slice(0, 8)

/** Paths of the files aside that this process writes. */
const own = shared('thermocline.partial-archives', () => new Set<string>())

/** Writes all of it; returns how many bytes it were. */
export async function writeArchive(
  archive: AsyncIterable<Buffer>,
  to: ArchiveTarget,
  signal: AbortSignal,
): Promise<number> {
  let bytes = 0
  const counted = async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      bytes += chunk.byteLength
      yield chunk
    }
  }
  if (typeof to !== 'string') {
    await toStream(archive, (chunks) => pipeline(chunks, counted, to, { signal }))
    return bytes
  }
  const fill = (target: Writable): Promise<void> =>
    to.endsWith('.gz')
      ? pipeline(archive, createGzip(), counted, target, { signal })
      : pipeline(archive, counted, target, { signal })
  await namingFile('to', to, () => toFile(resolve(to), fill))
  return bytes
}

/** What the stream fails with is told by the option; what the archive does is thrown as it is. */
async function toStream(
  archive: AsyncIterable<Buffer>,
  send: (archive: AsyncIterable<Buffer>) => Promise<void>,
): Promise<void> {
  let failure: { readonly error: unknown } | undefined
  const watched = async function* (): AsyncGenerator<Buffer> {
    try {
      yield* archive
    } catch (error) {
      failure = { error }
      throw error
    }
  }
  try {
    await send(watched())
  } catch (cause) {
    if (failure !== undefined) throw failure.error
    throw brokenStream('to', cause, 'it has no whole archive: export again')
  }
}

/**
 * Works with a stream that may fail before anybody listens, as one of a file that is not there does: that would end the
 * process. Whoever reads or writes it then is told all the same.
 */
export async function watching<T>(stream: unknown, work: () => Promise<T>): Promise<T> {
  if (!(stream instanceof EventEmitter)) return work()
  const heed = (): void => {}
  stream.on('error', heed)
  try {
    return await work()
  } finally {
    stream.off('error', heed)
  }
}

/** @param remedy what became of it, and what to do. */
export function brokenStream(option: 'to' | 'from', cause: unknown, remedy: string): ThermoclineError {
  const { code = 'no code' } = withoutContent(cause)
  const message = `option \`${option}\`: the stream failed or was closed (${code}): ${remedy}`
  return new ThermoclineError('ERR_INVALID_OPTIONS', message, { option }, { cause })
}

async function toFile(path: string, fill: (target: Writable) => Promise<void>): Promise<void> {
  await refuseSpecial(path)
  await removeAbandoned(path)
  const aside = `${path}.partial-${HOST}-${process.pid}-${randomBytes(4).toString('hex')}`
  own.add(aside)
  try {
    await writeWholeStream(path, fill, aside)
  } finally {
    own.delete(aside)
  }
}

/** A device or a pipe is no place for a file: it would be replaced. */
async function refuseSpecial(path: string): Promise<void> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
  if (found === undefined || found.isFile() || found.isDirectory()) return
  const message = `option \`to\`: ${path} is no file: name one, or give a stream that writes there`
  throw new ThermoclineError('ERR_INVALID_OPTIONS', message, { option: 'to' })
}

/** Removes what exports to this path have left that were killed. */
async function removeAbandoned(path: string): Promise<void> {
  const [folder, name] = [dirname(path), basename(path)]
  for (const file of await readdir(folder)) {
    const [suffix, host, pid] = PARTIAL.exec(file) ?? []
    if (suffix === undefined || file !== name + suffix || host !== HOST) continue
    const aside = join(folder, file)
    if (Number(pid) === process.pid ? !own.has(aside) : !isRunning(Number(pid))) await rm(aside, { force: true })
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // Of another user.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}
