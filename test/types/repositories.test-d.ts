/** What each repository takes and answers. See {@link ./inputs.test-d.ts} for how this is checked. */
import { expectTypeOf } from 'vitest'
import type {
  BlobEntry,
  ChunkEntry,
  ChunkRepository,
  DeletedWhere,
  Demotion,
  DocumentSummary,
  EmbeddingEntry,
  EntryKind,
  Erased,
  Explanation,
  FindResult,
  JsonObject,
  MemoryEntry,
  MemoryRepository,
  MemoryStore,
  MetadataEntry,
  NamespaceStats,
  NamespaceSummary,
  NamespaceView,
  Pinning,
  Promotion,
  RaptorEntry,
  RaptorRepository,
  Receipt,
  Remnant,
  ReplacedDocument,
  RootView,
  SearchHit,
  SearchResult,
  StaleNode,
  ThermoclineError,
  TierEntries,
  TierShare,
  TreeEntry,
  Unpinning,
  WriteOutcome,
} from '../../src/index.ts'

declare const store: MemoryStore

// A kind has a repository, which answers entries of that kind alone; `entries` has all of them.
expectTypeOf(store.entries).toEqualTypeOf<MemoryRepository>()
expectTypeOf(store.chunks).toEqualTypeOf<ChunkRepository>()
expectTypeOf(store.embeddings).toEqualTypeOf<MemoryRepository<'embedding'>>()
expectTypeOf(store.metadata).toEqualTypeOf<MemoryRepository<'metadata'>>()
expectTypeOf(
  store.chunks.searchMany([{ text: 'a' }, { embedding: [1], k: 2, select: ['text'] }]),
).resolves.toEqualTypeOf<SearchResult<Pick<ChunkEntry, 'text' | 'kind'>>[]>()
// @ts-expect-error a timeout is of the call
store.chunks.searchMany([{ text: 'a', timeout: 1 }])
expectTypeOf(store.raptorNodes).toEqualTypeOf<RaptorRepository>()
expectTypeOf(store.raptorNodes).toExtend<MemoryRepository<'raptor'>>()
expectTypeOf(store.raptorNodes.roots()).resolves.toEqualTypeOf<FindResult<RaptorEntry>>()
expectTypeOf(store.raptorNodes.leaves('id', { limit: 1, cursor: 'c' })).resolves.toEqualTypeOf<FindResult<TreeEntry>>()
expectTypeOf(store.raptorNodes.level(1, { select: ['summary'] })).resolves.toEqualTypeOf<
  FindResult<Pick<RaptorEntry, 'summary' | 'kind'>>
>()
expectTypeOf(store.raptorNodes.staleNodes({ limit: 5 })).resolves.toEqualTypeOf<StaleNode[]>()
// @ts-expect-error a node has no text
store.raptorNodes.parents('id', { select: ['text'] })
// @ts-expect-error only descendants are asked for to a depth
store.raptorNodes.leaves('id', { depth: 1 })
expectTypeOf(store.blobs).toEqualTypeOf<MemoryRepository<'blob'>>()
expectTypeOf(store.blobs.get('id')).resolves.toEqualTypeOf<BlobEntry | undefined>()
store.blobs.put({ bytes: Buffer.from('a'), contentType: 'text/plain' })
store.blobs.find({ where: { contentType: { startsWith: 'image/' } } })
// @ts-expect-error bytes are no text
store.blobs.put({ bytes: 'a' })
expectTypeOf(store.entries.get('id')).resolves.toEqualTypeOf<MemoryEntry | undefined>()
expectTypeOf(store.chunks.get('id')).resolves.toEqualTypeOf<ChunkEntry | undefined>()
expectTypeOf(store.embeddings.getMany(['id'])).resolves.toEqualTypeOf<(EmbeddingEntry | undefined)[]>()
expectTypeOf(store.metadata.getByKey('key')).resolves.toEqualTypeOf<MetadataEntry | undefined>()
expectTypeOf(store.metadata.getManyByKey(['key'])).resolves.toEqualTypeOf<(MetadataEntry | undefined)[]>()
expectTypeOf(store.raptorNodes.peek('id')).resolves.toEqualTypeOf<RaptorEntry | undefined>()
expectTypeOf(store.entries.has('id')).resolves.toEqualTypeOf<boolean>()
expectTypeOf(store.chunks.hasMany(['id'])).resolves.toEqualTypeOf<boolean[]>()
expectTypeOf(store.chunks.touch('id')).resolves.toEqualTypeOf<void>()
expectTypeOf(store.chunks.promote('id')).resolves.toEqualTypeOf<Promotion>()
expectTypeOf(store.chunks.promote(['id'])).resolves.toEqualTypeOf<Promotion[]>()
expectTypeOf(store.chunks.demote('id')).resolves.toEqualTypeOf<Demotion>()
expectTypeOf(store.chunks.pin('id')).resolves.toEqualTypeOf<Pinning>()
expectTypeOf(store.chunks.pin(['id'])).resolves.toEqualTypeOf<Pinning[]>()
expectTypeOf(store.chunks.unpin('id')).resolves.toEqualTypeOf<Unpinning>()
expectTypeOf(store.chunks.demote(['id'])).resolves.toEqualTypeOf<Demotion[]>()
expectTypeOf(store.chunks.prefetch({ documentId: 'd' })).resolves.toEqualTypeOf<number>()
expectTypeOf(store.chunks.expire('id', null)).resolves.toEqualTypeOf<Receipt>()
expectTypeOf(store.entries.idOf('key')).toEqualTypeOf<string>()
expectTypeOf(store.entries.explain('id')).resolves.toEqualTypeOf<Explanation>()

// Above all namespaces there are the calls that a query names.
expectTypeOf(store.root).toEqualTypeOf<RootView>()
expectTypeOf(store.root.chunks.find()).resolves.toEqualTypeOf<FindResult<ChunkEntry>>()
expectTypeOf(store.root.entries.count()).resolves.toEqualTypeOf<number>()
expectTypeOf(store.namespaces({ prefix: ['a', '*'], wildcard: '*', depth: 2 })).resolves.toEqualTypeOf<
  FindResult<NamespaceSummary>
>()
expectTypeOf(store.namespace('a').namespaces).toEqualTypeOf(store.root.namespaces)
expectTypeOf(store.namespace('a').count({ recursive: true })).resolves.toEqualTypeOf<number>()
expectTypeOf(store.namespace('a').stats({ recursive: true })).resolves.toEqualTypeOf<NamespaceStats>()
expectTypeOf<NamespaceStats['hot']>().toEqualTypeOf<TierShare | undefined>()
expectTypeOf<TierShare['kinds']['blob']>().toEqualTypeOf<TierEntries>()
expectTypeOf(store.root.stats()).resolves.toEqualTypeOf<NamespaceStats>()
expectTypeOf(store.namespace('a').deleteAll({ dryRun: true })).resolves.toEqualTypeOf<DeletedWhere>()
expectTypeOf(store.chunks.erase(['id'], { vacuum: 'full' })).resolves.toEqualTypeOf<Erased>()
expectTypeOf(
  store.root.chunks.erase({ where: { position: 7 } }, { onProgress: ({ erased }) => erased }),
).resolves.toEqualTypeOf<Erased>()
expectTypeOf<Erased['left']>().toEqualTypeOf<readonly Remnant[]>()
// @ts-expect-error one id is an array of one
store.chunks.erase('id')
// @ts-expect-error a chunk has no level
store.chunks.erase({ where: { level: 0 } })
// @ts-expect-error segments, not a path
store.namespaces({ prefix: 'a/b' })
// @ts-expect-error the root has nothing of its own to delete
store.root.deleteAll
expectTypeOf(store.root.namespace('a')).toEqualTypeOf<NamespaceView>()
// @ts-expect-error an entry is put into a namespace
store.root.chunks.put
// @ts-expect-error and an id names one of a namespace
store.root.chunks.get

// A scope has the same repositories, and scopes of its own.
expectTypeOf(store.namespace('tenant', 'acme')).toEqualTypeOf<NamespaceView>()
expectTypeOf(store.namespace('tenant').namespace('acme').chunks).toEqualTypeOf<ChunkRepository>()

// Documents are made of chunks, and of nothing else.
expectTypeOf(store.chunks.ofDocument('id', { limit: 1 })).resolves.toEqualTypeOf<FindResult<ChunkEntry>>()
expectTypeOf(store.chunks.documents({ where: { position: 0 } })).resolves.toEqualTypeOf<FindResult<DocumentSummary>>()
expectTypeOf(
  store.chunks.deleteDocument('id', { onProgress: ({ deleted }) => deleted }),
).resolves.toEqualTypeOf<number>()
expectTypeOf(
  store.chunks.replaceDocument('id', [{ text: 'a', metadata: { a: 1 } }], {
    embed: async (texts, { signal }) => (signal?.aborted ? [] : texts.map(({ length }) => [length])),
    embeddingModel: 'model',
  }),
).resolves.toEqualTypeOf<ReplacedDocument>()
// @ts-expect-error what is answered are embeddings
store.chunks.replaceDocument('id', [], { embed: async (texts) => texts })
// @ts-expect-error a chunk has no level
store.chunks.documents({ where: { level: 0 } })

// Writing.
expectTypeOf(store.chunks.put({ text: 'a' })).resolves.toEqualTypeOf<Receipt>()
expectTypeOf(store.chunks.putMany([{ text: 'a' }])).resolves.toEqualTypeOf<Receipt[]>()
expectTypeOf(store.chunks.putMany([{ text: 'a' }], { settle: false })).resolves.toEqualTypeOf<Receipt[]>()
expectTypeOf(store.chunks.putMany([{ text: 'a' }], { settle: true })).resolves.toEqualTypeOf<WriteOutcome[]>()
expectTypeOf(store.chunks.delete('id')).resolves.toEqualTypeOf<Receipt>()
expectTypeOf(store.chunks.deleteByKey('key')).resolves.toEqualTypeOf<Receipt>()
expectTypeOf(store.chunks.deleteMany(['id'], { durability: 'cold' })).resolves.toEqualTypeOf<Receipt[]>()
expectTypeOf<Receipt['durability']>().toEqualTypeOf<'wal' | 'cold'>()

expectTypeOf(store.chunks.put({ text: 'a' }, { expectedVersion: null })).resolves.toEqualTypeOf<Receipt>()
expectTypeOf(store.chunks.upsert({ text: 'a' })).resolves.toEqualTypeOf<Receipt>()
expectTypeOf(store.chunks.update('id', { text: 'a', documentId: null })).resolves.toEqualTypeOf<Receipt>()
store.metadata.update('id', { metadata: { theme: null } }, { expectedVersion: 'version' })
store.entries.update('id', { text: 'a', embedding: [1], metadata: null })
// @ts-expect-error a chunk has no level
store.chunks.update('id', { level: 1 })
// @ts-expect-error what an update keeps
store.chunks.update('id', { createdAt: new Date() })
// @ts-expect-error an update is of what is there
store.chunks.update('id', { text: 'a' }, { expectedVersion: null })
// @ts-expect-error a version is a text
store.chunks.put({ text: 'a' }, { expectedVersion: 1 })

// Inputs by kind: each repository takes its own, `entries` any that names its kind.
export const accepted = [
  store.embeddings.put({ embedding: [1, 0], embeddingModel: 'a', ttl: '30d' }),
  store.embeddings.put({ embedding: new Float32Array(2), expiresAt: new Date() }),
  store.raptorNodes.put({ level: 1, summary: 'a', children: ['id'], embedding: [1] }),
  store.metadata.put({ key: 'settings', metadata: { theme: 'dark' } }),
  store.entries.put({ kind: 'raptor', level: 0, summary: 'a', children: [] }),
  store.chunks.put({ kind: 'chunk', text: 'a', documentId: 'b', position: 0 }),
  store.chunks.put({ text: 'a', key: undefined, ttl: undefined, embedding: undefined }),
]

export const refused = [
  // @ts-expect-error a chunk has a text
  store.chunks.put({ embedding: [1] }),
  // @ts-expect-error and no level
  store.chunks.put({ text: 'a', level: 1 }),
  // @ts-expect-error a node of a tree names its children
  store.raptorNodes.put({ level: 1, summary: 'a' }),
  // @ts-expect-error facts are required where there is nothing else
  store.metadata.put({ key: 'settings' }),
  // @ts-expect-error an input of every kind says which it is
  store.entries.put({ text: 'a' }),
  // @ts-expect-error an input of one kind is of no other
  store.chunks.put({ kind: 'metadata', metadata: {} }),
  // @ts-expect-error a lifetime is a number or a text
  store.chunks.put({ text: 'a', ttl: new Date() }),
  // @ts-expect-error one id, or `getMany`
  store.chunks.get(['id']),
  // @ts-expect-error the path of a namespace is given by its segments
  store.namespace(['tenant', 'acme']),
]

export function read(entry: MemoryEntry, chunk: ChunkEntry, outcome: WriteOutcome): void {
  expectTypeOf(entry.kind).toEqualTypeOf<EntryKind>()
  if (entry.kind === 'chunk') expectTypeOf(entry).toEqualTypeOf<ChunkEntry>()
  if (entry.kind === 'raptor') expectTypeOf(entry.children).toEqualTypeOf<readonly string[]>()
  expectTypeOf(entry.metadata).toEqualTypeOf<JsonObject | undefined>()
  expectTypeOf(chunk.embedding).toEqualTypeOf<Float32Array | undefined>()
  expectTypeOf(chunk.createdAt).toEqualTypeOf<Date>()
  if (outcome.ok) expectTypeOf(outcome.value).toEqualTypeOf<Receipt>()
  else expectTypeOf(outcome.error).toEqualTypeOf<ThermoclineError>()
  // @ts-expect-error not every kind has a text
  entry.text
  // @ts-expect-error what is read is not changed in place
  chunk.text = 'b'
}

export async function select(): Promise<void> {
  const { items } = await store.chunks.find({ select: ['id', 'metadata'], where: { position: 1 } })
  expectTypeOf(items).toEqualTypeOf<readonly Pick<ChunkEntry, 'kind' | 'id' | 'metadata'>[]>()
  // @ts-expect-error what was not selected is not there
  items[0]?.text
  // @ts-expect-error a node has no text
  await store.raptorNodes.find({ select: ['text'] })
  const [entry] = (await store.entries.find({ select: ['text'] })).items
  if (entry?.kind === 'chunk') expectTypeOf(entry.text).toEqualTypeOf<string>()
  for await (const { id } of store.metadata.findAll({ select: ['id'] })) expectTypeOf(id).toEqualTypeOf<string>()
  const { hits } = await store.chunks.search({ text: 'a', select: ['documentId'] })
  expectTypeOf(hits[0]!.entry).toEqualTypeOf<Pick<ChunkEntry, 'kind' | 'documentId'>>()
}

export async function search(): Promise<void> {
  const { hits, partial, exact } = await store.chunks.search({ embedding: [1, 0], k: 5, metric: 'l2' })
  expectTypeOf(hits).toEqualTypeOf<readonly SearchHit<ChunkEntry>[]>()
  expectTypeOf(hits[0]?.score).toEqualTypeOf<number | undefined>()
  expectTypeOf([partial, exact]).toEqualTypeOf<boolean[]>()
  const { items } = await store.raptorNodes.find({ limit: 10 })
  expectTypeOf(items).toEqualTypeOf<readonly RaptorEntry[]>()
  expectTypeOf(store.entries.count()).resolves.toEqualTypeOf<number>()
  // @ts-expect-error a search has an embedding
  await store.chunks.search({ k: 5 })
  // @ts-expect-error a metric that does not exist
  await store.chunks.search({ embedding: [1], metric: 'euclid' })
}
