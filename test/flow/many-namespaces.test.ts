/** Very many namespaces: every page of every list of them is right, and so is what is asked of one in their midst. */
import { beforeAll, expect, test } from 'vitest'
import type { MemoryStore } from '../../src/index.ts'
import { slices } from '../../src/kernel/slices.ts'
import { budget } from '../tools/budget.ts'
import { describePairs, shareStore } from './stores.ts'

const TENANTS = Math.max(500, Math.round(budget({ short: 1_000, long: 100_000 }) / 2))
const AT_ONCE = 1_000
const PAGE = 700

type Asked = Parameters<MemoryStore['namespaces']>[0]
type Listed = [path: string, count: number]

/** Of each tenant a namespace with two entries, and one below it with one, of one of ten names. */
const ENTRIES: readonly (readonly string[])[] = Array.from({ length: TENANTS }, (_, i) => {
  const tenant = `t${i}`
  return [[tenant], [tenant], [tenant, `talk-${i % 10}`]]
}).flat()

/** By segments, compared by bytes. */
function inOrder(counts: ReadonlyMap<string, number>): Listed[] {
  const paths = [...counts.keys()].map((path) => path.split('/'))
  paths.sort((one, other) => {
    const at = one.findIndex((segment, i) => segment !== other[i])
    if (at < 0) return one.length - other.length
    return other[at] === undefined ? 1 : Buffer.compare(Buffer.from(one[at]!), Buffer.from(other[at]))
  })
  return paths.map((path) => [path.join('/'), counts.get(path.join('/'))!])
}

function expected(isAsked: (segments: readonly string[]) => boolean, depth = 9): Listed[] {
  const counts = new Map<string, number>()
  for (const segments of ENTRIES.filter(isAsked)) {
    const path = segments.slice(0, depth).join('/')
    counts.set(path, (counts.get(path) ?? 0) + 1)
  }
  return inOrder(counts)
}

describePairs('very many namespaces', (pair) => {
  const { store, view } = shareStore(pair)
  let own: ReturnType<typeof view>
  beforeAll(async () => {
    own = view()
    for (const some of slices(ENTRIES, AT_ONCE)) {
      await Promise.all(some.map((segments) => own.namespace(...segments).chunks.put({ text: 'a' })))
      await store().sync()
    }
  }, 1_200_000)

  async function listed(asked: Asked = {}): Promise<Listed[]> {
    const found: Listed[] = []
    const above = own.path.length + 1
    for (let cursor: string | undefined; ; ) {
      const page = await own.namespaces({ limit: PAGE, ...asked, ...(cursor && { cursor }) })
      expect(page.items.length).toBe(page.nextCursor === undefined ? page.items.length : PAGE)
      for (const { namespace, count } of page.items) found.push([namespace.slice(above), count])
      if (page.nextCursor === undefined) return found
      cursor = page.nextCursor
    }
  }

  test.each<[string, Asked, Listed[]]>([
    ['all of them', {}, expected(() => true)],
    ['those of one', { prefix: ['t77'] }, expected(([tenant]) => tenant === 't77')],
    ['those of an end', { suffix: ['talk-3'] }, expected(([, talk]) => talk === 'talk-3')],
    ['to a depth', { depth: 1 }, expected(() => true, 1)],
    ['of an end, to a depth', { suffix: ['talk-3'], depth: 1 }, expected(([, talk]) => talk === 'talk-3', 1)],
    ['below any', { prefix: ['*', '*'], wildcard: '*' }, expected(({ length }) => length === 2)],
    ['of a name below any', { prefix: ['*', 'talk-7'], wildcard: '*' }, expected(([, talk]) => talk === 'talk-7')],
    ['none', { suffix: ['talk-11'] }, []],
  ])(
    'are listed: %s',
    async (_, asked, all) => {
      expect(await listed(asked)).toEqual(all)
    },
    600_000,
  )

  test('are counted, measured and deleted one by one, and all', async () => {
    const tenant = own.namespace('t77')
    expect(await tenant.count()).toBe(2)
    expect(await tenant.count({ recursive: true })).toBe(3)
    expect(await own.count({ recursive: true })).toBe(ENTRIES.length)
    expect(await tenant.stats({ recursive: true })).toMatchObject({ entries: 3, cold: { entries: 3 } })
    expect(await own.namespace('t7').deleteAll()).toEqual({ matched: 2, deleted: 2 })
    expect(await tenant.deleteAll({ recursive: true })).toEqual({ matched: 3, deleted: 3 })
    const isLeft = ([name, talk]: readonly string[]) => name !== 't77' && (name !== 't7' || talk !== undefined)
    expect(await listed()).toEqual(expected(isLeft))
    await store().sync()
    expect(await listed({ depth: 1 })).toEqual(expected(isLeft, 1))
    expect(await own.count({ recursive: true })).toBe(ENTRIES.length - 5)
  }, 600_000)
})
