/** One caller, who waits for each put before the next, and what it costs at least to have a record on the disk. */
import { fdatasyncSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { MemoryStore } from '../../../src/index.ts'
import type { Sample } from './bench-case.ts'
import { chunk } from './entries.ts'
import { load } from './load.ts'

export const ONE_CALLER = { callers: 1, ms: 600, calls: 1_000 }

/** Puts one after the other, and ships them after the measurement. */
export async function putOneByOne(store: MemoryStore): Promise<Sample> {
  const sample = await load((nth) => store.chunks.put(chunk(nth)), ONE_CALLER)
  await store.checkpoint()
  return sample
}

/** Answers what appends to a file in the folder and syncs it. */
export function syncedFile(folder: string): (bytes: Uint8Array) => void {
  const file = openSync(join(folder, 'records'), 'w')
  return (bytes) => {
    writeSync(file, bytes)
    fdatasyncSync(file)
  }
}
