/** Search by words: as Postgres itself answers, the same before an entry is shipped and afterwards, on each pair. */
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import type { PgliteClient } from '../../src/cold/pglite/pglite-client.ts'
import type { NamespaceView, SearchResult } from '../../src/index.ts'
import { seeded } from '../../src/testkit/contract/cold-records.ts'
import { budget } from '../tools/budget.ts'
import { lendDatabase } from '../tools/lent-database.ts'
import { byHand } from './searched-by-hand.ts'
import { describePairs, shareStore, vectorOf } from './stores.ts'

const TEXTS = [
  'A thermocline is the layer where warm surface water meets cold deep water.',
  'Warm water expands; the surface of the ocean rises.',
  'Running a database means running its backups.',
  'He runs where the cold wind runs: “über” Straße, naïve café, 日本語 テキスト.',
  'Mail foo.bar@example.com or see https://example.com/a/b?c=d about snake_case_names and foo-bar.',
  'The the of and or.',
  `data:${'aB_1-9xYz/'.repeat(3_000)} water at the end`,
  '<!-- <!-- water in a comment <b class="deep">bold water</b>',
  'deep',
  'Water, water, everywhere, nor any drop to drink. The very deep did rot.',
]

const QUERIES = [
  'water',
  'warm water',
  '"deep water"',
  '"water deep"',
  'water -cold',
  'thermocline or database',
  'run',
  'running',
  'über café',
  'STRASSE straße',
  'foo.bar@example.com',
  'foo-bar',
  'names',
  'the of',
  '',
  '   "',
  '-water',
  '-- -(!-!-'.repeat(40),
  `deep & (water | <->) :* \\ ' !`,
  '日本語',
  'w'.repeat(4_000),
]

const shown = ({ hits }: SearchResult): object[] =>
  hits.map(({ entry, score }) => ({ position: (entry as { position?: number }).position, score }))

describePairs('search by text', (pair) => {
  const shared = shareStore(pair)
  let database: PgliteClient
  beforeAll(async () => {
    database = await lendDatabase()
  })
  afterAll(() => database.close())

  /** Ids in the order of positions, so that ties fall as they do by hand. */
  async function putAll(view: NamespaceView, texts: readonly string[]): Promise<void> {
    const idOf = (n: number) => `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`
    await view.chunks.putMany(texts.map((text, position) => ({ id: idOf(position), text, position })))
  }

  it('answers what Postgres itself answers, pending and shipped alike', async () => {
    const view = shared.view()
    await putAll(view, TEXTS)
    const isPlain = (query: string) => !query.includes('!-')
    const before: object[][] = []
    for (const query of QUERIES) {
      const found = shown(await view.chunks.search({ text: query, k: 100 }))
      before.push(found)
      // The one with long words is what Postgres would look at for seconds.
      const plain = TEXTS.map((text) => (text.startsWith('data:') ? 'water at the end' : text))
      if (!isPlain(query)) continue
      const expected = (await byHand(database, 'simple', plain, query)) as { position: number }[]
      const known = (hits: object[]) => hits.filter((hit) => ![6, 7].includes((hit as { position: number }).position))
      expect(known(found), query).toEqual(known(expected))
    }
    await shared.store().checkpoint()
    for (const [i, query] of QUERIES.entries())
      expect(shown(await view.chunks.search({ text: query, k: 100 })), query).toEqual(before[i])
    expect(before[0]).toHaveLength(5)
  })

  it('fuses what arithmetic says of vectors and Postgres of texts, part of them pending', async () => {
    const view = shared.view()
    const words = ['deep', 'warm', 'cold', 'layer', 'ocean']
    const random = seeded(11)
    const textOf = () => Array.from({ length: 1 + Math.floor(random() * 5) }, () => words[Math.floor(random() * 5)])
    const ids = Array.from({ length: 60 }, (_, n) => view.chunks.idOf(`k${n}`)).sort()
    const texts = ids.map(() => textOf().join(' '))
    await view.chunks.putMany(ids.map((id, n) => ({ id, text: n < 30 ? texts[n]! : 'deep', embedding: vectorOf(n) })))
    await shared.store().checkpoint()
    await view.chunks.putMany(ids.map((id, n) => ({ id, text: texts[n]!, embedding: vectorOf(n) })).slice(30))
    for (const ship of [false, true]) {
      if (ship) await shared.store().checkpoint()
      for (const [nth, text] of ['deep or warm -cold', '"warm deep"', 'layer ocean', 'nothing'].entries()) {
        const question = vectorOf(100 + nth)
        const near = (n: number) => vectorOf(n).reduce((sum, x, i) => sum + x * question[i]!, 0)
        const byVector = ids.map((_, n) => n).sort((a, b) => near(b) - near(a))
        const byText = (await byHand(database, 'simple', texts, text)).map(({ position }) => position)
        const part = (list: readonly number[], n: number) => (list.includes(n) ? 1 / (61 + list.indexOf(n)) : 0)
        const expected = ids
          .map((id, n) => ({ id, score: part(byVector, n) + part(byText, n) }))
          .sort((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1))
        const { hits } = await view.chunks.search({ embedding: question, text, k: 60 })
        expect(hits.map(({ entry, score }) => ({ id: entry.id, score }))).toEqual(expected)
      }
    }
  })

  it('finds what is behind a word of any length, and in summaries', async () => {
    const view = shared.view()
    await view.chunks.put({ text: `${'aB_1-9xYz/'.repeat(3_000)} lighthouse` })
    await view.raptorNodes.put({ level: 1, summary: 'about a lighthouse', children: [] })
    await view.metadata.put({ metadata: { text: 'lighthouse' } })
    for (const ship of [false, true]) {
      if (ship) await shared.store().checkpoint()
      const { hits, exact, partial } = await view.entries.search({ text: 'LightHouse' })
      expect(hits.map(({ entry }) => entry.kind).sort()).toEqual(['chunk', 'raptor'])
      expect({ exact, partial }).toEqual({ exact: true, partial: false })
      expect(hits[0]).toMatchObject({ text: { rank: 1, score: hits[0]!.score } })
      expect((await view.raptorNodes.search({ text: 'lighthouse' })).hits).toHaveLength(1)
    }
  })

  it('lets no text be refused by cold, however many words it has', async () => {
    const view = shared.view()
    const letters = (n: number) => String.fromCodePoint(0x20000 + (n % 42_000))
    const compounds = Array.from(
      { length: 30_000 },
      (_, n) => `${letters(n)}${letters(3 * n)}-${letters(7 * n)}${letters(5 * n)}`,
    )
    await view.chunks.put({ text: compounds.join(' ') })
    await view.chunks.put({ text: `${'word '.repeat(300_000)} beyond` })
    const find = async (text: string) => (await view.chunks.search({ text })).hits.length
    const counts = async () => [await find(compounds[9]!), await find('word'), await find('beyond')]
    expect(await counts()).toEqual([1, 1, 0])
    await shared.store().checkpoint()
    expect(await counts()).toEqual([1, 1, 0])
    expect((await shared.store().stats()).cold?.deadLetters).toBe(0)
  })

  it('answers the newest versions, whichever are pending: of what is gone it finds nothing', async () => {
    const random = seeded(7)
    const words = ['deep', 'warm', 'cold', 'layer', 'ocean']
    const textOf = () =>
      Array.from({ length: 1 + Math.floor(random() * 6) }, () => words[Math.floor(random() * 5)]).join(' ')
    for (let run = 0; run < budget({ short: 2, long: 30 }); run++) {
      const view = shared.view()
      const current = new Map<string, string>()
      for (let step = 0; step < 60; step++) {
        const key = `k${Math.floor(random() * 25)}`
        const id = view.chunks.idOf(key)
        if (random() < 0.2) {
          await view.chunks.deleteByKey(key)
          current.delete(id)
        } else {
          const text = textOf()
          const isFleeting = random() < 0.1
          await view.chunks.put({ key, text, ...(isFleeting && { expiresAt: new Date(shared.clock.now() + 1_000) }) })
          current.set(id, text)
          if (isFleeting) {
            shared.clock.advance(1_000)
            current.delete(id)
          }
        }
        if (step === 30 || random() < 0.05) await shared.store().checkpoint()
      }
      for (const k of [1, 5, 100]) {
        const search = async () =>
          (await view.chunks.search({ text: 'deep or warm -cold', k })).hits.map((hit) => [hit.entry.id, hit.score])
        const ids = [...current.keys()].sort()
        const all = await byHand(
          database,
          'simple',
          ids.map((id) => current.get(id)!),
          'deep or warm -cold',
        )
        const expected = all.slice(0, k).map(({ position, score }) => [ids[position], score])
        expect(await search()).toEqual(expected)
      }
      await shared.store().checkpoint()
      const last = (await view.chunks.search({ text: 'deep or warm -cold', k: 100 })).hits.map(({ entry }) => entry.id)
      expect(new Set(last).size).toBe(last.length)
      for (const id of last) expect(current.has(id)).toBe(true)
    }
  })

  it('goes on where filters leave few, cuts by minScore and counts its hits', async () => {
    const view = shared.view()
    await view.chunks.putMany(
      Array.from({ length: 200 }, (_, n) => ({
        text: `water ${'water '.repeat(n % 7)}`,
        documentId: n % 50 === 0 ? 'rare' : 'frequent',
      })),
    )
    await shared.store().checkpoint()
    const rare = await view.chunks.search({ text: 'water', k: 3, where: { documentId: 'rare' } })
    expect(rare.hits).toHaveLength(3)
    const all = (await view.chunks.search({ text: 'water', k: 200 })).hits
    const minScore = all[50]!.score
    const cut = (await view.chunks.search({ text: 'water', k: 200, minScore })).hits
    expect(cut).toHaveLength(all.filter(({ score }) => score >= minScore).length)
    expect(cut.length).toBeLessThan(200)
    // A query asks cold alone, and what was counted may be in hot by now.
    const reads = async () => (await view.chunks.peek(cut[0]!.entry.id))!.accessCount
    await vi.waitFor(async () => expect(await reads()).toBeGreaterThan(1), { timeout: 20_000 })
  })

  it('never leaves its namespace, whatever that is called', async () => {
    const names = ['a', 'a%', 'a_', "a'b", 'a"b', 'ab', 'ä', 'a{b}', '日本', 'a\\']
    const base = shared.view()
    for (const name of names) {
      await base.namespace(name).chunks.put({ text: `water of ${name}`, documentId: name })
      await base.namespace(name, 'below').chunks.put({ text: 'water below', documentId: `${name} below` })
    }
    for (const ship of [false, true]) {
      if (ship) await shared.store().checkpoint()
      for (const name of names) {
        const documents = async (recursive: boolean) => {
          const { hits } = await base.namespace(name).chunks.search({ text: 'water', recursive, k: 100 })
          return hits.map(({ entry }) => entry.documentId).sort()
        }
        expect(await documents(false)).toEqual([name])
        expect(await documents(true)).toEqual([name, `${name} below`].sort())
      }
    }
  })
})
