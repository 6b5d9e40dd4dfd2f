/** Hybrid search, and the language of a store: declared once, known to every process, kept by an index. */
import { expect, it } from 'vitest'
import { migrateStore } from '../../src/admin/migrate-store.ts'
import { type MemoryStore, openMemoryStore } from '../../src/index.ts'
import { longTest } from '../tools/budget.ts'
import { lendDatabase } from '../tools/lent-database.ts'
import { byHand } from './searched-by-hand.ts'
import { describePairs, embeddedPair, shareStore, temporaryFolder, vectorOf } from './stores.ts'

async function found(store: MemoryStore, text: string): Promise<number> {
  return (await store.chunks.search({ text })).hits.length
}

/** As a table of what Postgres says of the same texts, pending and shipped alike. */
async function answersAsPostgres(store: MemoryStore, language: string): Promise<void> {
  const { chunks } = store.namespace(language)
  const texts = ['He ran and runs', 'running backups of the databases', 'a database was backed up', 'The the of']
  const ids = texts.map((_, n) => chunks.idOf(`k${n}`)).sort()
  await chunks.putMany(ids.map((id, n) => ({ id, text: texts[n]! })))
  const database = await lendDatabase()
  for (const ship of [false, true]) {
    if (ship) await store.checkpoint()
    for (const text of ['run', 'database', '"databases backup"', 'backup -running', 'the', 'running or backed']) {
      const rows = await byHand(database, language, texts, text)
      const { hits } = await chunks.search({ text })
      expect(hits.map(({ entry, score }) => [entry.id, score])).toEqual(
        rows.map((row) => [ids[row.position], row.score]),
      )
    }
  }
  await database.close()
}

describePairs('the language of a store', (pair) => {
  // Its database starts anew with each of eight openings.
  const onPair = pair === embeddedPair ? longTest : it

  onPair('is that of its index: declared once, followed, and changed by migrate alone', async () => {
    const base = await pair.options({ dir: await temporaryFolder() })
    const options = { ...base, dir: base.dir ?? (await temporaryFolder()), inMemory: false }
    const openIn = (language?: string) => openMemoryStore({ ...options, cold: { ...options.cold, language } as object })
    const plain = await openIn()
    await plain.chunks.put({ text: 'Running water' })
    expect([await found(plain, 'run'), await found(plain, 'running')]).toEqual([0, 1])
    await plain.close()
    const english = await openIn('english')
    expect([await found(english, 'run'), await found(english, 'the')]).toEqual([1, 0])
    await answersAsPostgres(english, 'english')
    await english.close()
    const following = await openIn()
    expect(await found(following, 'run')).toBe(1)
    await following.close()
    const refused = { code: 'ERR_INVALID_OPTIONS', details: { option: 'cold.language' } }
    await expect(openIn('german')).rejects.toMatchObject(refused)
    await expect(openIn('klingon')).rejects.toMatchObject(refused)
    await migrateStore({ ...options, cold: { ...options.cold, language: 'german' } as object })
    const german = await openIn('german')
    expect([await found(german, 'run'), await found(german, 'running')]).toEqual([0, 1])
    await german.close()
    await expect(openIn('english')).rejects.toMatchObject(refused)
  })
})

describePairs('search by vector and text', (pair) => {
  const shared = shareStore(pair)

  it('ranks by the sum of both reciprocal ranks, pending and shipped alike', async () => {
    const view = shared.view()
    const words = ['water', 'deep water', 'cold deep water', 'wind']
    await view.chunks.putMany(
      Array.from({ length: 80 }, (_, n) => ({ text: words[n % 4]!.repeat(1 + (n % 3)), embedding: vectorOf(n) })),
    )
    const embedding = vectorOf(200)
    const k = 10
    for (const ship of [false, true]) {
      if (ship) await shared.store().checkpoint()
      const byVector = (await view.chunks.search({ embedding, k: 4 * k })).hits
      const byText = (await view.chunks.search({ text: 'deep or water', k: 4 * k })).hits
      for (const fusion of [{}, { vector: 0.3, text: 2, constant: 10 }]) {
        const { vector = 1, text = 1, constant = 60 } = fusion as { vector?: number; text?: number; constant?: number }
        const scores = new Map<string, number>()
        for (const [i, { entry }] of byVector.entries()) scores.set(entry.id, vector / (constant + i + 1))
        for (const [i, { entry }] of byText.entries())
          scores.set(entry.id, (scores.get(entry.id) ?? 0) + text / (constant + i + 1))
        const expected = [...scores].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).slice(0, k)
        const { hits } = await view.chunks.search({ embedding, text: 'deep or water', k, fusion })
        expect(hits.map(({ entry, score }) => [entry.id, score])).toEqual(expected)
        for (const hit of hits) {
          const inText = byText.findIndex(({ entry }) => entry.id === hit.entry.id)
          expect(hit.text?.rank).toBe(inText < 0 ? undefined : inText + 1)
        }
        const minScore = expected[4]![1]
        const cut = await view.chunks.search({ embedding, text: 'deep or water', k, fusion, minScore })
        expect(cut.hits.every(({ score }) => score >= minScore)).toBe(true)
        expect(cut.hits.length).toBeLessThan(k)
      }
    }
  })

  it.each([
    ['nothing to search by', {}, 'embedding'],
    ['a metric without a vector', { text: 'a', metric: 'l2' }, 'metric'],
    ['fusion of one list', { text: 'a', fusion: {} }, 'fusion'],
    ['an unknown weight', { text: 'a', embedding: [1], fusion: { words: 1 } }, 'fusion'],
    ['a negative weight', { text: 'a', embedding: [1], fusion: { text: -1 } }, 'fusion'],
    ['a text that is none', { text: 5 }, 'text'],
    ['half a surrogate pair', { text: '\ud800' }, 'text'],
    ['a text too long', { text: 'a'.repeat(4_001) }, 'text'],
    ['a score that is none', { text: 'a', minScore: Number.NaN }, 'minScore'],
  ])('refuses %s', async (_, options, field) => {
    const refused = { code: 'ERR_INVALID_QUERY', details: { field } }
    await expect(shared.view().chunks.search(options as never)).rejects.toMatchObject(refused)
  })
})
