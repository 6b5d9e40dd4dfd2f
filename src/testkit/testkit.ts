/**
 * Tests for a user's own: what a hot or a cold tier must do. Our own drivers are tested by the same functions. They
 * declare tests of vitest, as files of tests do.
 */
export type { AccessStats } from '../entry/record.ts'
export { describeColdTier } from './contract/cold-tier-contract.ts'
export type { ColdTierOpening, ColdTierSuite } from './contract/fresh-cold-tier.ts'
export type { HotTierOpening, HotTierSuite, OpenedHotTier } from './contract/fresh-hot-tier.ts'
export { describeHotTier } from './contract/hot-tier-contract.ts'
