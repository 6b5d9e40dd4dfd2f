/** What the vector store does beyond what `MemoryVectorStore` does (vector-store-model.test.ts). */
import { Document } from '@langchain/core/documents'
import { SyntheticEmbeddings } from '@langchain/core/utils/testing'
import type { VectorStoreInterface } from '@langchain/core/vectorstores'
import { describe, expect, test } from 'vitest'
import { type DocumentFilter, ThermoclineVectorStore } from '../../../src/adapters/langchain/langchain.ts'
import { openMemoryStore } from '../../../src/index.ts'
import { describeMainPair, describeWithServers, openInMemory, QUIET, shareStore } from '../../flow/stores.ts'

const embeddings = new SyntheticEmbeddings({ vectorSize: 16 })
/** Never all zeros, as upstream's are of digits. */
class Lengths extends SyntheticEmbeddings {
  override async embedQuery(text: string): Promise<number[]> {
    return [text.length, 1]
  }
}
const lengths = new Lengths()
const contents = (documents: readonly { pageContent: string }[]) => documents.map(({ pageContent }) => pageContent)
const UUID = '6f1c1c1e-9d9d-4f7b-8d0a-3d0a1b2c3d4e'

describeMainPair('a vector store', (pair) => {
  const { store, view, clock } = shareStore(pair)

  test('is asked by retrievers, by similarity and by marginal relevance', async () => {
    const texts = ['ice floats', 'ice floats!', 'warm water rises', 'cold water sinks']
    const vectors: VectorStoreInterface = await ThermoclineVectorStore.fromTexts(
      texts,
      texts.map((_, n) => ({ n })),
      embeddings,
      { store: view() },
    )
    const found = await vectors.asRetriever({ k: 2 }).invoke('ice floats')
    expect(contents(found).sort()).toEqual(['ice floats', 'ice floats!'])
    const searchKwargs = { fetchK: 4, lambda: 0 }
    const unlike = await vectors.asRetriever({ k: 2, searchType: 'mmr', searchKwargs }).invoke('ice floats')
    expect(contents(unlike).filter((text) => text.startsWith('ice'))).toHaveLength(1)
    const filtered = vectors.asRetriever({ k: 4, filter: { n: { gte: 2 } } })
    expect(contents(await filtered.invoke('ice floats')).sort()).toEqual(['cold water sinks', 'warm water rises'])
    await filtered.addDocuments([new Document({ pageContent: 'ice melts', metadata: { n: 9 } })])
    expect(await filtered.invoke('ice melts')).toHaveLength(3)
  })

  test('answers ids as they were given, replaces what has one, and deletes by it', async () => {
    const vectors = new ThermoclineVectorStore(embeddings, { store: view() })
    const ids = ['a', UUID, UUID.toUpperCase(), 'é/ \\']
    const documents = ids.map((id) => new Document({ pageContent: `text ${id}`, id }))
    expect(await vectors.addDocuments(documents)).toEqual(ids)
    expect(await vectors.addDocuments([new Document({ pageContent: 'anew', id: 'not this' })], { ids: ['a'] })).toEqual(
      ['a'],
    )
    const [chosen] = await vectors.addDocuments([new Document({ pageContent: 'no id' })])
    const all = await vectors.similaritySearch('text', 10)
    expect(all.map(({ id }) => id).sort()).toEqual([...ids, chosen!].sort())
    expect(all.find(({ id }) => id === 'a')!.pageContent).toBe('anew')
    await vectors.delete({ ids: [...ids, 'absent'] })
    expect((await vectors.similaritySearch('text', 10)).map(({ id }) => id)).toEqual([chosen])
    await vectors.delete({ ids: [chosen!] })
    expect(await vectors.similaritySearch('text', 10)).toEqual([])
  })

  test('keeps metadata as JSON has them', async () => {
    const vectors = new ThermoclineVectorStore(embeddings, { store: view() })
    class Info {
      readonly pages = 3
    }
    const metadata = { at: new Date(0), info: new Info(), gone: undefined, loc: { lines: { from: 1 } } }
    await vectors.addDocuments([new Document({ pageContent: 'ice', metadata })])
    const where = { 'metadata.loc.lines.from': { lt: 2 } }
    const [found] = await vectors.similaritySearch('ice', 1, { where, at: { lt: '1971' } })
    expect(found!.metadata).toEqual({ at: new Date(0).toISOString(), info: { pages: 3 }, loc: { lines: { from: 1 } } })
    expect(await vectors.similaritySearch('ice', 1, { where: { text: { contains: 'fire' } } })).toEqual([])
  })

  test('selects by each operator of a filter, and by filters within filters', async () => {
    const metadatas = [{ n: 1, tags: ['a', 'b'] }, { n: 2, tags: [] }, { n: '1' }, { 'odd.name': null }]
    const vectors = await ThermoclineVectorStore.fromTexts(['0', '1', '2', '3'], metadatas, lengths, { store: view() })
    const selected: [DocumentFilter, string][] = [
      [{}, '0123'],
      [{ n: 1 }, '0'],
      [{ n: '1' }, '2'],
      [{ 'odd.name': null }, '3'],
      [{ n: { in: [1, '1'] } }, '02'],
      [{ n: { notIn: [1, '1'] } }, '13'],
      [{ n: { neq: 1 } }, '123'],
      [{ n: { gt: 1 } }, '1'],
      [{ n: { gte: 1, lt: 2 } }, '0'],
      [{ n: { lte: '1' } }, '2'],
      [{ tags: { arrayContains: ['b', 'c'] } }, '0'],
      [{ n: { neq: 2 }, tags: { arrayContains: ['a'] } }, '0'],
      [{ or: [{ n: 2 }, { and: [{ n: 1 }, { not: { tags: { arrayContains: ['c'] } } }] }] }, '01'],
      [{ or: [] }, ''],
      [{ not: { where: { 'metadata.n': { exists: true } } } }, '3'],
    ]
    for (const [filter, expected] of selected)
      expect(
        contents(await vectors.similaritySearch('0', 4, filter))
          .sort()
          .join(''),
        JSON.stringify(filter),
      ).toBe(expected)
  })

  test('searches by words, or by both, and leaves out what scores too little', async () => {
    const home = { store: view() }
    const texts = ['a thermocline divides water', 'warm water floats', 'ice']
    await ThermoclineVectorStore.fromTexts(texts, {}, embeddings, home)
    const by = (by: 'text' | 'both', minScore?: number) =>
      new ThermoclineVectorStore(embeddings, { ...home, by, minScore })
    expect(contents(await by('text').similaritySearch('thermocline'))).toEqual([texts[0]])
    expect(await by('text').similaritySearch('thermocline ice')).toEqual([])
    const both = await by('both').similaritySearchWithScore('water floats', 3)
    expect(both[0]![0].pageContent).toBe('warm water floats')
    expect(both[0]![1]).toBeCloseTo(2 / 61, 6)
    expect(await by('both', 0.03).similaritySearch('water floats', 3)).toHaveLength(1)
    expect(await by('both').maxMarginalRelevanceSearch('water', { k: 2 })).toHaveLength(2)
    await expect(by('text').maxMarginalRelevanceSearch('water', { k: 2 })).rejects.toThrow('`mmr` compares vectors')
  })

  test('compares by another metric, nearest first', async () => {
    const home = view()
    const vectors = new ThermoclineVectorStore(embeddings, { store: home, metric: 'l2' })
    const documents = ['near', 'far'].map((pageContent) => new Document({ pageContent }))
    await vectors.addVectors(
      [
        [1, 0],
        [4, 4],
      ],
      documents,
      { ids: ['near', 'far'] },
    )
    const found = await vectors.similaritySearchVectorWithScore([1, 0], 2)
    expect(found.map(([{ id }]) => id)).toEqual(['near', 'far'])
    expect(found[1]![1]).toBeCloseTo(-5, 5)
  })

  test('lets documents go when their time is over', async () => {
    const vectors = new ThermoclineVectorStore(embeddings, { store: view(), ttl: '10m' })
    await vectors.addDocuments([new Document({ pageContent: 'ice' })])
    clock.advance(9 * 60_000)
    expect(await vectors.similaritySearch('ice')).toHaveLength(1)
    clock.advance(61_000)
    expect(await vectors.similaritySearch('ice')).toEqual([])
  })

  test('keeps to its namespace, and takes one that has chunks already', async () => {
    const own = view()
    await own.chunks.putMany([
      { text: 'of the application', embedding: await embeddings.embedQuery('ice'), metadata: { n: 1 } },
      { key: UUID, text: 'with an odd key', embedding: await embeddings.embedQuery('ice') },
      { text: 'without an embedding' },
    ])
    const beside = new ThermoclineVectorStore(embeddings, { store: own, namespace: ['docs', 'a'] })
    await beside.addDocuments([new Document({ pageContent: 'ice' })])
    expect(await own.namespace('docs', 'a').count()).toBe(1)
    const vectors = await ThermoclineVectorStore.fromExistingIndex(embeddings, { store: own, namespace: [] })
    const found = await vectors.similaritySearch('ice')
    expect(contents(found).sort()).toEqual(['of the application', 'with an odd key'])
    await vectors.delete({ ids: found.map(({ id }) => id!) })
    expect(await own.chunks.count()).toBe(1)
    await vectors.delete({ all: true })
    expect(await own.chunks.count()).toBe(0)
    expect(await beside.similaritySearch('ice')).toHaveLength(1)
    expect(new ThermoclineVectorStore(embeddings, { store: store() })._vectorstoreType()).toBe('thermocline')
  })
})

describeWithServers('vector stores of two processes', (servers) => {
  test('find what the other has added once cold has it', async () => {
    const options = { ...(await servers.shared()), ...QUIET }
    await using mine = await openMemoryStore({ ...options, dir: await servers.folder() })
    await using yours = await openMemoryStore({ ...options, dir: await servers.folder() })
    const ofMine = new ThermoclineVectorStore(embeddings, { store: mine, durability: 'cold' })
    const ofYours = new ThermoclineVectorStore(embeddings, { store: yours })
    await ofMine.addDocuments([new Document({ pageContent: 'ice', id: 'a' })])
    expect(await ofYours.similaritySearch('ice')).toMatchObject([{ id: 'a', pageContent: 'ice' }])
    await ofMine.delete({ ids: ['a'] })
    expect(await ofYours.similaritySearch('ice')).toEqual([])
  })
})

describe('what a vector store is given', () => {
  test('is refused by name where it is wrong', async () => {
    await using store = await openInMemory()
    const wrong: [object | undefined, string][] = [
      [undefined, 'ThermoclineVectorStore needs a store'],
      [{ store: {} }, 'ThermoclineVectorStore needs a store'],
      [{ store, tableName: 'x' }, 'has no option `tableName`'],
      [{ store, namespace: [1] }, 'option `namespace`'],
      [{ store, by: 'words' }, 'option `by`'],
      [{ store, metric: 'dot' }, 'option `metric`'],
      [{ store, minScore: '1' }, 'option `minScore`'],
      [{ store, ttl: 0 }, 'option `ttl`'],
      [{ store, durability: 'none' }, 'option `durability`'],
    ]
    for (const [options, message] of wrong)
      expect(() => new ThermoclineVectorStore(embeddings, options as never)).toThrow(message)
    const vectors = new ThermoclineVectorStore(embeddings, { store })
    const ice = new Document({ pageContent: 'ice' })
    await expect(vectors.addDocuments([ice], { ids: [] })).rejects.toThrow('as many `ids` as documents')
    await expect(vectors.addVectors([], [ice])).rejects.toThrow('as many `vectors` as documents')
    await expect(vectors.addDocuments([ice], { id: 'a' } as never)).rejects.toThrow('has no option `id`')
    await expect(vectors.addDocuments([new Document({ pageContent: '\0' })])).rejects.toThrow('text')
    for (const given of [undefined, {}, { all: false }, { ids: ['a'], filter: { a: 1 } }, { ids: ['a'], all: true }])
      await expect(vectors.delete(given as never)).rejects.toThrow('either `ids` or `filter` or `all: true`')
    for (const filter of [{}, { or: [{}, { a: 1 }] }, { not: { or: [] } }])
      await expect(vectors.delete({ filter })).rejects.toThrow('all')
  })

  test('is refused as a filter where it would select something else', async () => {
    await using store = await openInMemory()
    const vectors = new ThermoclineVectorStore(embeddings, { store })
    const wrong: [unknown, string][] = [
      [{ n: { near: 1 } }, 'there is no operator `near`; there are in, notIn'],
      [{ n: {} }, '`n` needs a value'],
      [{ n: [1] }, '`n` needs a value'],
      [{ n: undefined }, '`n` is undefined'],
      [{ n: { in: undefined } }, '`n.in` is undefined'],
      [{ n: { in: 'x' } }, 'must be an array'],
      [{ n: { arrayContains: 'x' } }, '`arrayContains` must be an array'],
      [{ or: { n: 1 } }, '`or` must be an array'],
      [{ not: 1 }, 'must be an object'],
      [{ where: { nowhere: 1 } }, 'no field'],
      [() => true, 'must be an object'],
    ]
    for (const [filter, message] of wrong) {
      await expect(vectors.similaritySearch('ice', 1, filter as never), message).rejects.toMatchObject({
        code: 'ERR_INVALID_QUERY',
        message: expect.stringContaining(message),
      })
    }
  })
})
