import { describe, expect, test } from 'vitest'
import { describePairs, shareStore } from './stores.ts'

describePairs('promotion', (pair) => {
  describe('after three reads', () => {
    const { clock, store, view } = shareStore(pair, { promote: { minAccesses: 3 } })

    test('counts every read of the entry, whether or not a tier knows of it yet', async () => {
      const { chunks } = view()
      const { id } = await chunks.put({ text: 'x' })
      await store().sync()
      await pair.expireMarkers(clock)
      const isHot = async () => (await chunks.explain(id)).hot !== undefined
      const seen: boolean[] = []
      for (let read = 1; read <= 3; read++) {
        await chunks.get(id)
        await chunks.peek(id)
        seen.push(await isHot())
      }
      expect(seen).toEqual([false, false, true])
    })

    test('counts reads of earlier days', async () => {
      const { chunks } = view()
      const { id } = await chunks.put({ text: 'x' })
      await chunks.get(id)
      await chunks.get(id)
      await store().sync()
      await pair.expireMarkers(clock)
      await chunks.get(id)
      expect((await chunks.explain(id)).hot).toBeDefined()
    })
  })

  describe('switched off', () => {
    const { clock, store, view } = shareStore(pair, { promote: false })

    test('leaves entries in cold', async () => {
      const { chunks } = view()
      const { id } = await chunks.put({ text: 'x' })
      await store().sync()
      await pair.expireMarkers(clock)
      for (let read = 0; read < 5; read++) expect((await chunks.get(id))?.text).toBe('x')
      expect((await chunks.explain(id)).hot).toBeUndefined()
    })
  })
})
