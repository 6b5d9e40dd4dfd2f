/** Reads entries by id and proves from which tier they came. */
import { isIntact, type StoredChunk } from './demo-chunk.ts'
import { Latencies } from './latencies.ts'
import type { DemoStore } from './store.ts'

export type Tier = 'pending' | 'hot' | 'cold'

/** Every tier that has the entry. The first in reading order answers. */
const PLACES: Record<Tier, string> = {
  // A fresh write: in the log, in pending and in hot, and nowhere else.
  pending: 'pending hot',
  // Shipped: pending let go of it, hot still has it.
  hot: 'hot cold',
  // Demoted: nobody else has it.
  cold: 'cold',
}

/** Throws where an entry lives elsewhere, or comes back other than it was put. */
export async function readBack(tier: Tier, chunks: readonly StoredChunk[], store: DemoStore): Promise<Latencies> {
  for (const { id } of chunks) {
    const { pending, hot, cold } = await store.chunks.explain(id)
    const places = Object.entries({ pending, hot, cold }).flatMap(([name, place]) => (place ? [name] : []))
    if (places.join(' ') !== PLACES[tier])
      throw new Error(`entry ${id} should be in ${PLACES[tier]}, and is in ${places.join(' ') || 'no tier'}`)
  }
  const latencies = new Latencies()
  for (const chunk of chunks) {
    const entry = await latencies.time(() => store.chunks.get(chunk.id))
    if (!isIntact(entry, chunk)) throw new Error(`entry ${chunk.id} came back from ${tier} other than it was put`)
  }
  return latencies
}
