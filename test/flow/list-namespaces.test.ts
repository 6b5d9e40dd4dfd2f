/** Which namespaces there are, how many entries each has, and that deleting all of one leaves the others. */
import { describe, expect, test } from 'vitest'
import type { MemoryStore, NamespaceView } from '../../src/index.ts'
import { describePairs, shareStore } from './stores.ts'

/** In the order in which they are listed. */
const SEGMENTS = [
  "'; --",
  '%',
  '%2F',
  'a',
  'a b',
  'a*c',
  'a-',
  'a/b',
  'a0',
  'aa',
  '{"',
  '\x01',
  '\x7f',
  'é',
  '\uff5e',
  '😀',
]
  .map((segment) => ({ segment, escaped: Buffer.from(segment.replaceAll('%', '%25').replaceAll('/', '%2F')) }))
  .sort((one, other) => Buffer.compare(one.escaped, other.escaped))
  .map(({ segment }) => segment)

type Asked = Parameters<NamespaceView['namespaces']>[0]

/** Below the view, page by page: the path and how many entries. */
async function listed(view: NamespaceView, asked: Asked = {}): Promise<[string, number][]> {
  const found: [string, number][] = []
  const own = view.namespace('x').path.slice(0, -1)
  for (let cursor: string | undefined; ; ) {
    const page = await view.namespaces({ limit: 2, ...asked, ...(cursor && { cursor }) })
    expect(page.items.length).toBeLessThanOrEqual(asked.limit ?? 2)
    for (const { namespace, segments, count } of page.items) {
      expect(view.namespace('x').path.startsWith(`${namespace}/`) || namespace.startsWith(own)).toBe(true)
      found.push([segments.slice(own.split('/').length - 1).join('|'), count])
    }
    if (page.nextCursor === undefined) return found
    cursor = page.nextCursor
  }
}

describePairs('the list of namespaces', (pair) => {
  const { store, view: fresh, clock } = shareStore(pair)
  const everywhere: [string, (store: MemoryStore) => Promise<unknown>][] = [
    ['pending', async () => {}],
    ['cold', (own) => own.sync()],
  ]

  /** `a` 2, `a/b` 1, `a/b/c` 3, `a-b` 1, `d/b` 1, `d/x/b` 1 */
  async function filled(): Promise<NamespaceView> {
    const own = fresh()
    const paths = ['a', 'a', 'a/b', 'a/b/c', 'a/b/c', 'a/b/c', 'a-b', 'd/b', 'd/x/b']
    for (const path of paths) await own.namespace(...path.split('/')).chunks.put({ text: path })
    return own
  }

  describe.each(everywhere)('%s', (_, move) => {
    test('has every name as it is, in order, page by page', async () => {
      const own = fresh()
      for (const segment of SEGMENTS) await own.namespace(segment).chunks.put({ text: segment })
      await own.namespace('a', 'b').metadata.put({ metadata: {} })
      await move(store())
      const expected = SEGMENTS.flatMap((segment) => (segment === 'a' ? ['a', 'a|b'] : [segment]))
      expect(await listed(own)).toEqual(expected.map((name) => [name, 1]))
      for (const segment of SEGMENTS) {
        expect(await listed(own, { prefix: [segment] })).toEqual(
          segment === 'a'
            ? [
                ['a', 1],
                ['a|b', 1],
              ]
            : [[segment, 1]],
        )
        expect(await listed(own, { suffix: [segment] })).toEqual([[segment, 1]])
        expect(await own.namespace(segment).count()).toBe(1)
        expect(await listed(own.namespace(segment))).toHaveLength(segment === 'a' ? 2 : 1)
      }
      expect(await own.count({ recursive: true })).toBe(SEGMENTS.length + 1)
      expect(await own.count()).toBe(0)
    })

    test('by beginning, end and depth', async () => {
      const own = await filled()
      await move(store())
      const all = [
        ['a', 2],
        ['a|b', 1],
        ['a|b|c', 3],
        ['a-b', 1],
        ['d|b', 1],
        ['d|x|b', 1],
      ]
      expect(await listed(own)).toEqual(all)
      expect(await listed(own, { limit: 1 })).toEqual(all)
      expect(await listed(own, { depth: 1 })).toEqual([
        ['a', 6],
        ['a-b', 1],
        ['d', 2],
      ])
      expect(await listed(own, { depth: 1, limit: 1 })).toEqual([
        ['a', 6],
        ['a-b', 1],
        ['d', 2],
      ])
      expect(await listed(own, { depth: 2 })).toEqual([
        ['a', 2],
        ['a|b', 4],
        ['a-b', 1],
        ['d|b', 1],
        ['d|x', 1],
      ])
      expect(await listed(own, { prefix: ['a'] })).toEqual([
        ['a', 2],
        ['a|b', 1],
        ['a|b|c', 3],
      ])
      expect(await listed(own, { suffix: ['b'] })).toEqual([
        ['a|b', 1],
        ['d|b', 1],
        ['d|x|b', 1],
      ])
      expect(await listed(own, { suffix: ['b'], depth: 1 })).toEqual([
        ['a', 1],
        ['d', 2],
      ])
      expect(await listed(own, { prefix: ['*', 'b'], wildcard: '*' })).toEqual([
        ['a|b', 1],
        ['a|b|c', 3],
        ['d|b', 1],
      ])
      expect(await listed(own, { prefix: ['*', 'b'] })).toEqual([])
      expect(await listed(own, { suffix: ['d', '?', 'b'], wildcard: '?' })).toEqual([['d|x|b', 1]])
      expect(await listed(own.namespace('a'), { depth: 1 })).toEqual(
        [
          ['', 2],
          ['b', 4],
        ].map(([name, n]) => [name, n]),
      )
      expect(await own.namespace('a').count({ recursive: true })).toBe(6)
    })
  })

  test('neither what was deleted nor what has expired counts, whichever tier has what', async () => {
    const own = await filled()
    const d = own.namespace('d', 'b')
    const { id } = (await d.entries.find()).items[0]!
    const short = await own.namespace('e').chunks.put({ text: 'short', ttl: '1h' })
    await store().sync()
    await d.chunks.delete(id)
    await own.namespace('a').chunks.put({ text: 'new' })
    const a = (await own.namespace('a', 'b').entries.find()).items[0]!
    await own.namespace('a', 'b').chunks.put({ id: a.id, text: 'the same again' })
    const expected = [
      ['a', 3],
      ['a|b', 1],
      ['a|b|c', 3],
      ['a-b', 1],
      ['d|x|b', 1],
    ]
    expect(await listed(own)).toEqual([...expected, ['e', 1]])
    clock.advance(3_600_000)
    expect(await listed(own)).toEqual(expected)
    expect(await own.namespace('e').count()).toBe(0)
    await store().sync()
    expect(await listed(own)).toEqual(expected)
    expect(await own.namespace('e').chunks.get(short.id)).toBeUndefined()
  })

  test('a cursor is of its query', async () => {
    const own = await filled()
    const { nextCursor: cursor } = await own.namespaces({ limit: 1, prefix: ['a'] })
    const others: [NamespaceView, Asked][] = [
      [own, {}],
      [own, { prefix: ['*'], wildcard: '*' }],
      [own, { prefix: ['a'], depth: 1 }],
      [own, { prefix: ['a'], suffix: ['b'] }],
      [own.namespace('a'), {}],
    ]
    for (const [view, asked] of others)
      await expect(view.namespaces({ ...asked, cursor })).rejects.toMatchObject({
        code: 'ERR_INVALID_QUERY',
        details: { field: 'cursor' },
      })
    expect((await own.namespaces({ limit: 1, prefix: ['a'], cursor })).items[0]).toMatchObject({ count: 1 })
  })

  test('all of a namespace is deleted, of every kind, and nothing else', async () => {
    const own = await filled()
    const a = own.namespace('a')
    await a.blobs.put({ bytes: Buffer.from('a'), contentType: 'text/plain' })
    await store().sync()
    await a.metadata.put({ metadata: {} })
    expect(await a.deleteAll({ dryRun: true })).toEqual({ matched: 4, deleted: 0 })
    expect(await a.deleteAll({ recursive: true, dryRun: true })).toEqual({ matched: 8, deleted: 0 })
    const told: number[] = []
    const onProgress = ({ deleted }: { readonly deleted: number }) => void told.push(deleted)
    expect(await a.deleteAll({ batchSize: 3, onProgress })).toEqual({ matched: 4, deleted: 4 })
    expect(told).toEqual([3, 4])
    expect(await listed(own)).toEqual([
      ['a|b', 1],
      ['a|b|c', 3],
      ['a-b', 1],
      ['d|b', 1],
      ['d|x|b', 1],
    ])
    expect(await a.deleteAll({ recursive: true })).toEqual({ matched: 4, deleted: 4 })
    await store().sync()
    expect(await listed(own)).toEqual([
      ['a-b', 1],
      ['d|b', 1],
      ['d|x|b', 1],
    ])
  })

  test('the root has those of everybody', async () => {
    const own = await filled()
    const prefix = own.namespace('d').path.split('/')
    const items = [{ namespace: own.namespace('d', 'b').path, segments: [...prefix, 'b'], count: 1 }]
    expect(await store().namespaces({ prefix, limit: 1 })).toEqual({ items, nextCursor: expect.any(String) })
    expect((await store().root.namespaces({ prefix, limit: 1 })).items).toEqual(items)
    expect(await store().root.count()).toBe(await store().root.entries.count())
    await expect((store().root as NamespaceView).deleteAll()).rejects.toThrow('`store.namespace(')
  })

  test.each<[object, string]>([
    [{ prefix: 'a' }, 'prefix'],
    [{ prefix: [''] }, 'prefix'],
    [{ suffix: [1] }, 'suffix'],
    [{ depth: 0 }, 'depth'],
    [{ wildcard: 1 }, 'wildcard'],
    [{ limit: 10_001 }, 'limit'],
  ])('%j is refused', async (asked, field) => {
    await expect(store().namespaces(asked)).rejects.toMatchObject({ code: 'ERR_INVALID_QUERY', details: { field } })
  })
})
