import { sql } from 'drizzle-orm'
import { PgDialect } from 'drizzle-orm/pg-core'
import { describe, expect, it } from 'vitest'
import { compileStatement, inOnePiece } from '../../../src/cold/sql/compile-statement.ts'
import { findSql } from '../../../src/cold/sql/find-entries.ts'
import { parseOrder } from '../../../src/query/order.ts'
import { parseWhere } from '../../../src/query/where.ts'

const scope = { namespace: 'acme', recursive: true }
const own = [{ namespace: 'acme', id: '00000000-0000-4000-8000-000000000000', version: 'f'.repeat(24) }]
const find = {
  ...{ scope, now: 0, exclude: own, order: parseOrder('metadata.n') },
  filter: parseWhere({ or: [{ 'metadata.a': { in: ['b', 1] } }, { not: { position: 0.5 } }] }),
}

describe('a statement', () => {
  it.each([
    ['of pieces within pieces', findSql(find, 10)],
    ['of values', sql`SELECT ${'a'}, ${1}, ${null}, ${true}, ${new Uint8Array([1])}, ${undefined} 2`],
    ['of parameters', sql`SELECT ${sql.param(['a', 'b'])}::text[], ${sql.param(null)}, ${sql.param('c')}`],
    ['that is text', sql`SELECT ${sql.raw('1, 2')} ${sql.join([sql`a`, sql`b`], sql`, `)}`],
  ])('%s is what the dialect makes of it', (_, statement) => {
    const { sql: text, params } = new PgDialect().sqlToQuery(statement)
    expect(compileStatement(statement)).toEqual({ sql: text, params })
  })

  it.each([
    ['a list', ['a']],
    ['a name', sql.identifier('a')],
    ['a place', sql.placeholder('a')],
  ])('of %s, which the dialect would make something else of, is refused', (_, piece) =>
    expect(() => compileStatement(sql`SELECT ${piece}`)).toThrow(TypeError),
  )

  it('is no constant piece of others where it has parameters', () => {
    expect(compileStatement(inOnePiece(sql`a, ${sql`b`}`))).toEqual({ sql: 'a, b', params: [] })
    expect(() => inOnePiece(sql`a = ${1}`)).toThrow(TypeError)
  })
})
