import type { MemoryStore } from '../../../src/index.ts'
import { chunk } from './entries.ts'

/** Puts so many entries; answers their ids once they are in hot and in cold, and not pending any more. */
export async function storedChunks(store: MemoryStore, count: number): Promise<string[]> {
  const receipts = await store.chunks.putMany(Array.from({ length: count }, (_, nth) => chunk(nth)))
  await store.checkpoint()
  return receipts.map(({ id }) => id)
}
