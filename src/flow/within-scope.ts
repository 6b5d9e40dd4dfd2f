/**
 * Looks at the scope once more on what a tier answered: no query may ever show another namespace's entries (rule R6 of
 * flow/README.md).
 */
import type { ColdRow } from '../cold/cold-tier.ts'
import { ThermoclineError } from '../errors.ts'
import { isWithin, type Scope } from '../query/scope.ts'

/** Returns the rows, or throws `ERR_TIER_UNAVAILABLE` where one is of another namespace. */
export function withinScope<R extends readonly (ColdRow | undefined)[]>({ namespace, recursive }: Scope, rows: R): R {
  if (rows.every((row) => row === undefined || isWithin(row.record.namespace, namespace, recursive))) return rows
  const message = 'cold answered with an entry of another namespace'
  throw new ThermoclineError('ERR_TIER_UNAVAILABLE', message, { tier: 'cold' })
}
