/** Pins: rows beside entries, which live as long as those do. */
import { describe, expect, it } from 'vitest'
import type { PinLimits } from '../../cold/cold-tier.ts'
import type { EntryKey } from '../../entry/entry-key.ts'
import { chunkOf, FUTURE, keyOf, tombstone } from './cold-records.ts'
import { type ColdTierDriver, freshNamespace, shareColdTier } from './fresh-cold-tier.ts'

const NO_LIMITS = { entries: undefined, bytes: undefined }

export function describeColdPins(driver: ColdTierDriver): void {
  describe('pins', () => {
    const shared = shareColdTier(driver)
    const keysOf = (namespace: string, count: number) => Array.from({ length: count }, (_, n) => keyOf(namespace, n))
    const put = (namespace: string, count: number, version = 1) =>
      shared.tier.upsert(Array.from({ length: count }, (_, n) => chunkOf(namespace, n, version)))
    const pin = (keys: readonly EntryKey[], limits: PinLimits = NO_LIMITS) =>
      shared.tier.pin(
        keys.map((key) => ({ ...key, bytes: 10 })),
        limits,
      )
    const arePinned = (namespace: string, count: number) => shared.tier.arePinned(keysOf(namespace, count))

    it('are all made or none, of entries that live', async () => {
      const namespace = freshNamespace()
      const [first, second, deleted, expired, absent] = keysOf(namespace, 5) as [
        EntryKey,
        EntryKey,
        EntryKey,
        EntryKey,
        EntryKey,
      ]
      await shared.tier.upsert([
        ...[chunkOf(namespace, 0, 1), chunkOf(namespace, 1, 1), tombstone(namespace, 2, 1)],
        chunkOf(namespace, 3, 1, { expiresAt: Date.now() - 1 }),
      ])
      for (const missing of [deleted, expired, absent])
        expect(await pin([first, missing])).toEqual({ status: 'absent', live: [first] })
      expect(await arePinned(namespace, 5)).toEqual([false, false, false, false, false])
      expect(await pin([first])).toEqual({ status: 'pinned', added: [first] })
      expect(await pin([second, first])).toEqual({ status: 'pinned', added: [second] })
      expect(await arePinned(namespace, 3)).toEqual([true, true, false])
      expect(await pin([])).toEqual({ status: 'pinned', added: [] })
    })

    it('go once they are removed, where the entry is of the kind that is asked for', async () => {
      const namespace = freshNamespace()
      await put(namespace, 3)
      const [first, second, third] = keysOf(namespace, 3) as [EntryKey, EntryKey, EntryKey]
      await pin([first, second])
      expect(await shared.tier.unpin([first, second], 'blob')).toEqual([])
      expect(await shared.tier.unpin([first, third], 'chunk')).toEqual([first])
      expect(await shared.tier.unpin([first, second])).toEqual([second])
      expect(await arePinned(namespace, 3)).toEqual([false, false, false])
    })

    it('go with the tombstone of their entry, whatever brings it, and stay with any other version', async () => {
      const namespace = freshNamespace()
      await put(namespace, 3)
      await pin(keysOf(namespace, 3))
      await put(namespace, 3, 2)
      expect(await arePinned(namespace, 3)).toEqual([true, true, true])
      await shared.tier.upsert([
        tombstone(namespace, 0, 3),
        chunkOf(namespace, 1, 3, { expiresAt: Date.now() - 1 }),
        chunkOf(namespace, 2, 3, { expiresAt: FUTURE }),
      ])
      expect(await arePinned(namespace, 3)).toEqual([false, true, true])
      await shared.tier.sweep({ graceMs: FUTURE, limit: 100 })
      expect(await arePinned(namespace, 3)).toEqual([false, false, true])
      await put(namespace, 3, 4)
      expect(await arePinned(namespace, 3)).toEqual([false, false, true])
    })

    it('go with what has expired where it is put anew before a sweep', async () => {
      const namespace = freshNamespace()
      const now = Date.now()
      await shared.tier.upsert([
        chunkOf(namespace, 0, 1, { updatedAt: now, expiresAt: now + 60_000 }),
        chunkOf(namespace, 1, 1, { updatedAt: now, expiresAt: now + 120_000 }),
      ])
      await pin(keysOf(namespace, 2))
      await shared.tier.upsert(
        [0, 1].map((n) => chunkOf(namespace, n, 2, { updatedAt: now + 60_000, expiresAt: FUTURE })),
      )
      expect(await arePinned(namespace, 2)).toEqual([false, true])
    })

    it('are none of what is deleted at the same time, whichever comes first', async () => {
      const namespace = freshNamespace()
      const count = 60
      await put(namespace, count)
      const deletes = Array.from({ length: count }, (_, n) => shared.tier.upsert([tombstone(namespace, n, 2)]))
      const pins = keysOf(namespace, count).map((key) => pin([key]))
      await Promise.all([...deletes, ...pins, shared.tier.unpin(keysOf(namespace, count))])
      expect((await arePinned(namespace, count)).includes(true)).toBe(false)
    })

    it('are made by calls that have them in any order, each by one', async () => {
      const namespace = freshNamespace()
      const keys = keysOf(namespace, 40)
      await put(namespace, 40)
      const calls = Array.from({ length: 6 }, (_, i) => pin(i % 2 === 0 ? keys : [...keys].reverse()))
      const added = (await Promise.all(calls)).flatMap((made) => (made.status === 'pinned' ? made.added : []))
      expect(added.map(({ id }) => id).sort()).toEqual(keys.map(({ id }) => id).sort())
    })

    it('are within their limits', async () => {
      const namespace = freshNamespace()
      await put(namespace, 4)
      const keys = keysOf(namespace, 4)
      const { pinned } = await shared.tier.stats()
      const full = await pin(keys, { entries: pinned + 3, bytes: undefined })
      expect(full).toMatchObject({ status: 'full', entries: pinned })
      const { bytes } = full as { bytes: number }
      expect(await pin(keys, { entries: pinned + 4, bytes: bytes + 39 })).toMatchObject({ status: 'full' })
      expect(await arePinned(namespace, 4)).toEqual([false, false, false, false])
      expect(await pin(keys, { entries: pinned + 4, bytes: bytes + 40 })).toMatchObject({ status: 'pinned' })
      expect(await pin(keys, { entries: 1, bytes: 1 })).toEqual({ status: 'pinned', added: [] })
      expect((await shared.tier.stats()).pinned).toBe(pinned + 4)
    })

    it('are answered in pages', async () => {
      const [one, other] = [freshNamespace(), freshNamespace()].sort() as [string, string]
      await put(one, 5)
      await put(other, 3)
      const keys = [...keysOf(one, 5), ...keysOf(other, 3)]
      await pin(keys)
      const found = []
      let page = await shared.tier.pins(undefined, 3)
      for (; page.length > 0; page = await shared.tier.pins(page.at(-1), 3)) found.push(...page)
      expect(found.filter(({ namespace }) => namespace === one || namespace === other)).toEqual(keys)
    })
  })
}
