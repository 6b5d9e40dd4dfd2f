/**
 * A Postgres without pgvector answers every search as one with it and as the embedded database do: the same hits, in
 * the same order, with the same scores. All of test/flow runs there by `POSTGRES_VARIANT=without-pgvector`.
 */
import fc from 'fast-check'
import { afterAll, beforeAll, expect } from 'vitest'
import type { ManySearchOptions, MemoryStore, NamespaceView, SearchResult, TreeHit } from '../../src/index.ts'
import { budget, longTest } from '../tools/budget.ts'
import { clientOf, PostgresDatabases } from '../tools/services.ts'
import { describeWithServers, embeddedPair, vectorOf } from './stores.ts'

const DIMENSIONS = 8
const METRICS = ['cosine', 'l2', 'inner-product'] as const
const INDEXES = { dimensions: [DIMENSIONS], metrics: METRICS }
const CHUNKS = 160
/** Three stores, of which one compares all by plain SQL. */
const TIMEOUT = { timeout: 1_200_000 }
const WORDS = ['warm', 'cold', 'water', 'ice', 'floats', 'sinks', 'deep']
const textOf = (n: number): string => WORDS.filter((_, i) => (n >> (i % 5)) % 2 === i % 2).join(' ')

const chunkOf = (n: number, seed = n) => ({
  ...{ key: `${n}`, text: textOf(n), position: n, documentId: `d${n % 7}`, metadata: { third: n % 3 === 0 } },
  ...(n % 11 !== 5 && { embedding: vectorOf(seed) }),
})

/** A tree of three levels over the chunks up to 63; each node is where the mean of its children is. */
async function plant({ chunks, raptorNodes }: NamespaceView): Promise<void> {
  let below = Array.from({ length: 64 }, (_, n) => ({ id: chunks.idOf(`${n}`), at: vectorOf(n) }))
  for (let level = 1; level <= 3; level++) {
    const groups = Array.from({ length: below.length / 4 }, (_, i) => below.slice(4 * i, 4 * i + 4))
    const nodes = groups.map((group, i) => ({
      ...{ key: `${level}:${i}`, level, summary: textOf(i + level), children: group.map(({ id }) => id) },
      embedding: vectorOf(0).map((_, d) => group.reduce((sum, { at }) => sum + at[d]!, 0) / group.length),
    }))
    await raptorNodes.putMany(nodes)
    below = nodes.map(({ key, embedding }) => ({ id: raptorNodes.idOf(key), at: embedding }))
  }
}

/** Some are in the index, some in cold beside it, some pending, some written anew since, some gone. */
async function fill(view: NamespaceView, store: MemoryStore): Promise<void> {
  await view.chunks.putMany(Array.from({ length: CHUNKS / 2 }, (_, n) => chunkOf(n)))
  await plant(view)
  await view.namespace('below').chunks.putMany([900, 901].map((n) => chunkOf(n)))
  await view.chunks.putMany([300, 301].map((n) => ({ key: `${n}`, text: 'ice', embedding: vectorOf(n, 3) })))
  await store.sync()
  await view.chunks.putMany(Array.from({ length: CHUNKS / 4 }, (_, n) => chunkOf(CHUNKS / 2 + n)))
  await view.chunks.putMany([1, 2, 3].map((n) => chunkOf(n, 500 + n)))
  await view.chunks.deleteByKey('4')
  await store.checkpoint()
  await view.chunks.putMany(Array.from({ length: CHUNKS / 4 }, (_, n) => chunkOf((CHUNKS * 3) / 4 + n)))
  await view.chunks.putMany([6, 7, CHUNKS / 2].map((n) => chunkOf(n, 600 + n)))
  await view.chunks.deleteByKey('8')
}

const filters = fc.constantFrom<ManySearchOptions['where'][]>(
  undefined,
  { kind: 'chunk' },
  { kind: 'raptor' },
  { documentId: 'd3' },
  { 'metadata.third': true, position: { gte: 20 } },
  { not: { documentId: { in: ['d1', 'd2'] } } },
)

const search: fc.Arbitrary<ManySearchOptions> = fc
  .record({
    vector: fc.option(fc.nat(2_000), { freq: 5 }),
    metric: fc.constantFrom(...METRICS),
    text: fc.option(fc.constantFrom('warm water', 'ice or cold', 'deep -sinks', '"warm cold"', 'nothing')),
    where: filters,
    k: fc.integer({ min: 1, max: 30 }),
    recursive: fc.boolean(),
    mmr: fc.option(fc.constantFrom({}, { lambda: 0.3 }, { lambda: 0.9, fetch: 60 })),
    minScore: fc.option(fc.constantFrom(-0.5, 0.01, 0.4)),
  })
  .map(({ vector, metric, text, where, mmr, minScore, ...rest }) => {
    const common = { ...rest, countAccess: false, ...(where && { where }), ...(minScore !== null && { minScore }) }
    if (vector === null) return { ...common, text: text ?? 'water' }
    const embedding = vectorOf(vector)
    return { ...common, embedding, metric, ...(text && { text }), ...(mmr && { mmr }) } as ManySearchOptions
  })

/** All that an answer says, but how it was found. */
function said({ hits, partial }: SearchResult): object {
  return {
    partial,
    hits: hits.map(({ entry, ...scores }) => [entry.namespace, entry.id, entry.key, scores]),
  }
}
const saidOfTree = (hits: readonly TreeHit[]): object[] =>
  hits.map(({ entry, score, depth }) => [entry.id, entry.key, score, depth])

describeWithServers('searches without pgvector', (servers) => {
  let plain: PostgresDatabases
  let plainUrl: string
  /** The one without it first. */
  const stores: MemoryStore[] = []
  const views = (): NamespaceView[] => stores.map((store) => store.namespace('acme'))
  beforeAll(async () => {
    plain = await PostgresDatabases.start('without-pgvector')
    plainUrl = await plain.create()
    stores.push(
      await servers.openStore({ cold: { url: plainUrl, ...INDEXES }, logger: false }),
      await servers.openStore({ cold: { url: await servers.databases.create(), ...INDEXES } }),
      await embeddedPair.open({ cold: INDEXES }),
    )
    await Promise.all(stores.map((store) => fill(store.namespace('acme'), store)))
  })
  afterAll(async () => {
    for (const store of stores) await store.close()
    await plain[Symbol.asyncDispose]()
  })

  async function expectSame<T>(call: (view: NamespaceView) => Promise<T>): Promise<void> {
    const [first, ...others] = await Promise.all(views().map(call))
    for (const other of others) expect(other).toEqual(first)
  }

  longTest('are without it, and those beside them go by the index', async () => {
    const client = clientOf(plainUrl)
    expect(await client`SELECT FROM pg_extension WHERE extname = 'vector'`).toHaveLength(0)
    await client.end()
    const query = { embedding: vectorOf(7), k: 5 }
    const answers = await Promise.all(views().map((view) => view.chunks.search(query)))
    expect(answers.map(({ exact }) => exact)).toEqual([true, false, false])
    for (const { hits } of answers) expect(hits).toHaveLength(5)
  })

  longTest('answer the same hits in the same order, one by one and many at once', TIMEOUT, async () => {
    const property = fc.asyncProperty(fc.array(search, { minLength: 1, maxLength: 6 }), async (queries) => {
      for (const query of queries) await expectSame(async (view) => said(await view.entries.search(query)))
      await expectSame(async (view) => (await view.entries.searchMany(queries)).map(said))
    })
    await fc.assert(property, { numRuns: budget({ short: 1, long: 100 }) })
  })

  longTest('go down trees the same way, and list them the same', TIMEOUT, async () => {
    const property = fc.asyncProperty(
      fc.record({ seed: fc.nat(2_000), beam: fc.integer({ min: 1, max: 5 }), k: fc.integer({ min: 1, max: 12 }) }),
      fc.constantFrom(...METRICS),
      fc.constantFrom(undefined, ['2:1', '1:5'], ['3:0']),
      async ({ seed, ...options }, metric, keys) => {
        const query = { embedding: vectorOf(seed), metric, countAccess: false, ...options }
        await expectSame(async ({ raptorNodes }) => {
          const from = keys?.map((key) => raptorNodes.idOf(key))
          return saidOfTree(await raptorNodes.searchTree({ ...query, ...(from && { from }) }))
        })
      },
    )
    await fc.assert(property, { numRuns: budget({ short: 1, long: 100 }) })
    await expectSame(async ({ chunks, raptorNodes }) => {
      const [node, chunk] = [raptorNodes.idOf('2:1'), chunks.idOf('17')]
      const lists = [
        await raptorNodes.roots(),
        await raptorNodes.children(node),
        await raptorNodes.parents(chunk),
        await raptorNodes.leaves(node),
        await raptorNodes.ancestors(chunk),
        await raptorNodes.descendants(node),
        await raptorNodes.level(1),
      ]
      const stale = await raptorNodes.staleNodes()
      return [...lists.map(({ items }) => items.map(({ key }) => key)), stale.map(({ entry }) => entry.key)]
    })
  })
})
