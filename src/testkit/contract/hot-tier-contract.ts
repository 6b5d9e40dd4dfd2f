/**
 * What every driver of the hot tier must do. A driver's own test hands in a factory and is otherwise about what only
 * that driver has. Nothing here knows more of a tier than its contract.
 */
import { describe, expect, it } from 'vitest'
import { freshHotTier, type HotTierDriver, type HotTierSuite, MARKER_TTL, openNew } from './fresh-hot-tier.ts'
import { describeHotAccess } from './hot-access.ts'
import { describeHotExtensions } from './hot-extensions.ts'
import { describeHotGuard } from './hot-guard.ts'
import { describeHotPolicies } from './hot-policies.ts'
import { describeHotReads } from './hot-reading.ts'
import { describeHotRemoval } from './hot-removal.ts'
import { describeHotReservations } from './hot-reservations.ts'
import { describeHotTierProperties } from './hot-tier-properties.ts'
import { keyOf, versionOf, writeOf } from './hot-writes.ts'
import { PATIENCE_MS } from './patience.ts'

const A = keyOf(1)

/**
 * Declares what every hot tier must do as tests of vitest.
 * @param name of the tier, for the titles of tests.
 */
export function describeHotTier(name: string, { open, seed, movesClock = false, runs = 60 }: HotTierSuite): void {
  const driver: HotTierDriver = { open, seed, movesClock, runs }
  describe(`hot tier contract: ${name}`, { timeout: PATIENCE_MS }, () => {
    describeHotReads(driver)
    describeHotGuard(driver)
    describeHotRemoval(driver)
    describeHotExtensions(driver)
    describeHotReservations(driver)
    describeHotAccess(driver)
    describeHotPolicies(driver)
    describeHotLife(driver)
    describeHotTierProperties(driver)
  })
}

function describeHotLife(driver: HotTierDriver): void {
  describe('as a whole', () => {
    const on = freshHotTier(driver)
    const { put, remove } = on

    it('knows its size exactly', async () => {
      expect(await on.tier.size()).toEqual({ entries: 0, bytes: 0 })
      await put(1, 1, { payload: new Uint8Array(100) })
      await put(2, 2, { payload: new Uint8Array(50) })
      expect(await on.tier.size()).toEqual({ entries: 2, bytes: 150 })
      await put(1, 3, { payload: new Uint8Array(10) })
      expect(await on.tier.size()).toEqual({ entries: 2, bytes: 60 })
      await remove(2, 2)
      expect(await on.tier.size()).toEqual({ entries: 1, bytes: 10 })
    })

    it('has one generation while it lives, and another tier has another', async () => {
      const other = await openNew(driver)
      try {
        expect(on.tier.generationId).not.toBe('')
        expect(on.tier.markerTtl).toBe(MARKER_TTL)
        await put(1, 1)
        expect((await other.tier.read([A]))[0]).toBeUndefined()
      } finally {
        await other.tier.close()
      }
    })

    it('closes once and refuses calls from then on', async () => {
      await on.tier.close()
      await on.tier.close()
      const closed = expect.objectContaining({ code: 'ERR_CLOSED' })
      await expect(on.tier.read([A])).rejects.toEqual(closed)
      await expect(on.tier.write([writeOf(1, 1, { startedAt: 0 })])).rejects.toEqual(closed)
      await expect(on.tier.touch([{ key: A, accesses: 1, lastAccessedAt: 1 }])).rejects.toEqual(closed)
      await expect(on.tier.candidates({ limit: 1, idleSince: 1 })).rejects.toEqual(closed)
      await expect(on.tier.remove([{ key: A, version: versionOf(1) }])).rejects.toEqual(closed)
      await expect(on.tier.size()).rejects.toEqual(closed)
    })
  })
}
