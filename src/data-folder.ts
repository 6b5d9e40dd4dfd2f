/**
 * The folder a store lives in: `thermocline.json` names its format, `lock/` keeps other processes out, `wal/` holds the
 * logs and `cold/` the embedded Postgres. The folder is 0700: it holds people's text.
 */
import { chmod, mkdir, open, readFile, rename, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { ThermoclineError } from './errors.ts'
import type { Logger } from './log.ts'

/** Format of the folder as a whole; the log and the database have versions of their own below it. */
const FORMAT = 1
const MARKER = 'thermocline.json'

/** File systems that lose their files with the machine or the container. */
const FLEETING = new Map([
  [0x01021994, 'tmpfs'],
  [0x794c7630, 'overlayfs'],
])

export interface DataFolder {
  readonly path: string
  readonly wal: string
  readonly cold: string
}

export function dataFolder(dir: string): DataFolder {
  return { path: dir, wal: join(dir, 'wal'), cold: join(dir, 'cold') }
}

/** Makes the folder if need be and checks its format. Call it under the folder's lock. */
export async function prepareDataFolder(dir: string, logger: Logger): Promise<DataFolder> {
  const folder = dataFolder(dir)
  await mkdir(dir, { recursive: true, mode: 0o700 })
  await chmod(dir, 0o700)
  if ((await readFormat(dir)) === undefined) await writeFormat(dir)
  await warnIfFleeting(dir, logger)
  return folder
}

/** Format of an existing data folder; undefined where there is none. Throws `ERR_UNSUPPORTED` when it is a newer one. */
export async function readFormat(dir: string): Promise<number | undefined> {
  let text: string
  try {
    text = await readFile(join(dir, MARKER), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  const format: unknown = parseFormat(text)
  if (typeof format === 'number' && Number.isInteger(format) && format >= 1 && format <= FORMAT) return format
  if (typeof format === 'number' && format > FORMAT)
    throw new ThermoclineError(
      'ERR_UNSUPPORTED',
      `the data folder has format ${format}, and this version reads up to ${FORMAT}: upgrade thermocline`,
      {},
    )
  throw new ThermoclineError('ERR_UNSUPPORTED', `${MARKER} of the data folder names no format: restore the file`, {})
}

function parseFormat(text: string): unknown {
  try {
    return (JSON.parse(text) as { format?: unknown } | null)?.format
  } catch {
    return undefined
  }
}

/** Whole or not at all, also after a power cut: written aside, synced, renamed, folder synced. */
async function writeFormat(dir: string): Promise<void> {
  const aside = join(dir, `${MARKER}.new`)
  const file = await open(aside, 'w', 0o600)
  try {
    await file.writeFile(`${JSON.stringify({ format: FORMAT })}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(aside, join(dir, MARKER))
  const folder = await open(dir, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

async function warnIfFleeting(dir: string, logger: Logger): Promise<void> {
  const kind = FLEETING.get((await statfs(dir)).type)
  if (kind !== undefined)
    logger.warn({ fileSystem: kind }, 'the data folder is on a file system that goes with its machine or container')
}
