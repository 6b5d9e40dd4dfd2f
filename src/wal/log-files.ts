/** Reads a log folder; nothing else does. Tests replace the files, for example by those of a disk that fails. */
import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'

export interface LogFile {
  /** Bytes it had when it was opened. */
  readonly size: number
  /** Fills as much of `into` as there is from `position` on; returns how much. Rejects where the disk fails. */
  read(into: Uint8Array, position: number): Promise<number>
  close(): Promise<void>
}

export interface LogFiles {
  names(): Promise<string[]>
  /** Rejects with the system's `ENOENT` where there is none. */
  open(name: string): Promise<LogFile>
}

export function filesIn(path: string): LogFiles {
  return { names: () => readdir(path), open: (name) => openFile(join(path, name)) }
}

async function openFile(path: string): Promise<LogFile> {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    return {
      size,
      close: () => file.close(),
      async read(into, position) {
        let filled = 0
        while (filled < into.byteLength) {
          const { bytesRead } = await file.read(into, filled, into.byteLength - filled, position + filled)
          if (bytesRead === 0) break
          filled += bytesRead
        }
        return filled
      },
    }
  } catch (error) {
    await file.close()
    throw error
  }
}
