/**
 * Tests for a user's own, as functions that declare tests of vitest: what a hot or a cold tier must do, by which our
 * own drivers are tested as well, and what any store must do that has namespaces, or outlives its process.
 */
/** Experimental: it changes with the schema. Hot tiers are of `thermocline`. */
export type { ColdTier } from '../cold/cold-tier.ts'
export { describeColdTier } from './contract/cold-tier-contract.ts'
export type { ColdTierOpening, ColdTierSuite } from './contract/fresh-cold-tier.ts'
export type { HotTierSuite, OpenedHotTier } from './contract/fresh-hot-tier.ts'
export { describeHotTier } from './contract/hot-tier-contract.ts'
export { type CrashSuite, describeCrashSafety } from './crash/crash-safety.ts'
export type { OpenTestedStore } from './crash/crash-task.ts'
export { describeIsolation, type IsolationSuite } from './isolation/isolation.ts'
export type { NamespacePath, StoredValue, TestedStore } from './tested-store.ts'
