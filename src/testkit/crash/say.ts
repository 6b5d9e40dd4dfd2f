/** What a child process tells whoever started it. */
import { writeSync } from 'node:fs'

const PAUSE = new Int32Array(new SharedArrayBuffer(4))

/** Prints a line before the caller does anything else, so that a kill leaves it said. Waits while the pipe is full. */
export function say(line: string, descriptor = 1): void {
  let bytes = Buffer.from(`${line}\n`)
  while (bytes.length > 0) bytes = bytes.subarray(write(bytes, descriptor))
}

function write(bytes: Uint8Array, descriptor: number): number {
  try {
    return writeSync(descriptor, bytes)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
    Atomics.wait(PAUSE, 0, 0, 1)
    return 0
  }
}
