/**
 * Brings the schema to the state this version needs, or says what is missing. A journal with an entry that this version
 * does not know is refused before anything is changed: the database is newer than the code, or another program applied
 * migrations of its own. So is one that lacks a migration older than one already applied.
 */
import { sql } from 'drizzle-orm'
import { ThermoclineError } from '../errors.ts'
import type { Logger } from '../kernel/logger.ts'
import type { Metric } from '../query/metric.ts'
import type { ColdDriver } from './cold-driver.ts'
import { sqlStateOf } from './cold-errors.ts'
import { JOURNAL, type Migration, readMigrations } from './migrations.ts'
import { ensureTextIndex } from './sql/text-index.ts'
import type { QualifiedLanguage } from './sql/text-vector.ts'
import {
  createIndex,
  existingIndexes,
  unindexable,
  type VectorIndex,
  type VectorSupport,
  wantedIndexes,
} from './sql/vector-index.ts'

const INSUFFICIENT_PRIVILEGE = '42501'
const NO_SCHEMA = '3F000'

export interface MigrateOptions {
  /**
   * `check` changes nothing and throws `ERR_SCHEMA` where something is missing. `change` puts the declared language in
   * the place of another.
   */
  readonly mode: 'auto' | 'check' | 'change'
  readonly dimensions: readonly number[]
  readonly metrics: readonly Metric[]
  /** In which texts are searched, by index. @default as the database has it */
  readonly language?: string | undefined
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
  return { vectors: await ensureIndexes(driver, options), language: await ensureTextIndex(driver, options) }
}

async function missingMigrations(driver: ColdDriver): Promise<Migration[]> {
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

async function ensureIndexes(driver: ColdDriver, options: MigrateOptions): Promise<VectorSupport> {
  const { mode, dimensions, metrics, logger } = options
  const beyond = unindexable(dimensions)
  if (beyond.length > 0)
    logger.warn(
      { dimensions: beyond },
      'pgvector indexes at most 4 000 dimensions, so every search of these compares all vectors: leave them out of `cold.dimensions`, or shorten the vectors',
    )
  const wanted = wantedIndexes(dimensions, metrics)
  const existing = await existingIndexes(driver)
  const missing = wanted.filter((index) => !existing.some((other) => isSame(index, other)))
  // Exact searches are faster with the extension, so it comes whether or not an index was asked for.
  const schema = await ensureExtension(driver, options)
  if (schema === undefined) return { schema, indexes: [] }
  if (missing.length === 0) return { schema, indexes: existing }
  if (mode === 'check') throw incomplete('vector indexes')
  for (const index of missing) {
    const startedAt = performance.now()
    logger.info({ ...index }, 'building a vector index: this takes as long as it takes')
    await createIndex(driver, schema, index)
    const durationMs = Math.round(performance.now() - startedAt)
    logger.info({ ...index, durationMs }, 'vector index built')
  }
  return { schema, indexes: await existingIndexes(driver) }
}

function isSame(a: VectorIndex, b: VectorIndex): boolean {
  return a.dimension === b.dimension && a.metric === b.metric
}

/**
 * Creates the extension where it can be had; answers its schema if it can be used. A store without it works, only
 * slower.
 */
async function ensureExtension(driver: ColdDriver, { mode, logger }: MigrateOptions): Promise<string | undefined> {
  let found = await findExtension(driver)
  if (found.schema === undefined && found.isAvailable && mode !== 'check') {
    await createExtension(driver)
    found = await findExtension(driver)
  }
  const remedy = remedyOf(found)
  if (remedy === undefined) return found.schema
  logger.warn({ version: found.version }, `${remedy}; until then every search compares all vectors by plain SQL`)
  return undefined
}

async function createExtension(driver: ColdDriver): Promise<void> {
  try {
    await driver.build(sql`CREATE EXTENSION IF NOT EXISTS vector`)
  } catch (error) {
    // A search path that names no schema; our own is as good as any, since nothing here looks along the path.
    if (sqlStateOf(error) === NO_SCHEMA)
      await driver.build(sql`CREATE EXTENSION IF NOT EXISTS vector SCHEMA thermocline`)
    else if (sqlStateOf(error) !== INSUFFICIENT_PRIVILEGE) throw error
  }
}

type Extension = Awaited<ReturnType<typeof findExtension>>

function remedyOf({ schema, version, isAvailable, isPermitted, isRecent }: Extension): string | undefined {
  if (schema === undefined && isAvailable)
    return 'pgvector is not enabled in the cold tier: a superuser enables it by `CREATE EXTENSION vector`'
  if (schema === undefined) return 'pgvector is not available in the cold tier: install it on the server'
  if (!isPermitted)
    return `pgvector in the cold tier may not be used by this role: run \`GRANT USAGE ON SCHEMA "${schema}"\` to it`
  if (!isRecent)
    return `pgvector ${version} in the cold tier is older than 0.8 and not used: upgrade it, then \`ALTER EXTENSION vector UPDATE\``
  return undefined
}

/** In whatever schema it is. Recent: a filtered search goes on until it has enough. */
async function findExtension(driver: ColdDriver) {
  const [row] = await driver.query(sql`
    SELECT n.nspname::text AS schema, e.extversion::text AS version, has_schema_privilege(n.oid, 'USAGE') AS is_permitted,
      EXISTS (SELECT FROM pg_available_extensions WHERE name = 'vector') AS is_available
    FROM (SELECT) AS always
    LEFT JOIN (pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace) ON e.extname = 'vector'`)
  const version = String(row?.version ?? '')
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return {
    schema: (row?.schema ?? undefined) as string | undefined,
    version,
    isAvailable: row?.is_available === true,
    isPermitted: row?.is_permitted === true,
    isRecent: major > 0 || minor >= 8,
  }
}

function incomplete(what: string): ThermoclineError {
  return new ThermoclineError('ERR_SCHEMA', `the cold tier lacks ${what}: run \`npx thermocline migrate\``, {})
}
