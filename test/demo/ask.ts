/** Answers questions from the store and shows the passages. */
import type { DemoChunk } from './demo-chunk.ts'
import type { EmbeddingPool } from './embedding-pool.ts'
import type { Question } from './questions.ts'
import type { DemoStore } from './store.ts'

const K = 5
const PASSAGE_CHARACTERS = 220

/** How many questions had their document among the nearest five. */
export async function askAll(questions: readonly Question[], store: DemoStore, pool: EmbeddingPool): Promise<number> {
  let right = 0
  for (const [i, question] of questions.entries()) {
    const [embedding] = (await pool.embed([question.text])) as [Float32Array]
    const { hits } = await store.chunks.search({ embedding, k: K })
    const rank = hits.findIndex(({ entry }) => entry.documentId === question.document)
    if (rank >= 0) right++
    console.log(`\n${String(i + 1).padStart(2)}. ${question.text}`)
    console.log(rank >= 0 ? `    right document at place ${rank + 1}` : `    MISSED ${question.document}`)
    const shown = hits[Math.max(rank, 0)]
    if (shown === undefined) continue
    console.log(`    ${shown.entry.documentId}, chunk ${shown.entry.position}, score ${shown.score.toFixed(2)}:`)
    console.log(`    ${shorten(shown.entry.text)}`)
  }
  return right
}

/** For text whose answers nobody knows: sentences of its own, each of which its document should answer. */
export function questionsFrom(chunks: readonly DemoChunk[], count = 5): Question[] {
  const candidates = chunks.flatMap(({ words, document }) => {
    const sentence = /[^.!?]{30,200}[.!?]/.exec(words)?.[0].trim()
    return sentence === undefined ? [] : [{ text: sentence, document }]
  })
  const step = Math.max(1, Math.floor(candidates.length / count))
  return candidates.filter((_, i) => i % step === 0).slice(0, count)
}

function shorten(markdown: string): string {
  const line = markdown.replace(/\s+/g, ' ')
  return line.length > PASSAGE_CHARACTERS ? `${line.slice(0, PASSAGE_CHARACTERS)} …` : line
}
