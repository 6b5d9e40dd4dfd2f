/**
 * What every driver of the hot tier must do. A driver's own test hands in a factory and is otherwise about what only
 * that driver has. Nothing here knows more of a tier than its contract.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AccessStats } from '../../src/entry/record.ts'
import type { HotTier, HotWrite, HotWriteResult } from '../../src/hot/hot-tier.ts'
import { describeHotAccess } from './hot-access.ts'
import { describeHotExtensions } from './hot-extensions.ts'
import { describeHotGuard } from './hot-guard.ts'
import { describeHotPolicies } from './hot-policies.ts'
import { describeHotReads } from './hot-reads.ts'
import { describeHotRemoval } from './hot-removal.ts'
import { describeHotReservations } from './hot-reservations.ts'
import { describeHotTierProperties } from './hot-tier-properties.ts'
import { keyOf, versionOf, writeOf } from './hot-writes.ts'

export interface OpenedHotTier {
  readonly tier: HotTier
  /** Moves the tier's clock on; undefined where it cannot be moved. */
  readonly advance: ((milliseconds: number) => void) | undefined
  close(): Promise<void>
}

export interface HotTierDriver {
  readonly name: string
  /** Tests that let time pass are declared only where it is true. */
  readonly movesClock: boolean
  /** Random runs per property. */
  readonly runs: number
  /** A new, empty tier. */
  open(options: { readonly markerTtl: number }): Promise<OpenedHotTier>
}

export const MARKER_TTL = 60_000
const A = keyOf(1)

/** A new tier for each test of a group, and what its tests ask of it most. */
export interface FreshHotTier extends Omit<OpenedHotTier, 'close'> {
  put(n: number, version: number, overrides?: Partial<HotWrite>): Promise<HotWriteResult>
  write(one: HotWrite): Promise<HotWriteResult>
  remove(n: number, version: number): Promise<AccessStats | undefined>
  readVersion(n: number): Promise<string | undefined>
}

export function freshHotTier(driver: HotTierDriver): FreshHotTier {
  let opened: OpenedHotTier
  beforeEach(async () => {
    opened = await driver.open({ markerTtl: MARKER_TTL })
  })
  afterEach(() => opened.close())

  const write = async (one: HotWrite) => (await opened.tier.write([one]))[0]!
  return {
    get tier() {
      return opened.tier
    },
    get advance() {
      return opened.advance
    },
    put: (n, version, overrides = {}) => write(writeOf(n, version, { startedAt: opened.tier.now(), ...overrides })),
    write,
    remove: async (n, version) => (await opened.tier.remove([{ key: keyOf(n), version: versionOf(version) }]))[0],
    readVersion: async (n) => (await opened.tier.read([keyOf(n)]))[0]?.version,
  }
}

export function describeHotTier(driver: HotTierDriver): void {
  describe(`hot tier contract: ${driver.name}`, () => {
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
      const other = await driver.open({ markerTtl: MARKER_TTL })
      try {
        expect(on.tier.generationId).not.toBe('')
        expect(on.tier.markerTtl).toBe(MARKER_TTL)
        await put(1, 1)
        expect((await other.tier.read([A]))[0]).toBeUndefined()
      } finally {
        await other.close()
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
