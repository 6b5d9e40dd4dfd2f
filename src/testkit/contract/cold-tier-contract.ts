/**
 * What every driver of the cold tier must do. A driver's own test hands in a factory and is otherwise about what only
 * that driver has. Nothing here knows more of a tier than its contract.
 */
import { describe } from 'vitest'
import { describeColdAccess } from './cold-access.ts'
import { describeColdCollection } from './cold-collection.ts'
import { describeColdDocuments } from './cold-documents.ts'
import { describeColdErasing } from './cold-erasing.ts'
import { describeColdGenerations } from './cold-generations.ts'
import { describeColdIdempotency } from './cold-idempotency.ts'
import { describeColdNamespaces } from './cold-namespaces.ts'
import { describeColdPins } from './cold-pins.ts'
import { describeColdPrecision } from './cold-precision.ts'
import { describeColdQueries } from './cold-queries.ts'
import { describeColdReads } from './cold-reads.ts'
import { describeColdRefusals } from './cold-refusals.ts'
import { describeColdReplacements } from './cold-replacements.ts'
import { describeColdRetries } from './cold-retries.ts'
import { describeColdSearch } from './cold-search.ts'
import { describeColdShipping } from './cold-shipping.ts'
import { describeColdSliding } from './cold-sliding.ts'
import { describeColdTrees } from './cold-trees.ts'
import { describeColdWhere } from './cold-where.ts'
import { type ColdTierDriver, type ColdTierSuite, shareColdTier } from './fresh-cold-tier.ts'
import { PATIENCE_MS } from './patience.ts'

/**
 * Declares what every cold tier must do as tests of vitest.
 * @param name of the tier, for the titles of tests.
 */
export function describeColdTier(name: string, { indexesVectors = true, runs = 100, ...suite }: ColdTierSuite): void {
  const driver: ColdTierDriver = { ...suite, indexesVectors, runs }
  describe(`cold tier contract: ${name}`, { timeout: PATIENCE_MS }, () => {
    // One for those that look into namespaces of their own alone: opening it takes longer than most tests.
    const shared = shareColdTier(driver)
    describeColdReads(driver, shared)
    describeColdQueries(shared)
    describeColdDocuments(shared)
    describeColdNamespaces(driver)
    describeColdTrees(shared)
    describeColdWhere(driver, shared)
    describeColdShipping(driver)
    describeColdReplacements(driver)
    describeColdIdempotency(shared)
    describeColdRefusals(driver)
    describeColdAccess(shared)
    describeColdSliding(driver, shared)
    describeColdPins(driver)
    describeColdCollection(driver)
    describeColdErasing(driver)
    describeColdRetries(driver)
    describeColdSearch(driver)
    describeColdPrecision(driver)
    describeColdGenerations(driver)
  })
}
