/** Nothing older takes the place of what is newer, neither beside it nor after it left. */
import { describe, expect, it } from 'vitest'
import { freshHotTier, type HotTierDriver, MARKER_TTL } from './fresh-hot-tier.ts'
import { keyOf, versionOf, writeOf } from './hot-writes.ts'

const A = keyOf(1)

export function describeHotGuard(driver: HotTierDriver): void {
  const itWithClock = driver.movesClock ? it : () => {}

  describe('writing', () => {
    const on = freshHotTier(driver)
    const { put, write, readVersion } = on

    it('keeps bytes of its own where a payload is a view of a shared buffer', async () => {
      const shared = new Uint8Array(64).fill(7)
      await put(1, 1, { payload: shared.subarray(8, 16) })
      shared.fill(0)
      expect((await on.tier.read([A]))[0]?.content.payload).toHaveLength(8)
      expect((await on.tier.read([A]))[0]?.content.payload[0]).toBe(7)
    })

    it.each(['put', 'repush', 'promotion'] as const)('refuses a %s older than what it holds', async (reason) => {
      await put(1, 5)
      expect(await put(1, 4, { reason })).toEqual({ status: 'refused', floor: versionOf(5) })
      expect(await readVersion(1)).toBe(versionOf(5))
    })

    it.each(['put', 'repush', 'promotion'] as const)('stores a %s that arrives twice once', async (reason) => {
      const one = writeOf(1, 5, { startedAt: on.tier.now(), reason })
      expect(await write(one)).toEqual({ status: 'stored' })
      const size = await on.tier.size()
      expect(await write(one)).toEqual({ status: 'stored' })
      expect(await on.tier.size()).toEqual(size)
    })

    it('takes a batch in order, also where a key is in it twice', async () => {
      const startedAt = on.tier.now()
      const results = await on.tier.write([1, 3, 2].map((version) => writeOf(1, version, { startedAt })))
      expect(results).toEqual([{ status: 'stored' }, { status: 'stored' }, { status: 'refused', floor: versionOf(3) }])
      expect(await readVersion(1)).toBe(versionOf(3))
    })

    it('shadows a value with its tombstone', async () => {
      await put(1, 1)
      await put(1, 2, { deleted: true })
      expect((await on.tier.read([A]))[0]).toMatchObject({ version: versionOf(2), deleted: true })
      expect(await put(1, 1, { reason: 'promotion' })).toEqual({ status: 'refused', floor: versionOf(2) })
    })
  })

  describe('after something left', () => {
    const on = freshHotTier(driver)
    const { put, remove, readVersion } = on

    it.each(['put', 'repush', 'promotion'] as const)('refuses a %s at or below the marker', async (reason) => {
      await put(1, 5)
      await remove(1, 5)
      expect(await put(1, 4, { reason })).toEqual({ status: 'refused', floor: versionOf(5) })
      expect(await put(1, 5, { reason })).toEqual({ status: 'refused', floor: versionOf(5) })
      expect(await readVersion(1)).toBeUndefined()
    })

    it.each(['put', 'repush', 'promotion'] as const)('stores a %s above the marker', async (reason) => {
      await put(1, 5)
      await remove(1, 5)
      expect(await put(1, 6, { reason })).toEqual({ status: 'stored' })
      expect(await readVersion(1)).toBe(versionOf(6))
    })

    it('leaves a marker anew each time', async () => {
      for (const version of [5, 6]) {
        await put(1, version)
        await remove(1, version)
      }
      expect(await put(1, 6, { reason: 'promotion' })).toEqual({ status: 'refused', floor: versionOf(6) })
    })

    it('names a floor above which a put is stored at once, whatever else has left', async () => {
      const numbers = Array.from({ length: 200 }, (_, i) => i + 1)
      const leave = async (from: number, version: number): Promise<void> => {
        const startedAt = on.tier.now()
        const writes = numbers.map((n) => writeOf(from + n, version, { startedAt }))
        await on.tier.write(writes)
        await on.tier.remove(writes)
      }
      await leave(0, 5)
      await leave(1_000, 100)
      const startedAt = on.tier.now()
      const results = await on.tier.write(numbers.map((n) => writeOf(n, 3, { startedAt })))
      const floors = results.map((result) => (result.status === 'refused' ? result.floor : ''))
      const restamped = floors.map((floor) => Number.parseInt(floor.slice(0, 16), 16) + 1)
      const again = await on.tier.write(numbers.map((n, i) => writeOf(n, restamped[i]!, { startedAt })))
      expect(new Set(again.map(({ status }) => status))).toEqual(new Set(['stored']))
    })

    it('lets no floor stand in the way of a re-push or promotion of another key', async () => {
      await put(1, 100)
      await remove(1, 100)
      for (let n = 2; n < 200; n++)
        expect(await put(n, 50, { reason: n % 2 ? 'repush' : 'promotion' })).toEqual({ status: 'stored' })
    })

    it('lets no floor stand in the way of a put over an older value that is still there', async () => {
      await put(2, 10)
      await put(1, 100)
      await remove(1, 100)
      expect(await put(2, 11)).toEqual({ status: 'stored' })
    })

    it('answers a write late after more than half of the marker time', async () => {
      const half = MARKER_TTL / 2
      for (const reason of ['put', 'repush', 'promotion'] as const)
        expect(await put(1, 5, { reason, startedAt: on.tier.now() - half - 1_000 })).toEqual({ status: 'late' })
      expect(await readVersion(1)).toBeUndefined()
      expect(await put(1, 5, { startedAt: on.tier.now() - half + 5_000 })).toEqual({ status: 'stored' })
    })

    it('answers a write late that began for another generation', async () => {
      for (const reason of ['repush', 'promotion'] as const)
        expect(await put(1, 5, { reason, generationId: 'another' })).toEqual({ status: 'late' })
      expect(await readVersion(1)).toBeUndefined()
      expect(await put(1, 5, { reason: 'promotion', generationId: on.tier.generationId })).toEqual({ status: 'stored' })
    })

    itWithClock('forgets the marker after its time, and never the floor', async () => {
      await put(1, 5)
      await remove(1, 5)
      on.advance?.(MARKER_TTL - 1)
      expect(await put(1, 5, { reason: 'promotion' })).toEqual({ status: 'refused', floor: versionOf(5) })
      on.advance?.(1)
      expect(await put(1, 5)).toEqual({ status: 'refused', floor: versionOf(5) })
      expect(await put(1, 5, { reason: 'promotion' })).toEqual({ status: 'stored' })
    })

    itWithClock('never lets in what began before the removal, however late it comes', async () => {
      await put(1, 5)
      const startedAt = on.tier.now()
      await remove(1, 5)
      for (let step = 0; step < 30; step++) {
        on.advance?.(5_000)
        for (const reason of ['put', 'repush', 'promotion'] as const)
          expect((await put(1, 4, { reason, startedAt })).status).not.toBe('stored')
      }
    })
  })
}
