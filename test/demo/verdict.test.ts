/** The demo must see what it is there to see: these break the store's promise by hand, or feign that it was broken. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openMemoryStore } from '../../src/index.ts'
import { questionsFrom } from './ask.ts'
import { survivalOf } from './crash.ts'
import { crashKey, parseSaying, sayAcknowledged, sayTry } from './crash-order.ts'
import { type EmbeddedChunk, inputOf, type StoredChunk } from './demo-chunk.ts'
import { Latencies } from './latencies.ts'
import { readBack } from './read-back.ts'
import { recallAt10 } from './recall.ts'
import { type Findings, shortcomings } from './report.ts'
import type { DemoStore } from './store.ts'
import { textTable } from './text-table.ts'
import { showTree } from './tree.ts'

const chunk: EmbeddedChunk = {
  document: 'a.md',
  position: 0,
  headings: ['A'],
  text: 'Warm above cold.',
  words: 'Warm above cold.',
  embedding: Float32Array.of(0.1, 0.2, 0.3),
}

describe('with a store', () => {
  let store: DemoStore
  beforeAll(async () => {
    store = await openMemoryStore({
      ...{ inMemory: true, checkpoint: { every: '1h' }, promote: false },
      cold: { dimensions: [chunk.embedding.length] },
    })
  })
  afterAll(() => store.close())

  async function put(key: string, change: Partial<EmbeddedChunk> = {}): Promise<StoredChunk> {
    const { id } = await store.chunks.put({ ...inputOf({ ...chunk, ...change }), key })
    return { ...chunk, id }
  }

  test('counts what is missing or altered as lost, and what was never acknowledged not', async () => {
    const whole = await put(crashKey(0, 0))
    const otherText = await put(crashKey(0, 1), { text: 'Warm above warm.' })
    const otherVector = await put(crashKey(0, 2), { embedding: Float32Array.of(0.1, 0.2, 0.4) })
    const missing = '00000000-0000-7000-8000-000000000000'
    await put(crashKey(0, 4))
    const acknowledged = new Map([whole.id, otherText.id, otherVector.id, missing].entries())
    // 4 was put without an acknowledgement and is there; 5 was not acknowledged and is not there.
    const survival = await survivalOf({ writer: 0, written: 6, acknowledged }, [whole], store)
    expect(survival).toEqual({ written: 6, acknowledged: 4, recovered: 2, lost: 3 })
  })

  test('proves where each entry came from, and refuses another place', async () => {
    const stored = await put('place')
    expect((await readBack('pending', [stored], store)).count).toBe(1)
    await expect(readBack('hot', [stored], store)).rejects.toThrow('should be in hot cold, and is in pending hot')
    await store.checkpoint()
    expect((await readBack('hot', [stored], store)).count).toBe(1)
    await expect(readBack('cold', [stored], store)).rejects.toThrow('should be in cold, and is in hot cold')
  })

  test('counts of the ten nearest those that a search has', async () => {
    const apart = (n: number) => ({ embedding: Float32Array.of(1, n / 10, 0) })
    const chunks: StoredChunk[] = []
    for (let n = 0; n < 20; n++) chunks.push({ ...(await put(`near ${n}`, apart(n))), ...apart(n) })
    await store.checkpoint()
    const others = (await store.chunks.find({ limit: 100 })).items.filter(({ id }) => !chunks.some((c) => c.id === id))
    for (const { id } of others) await store.chunks.delete(id)
    expect(await recallAt10(chunks, store)).toEqual({ share: 1, searches: 20, indexed: 20 })
    await store.chunks.delete(chunks[0]!.id)
    const { share } = await recallAt10(chunks, store)
    expect(share).toBeGreaterThan(0.9)
    expect(share).toBeLessThan(1)
  })

  test('sees searches that no index serves, and which are stale above a chunk that changed', async () => {
    const short = { ...chunk, embedding: Float32Array.of(1, 0.5) }
    const stored = { ...short, id: (await store.chunks.put(inputOf(short))).id }
    expect((await recallAt10([stored], store)).indexed).toBe(0)
    const chunks = Array.from({ length: 30 }, (_, n) => ({ ...stored, words: `Layer ${n} is warm.` }))
    const embed = async (texts: readonly string[]) => texts.map(() => short.embedding)
    const { told, above } = await showTree(chunks, store, { embed })
    expect(above).toHaveLength(3)
    expect(told).toEqual(above)
  })

  test('refuses an entry that came back altered', async () => {
    const stored = await put('altered', { text: 'Warm above warm.' })
    await expect(readBack('pending', [stored], store)).rejects.toThrow('other than it was put')
  })
})

describe('the verdict', () => {
  const survival = { written: 5, acknowledged: 5, recovered: 5, lost: 0 }
  const enough: Findings = {
    documents: 10,
    chunks: 400,
    questions: 20,
    right: 16,
    recall: { share: 1, searches: 100, indexed: 100 },
    plan: { hasPgvector: true, byIndex: 'Index Scan' },
    stale: { told: ['a', 'b'], above: ['b', 'a'] },
    survivals: { a: survival, b: survival },
    residence: {},
    latencies: {},
  }

  test('is good when everything is just enough', () => {
    expect(shortcomings(enough, true)).toEqual([])
  })

  test.each([
    [{ documents: 9 }, '9 documents, not at least 10'],
    [{ chunks: 399 }, '399 chunks, not at least 400'],
    [{ right: 15 }, '15 questions answered, not at least 16'],
    [{ recall: { ...enough.recall, share: 0.94 } }, 'a search has 0.940 of the ten nearest, not at least 0.95'],
    [{ recall: { ...enough.recall, indexed: 99 } }, '99 searches of 100 went by the HNSW index'],
    [{ plan: { hasPgvector: true, byIndex: undefined } }, 'the plan of a search does not have the HNSW index'],
    [
      { stale: { told: ['a'], above: ['a', 'b'] } },
      'the stale summaries are a, not those above the changed chunk: a, b',
    ],
    [{ survivals: { a: survival, b: { ...survival, lost: 1 } } }, '1 acknowledged entries are lost'],
  ])('names what %j lacks', (change, reason) => {
    expect(shortcomings({ ...enough, ...change }, true)).toEqual([reason])
  })

  test('asks for no index where there is no pgvector', () => {
    const plan = { hasPgvector: false, byIndex: undefined }
    expect(shortcomings({ ...enough, plan, recall: { ...enough.recall, indexed: 0 } }, true)).toEqual([])
  })

  test('asks only for what was acknowledged where the documents are not known', () => {
    expect(shortcomings({ ...enough, documents: 1, chunks: 1, right: 0 }, false)).toEqual([])
  })
})

test('what a child says is understood, and half a line is not', () => {
  expect(parseSaying(sayTry(12))).toEqual({ n: 12, id: undefined })
  expect(parseSaying(sayAcknowledged(12, 'abc'))).toEqual({ n: 12, id: 'abc' })
  for (const cut of [3, 5, 6, 8, 10]) expect(parseSaying(sayAcknowledged(12, 'abc').slice(0, cut))).toBeUndefined()
})

test('percentiles are measured times', async () => {
  const latencies = new Latencies()
  expect(latencies.percentile(0.5)).toBeUndefined()
  for (let i = 0; i < 3; i++) expect(await latencies.time(async () => i)).toBe(i)
  expect(latencies.percentile(0)).toBeLessThanOrEqual(latencies.percentile(0.5)!)
  expect(latencies.percentile(0.5)).toBeLessThanOrEqual(latencies.percentile(1)!)
})

test('unknown text is asked for its own sentences, spread over it', () => {
  const words = (n: number): string => `Short. This sentence of document ${n} is long enough to ask for. More.`
  const chunks = Array.from({ length: 12 }, (_, n) => ({ ...chunk, words: words(n), document: `${n}.md` }))
  const questions = questionsFrom([chunk, ...chunks])
  expect(questions.map(({ document }) => document)).toEqual(['0.md', '2.md', '4.md', '6.md', '8.md'])
  expect(questions[0]?.text).toBe('This sentence of document 0 is long enough to ask for.')
  expect(questionsFrom([chunk])).toEqual([])
})

test('tables align names to the left and numbers to the right', () => {
  const table = textTable([
    ['tier', 'n'],
    ['cold', 12],
    ['pending', 3],
  ])
  expect(table).toBe(['tier       n', '────────────', 'cold      12', 'pending    3'].join('\n'))
})
