/** What reads answer. */
import { describe, expect, it } from 'vitest'
import { freshHotTier, type HotTierDriver } from './fresh-hot-tier.ts'
import { keyOf, versionOf, writeOf } from './hot-writes.ts'

const A = keyOf(1)
const B = keyOf(2)

export function describeHotReads(driver: HotTierDriver): void {
  describe('reading', () => {
    const on = freshHotTier(driver)
    const { put } = on

    it('answers in order, with undefined for what it lacks', async () => {
      await on.tier.write([writeOf(1, 1, { startedAt: on.tier.now() }), writeOf(3, 3, { startedAt: on.tier.now() })])
      const found = await on.tier.read([keyOf(3), keyOf(2), keyOf(1), keyOf(3)])
      expect(found.map((value) => value?.version)).toEqual([versionOf(3), undefined, versionOf(1), versionOf(3)])
    })

    it('answers every field byte for byte', async () => {
      const payload = Uint8Array.from({ length: 256 }, (_, i) => i)
      await put(1, 1, { payload, expiresAt: 4_000_000_000_000, deleted: true })
      const [found] = await on.tier.read([A])
      expect(found).toMatchObject({ version: versionOf(1), deleted: true, expiresAt: 4_000_000_000_000 })
      expect(Buffer.compare(found!.content.payload, payload)).toBe(0)
    })

    it('measures what it would answer', async () => {
      await put(1, 1, { payload: new Uint8Array(300), expiresAt: 1 })
      await put(2, 2, { payload: new Uint8Array(), deleted: true })
      expect(await on.tier.measure([B, keyOf(3), A, B])).toEqual([
        { version: versionOf(2), deleted: true, expiresAt: null, bytes: 0 },
        undefined,
        { version: versionOf(1), deleted: false, expiresAt: 1, bytes: 300 },
        { version: versionOf(2), deleted: true, expiresAt: null, bytes: 0 },
      ])
      const keys = Array.from({ length: 1_000 }, (_, n) => keyOf(n))
      const measured = await on.tier.measure(keys)
      expect(measured.map((value) => value?.bytes)).toEqual(
        keys.map((_, n) => (n === 1 ? 300 : n === 2 ? 0 : undefined)),
      )
    })

    it('answers expired values and tombstones: callers judge', async () => {
      await put(1, 1, { expiresAt: 1 })
      await put(2, 2, { deleted: true })
      const found = await on.tier.read([A, B])
      expect(found.map((value) => [value?.expiresAt, value?.deleted])).toEqual([
        [1, false],
        [null, true],
      ])
    })

    it('counts no access', async () => {
      await put(1, 1)
      const [first] = await on.tier.read([A])
      expect((await on.tier.read([A]))[0]).toEqual(first)
    })

    it('keeps apart keys that differ only in namespace, whatever characters that has', async () => {
      const namespaces = ['a', 'a/b', 'a:b', '{a}', 'a}b{', 'ä\u{1f30a}', 'a b', '*']
      await on.tier.write(
        namespaces.map((namespace, i) =>
          writeOf(1, i + 1, { startedAt: on.tier.now(), key: { namespace, id: A.id }, payload: Uint8Array.of(i) }),
        ),
      )
      const found = await on.tier.read(namespaces.map((namespace) => ({ namespace, id: A.id })))
      expect(found.map((value) => value?.content.payload[0])).toEqual(namespaces.map((_, i) => i))
    })

    it('does nothing for empty batches', async () => {
      expect(await on.tier.read([])).toEqual([])
      expect(await on.tier.measure([])).toEqual([])
      expect(await on.tier.write([])).toEqual([])
      expect(await on.tier.touch([])).toEqual([])
      expect(await on.tier.remove([])).toEqual([])
      expect(await on.tier.candidates({ limit: 0, idleSince: Number.MAX_SAFE_INTEGER })).toEqual([])
    })
  })
}
