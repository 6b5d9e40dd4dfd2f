import { inspect } from 'node:util'
import { DrizzleQueryError } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { coldError, sqlStateOf, unavailable } from '../../src/cold/cold-errors.ts'
import { isRowFault } from '../../src/cold/sql/dead-letters.ts'

const CANARY = 'canary-77ab'

function refusal(code: string): DrizzleQueryError {
  const cause = Object.assign(new Error(`Key (id)=(${CANARY}) exists`), { code, detail: CANARY, constraint: 'pk' })
  return new DrizzleQueryError(`SELECT '${CANARY}'`, [CANARY], cause)
}

describe('errors of the cold tier', () => {
  it.each([
    ['23505', 'ERR_TIER_UNAVAILABLE', true],
    ['22P02', 'ERR_TIER_UNAVAILABLE', true],
    ['54000', 'ERR_TIER_UNAVAILABLE', true],
    ['53100', 'ERR_TIER_UNAVAILABLE', false],
    ['40P01', 'ERR_TIER_UNAVAILABLE', false],
    ['57014', 'ERR_TIER_UNAVAILABLE', false],
    ['42P01', 'ERR_SCHEMA', false],
  ])('tells of SQLSTATE %s with %s, and nothing of the row', (state, code, isRowAtFault) => {
    const error = coldError(refusal(state))
    expect(error.code).toBe(code)
    expect(sqlStateOf(error)).toBe(state)
    expect(isRowFault(error)).toBe(isRowAtFault)
    expect(inspect(error, { depth: 9, showHidden: true }) + JSON.stringify(error)).not.toContain(CANARY)
  })

  it('has no SQLSTATE where no database spoke', () => {
    expect(sqlStateOf(coldError(new Error(CANARY)))).toBeUndefined()
    expect(isRowFault(unavailable('late'))).toBe(false)
    expect(coldError(new Error(CANARY)).message).toBe('the cold tier could not be reached')
  })
})
