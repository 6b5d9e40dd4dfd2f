/** Pages of `find` in any order: what is pending and what cold has are one list, also while rows are written. */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ColdTier } from '../../src/cold/cold-tier.ts'
import type { EntryRecord } from '../../src/entry/record.ts'
import { VersionClock } from '../../src/entry/version.ts'
import type { AccessCounter } from '../../src/flow/access-counter.ts'
import { Pending } from '../../src/flow/pending.ts'
import { Searcher } from '../../src/flow/searcher.ts'
import { metadataPath } from '../../src/query/metadata-path.ts'
import { type OrderBy, parseOrder } from '../../src/query/order.ts'
import { sampleRecords } from '../../src/testkit/contract/arbitrary-where.ts'
import { FUTURE, versionOf } from '../../src/testkit/contract/cold-records.ts'
import { openLent } from '../cold/pglite/pglite-template.ts'
import { budget } from '../tools/budget.ts'

let cold: ColdTier
/** One with indexes of the members by which it is ordered. */
let indexed: ColdTier

beforeAll(async () => {
  cold = await openLent()
  indexed = await openLent({ indexes: [['a'], ['b'], ['a.b'], ['a', 'b']] })
})
afterAll(async () => {
  await cold.close()
  await indexed.close()
})

function searcherOver(
  pending: Pending,
  records: readonly EntryRecord[],
  storeId = cold.storeId,
  tier = cold,
): Searcher {
  pending.apply(records.map((value, i) => ({ value, sequence: i + 1, bytes: 1 })))
  const clock = { now: () => FUTURE }
  const access = {} as AccessCounter
  return new Searcher({
    storeId,
    pending,
    cold: tier,
    access,
    versions: new VersionClock(clock),
    clock,
    timeout: 60_000,
  })
}

const FIELDS = [
  'kind',
  'key',
  'version',
  'text',
  'summary',
  'documentId',
  'position',
  'level',
  'createdAt',
  'expiresAt',
]
const PATHS = ['metadata.a', 'metadata.b', metadataPath('a.b'), 'metadata.a.b']
const term = fc.tuple(fc.constantFrom(...FIELDS, ...PATHS), fc.constantFrom('asc' as const, 'desc' as const))

/** The place of an entry by one field: numbers, texts, what has no order, what is absent. */
function rankOf(record: EntryRecord, field: string): [rank: number, value: number | string] {
  const { text, kind } = record
  const seen: Record<string, unknown> = { ...record, text: null, [kind === 'raptor' ? 'summary' : 'text']: text }
  const metadata = new Map<string, unknown>(Object.entries(JSON.parse(record.metadata ?? '{}')))
  const inner = metadata.get('a')
  const isObject = Object.prototype.toString.call(inner) === '[object Object]'
  const byPath: Record<string, unknown> = {
    'metadata.a': inner,
    'metadata.b': metadata.get('b'),
    [metadataPath('a.b')]: metadata.get('a.b'),
    'metadata.a.b': isObject ? new Map(Object.entries(inner as object)).get('b') : undefined,
  }
  const value = field in byPath ? byPath[field] : (seen[field] ?? undefined)
  if (value === undefined) return [3, 0]
  return typeof value === 'number' ? [0, value] : typeof value === 'string' ? [1, value] : [2, 0]
}

function compareBy(terms: readonly (readonly [string, 'asc' | 'desc'])[]) {
  return (a: EntryRecord, b: EntryRecord): number => {
    for (const [field, direction] of terms) {
      const [[rank, value], [otherRank, other]] = [rankOf(a, field), rankOf(b, field)]
      if (rank !== otherRank) return rank - otherRank
      const order =
        typeof value === 'string' ? Buffer.compare(Buffer.from(value), Buffer.from(`${other}`)) : value - +other
      if (order !== 0) return direction === 'desc' ? -order : order
    }
    return a.id < b.id ? -1 : 1
  }
}

describe('pages in an order', () => {
  it.each(['no index', 'indexes'])('are one list of what is pending and what cold has, with %s', async (has) => {
    const namespace = 'order/random'
    const tier = has === 'indexes' ? indexed : cold
    const all = sampleRecords(namespace, 90, 7)
    await tier.upsert(all.slice(0, 60))
    const newer = sampleRecords(namespace, 90, 8).slice(40)
    const own = newer.map((record, n) => ({ ...record, version: versionOf(1_000 + n) }))
    const searcher = searcherOver(new Pending(), own, tier.storeId, tier)
    const expected = [...all.slice(0, 40), ...own]
    const scope = { namespace, recursive: false }
    const property = fc.asyncProperty(
      fc.uniqueArray(term, { minLength: 1, maxLength: 3, selector: ([field]) => field }),
      fc.integer({ min: 7, max: 60 }),
      async (terms, limit) => {
        const order = parseOrder(terms.map(([field, direction]) => ({ [field]: direction })))
        const found: string[] = []
        for (let cursor: string | undefined; ; ) {
          const page = await searcher.find(scope, [], { limit, order, cursor }, {})
          found.push(...page.items.map(({ id }) => id))
          cursor = page.nextCursor
          if (cursor === undefined) break
          expect(page.items).toHaveLength(limit)
        }
        expect(found).toEqual([...expected].sort(compareBy(terms)).map(({ id }) => id))
      },
    )
    await fc.assert(property, { numRuns: budget({ short: 12, long: 200 }) })
  })

  it('miss and repeat nothing that was there all the time, while rows come, go and become durable', async () => {
    const namespace = 'order/written'
    const all = sampleRecords(namespace, 60, 9)
    const pending = new Pending()
    const searcher = searcherOver(pending, all.slice(0, 30))
    await cold.upsert(all.slice(30))
    const found: string[] = []
    const order = parseOrder({ 'metadata.a': 'desc' })
    for (let cursor: string | undefined, page = 0; page === 0 || cursor !== undefined; page++) {
      const answer = await searcher.find({ namespace, recursive: false }, [], { limit: 7, order, cursor }, {})
      found.push(...answer.items.map(({ id }) => id))
      cursor = answer.nextCursor
      const extra = sampleRecords(namespace, 100 + page, page).slice(-1)
      await cold.upsert([...extra, ...all.slice(4 * page, 4 * page + 4)])
    }
    const stayed = found.filter((id) => all.some((record) => record.id === id))
    expect([...stayed].sort()).toEqual(all.map(({ id }) => id))
  })

  it('refuse a cursor of another query, of another store, or one that was changed', async () => {
    const namespace = 'order/random'
    const searcher = searcherOver(new Pending(), [])
    const scope = { namespace, recursive: false }
    const order = parseOrder('version')
    const { nextCursor: cursor } = await searcher.find(scope, [], { limit: 5, order }, {})
    const refusal = expect.objectContaining({ code: 'ERR_INVALID_QUERY', details: { field: 'cursor' } })
    const asked = { limit: 5, order, cursor }
    const changed = Buffer.from(cursor!, 'base64url')
    changed[changed.length - 2]! ^= 1
    await expect(searcher.find(scope, [], asked, {})).resolves.toMatchObject({ items: expect.any(Array) })
    for (const [where, more] of [
      [{ ...scope, namespace: 'order' }, {}],
      [{ ...scope, recursive: true }, {}],
      [scope, { order: [] }],
      [scope, { cursor: changed.toString('base64url') }],
      [scope, { cursor: '' }],
    ] as const)
      await expect(searcher.find(where, [], { ...asked, ...more }, {})).rejects.toEqual(refusal)
    const filter = [{ field: 'level', operator: 'exists' }] as const
    await expect(searcher.find(scope, filter, asked, {})).rejects.toEqual(refusal)
    const elsewhere = searcherOver(new Pending(), [], '00000000-0000-4000-8000-000000000000')
    await expect(elsewhere.find(scope, [], asked, {})).rejects.toEqual(refusal)
  })

  it.each<[unknown]>([['colour'], ['id'], ['children'], ['metadata'], [{}], [null], [{ key: 'up' }], [['key', 5]]])(
    'refuse %j',
    (given) => {
      expect(() => parseOrder(given as OrderBy)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_QUERY' }))
    },
  )
})
