/**
 * Decides whether pgvector is used: it must be installed, in whatever schema, permitted to the role, and recent enough.
 */
import { sql } from 'drizzle-orm'
import type { Logger } from '../../kernel/logger.ts'
import type { ColdDriver } from '../cold-driver.ts'
import { INSUFFICIENT_PRIVILEGE, sqlStateOf } from '../cold-errors.ts'

const NO_SCHEMA = '3F000'

/**
 * Creates the extension where it can be had; returns its schema if it can be used. A store without it works, only
 * slower.
 */
export async function ensureExtension(
  driver: ColdDriver,
  { mode, logger }: { readonly mode: 'auto' | 'check' | 'change'; readonly logger: Logger },
): Promise<string | undefined> {
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

/** Says what keeps pgvector from being used, and what to do; undefined where nothing does. */
export async function extensionRemedy(driver: ColdDriver): Promise<string | undefined> {
  return remedyOf(await findExtension(driver))
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
