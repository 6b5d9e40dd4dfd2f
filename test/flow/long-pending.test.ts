/**
 * Queries while more is pending than travels with a query: they answer what a map of all writes answers, and neither
 * find nor search tells cold of what it does not have.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ColdTier } from '../../src/cold/cold-tier.ts'
import type { EntryRecord } from '../../src/entry/record.ts'
import { VersionClock } from '../../src/entry/version.ts'
import type { AccessCounter } from '../../src/flow/access-counter.ts'
import { Pending } from '../../src/flow/pending.ts'
import { Searcher } from '../../src/flow/searcher.ts'
import type { Filter } from '../../src/query/filter.ts'
import { similarity } from '../../src/query/metric.ts'
import { toSearchQuery } from '../../src/query/search-query.ts'
import { chunkOf, FUTURE, seeded, tombstone, vectorOf } from '../../src/testkit/contract/cold-records.ts'
import { openLent } from '../cold/pglite/pglite-template.ts'

const SCOPE = { namespace: 'ns', recursive: false }
const EVEN: Filter = [{ field: 'documentId', operator: 'eq', value: 'even' }]
const random = seeded(5)
let cold: ColdTier
/** Own versions, and keys of own entries, that came with the calls of cold since the last look, by method. */
const travelled: [method: string, versions: number, keys: number][] = []

function entryOf(namespace: string, n: number, version: number): EntryRecord {
  if (random() < 0.2) return tombstone(namespace, n, version)
  const documentId = random() < 0.5 ? 'even' : 'odd'
  return chunkOf(namespace, n, version, { documentId, embedding: vectorOf(4, random) })
}

function searcherOver(records: readonly EntryRecord[]): Searcher {
  const pending = new Pending()
  pending.apply(records.map((value, i) => ({ value, sequence: i + 1, bytes: 1 })))
  const watched = new Proxy(cold, {
    get(tier, name: keyof ColdTier) {
      return (...args: unknown[]) => {
        const [given] = args as [{ exclude?: unknown[]; versionsOf?: unknown[] } | unknown[]]
        if (Array.isArray(given)) travelled.push([name, given.length, 0])
        else travelled.push([name, given.exclude?.length ?? 0, given.versionsOf?.length ?? 0])
        return (tier[name] as (...args: unknown[]) => unknown)(...args)
      }
    },
  })
  const clock = { now: () => FUTURE }
  const versions = new VersionClock(clock)
  const access = { count: () => ({ lastAccessedAt: 0, accessCount: 1 }) } as unknown as AccessCounter
  return new Searcher({ storeId: cold.storeId, pending, cold: watched, access, versions, clock, timeout: 60_000 })
}

/** What holds of each key, in the order of keys. */
function newestOf(...writes: readonly EntryRecord[][]): EntryRecord[] {
  const newest = new Map<string, EntryRecord>()
  for (const record of writes.flat())
    if ((newest.get(record.id)?.version ?? '') < record.version) newest.set(record.id, record)
  const live = [...newest.values()].filter(({ deletedAt }) => deletedAt === null)
  return live.sort((a, b) => (a.id < b.id ? -1 : 1))
}

describe('with a long pending', () => {
  beforeAll(async () => {
    cold = await openLent()
  })
  afterAll(async () => {
    await cold.close()
  })

  // Keys of cold end where those of pending begin, overlap, or are the same.
  it.each([
    ['that is all new', 1_000],
    ['that replaces some, and was overtaken in part', 500],
    ['that replaces all, and was overtaken in part', 0],
  ])('%s', async (name, from) => {
    const namespace = `long/${name}`
    const scope = { ...SCOPE, namespace }
    const versions = (n: number) => 1 + Math.floor(random() * 100) + n
    const stored = Array.from({ length: 1_000 }, (_, n) => entryOf(namespace, n, 2 * versions(n)))
    const own = Array.from({ length: 1_000 }, (_, n) => entryOf(namespace, from + n, 2 * versions(n) + 1))
    await cold.upsert(stored)
    const searcher = searcherOver(own)
    const all = newestOf(stored, own)
    for (const filter of [[], EVEN]) {
      const expected = all.filter(({ documentId }) => filter.length === 0 || documentId === 'even')
      const text = (records: readonly EntryRecord[]) => records.map(({ id, version }) => `${id} ${version}`)
      for (const limit of [1, 100, 5_000]) {
        const { items } = await searcher.find(scope, filter, { limit }, {})
        expect(items.map(({ id, version }) => `${id} ${version}`)).toEqual(text(expected.slice(0, limit)))
      }
      expect(await searcher.count(scope, filter, {})).toBe(expected.length)
      const embedding = vectorOf(4, random)
      const score = ({ embedding: other }: EntryRecord) => similarity('cosine', embedding, other!)
      const nearest = [...expected].sort((a, b) => score(b) - score(a))
      for (const k of [1, 20]) {
        const { hits } = await searcher.search(scope, filter, toSearchQuery({ embedding, k }), {})
        expect(hits.map(({ entry }) => entry.id)).toEqual(nearest.slice(0, k).map(({ id }) => id))
      }
    }
  })

  it('tells cold of few more own versions than it answers, where cold has none of them', async () => {
    const searcher = searcherOver(Array.from({ length: 5_000 }, (_, n) => entryOf('new', n, n + 1)))
    const scope = { namespace: 'new', recursive: true }
    travelled.length = 0
    await searcher.find(scope, [], { limit: 10 }, {})
    await searcher.search(scope, [], toSearchQuery({ embedding: vectorOf(4, random), k: 10, metric: 'l2' }), {})
    expect(travelled).toEqual([
      ['find', 0, 11],
      ['search', 0, 10],
    ])
  })
})
