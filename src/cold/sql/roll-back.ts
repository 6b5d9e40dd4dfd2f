/**
 * Makes a transaction fail as a whole on a condition, where no session can be told to roll back: the statement selects
 * an expression that divides by zero. Nothing else in our statements divides, so no row can cause that error.
 */
import { type SQL, sql } from 'drizzle-orm'
import { sqlStateOf } from '../cold-errors.ts'

const DIVISION_BY_ZERO = '22012'

/** An expression to select; the database evaluates it after whatever the condition depends on. */
export function rollBackUnless(condition: SQL): SQL {
  return sql`1 / (${condition})::int`
}

/** Whether a statement or a transaction failed by {@link rollBackUnless}. */
export function isRolledBack(error: unknown): boolean {
  return sqlStateOf(error) === DIVISION_BY_ZERO
}
