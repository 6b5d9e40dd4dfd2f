/** Many searches at once answer what each answers by itself. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ManySearchOptions, NamespaceView, SearchResult } from '../../src/index.ts'
import { budget } from '../tools/budget.ts'
import { describeGated } from './gate.ts'
import { shareStore, vectorOf } from './stores.ts'

const WORDS = ['warm', 'cold', 'water', 'ice', 'floats', 'sinks']
const textOf = (n: number): string => WORDS.filter((_, i) => (n >> (i % 4)) % 2 === i % 2).join(' ')

/** What is shipped, what is written anew since, what is pending alone, what is deleted. */
async function fill(view: NamespaceView, checkpoint: () => Promise<unknown>): Promise<void> {
  const chunk = (n: number) => ({ key: `${n}`, text: textOf(n), position: n, embedding: vectorOf(n), documentId: 'd' })
  await view.chunks.putMany(Array.from({ length: 20 }, (_, n) => chunk(n)))
  await view.namespace('below').chunks.put(chunk(3))
  await view.raptorNodes.put({ key: 'node', level: 1, summary: 'warm water', children: [], embedding: vectorOf(99) })
  await checkpoint()
  await view.chunks.putMany([20, 21, 22].map(chunk))
  await view.chunks.putMany([3, 4].map((n) => ({ ...chunk(n), embedding: vectorOf(n + 40) })))
  await view.chunks.deleteByKey('7')
}

const query: fc.Arbitrary<ManySearchOptions> = fc
  .record({
    vector: fc.option(fc.integer({ min: 0, max: 60 }), { nil: undefined }),
    text: fc.option(fc.constantFrom('warm', 'warm water', 'ice or cold', 'water -ice'), { nil: undefined }),
    k: fc.integer({ min: 1, max: 8 }),
    where: fc.constantFrom({}, { position: { gte: 5 } }, { kind: 'raptor' as const }, { accessCount: 0 }),
    recursive: fc.boolean(),
    select: fc.constantFrom(undefined, ['key'] as const),
    mmr: fc.boolean(),
  })
  .map(({ vector, text, mmr, ...rest }) => {
    const common = { ...rest, countAccess: false }
    if (vector === undefined) return { ...common, text: text ?? 'water' }
    return {
      ...common,
      embedding: vectorOf(vector),
      ...(text && { text }),
      ...(mmr && { mmr: {} }),
    } as ManySearchOptions
  })

describeGated('many searches', (tiers) => {
  const { store, view } = shareStore(tiers)

  test('answer what each answers by itself, whatever is pending', async () => {
    const own = view()
    await fill(own, () => store().checkpoint())
    tiers.cold.refuse('ship')
    const property = fc.asyncProperty(fc.array(query, { maxLength: 8 }), async (queries) => {
      const each: SearchResult[] = []
      for (const one of queries) each.push(await own.entries.search(one))
      expect(await own.entries.searchMany(queries)).toEqual(each)
    })
    await fc.assert(property, { numRuns: budget({ short: 5, long: 200 }) })
    tiers.cold.allow()
  })

  test('ask cold once for what each of them asks', async () => {
    const own = view()
    await fill(own, () => store().checkpoint())
    const asked: string[] = []
    tiers.cold.onCall = async (method) => void asked.push(method)
    const queries = [1, 2, 3].map((n) => ({ embedding: vectorOf(n), text: 'water', k: 5 }))
    const [first] = await own.chunks.searchMany(queries)
    expect(first?.hits).toHaveLength(5)
    expect(asked).toEqual(['together'])
    tiers.cold.onCall = async () => {}
  })

  test('count accesses as each does, and are empty where nothing is asked', async () => {
    const { chunks } = view()
    const { id } = await chunks.put({ text: 'water' })
    expect(await chunks.searchMany([])).toEqual([])
    await chunks.searchMany([{ text: 'water' }, { text: 'water' }, { text: 'water', countAccess: false }])
    expect((await chunks.get(id))?.accessCount).toBe(3)
  })

  test('are refused all together, with the index of the query that is at fault', async () => {
    const { chunks } = view()
    const good = { embedding: [1, 0] }
    const refused = async (queries: readonly unknown[], code: string, details: object) =>
      expect(chunks.searchMany(queries as never)).rejects.toMatchObject({ code, details })
    await refused([good, { embedding: [0, 0] }], 'ERR_INVALID_QUERY', { field: 'embedding', index: 1 })
    await refused([good, good, { ...good, where: { colour: 1 } }], 'ERR_INVALID_QUERY', { field: 'colour', index: 2 })
    await refused([{ ...good, timeout: 1 }], 'ERR_INVALID_OPTIONS', { option: 'timeout', index: 0 })
    await refused(Object.assign([], { 1: good }), 'ERR_INVALID_QUERY', { index: 0 })
    await refused(
      Array.from({ length: 11 }, () => ({ ...good, k: 1_000 })),
      'ERR_INVALID_QUERY',
      { field: 'k' },
    )
    await refused(
      Array.from({ length: 101 }, () => good),
      'ERR_INVALID_QUERY',
      { field: 'queries' },
    )
    await refused('x' as never, 'ERR_INVALID_QUERY', { field: 'queries' })
  })
})
