/**
 * Brings the schema to the state that this version needs, or says what is missing (`cold.migrate`). A database is
 * refused before anything is changed if its journal has an entry that this version does not know (the database is newer
 * than the code, or another program applied migrations of its own), or if it lacks a migration that is older than an
 * applied one. Afterwards pgvector (sql/vector-extension.ts) and declared indexes are created.
 */
import { sql } from 'drizzle-orm'
import type { NamespaceRules } from '../entry/namespace-rules.ts'
import { type Precision, roundsAny } from '../entry/rounded-vector.ts'
import { ThermoclineError } from '../errors.ts'
import type { Logger } from '../kernel/logger.ts'
import type { MetadataPath } from '../query/metadata-path.ts'
import type { Metric } from '../query/metric.ts'
import type { ColdDriver } from './cold-driver.ts'
import { JOURNAL, type Migration, readMigrations } from './migrations.ts'
import { BUILD_LEASE, leaseHolder } from './sql/leases.ts'
import { missingMemberIndexes } from './sql/member-indexes.ts'
import { ensureTextIndex } from './sql/text-index.ts'
import type { QualifiedLanguage } from './sql/text-vector.ts'
import { validateConstraints } from './sql/validate-constraints.ts'
import { ensureExtension } from './sql/vector-extension.ts'
import {
  createIndex,
  existingIndexes,
  unindexable,
  type VectorIndex,
  type VectorSupport,
  wantedIndexes,
} from './sql/vector-index.ts'

export interface MigrateOptions {
  /**
   * `auto` is that of opening. `check` changes nothing and throws `ERR_SCHEMA` where something is missing. `change` is
   * that of `thermocline migrate`: it also puts the declared language in the place of another.
   */
  readonly mode: 'auto' | 'check' | 'change'
  readonly dimensions: readonly number[]
  readonly metrics: readonly Metric[]
  /** In which texts are searched, by index. @default as the database has it */
  readonly language?: string | undefined
  /** Members of metadata to keep indexes of. @default none */
  readonly indexes?: readonly MetadataPath[] | undefined
  /** How exactly embeddings are kept, by namespace. @default in full */
  readonly precision?: NamespaceRules<Precision> | undefined
  readonly logger: Logger
}

/** What searches may use. */
export interface SearchSupport {
  readonly vectors: VectorSupport
  readonly language: QualifiedLanguage
}

export async function migrate(driver: ColdDriver, options: MigrateOptions): Promise<SearchSupport> {
  const missing = await missingMigrations(driver)
  if (missing.length > 0) {
    if (options.mode === 'check') throw incomplete('migrations')
    const startedAt = performance.now()
    const applied = await driver.migrate(missing)
    const durationMs = Math.round(performance.now() - startedAt)
    if (applied.length > 0)
      options.logger.info({ migrations: applied.map(({ name }) => name), durationMs }, 'cold schema migrated')
  }
  await ensureMemberIndexes(driver, options)
  const support = { vectors: await ensureIndexes(driver, options), language: await ensureTextIndex(driver, options) }
  // Who only opens is not kept waiting for that: a sync does it.
  if (options.mode === 'change') await validateConstraints(driver, { waits: true })
  return support
}

/** Rejects with `ERR_SCHEMA` where others were applied than this version knows. */
export async function missingMigrations(driver: ColdDriver): Promise<Migration[]> {
  const known = readMigrations()
  const applied = await appliedMigrations(driver)
  refuseUnknown(applied, known)
  const missing = known.filter(({ hash }) => !applied.some((entry) => entry.hash === hash))
  const newest = Math.max(...applied.map(({ createdAt }) => createdAt))
  if (missing.some(({ createdAt }) => createdAt < newest))
    throw new ThermoclineError(
      'ERR_SCHEMA',
      'a migration older than the newest applied one was never applied to the cold tier: restore a backup from before, or apply the missing file of the `drizzle` folder by hand and add it to `thermocline.migrations`',
      {},
    )
  return missing
}

/** By their text, not their time: an application's own migrations may be of any time. */
function refuseUnknown(applied: readonly JournalEntry[], known: readonly Migration[]): void {
  const unknown = applied.filter(({ hash }) => !known.some((migration) => migration.hash === hash))
  if (unknown.length === 0) return
  const newest = known.at(-1)!.createdAt
  const message = unknown.every(({ createdAt }) => createdAt > newest)
    ? 'the cold tier was migrated by a newer version of thermocline: upgrade this program to that version or a later one'
    : '`thermocline.migrations` holds migrations that are not of thermocline: another program, or a bundle of an older version, applied its own there. Nothing was changed: look what they made, then delete their rows from `thermocline.migrations`'
  throw new ThermoclineError('ERR_SCHEMA', message, {})
}

interface JournalEntry {
  readonly hash: string
  readonly createdAt: number
}

/** None where there is no journal yet. */
async function appliedMigrations(driver: ColdDriver): Promise<JournalEntry[]> {
  const [journal] = await driver.query(sql`SELECT to_regclass(${JOURNAL}) IS NOT NULL AS is_there`)
  if (journal?.is_there !== true) return []
  const rows = await driver.query(sql`SELECT hash, created_at::float8 AS created_at FROM ${sql.raw(JOURNAL)}`)
  return rows.map((row) => ({ hash: String(row.hash), createdAt: Number(row.created_at) }))
}

async function ensureMemberIndexes(driver: ColdDriver, { mode, indexes = [], logger }: MigrateOptions): Promise<void> {
  const missing = await missingMemberIndexes(driver, indexes)
  if (missing.length > 0 && mode === 'check') throw incomplete('indexes of `cold.indexes`')
  for (const { path, type, name, definition } of missing) {
    const startedAt = performance.now()
    logger.info({ path, type }, 'building an index of metadata: this takes as long as it takes')
    await driver.buildIndex({ name, definition })
    const durationMs = Math.round(performance.now() - startedAt)
    logger.info({ path, type, name, durationMs }, 'index of metadata built')
  }
  // The planner knows what an index of an expression holds only from then on. Who builds another index may wait for
  // this transaction, so it must not wait in turn: that process analyzes the table after its own build.
  if (missing.length > 0) await driver.build(sql`ANALYZE (SKIP_LOCKED) thermocline.memory_entries`)
}

async function ensureIndexes(driver: ColdDriver, options: MigrateOptions): Promise<VectorSupport> {
  const { mode, dimensions, logger } = options
  const beyond = unindexable(dimensions)
  if (beyond.length > 0)
    logger.warn(
      { dimensions: beyond },
      'pgvector indexes at most 4 000 dimensions, so every search of these compares all vectors: leave them out of `cold.dimensions`, or shorten the vectors',
    )
  const existing = await existingIndexes(driver)
  const missing = missingVectorIndexes(existing, options)
  // Exact searches are faster with the extension, so it comes whether or not an index was asked for.
  const schema = await ensureExtension(driver, options)
  if (schema === undefined) return { schema, indexes: [] }
  if (missing.length === 0) return { schema, indexes: existing }
  if (mode === 'check') {
    // Whoever builds one anew has dropped it before, and may have built it since.
    const isBeingBuilt = (await leaseHolder(driver, BUILD_LEASE)) !== undefined
    const indexes = await existingIndexes(driver)
    if (isBeingBuilt || missingVectorIndexes(indexes, options).length === 0) return { schema, indexes }
    throw incomplete('vector indexes')
  }
  await buildVectorIndexes(driver, schema, missing, logger)
  return { schema, indexes: await existingIndexes(driver) }
}

/** The signal ends the wait, and not what the database was asked for. */
export async function buildVectorIndexes(
  driver: ColdDriver,
  schema: string,
  indexes: readonly VectorIndex[],
  logger: Logger,
  signal?: AbortSignal,
): Promise<void> {
  for (const index of indexes) {
    const startedAt = performance.now()
    logger.info({ ...index }, 'building a vector index: this takes as long as it takes')
    await createIndex(driver, schema, index, signal)
    const durationMs = Math.round(performance.now() - startedAt)
    logger.info({ ...index, durationMs }, 'vector index built')
  }
}

type Declared = Pick<MigrateOptions, 'dimensions' | 'metrics' | 'precision'>

/** Those that are declared and can be built. */
export function declaredVectorIndexes({ dimensions, metrics, precision = {} }: Declared): VectorIndex[] {
  return wantedIndexes(dimensions, metrics, roundsAny(precision) ? 'any' : 'full')
}

/** Those of them that none of the existing serves for. */
export function missingVectorIndexes(existing: readonly VectorIndex[], declared: Declared): VectorIndex[] {
  return declaredVectorIndexes(declared).filter((index) => !existing.some((other) => serves(other, index)))
}

function serves(index: VectorIndex, wanted: VectorIndex): boolean {
  const { dimension, metric, form } = index
  return dimension === wanted.dimension && metric === wanted.metric && (form === 'any' || form === wanted.form)
}

function incomplete(what: string): ThermoclineError {
  return new ThermoclineError('ERR_SCHEMA', `the cold tier lacks ${what}: run \`npx thermocline migrate\``, {})
}
