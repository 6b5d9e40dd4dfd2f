/**
 * Validates constraints that a migration added as NOT VALID, which hold only for what is written from then on: to check
 * every row at once would have kept everybody waiting. The older rows are checked here, once, by one scan of the table
 * during which others read and write.
 */
import { sql } from 'drizzle-orm'
import { ThermoclineError } from '../../errors.ts'
import type { ColdDriver } from '../cold-driver.ts'
import { sqlStateOf } from '../cold-errors.ts'

const CHECK_VIOLATION = '23514'
const LOCK_NOT_AVAILABLE = '55P03'
/** Rows of one constraint that an error names. */
const NAMED = 10

interface Constraint {
  readonly name: string
  readonly condition: string
}

/**
 * Returns whether every constraint holds for every row now: false where somebody vacuums the table or builds an index
 * of it, which is not waited for unless `waits`. Rejects with `ERR_SCHEMA` where rows do not meet one; they stay.
 */
export async function validateConstraints(
  driver: ColdDriver,
  { waits }: { readonly waits: boolean },
): Promise<boolean> {
  const constraints = await unvalidated(driver)
  if (constraints.length === 0) return true
  const validations = constraints.map(({ name }) => `VALIDATE CONSTRAINT ${name}`)
  // Locked by a statement of its own, which has no snapshot: the concurrent build of an index waits for older ones.
  const lock = `LOCK TABLE thermocline.memory_entries IN SHARE UPDATE EXCLUSIVE MODE${waits ? '' : ' NOWAIT'}`
  try {
    await driver.build(sql.raw(`${lock};\nALTER TABLE thermocline.memory_entries ${validations.join(', ')}`))
    return true
  } catch (error) {
    if (sqlStateOf(error) === LOCK_NOT_AVAILABLE) return false
    if (sqlStateOf(error) === CHECK_VIOLATION) throw await violated(driver, constraints)
    throw error
  }
}

async function unvalidated(driver: ColdDriver): Promise<Constraint[]> {
  const rows = await driver.query(sql`
    SELECT conname::text AS name, pg_get_expr(conbin, conrelid) AS condition FROM pg_constraint
    WHERE conrelid = 'thermocline.memory_entries'::regclass AND contype = 'c' AND NOT convalidated
      AND conname LIKE 'memory\\_entries\\_%' ORDER BY conname`)
  return rows as unknown as Constraint[]
}

async function violated(driver: ColdDriver, constraints: readonly Constraint[]): Promise<ThermoclineError> {
  const found: string[] = []
  for (const { name, condition } of constraints) {
    const violating = sql`
      SELECT id::text AS id FROM thermocline.memory_entries WHERE NOT (${sql.raw(condition)}) LIMIT ${NAMED}::int8`
    // A large table may take longer than a query may.
    const rows = await driver.query(violating).catch(() => [{ id: `WHERE NOT (${condition})` }])
    if (rows.length > 0) found.push(`${name}: ${rows.map(({ id }) => id).join(', ')}`)
  }
  const message =
    'rows of `thermocline.memory_entries` do not meet constraints that came after them ' +
    `(the first ids of each: ${found.join('; ')}); they are read as before: ` +
    'put or delete these entries, then run `npx thermocline migrate`'
  return new ThermoclineError('ERR_SCHEMA', message, {})
}
