/**
 * A transaction that is to leave nothing behind, where no session can be told to roll back: an expression that divides
 * by zero makes it fail as a whole. Nothing else in our statements divides, so no row does that by itself.
 */
import { sqlStateOf } from '../cold-errors.ts'

const DIVISION_BY_ZERO = '22012'

/** An expression to select; the database evaluates it after whatever the condition depends on. */
export function rollBackUnless(condition: string): string {
  return `1 / (${condition})::int`
}

/** Whether a statement or a transaction failed by {@link rollBackUnless}. */
export function isRolledBack(error: unknown): boolean {
  return sqlStateOf(error) === DIVISION_BY_ZERO
}
