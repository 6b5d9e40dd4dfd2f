/** Versions that hot and a log have and that the database refuses: nothing can be compared with them, which is said. */
import { expect, test } from 'vitest'
import { type MemoryStore, openMemoryStore } from '../../src/index.ts'
import { queryServer } from '../fault/edit-database.ts'
import { describeWithServers, type Servers } from '../flow/stores.ts'

const REFUSED = {
  code: 'ERR_TIER_UNAVAILABLE',
  message: expect.stringContaining('thermocline.dead_letters'),
  details: { tier: 'cold', outcome: 'none' },
}

async function withRefusing(servers: Servers, work: (store: MemoryStore) => Promise<void>): Promise<void> {
  const options = await servers.storeOptions()
  await using store = await openMemoryStore(options)
  const { url } = options.cold as { readonly url: string }
  await queryServer(url, `ALTER TABLE thermocline.memory_entries ADD CHECK (text IS DISTINCT FROM 'refused')`)
  await work(store)
}

describeWithServers('a version that the database refuses', (servers) => {
  test('is compared by nobody, and may be written over', () =>
    withRefusing(servers, async ({ chunks }) => {
      const { id, version } = await chunks.put({ key: 'k', text: 'refused' })
      await expect(chunks.update(id, { text: 'better' })).rejects.toMatchObject({ ...REFUSED, details: { id } })
      await expect(chunks.put({ key: 'k', text: 'x' }, { expectedVersion: version })).rejects.toMatchObject(REFUSED)
      expect((await chunks.get(id))?.version).toBe(version)
      await chunks.put({ key: 'k', text: 'better' })
      await chunks.update(id, { position: 1 })
      expect(await chunks.get(id)).toMatchObject({ text: 'better', position: 1 })
    }))

  test('keeps several writes from happening, the others too', () =>
    withRefusing(servers, async (store) => {
      const { chunks } = store
      const { id } = await chunks.put({ key: 'k', text: 'refused' })
      const other = { put: { kind: 'chunk', key: 'other', text: 'other' } } as const
      await expect(store.write([other, { delete: id }], { atomic: true })).rejects.toMatchObject(REFUSED)
      expect(await chunks.getManyByKey(['k', 'other'])).toMatchObject([{ text: 'refused' }, undefined])
    }))

  test('leaves a document as it was where it is new, and goes where it is stale', () =>
    withRefusing(servers, async ({ chunks }) => {
      const texts = async () => (await chunks.ofDocument('d')).items.map(({ text }) => text)
      await chunks.replaceDocument('d', [{ text: 'a' }, { text: 'b' }])
      const replaced = chunks.replaceDocument('d', [{ text: 'c' }, { text: 'refused' }])
      await expect(replaced).rejects.toMatchObject({ code: 'ERR_TIER_UNAVAILABLE', details: { outcome: 'none' } })
      expect(await texts()).toEqual(['a', 'b'])
      await chunks.put({ text: 'refused', documentId: 'd' })
      await chunks.replaceDocument('d', [{ text: 'a' }, { text: 'c' }])
      expect(await texts()).toEqual(['a', 'c'])
    }))
})
