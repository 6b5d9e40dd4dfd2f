/** How the tests of the cold tier's contract open one, and what they share. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll } from 'vitest'
import type { ColdTier } from '../../cold/cold-tier.ts'
import type { NamespaceRules } from '../../entry/namespace-rules.ts'
import type { Precision } from '../../entry/rounded-vector.ts'
import type { Logger } from '../../kernel/logger.ts'
import { silentLogger } from '../../kernel/logger.ts'
import type { Metric } from '../../query/metric.ts'
import { PATIENCE_MS } from './patience.ts'

/** What a tier is opened with. */
export interface ColdTierOpening {
  /** Dimensions and metrics that a vector index is kept for. */
  readonly dimensions: readonly number[]
  readonly metrics: readonly Metric[]
  /** @default all in full */
  readonly precision?: NamespaceRules<Precision>
  readonly logger: Logger
}

/** How a cold tier is opened, and how much is tried on it. */
export interface ColdTierSuite {
  /** A new, empty tier, which shares nothing with any other; the test that asked for it closes it. */
  open(opening: ColdTierOpening): Promise<ColdTier>
  /** Whether it keeps vector indexes. @default true */
  readonly indexesVectors?: boolean | undefined
  /** How many vectors are put into an index and searched there, in hundreds. @default 1_500 */
  readonly indexedVectors?: number | undefined
  /** Random conditions that are tried. @default 100 */
  readonly runs?: number | undefined
  /** Of the random conditions, to see them again: a failure prints it. @default another each time */
  readonly seed?: number | undefined
}

export type ColdTierDriver = Pick<ColdTierSuite, 'open' | 'indexedVectors' | 'seed'> & {
  readonly indexesVectors: boolean
  readonly runs: number
}

/** One tier that the tests of a group, or of several, share, each in a namespace of its own. */
export interface SharedColdTier {
  readonly tier: ColdTier
}

export function shareColdTier(driver: ColdTierDriver, options: Partial<ColdTierOpening> = {}): SharedColdTier {
  let opened: ColdTier | undefined
  beforeAll(async () => {
    opened = await driver.open({ dimensions: [], metrics: [], logger: silentLogger, ...options })
  }, PATIENCE_MS)
  afterAll(() => opened?.close(), PATIENCE_MS)
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
