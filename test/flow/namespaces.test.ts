import { expect, test } from 'vitest'
import type { MemoryStore } from '../../src/index.ts'
import { describePairs, shareStore, vectorOf } from './stores.ts'

const SEGMENTS = ['acme', 'acme-corp', 'acme/corp', 'acme%2Fcorp', 'ac', 'acme0', 'acmé', 'a*c', "a'; --", '_', '%']

describePairs('namespaces', (pair) => {
  const { store: shared, view: fresh } = shareStore(pair)

  const everywhere: Record<string, (store: MemoryStore) => Promise<unknown>> = {
    pending: async () => {},
    cold: (store) => store.sync(),
  }

  test.each(Object.entries(everywhere))('segments are exact and scopes are never left (%s)', async (_, move) => {
    const tenant = fresh()
    for (const [i, segment] of SEGMENTS.entries()) {
      const view = tenant.namespace(segment)
      await view.chunks.put({ text: segment, key: 'same', embedding: vectorOf(i) })
      await view.namespace('child').chunks.put({ text: `${segment}/child`, embedding: vectorOf(i) })
    }
    await move(shared())
    for (const segment of SEGMENTS) {
      const view = tenant.namespace(segment)
      expect((await view.chunks.getByKey('same'))?.text).toBe(segment)
      expect((await view.chunks.find()).items.map(({ text }) => text)).toEqual([segment])
      expect((await view.chunks.find({ recursive: true })).items.map(({ text }) => text).sort()).toEqual(
        [segment, `${segment}/child`].sort(),
      )
      expect(await view.chunks.count({ recursive: true })).toBe(2)
      const { hits } = await view.chunks.search({ embedding: vectorOf(0), k: 100 })
      expect(hits.map(({ entry }) => entry.text)).toEqual([segment])
    }
    expect(await tenant.chunks.count({ recursive: true })).toBe(2 * SEGMENTS.length)
    expect(await shared().chunks.count({ recursive: true })).toBe(0)
  })

  test('the same id in two namespaces is two entries', async () => {
    const parent = fresh()
    const id = '0191d9a0-0000-7000-8000-000000000000'
    const [a, b] = [parent.namespace('a'), parent.namespace('b')]
    await a.chunks.put({ id, text: 'a' })
    await b.chunks.put({ id, text: 'b' })
    await a.chunks.delete(id)
    await shared().sync()
    expect(await a.chunks.get(id)).toBeUndefined()
    expect((await b.chunks.get(id))?.text).toBe('b')
  })

  test.each([[[]], [['']], [['a\0']], [['\ud800']], [['x'.repeat(513)]]])('%j is refused', (segments) => {
    expect(() => shared().namespace(...segments)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ENTRY' }))
  })
})
