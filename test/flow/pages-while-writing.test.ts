/**
 * Pages of `find` while entries are put, updated, deleted, shipped and demoted, between pages and while one is read:
 * what was there all the time, unchanged, is in them once and in order, whatever the order and wherever it is.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { FindOptions, NamespaceView } from '../../src/index.ts'
import { budget } from '../tools/budget.ts'
import { describePairs, shareStore } from './stores.ts'

const MOST = 40
const KEYS = Array.from({ length: MOST }, (_, i) => `k${i}`)
/** A recursive query of the second passes over the last, which is between it and the third. */
const PLACES = [[], ['a'], ['a', 'b'], ['a-b']] as const
const FIELDS = ['version', 'createdAt', 'updatedAt', 'position', 'text', 'documentId', 'key', 'metadata.n'] as const

const entry = fc.record({
  key: fc.constantFrom(...KEYS),
  place: fc.constantFrom(...PLACES),
  position: fc.option(fc.integer({ min: 0, max: 5 }), { nil: undefined }),
  text: fc.constantFrom('a', 'b', 'ä', 'z'),
  n: fc.constantFrom(undefined, 1, 2.5, 'one', 'two', true),
})
type Given = typeof entry extends fc.Arbitrary<infer T> ? T : never

const change = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.constant('put' as const), entry) },
  { weight: 4, arbitrary: fc.tuple(fc.constant('update' as const), entry) },
  { weight: 3, arbitrary: fc.tuple(fc.constant('delete' as const), entry) },
  { weight: 2, arbitrary: fc.tuple(fc.constantFrom('checkpoint' as const, 'sync' as const, 'demote' as const), entry) },
)
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never

const run = fc.record({
  steady: fc.uniqueArray(entry, { minLength: 1, maxLength: MOST, selector: nameOf }),
  others: fc.uniqueArray(entry, { maxLength: 20, selector: nameOf }),
  /** How many of those that stay are put before all is shipped, and before it leaves hot. */
  shipped: fc.nat(MOST),
  demoted: fc.nat(MOST),
  orderBy: fc.uniqueArray(fc.tuple(fc.constantFrom(...FIELDS), fc.constantFrom('asc' as const, 'desc' as const)), {
    maxLength: 2,
    selector: ([field]) => field,
  }),
  limit: fc.integer({ min: 1, max: 12 }),
  of: fc.constantFrom(PLACES[0], PLACES[1]),
  isRecursive: fc.boolean(),
  between: fc.array(fc.array(change, { maxLength: 6 }), { maxLength: 20 }),
  during: fc.array(fc.array(change, { maxLength: 4 }), { maxLength: 20 }),
})

function nameOf({ place, key }: Given): string {
  return [...place, key].join('/')
}

describePairs('pages of find while others write', (pair) => {
  const { store, view } = shareStore(pair)

  function put(own: NamespaceView, { place, key, text, position, n }: Given, documentId: string) {
    const metadata = n === undefined ? {} : { n }
    return own
      .namespace('x', ...place)
      .chunks.put({ key: `${documentId} ${key}`, text, position, documentId, metadata })
  }

  /** None changes an entry that stays. */
  async function apply(own: NamespaceView, [kind, given]: Change): Promise<void> {
    const { chunks } = own.namespace('x', ...given.place)
    const id = chunks.idOf(`other ${given.key}`)
    if (kind === 'put') await put(own, given, 'other')
    else if (kind === 'delete') await chunks.delete(id)
    else if (kind === 'checkpoint') await store().checkpoint()
    else if (kind === 'sync') await store().sync()
    else if (kind === 'demote') await chunks.demote([id, chunks.idOf(`steady ${given.key}`)])
    else if (await chunks.has(id)) await chunks.upsert({ id, text: given.text, position: given.position })
  }

  test('are what stays, once and in order', async () => {
    const property = fc.asyncProperty(run, async (given) => {
      const own = view()
      for (const some of given.others) await put(own, some, 'other')
      for (const [i, some] of given.steady.entries()) {
        if (i === given.demoted) await store().sync()
        if (i === given.shipped) await store().checkpoint()
        await put(own, some, 'steady')
      }
      const { chunks } = own.namespace('x', ...given.of)
      const orderBy = given.orderBy.map(([field, direction]) => ({ [field]: direction }))
      const options = { recursive: given.isRecursive, ...(orderBy.length > 0 && { orderBy }) } as FindOptions<'chunk'>
      const steady = { ...options, where: { documentId: 'steady' }, limit: 1_000 } as const
      const expected = (await chunks.find(steady)).items.map(({ namespace, id }) => `${namespace} ${id}`)
      const isAsked = ({ place }: { readonly place: readonly string[] }): boolean =>
        given.of.every((segment, i) => place[i] === segment) && (given.isRecursive || place.length === given.of.length)
      expect(expected).toHaveLength(given.steady.filter(isAsked).length)
      const found: string[] = []
      for (let cursor: string | undefined, page = 0; page === 0 || cursor !== undefined; page++) {
        const during = (given.during[page] ?? []).map((one) => apply(own, one))
        const answer = await chunks.find({ ...options, limit: given.limit, ...(cursor && { cursor }) })
        await Promise.all(during)
        for (const { namespace, id, documentId } of answer.items)
          if (documentId === 'steady') found.push(`${namespace} ${id}`)
        for (const one of given.between[page] ?? []) await apply(own, one)
        cursor = answer.nextCursor
      }
      expect(found).toEqual(expected)
    })
    await fc.assert(property, { numRuns: budget({ short: 5, long: 300 }) })
  }, 3_600_000)
})
