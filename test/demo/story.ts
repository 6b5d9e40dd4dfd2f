/** The demo from the first document to the last recovered entry. */
import { createProgress } from '../../src/cli/progress.ts'
import { askAll, questionsFrom } from './ask.ts'
import { killWriters, type Survival, survivalOf } from './crash.ts'
import { cutDocuments, type DemoChunk, isIntact, type StoredChunk } from './demo-chunk.ts'
import { EmbeddingPool } from './embedding-pool.ts'
import { ingest } from './ingest.ts'
import { Latencies } from './latencies.ts'
import type { MarkdownDocument } from './markdown-corpus.ts'
import type { Question } from './questions.ts'
import { readBack, type Tier } from './read-back.ts'
import { recallAt10 } from './recall.ts'
import { Refusal } from './refusal.ts'
import type { Findings } from './report.ts'
import { planOfSearch } from './search-plan.ts'
import { type DemoServers, type DemoStore, openDemoStore } from './store.ts'
import { showTree } from './tree.ts'

export interface Setting {
  readonly documents: readonly MarkdownDocument[]
  /** Undefined: sentences of the documents themselves. */
  readonly questions: readonly Question[] | undefined
  /** Data folder; empty at first. */
  readonly dir: string
  /** Undefined: embedded tiers. */
  readonly servers: DemoServers | undefined
  readonly signal: AbortSignal
}

type ByTier = Readonly<Record<Tier, readonly StoredChunk[]>>
type Told = Pick<Findings, 'questions' | 'right' | 'recall' | 'stale' | 'residence' | 'latencies'> & {
  readonly chunks: ByTier
}

/** How many chunks the killed writer puts in turn. */
const CRASH_CHUNKS = 100

export async function tellStory(setting: Setting): Promise<Findings> {
  const { documents, dir, servers, signal } = setting
  const chunks = cutDocuments(documents)
  if (chunks.length === 0) throw new Refusal('the Markdown has no text: name a folder whose Markdown has some')
  console.log(`Read ${documents.length} documents and cut them into ${chunks.length} chunks.`)

  const told = await useStore(chunks, setting)
  const stored = Object.values(told.chunks).flat()
  const plan = await planOfSearch(stored[0]!.embedding, { dir, servers })
  console.log(`The database says that such a search is ${plan.byIndex ?? 'a comparison with all vectors'}.`)

  const writers = servers === undefined ? 1 : 2
  console.log(
    writers === 1
      ? '\nA child process writes to the same folder and is killed with -9 …'
      : '\nTwo backends write to the same store at once, and each is killed with -9 …',
  )
  const crashed = stored.slice(0, CRASH_CHUNKS)
  const testimonies = await killWriters(crashed, { dir, servers, writers, signal })
  console.log(`… after ${testimonies.map(({ acknowledged }) => acknowledged.size).join(' and ')} acknowledged puts.`)
  const began = performance.now()
  await using store = await openDemoStore({ dir, servers, background: 'held' })
  console.log(`Opened again and recovered in ${Math.round(performance.now() - began)} ms.`)
  const recovered = await store.stats()
  const survivals: Record<string, Survival> = { 'the documents': await documentsIn(store, stored) }
  for (const testimony of testimonies) {
    const name = writers === 1 ? 'the killed writer' : `killed backend ${testimony.writer + 1}`
    survivals[name] = await survivalOf(testimony, crashed, store)
  }
  const residence = { ...told.residence, 'after the recovery': recovered }
  const counts = { documents: documents.length, chunks: chunks.length }
  return { ...told, ...counts, survivals, residence, plan }
}

/** One life of the store, closed in good order. */
async function useStore(chunks: readonly DemoChunk[], { dir, servers, signal, ...setting }: Setting): Promise<Told> {
  await using store = await openDemoStore({ dir, servers, background: 'held' })
  await using pool = await EmbeddingPool.open({ signal })
  const put = new Latencies()
  const byTier = await fillTiers(chunks, store, pool, put)
  const filled = await store.stats()

  const questions = setting.questions ?? questionsFrom(chunks)
  const right = await askAll(questions, store, pool)
  console.log(`\n${right} of ${questions.length} questions have the right document among the nearest five.`)
  const latencies: Record<string, Latencies> = { 'put (log, pending, hot), embedding meanwhile': put }
  for (const tier of ['pending', 'hot', 'cold'] as const) {
    latencies[`get from ${tier}`] = await readBack(tier, byTier[tier], store)
    console.log(`Read ${byTier[tier].length} entries back from ${tier}, each exactly as it was put.`)
  }
  const { synced } = await store.sync()
  console.log(`Demoted ${synced} entries from hot to cold.`)
  const residence = { 'after the puts': filled, 'after the demotion': await store.stats() }
  const stored = Object.values(byTier).flat()
  const recall = await recallAt10(stored, store)
  console.log(
    `A search in cold has ${(100 * recall.share).toFixed(1)} % of the ten really nearest (recall at 10): ` +
      `${recall.indexed} of ${recall.searches} searches went by the HNSW index.`,
  )
  const stale = await showTree(stored, store, pool)
  return { questions: questions.length, right, recall, stale, latencies, residence, chunks: byTier }
}

/** Puts all chunks, and leaves a third of them in each tier. */
async function fillTiers(
  chunks: readonly DemoChunk[],
  store: DemoStore,
  pool: EmbeddingPool,
  latencies: Latencies,
): Promise<ByTier> {
  const third = Math.ceil(chunks.length / 3)
  const progress = createProgress({ total: chunks.length, label: 'embedding and storing' })
  const parts = { store, pool, progress, latencies }
  try {
    const cold = await ingest(chunks.slice(0, third), parts)
    await store.sync()
    const hot = await ingest(chunks.slice(third, 2 * third), parts)
    await store.checkpoint()
    const pending = await ingest(chunks.slice(2 * third), parts)
    return { cold, hot, pending }
  } finally {
    progress.finish()
  }
}

/** What is there of the documents after the kill, which was none of their business. */
async function documentsIn(store: DemoStore, chunks: readonly StoredChunk[]): Promise<Survival> {
  const entries = await store.chunks.getMany(chunks.map(({ id }) => id))
  const recovered = chunks.filter((chunk, i) => isIntact(entries[i], chunk)).length
  return { written: chunks.length, acknowledged: chunks.length, recovered, lost: chunks.length - recovered }
}
