/** A small tree over some chunks: what a changed chunk makes stale, and a search by meaning and by words. */

import type { StoredChunk } from './demo-chunk.ts'
import type { EmbeddingPool } from './embedding-pool.ts'
import type { DemoStore } from './store.ts'

/** Chunks under the tree, and children of a node. */
const CHUNKS = 64
const CHILDREN = 4

interface Part {
  readonly id: string
  readonly text: string
}

type Pool = Pick<EmbeddingPool, 'embed'>

/** Ids of summaries after a chunk has changed. */
export interface Staleness {
  /** Those that the store says are stale. */
  readonly told: readonly string[]
  /** Those that were put above the chunk. */
  readonly above: readonly string[]
}

/** Plants it in a namespace of its own, and says what it shows. */
export async function showTree(chunks: readonly StoredChunk[], store: DemoStore, pool: Pool): Promise<Staleness> {
  const view = store.namespace('demo', 'tree')
  const copies = chunks.slice(0, CHUNKS)
  const inputs = copies.map(({ text, document: documentId, embedding }) => ({ text, documentId, embedding }))
  const receipts = await view.chunks.putMany(inputs)
  let parts: Part[] = receipts.map(({ id }, i) => ({ id, text: copies[i]!.words }))
  let nodes = 0
  let level = 0
  // The first of each level is above the first chunk.
  const above: string[] = []
  for (; parts.length > 1; nodes += parts.length) {
    level++
    const groups = Array.from({ length: Math.ceil(parts.length / CHILDREN) }, (_, i) =>
      parts.slice(i * CHILDREN, (i + 1) * CHILDREN),
    )
    // First sentences stand for a model's summary.
    const summaries = groups.map((group) => group.map(({ text }) => firstSentence(text)).join(' '))
    const embeddings = await pool.embed(summaries)
    const put = await view.raptorNodes.putMany(
      groups.map((group, i) => ({
        ...{ level, summary: summaries[i]!, embedding: embeddings[i]! },
        children: group.map(({ id }) => id),
      })),
    )
    parts = put.map(({ id }, i) => ({ id, text: summaries[i]! }))
    above.push(parts[0]!.id)
  }
  console.log(`\nA tree of ${nodes} summaries in ${level} levels stands over ${copies.length} chunks.`)
  const { id } = receipts[0]!
  await view.chunks.update(id, { text: `${copies[0]!.text} And a word more.` })
  const stale = await view.raptorNodes.staleNodes({ select: ['id', 'level'] })
  console.log(
    `One chunk has changed: summaries of levels ${stale.map(({ entry }) => entry.level).join(', ')} are stale.`,
  )
  await showHybrid(copies[0]!.words, view, pool)
  return { told: stale.map(({ entry }) => entry.id), above }
}

async function showHybrid(words: string, { entries }: ReturnType<DemoStore['namespace']>, pool: Pool): Promise<void> {
  const question = firstSentence(words)
  const [embedding] = (await pool.embed([question])) as [Float32Array]
  const text = question
    .split(/\W+/)
    .filter((word) => word.length > 5)
    .slice(0, 3)
    .join(' or ')
  const { hits } = await entries.search({ embedding, text, k: 3 })
  console.log(`By meaning and by words (${text}), chunks and summaries together:`)
  for (const { entry, vector, text: worded } of hits)
    console.log(`    ${entry.kind}, place ${vector?.rank ?? '–'} by meaning, ${worded?.rank ?? '–'} by words`)
}

function firstSentence(text: string): string {
  return /^[^.!?]{0,200}[.!?]?/.exec(text)![0]
}
