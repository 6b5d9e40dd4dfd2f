/** Embeds chunks and puts them, as the vectors come in. */
import type { Progress } from '../../src/cli/progress.ts'
import { type DemoChunk, inputOf, type StoredChunk } from './demo-chunk.ts'
import type { EmbeddingPool } from './embedding-pool.ts'
import { MODEL } from './embedding-pool.ts'
import type { Latencies } from './latencies.ts'
import type { DemoStore } from './store.ts'

export interface IngestParts {
  readonly store: DemoStore
  readonly pool: EmbeddingPool
  readonly progress: Progress
  readonly latencies: Latencies
}

/** The chunks that were acknowledged, in no particular order. */
export async function ingest(chunks: readonly DemoChunk[], parts: IngestParts): Promise<StoredChunk[]> {
  const { store, pool, progress, latencies } = parts
  const stored: StoredChunk[] = []
  // One iterator for all lanes: each takes the next chunk that nobody has.
  const queue = chunks.values()
  const lane = async (): Promise<void> => {
    for (const chunk of queue) {
      const [embedding] = (await pool.embed([chunk.words])) as [Float32Array]
      const embedded = { ...chunk, embedding }
      const { id } = await latencies.time(() => store.chunks.put({ ...inputOf(embedded), embeddingModel: MODEL }))
      stored.push({ ...embedded, id })
      progress.advance()
    }
  }
  // Twice as many lanes as workers: while one puts, another embeds.
  await Promise.all(Array.from({ length: pool.size * 2 }, lane))
  return stored
}
