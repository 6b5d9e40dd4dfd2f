/**
 * What every driver of the cold tier must do. A driver's own test hands in a factory and is otherwise about what only
 * that driver has. Nothing here knows more of a tier than its contract.
 */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe } from 'vitest'
import type { ColdTier } from '../../src/cold/cold-tier.ts'
import type { NamespaceRules } from '../../src/entry/namespace-rules.ts'
import type { Precision } from '../../src/entry/rounded-vector.ts'
import type { Logger } from '../../src/kernel/logger.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import type { Metric } from '../../src/query/metric.ts'
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

export interface ColdTierOptions {
  readonly dimensions: readonly number[]
  readonly metrics: readonly Metric[]
  /** @default all in full */
  readonly precision?: NamespaceRules<Precision>
  readonly logger: Logger
}

export interface ColdTierDriver {
  readonly name: string
  /** Whether it keeps vector indexes. */
  readonly indexesVectors: boolean
  /** How many vectors are put into an index and searched there, in hundreds. @default 1_500 */
  readonly indexedVectors?: number
  /** A new, empty tier; whoever opened it closes it. */
  open(options: ColdTierOptions): Promise<ColdTier>
}

/** One tier that the tests of a group, or of several, share, each in a namespace of its own. */
export interface SharedColdTier {
  readonly tier: ColdTier
}

export function describeColdTier(driver: ColdTierDriver): void {
  describe(`cold tier contract: ${driver.name}`, () => {
    // One for those that look into namespaces of their own alone: opening it takes longer than most tests.
    const shared = shareColdTier(driver)
    describeColdReads(driver, shared)
    describeColdQueries(shared)
    describeColdDocuments(shared)
    describeColdNamespaces(driver)
    describeColdTrees(shared)
    describeColdWhere(shared)
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

export function shareColdTier(driver: ColdTierDriver, options: Partial<ColdTierOptions> = {}): SharedColdTier {
  let opened: ColdTier | undefined
  beforeAll(async () => {
    opened = await driver.open({ dimensions: [], metrics: [], logger: silentLogger, ...options })
  })
  afterAll(() => opened?.close())
  return {
    get tier() {
      return opened!
    },
  }
}

export function freshNamespace(): string {
  return `test/${randomUUID()}`
}

/** Keeps what was logged, as the text that a log file would hold. */
export class LogText implements Logger {
  readonly errors: string[] = []
  readonly lines: string[] = []

  debug = (fields: object, message: string): void => void this.#add(fields, message)
  info = (fields: object, message: string): void => void this.#add(fields, message)
  warn = (fields: object, message: string): void => void this.#add(fields, message)
  error = (fields: object, message: string): void => {
    this.errors.push(this.#add(fields, message))
  }

  #add(fields: object, message: string): string {
    const line = JSON.stringify({ ...fields, message })
    this.lines.push(line)
    return line
  }
}
