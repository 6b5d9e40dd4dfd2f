/** `store.root`: reads of every namespace, and no entries of its own. */
import { expect, test } from 'vitest'
import type { NamespaceView } from '../../src/repository/namespace-view.ts'
import { describePairs, shareStore, vectorOf } from './stores.ts'

const ID = '0191e4a0-7b1a-7c3e-8f00-112233445566'

describePairs('the root', (pair) => {
  const { store } = shareStore(pair)

  test.each<[string, () => Promise<unknown>]>([
    ['pending', async () => {}],
    ['cold', () => store().sync()],
  ])('reads what every namespace has (%s)', async (documentId, move) => {
    const views = [store(), store().namespace('a'), store().namespace('a', 'b/c')]
    const written: { id: string; namespace: string }[] = []
    for (const [i, view] of views.entries()) {
      const { id, namespace } = await view.chunks.put({ text: `whale ${i}`, documentId, embedding: vectorOf(i) })
      written.push({ id, namespace })
    }
    await move()
    const where = { documentId }
    const { chunks, entries, blobs } = store().root
    expect(await chunks.count({ where })).toBe(3)
    expect(await entries.count({ where, recursive: true })).toBe(3)
    expect(await blobs.count()).toBe(0)
    const first = await chunks.find({ where, limit: 2, select: ['id', 'namespace'] })
    const rest = await chunks.find({ where, limit: 2, select: ['id', 'namespace'], cursor: first.nextCursor! })
    expect([...first.items, ...rest.items].map(({ id, namespace }) => ({ id, namespace }))).toEqual(
      written.toSorted((one, other) => (one.namespace < other.namespace ? -1 : 1)),
    )
    const { hits } = await chunks.search({ embedding: vectorOf(1), text: 'whale', where })
    expect(hits).toHaveLength(3)
    expect(await chunks.updateWhere(where, { text: 'b' })).toMatchObject({ updated: 3 })
    expect(await entries.deleteWhere(where)).toEqual({ matched: 3, deleted: 3 })
    expect(await views[2]!.chunks.get(written[2]!.id)).toBeUndefined()
  })

  test('leads to namespaces', async () => {
    expect(store().root.path).toBe('')
    expect(store().root.namespace('a', 'b').path).toBe('a/b')
  })

  test.each<[string, unknown[]]>([
    ['put', [{ text: 'a' }]],
    ['put', [{ text: 'a', namespace: '' }]],
    ['upsert', [{ text: 'a' }]],
    ['update', [ID, { text: 'a' }]],
    ['putMany', [[{ text: 'a' }]]],
    ['get', [ID]],
    ['getByKey', ['a']],
    ['getManyByKey', [['a']]],
    ['touch', [ID]],
    ['delete', [ID]],
    ['deleteByKey', ['a']],
    ['explain', [ID]],
    ['ofDocument', ['d']],
    ['documents', []],
    ['replaceDocument', ['d', [{ text: 'a' }]]],
    ['deleteDocument', ['d']],
  ])('refuses what is about entries of its own: %s', async (name, args) => {
    const chunks = (store().root as NamespaceView).chunks as unknown as Record<string, (...args: unknown[]) => unknown>
    await expect(chunks[name]!(...args)).rejects.toMatchObject({
      code: 'ERR_INVALID_ENTRY',
      message: expect.stringContaining('`store.namespace('),
      details: { field: 'namespace' },
    })
    expect(await store().root.entries.count()).toBe(0)
  })

  test('cannot be asked for itself alone, and is named where a namespace has no name', async () => {
    await expect(store().root.chunks.find({ recursive: false })).rejects.toMatchObject({
      code: 'ERR_INVALID_QUERY',
      details: { field: 'recursive' },
    })
    expect(() => store().namespace()).toThrow('`store.root`')
  })
})
