/**
 * `npx tsx test/demo/measure-precisions.ts`: how much the demo's corpus takes in Postgres by each `cold.precision`, as
 * against vectors and texts as they are, and how much of what is really nearest a search finds then. Starts a Redis and
 * a Postgres for itself.
 */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openMemoryStore, type Precision } from '../../src/index.ts'
import { queryServer } from '../fault/edit-database.ts'
import { cutDocuments, type EmbeddedChunk, inputOf } from './demo-chunk.ts'
import { DIMENSIONS, EmbeddingPool } from './embedding-pool.ts'
import { readDefaultCorpus } from './markdown-corpus.ts'
import { recallAt10 } from './recall.ts'
import { withServers } from './servers.ts'
import type { DemoServers } from './store.ts'
import { textTable } from './text-table.ts'

/** Megabytes of the table with its indexes and long values, and of the vector index among them. */
const SIZES = `
  SELECT pg_total_relation_size('thermocline.memory_entries') / 1048576.0::float8 AS all,
    (SELECT sum(pg_relation_size(c.oid)) / 1048576.0::float8 FROM pg_class c JOIN pg_am a ON a.oid = c.relam
      WHERE a.amname = 'hnsw') AS index`

async function embeddedCorpus(): Promise<EmbeddedChunk[]> {
  await using pool = await EmbeddingPool.open()
  const chunks = cutDocuments(await readDefaultCorpus())
  const vectors = await Promise.all(chunks.map(async ({ words }) => (await pool.embed([words]))[0]!))
  return chunks.map((chunk, n) => ({ ...chunk, embedding: vectors[n]! }))
}

/** Of what is staged nothing is compressed that a page holds. */
const PLAIN_TEXTS = 'ALTER TABLE thermocline.entry_staging SET (toast_tuple_target = 8160)'

interface Kept {
  readonly name: string
  readonly precision: Precision
  readonly arePlain?: true
}

const KEPT: readonly Kept[] = [
  { name: 'full, texts as they are', precision: 'full', arePlain: true },
  ...(['full', 'half', 'int8'] as const).map((precision) => ({ name: precision, precision })),
]

async function measure(
  chunks: readonly EmbeddedChunk[],
  { precision, arePlain }: Kept,
  servers: DemoServers,
  dir: string,
) {
  const cold = { ...servers.cold, dimensions: [DIMENSIONS], precision }
  await using store = await openMemoryStore({ dir, hot: servers.hot, cold, sync: false })
  if (arePlain) await queryServer(servers.cold.url, PLAIN_TEXTS)
  const receipts = await store.chunks.putMany(chunks.map(inputOf))
  do await store.sync()
  while ((await store.stats()).cold!.unindexed > 0)
  // Indexing wrote each row a second time.
  await queryServer(servers.cold.url, 'VACUUM FULL thermocline.memory_entries')
  const [sizes] = (await queryServer(servers.cold.url, SIZES)) as unknown as { all: number; index: number }[]
  const recall = await recallAt10(
    chunks.map((chunk, n) => ({ ...chunk, id: receipts[n]!.id })),
    store,
  )
  return { ...sizes!, recall }
}

const chunks = await embeddedCorpus()
const rows: string[][] = []
let full: number | undefined
for (const kept of KEPT) {
  const dir = await mkdtemp(join(tmpdir(), 'thermocline-demo-'))
  try {
    const { all, index, recall } = await withServers(true, (servers) => measure(chunks, kept, servers!, dir))
    full ??= all
    const saved = `${Math.round(100 * (1 - all / full))} %`
    rows.push([kept.name, all.toFixed(2), index.toFixed(2), saved, `${(100 * recall.share).toFixed(1)} %`])
  } finally {
    await rm(dir, { recursive: true })
  }
}
console.log(`${chunks.length} chunks of the demo's documents in Postgres, table and indexes:\n`)
console.log(textTable([['precision', 'MB', 'of it vector index', 'saved', 'recall at 10'], ...rows]))
