/** What callers may write: `npm run check` compiles this, and fails where one of the refusals compiles. */
import type { ChunkInput, MemoryStore, Where } from '../../src/index.ts'

declare const store: MemoryStore

interface Page {
  page?: number
  tags: string[]
  nested: { readonly deep: Date | null }
}
type Facts = { readonly language: string; page?: number | undefined }
declare const page: Page
declare const facts: Facts
declare const record: Record<string, unknown>
declare const partial: Partial<Page>

export const accepted = [
  store.chunks.put({ text: 'a', metadata: page }),
  store.chunks.put({ text: 'a', metadata: facts }),
  store.chunks.put({ text: 'a', metadata: record }),
  store.chunks.put({ text: 'a', metadata: partial }),
  store.chunks.put({ text: 'a', metadata: { page: undefined, tags: ['a', null], deep: { er: 1 } } }),
  store.metadata.put({ metadata: page }),
  store.metadata.putMany([{ metadata: page }, { metadata: record }, { metadata: { a: 1 } }]),
  store.entries.put({ kind: 'metadata', metadata: page }),
  store.embeddings.put({ embedding: new Float64Array(1), metadata: record }),
  store.chunks.get('id').then((entry) => entry && store.chunks.put({ ...entry, text: 'b' })),
  store.entries.get('id').then((entry) => entry && store.entries.put(entry)),
  store.chunks.put({ text: 'a' }, { timeout: '5s', durability: 'cold' }),
  store.sync({ timeout: 5, signal: AbortSignal.timeout(5) }),
]

export const refused = [
  // @ts-expect-error an array is no metadata
  store.chunks.put({ text: 'a', metadata: [] }),
  // @ts-expect-error nor is a text
  store.chunks.put({ text: 'a', metadata: 'a' }),
  // @ts-expect-error nor null
  store.chunks.put({ text: 'a', metadata: null }),
  // @ts-expect-error nor a date
  store.chunks.put({ text: 'a', metadata: new Date() }),
  // @ts-expect-error nor a map
  store.chunks.put({ text: 'a', metadata: new Map<string, string>() }),
  // @ts-expect-error nor a function
  store.metadata.put({ metadata: () => ({}) }),
  // @ts-expect-error bytes are no embedding
  store.embeddings.put({ embedding: new Uint8Array(4) }),
  // @ts-expect-error a level of durability that does not exist
  store.chunks.put({ text: 'a' }, { durability: 'Cold' }),
  // @ts-expect-error a controller is no signal
  store.chunks.get('id', { signal: new AbortController() }),
  // @ts-expect-error there is no such option
  store.chunks.find({ documentId: 'a' }),
  // @ts-expect-error what is undefined by mistake would select everything
  store.chunks.count({ where: { documentId: undefined } }),
]

// @ts-expect-error nor in a comparison
export const where: Where = { position: { gt: undefined } }
// @ts-expect-error a chunk needs a text
export const input: ChunkInput = { kind: 'chunk' }
