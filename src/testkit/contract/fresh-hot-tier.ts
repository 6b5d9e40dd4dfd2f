/** How the tests of the hot tier's contract open one, and what they ask of it most. */
import { afterEach, beforeEach } from 'vitest'
import type { AccessStats } from '../../entry/record.ts'
import { HotContent } from '../../hot/hot-content.ts'
import type { HotTier, HotTierOpening, HotWrite, HotWriteResult } from '../../hot/hot-tier.ts'
import { keyOf, versionOf, writeOf } from './hot-writes.ts'
import { PATIENCE_MS } from './patience.ts'

export interface OpenedHotTier {
  /** It is closed by the test that asked for it. */
  readonly tier: HotTier
  /** Moves the tier's own clock on, where that can be done. */
  readonly advance?: ((milliseconds: number) => void) | undefined
}

/** How a hot tier is opened, and how much is tried on it. */
export interface HotTierSuite {
  /** A new, empty tier, which shares nothing with any other. */
  open(opening: HotTierOpening): Promise<OpenedHotTier>
  /** Tests that let time pass are declared only where it is true. @default false */
  readonly movesClock?: boolean | undefined
  /** Random runs per property. @default 60 */
  readonly runs?: number | undefined
  /** Of the random runs, to see one again: a failure prints it. @default another each time */
  readonly seed?: number | undefined
}

export type HotTierDriver = Pick<HotTierSuite, 'open' | 'seed'> & {
  readonly movesClock: boolean
  readonly runs: number
}

/** Longer than any run, where the clock cannot be moved. */
export const MARKER_TTL = 60_000
export const ACTIVATION_HALF_LIFE = 60_000
const OPENING: HotTierOpening = {
  markerTtl: MARKER_TTL,
  generationNumber: undefined,
  activationHalfLife: ACTIVATION_HALF_LIFE,
  contentOf: (payload) => new HotContent(payload),
}

/** A new tier for each test of a group, and what its tests ask of it most. */
export interface FreshHotTier extends OpenedHotTier {
  put(n: number, version: number, overrides?: Partial<HotWrite>): Promise<HotWriteResult>
  write(one: HotWrite): Promise<HotWriteResult>
  remove(n: number, version: number): Promise<AccessStats | undefined>
  readVersion(n: number): Promise<string | undefined>
}

export function openNew(driver: HotTierDriver): Promise<OpenedHotTier> {
  return driver.open(OPENING)
}

export function freshHotTier(driver: HotTierDriver): FreshHotTier {
  let opened: OpenedHotTier
  beforeEach(async () => {
    opened = await openNew(driver)
  }, PATIENCE_MS)
  afterEach(() => opened.tier.close(), PATIENCE_MS)

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
