/** Stores and tables with chunks that have vectors of a dimension that an index is kept for. */
import type { PGlite } from '@electric-sql/pglite'
import type { ChunkInput, MemoryStore } from '../../../src/index.ts'
import type { Bench } from './bench.ts'
import { chunk, vector } from './entries.ts'

export const VECTOR_DIMENSIONS = 384
export const K = 10
const BATCH = 500

/** How the index is walked by hand; a store asks for the same. */
export const WALK = 'SET hnsw.ef_search = 100; SET hnsw.iterative_scan = strict_order'

export const SEARCH_BY_HAND = `
  SELECT id, text, metadata, embedding, embedding <=> $1 AS distance FROM by_hand ORDER BY embedding <=> $1 LIMIT ${K}`

export const VECTOR_TABLE = `
  CREATE TABLE by_hand (id int PRIMARY KEY, text text, metadata jsonb, embedding vector(${VECTOR_DIMENSIONS}))`

export const VECTOR_INDEX = 'CREATE INDEX by_hand_hnsw ON by_hand USING hnsw (embedding vector_cosine_ops)'

export function vectorChunk(nth: number): ChunkInput {
  return { ...chunk(nth), kind: 'chunk', embedding: vector(nth, VECTOR_DIMENSIONS) }
}

/** What is searched for: near to nothing in particular. */
export function question(nth: number): Float32Array {
  return vector(1_000_000 + (nth % 500), VECTOR_DIMENSIONS)
}

export function asText(embedding: Float32Array): string {
  return `[${embedding.join(',')}]`
}

/** Writes and ships them; they are not in the index yet. */
export async function putVectors(store: MemoryStore, rows: number): Promise<void> {
  for (let from = 0; from < rows; from += BATCH)
    await store.chunks.putMany(Array.from({ length: Math.min(BATCH, rows - from) }, (_, i) => vectorChunk(from + i)))
  await store.checkpoint()
}

/** The same rows in a table of one's own, a statement for each hundred. */
export async function fillByHand(
  query: (text: string, parameters: string[][]) => Promise<unknown>,
  rows: number,
): Promise<void> {
  const statement = `
    INSERT INTO by_hand SELECT id::int, text, metadata::jsonb, embedding::vector
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS row (id, text, metadata, embedding)`
  for (let from = 0; from < rows; from += 100) {
    const columns: string[][] = [[], [], [], []]
    for (let nth = from; nth < Math.min(from + 100, rows); nth++) {
      const { text, metadata } = chunk(nth)
      const values = [`${nth}`, text, JSON.stringify(metadata), asText(vector(nth, VECTOR_DIMENSIONS))]
      for (const [column, value] of values.entries()) columns[column]!.push(value)
    }
    await query(statement, columns)
  }
}

/** A PGlite in a folder of its own, with the table, filled. */
export async function pgliteByHand(bench: Bench, rows: number): Promise<PGlite> {
  const { PGlite: Database } = await import('@electric-sql/pglite')
  const { vector: extension } = await import('@electric-sql/pglite-pgvector')
  const database = await Database.create({ dataDir: await bench.folder(), extensions: { vector: extension } })
  bench.defer(() => database.close())
  await database.exec(`CREATE EXTENSION vector; ${VECTOR_TABLE}`)
  await fillByHand((text, parameters) => database.query(text, parameters), rows)
  return database
}
