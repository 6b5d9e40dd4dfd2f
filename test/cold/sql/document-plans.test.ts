/** A page of documents, or of a document, reads what it answers: asked of the database, over many in one namespace. */
import type { SQL } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { PgliteClient } from '../../../src/cold/pglite/pglite-client.ts'
import { PgliteDriver } from '../../../src/cold/pglite/pglite-driver.ts'
import { findSql } from '../../../src/cold/sql/find-entries.ts'
import { documentsSql } from '../../../src/cold/sql/list-documents.ts'
import { beyond } from '../../../src/flow/document-reader.ts'
import { silentLogger } from '../../../src/kernel/logger.ts'
import { parseWhere, type Where } from '../../../src/query/where.ts'
import { FUTURE, idOf, versionOf } from '../../../src/testkit/contract/cold-records.ts'
import { lendDatabase } from '../../tools/lent-database.ts'
import { rowsReadBy } from './rows-read.ts'

/** 400 documents of 10 chunks, and one of 2 000. */
const ROWS = 6_000
const PAGE = 20
let client: PgliteClient

beforeAll(async () => {
  client = await lendDatabase()
  await client.exec(`
    INSERT INTO thermocline.memory_entries
      (namespace, id, version, kind, text, document_id, position, created_at, updated_at)
    SELECT 'ns', ('00000000-0000-4000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, lpad(to_hex(i), 16, '0') || '0000000a',
      'chunk', 'text', CASE WHEN i <= 4000 THEN 'd' || i % 400 ELSE 'long' END, i, now(), now()
    FROM generate_series(1, ${ROWS}) AS i;
    ANALYZE thermocline.memory_entries`)
})
afterAll(() => client.close())

const rowsRead = (statement: SQL): Promise<number> =>
  rowsReadBy(new PgliteDriver(client, 60_000, silentLogger), statement)

function queryOf(where: Where<'chunk'>) {
  const filter = parseWhere({ kind: 'chunk', ...where } as Where)
  return { scope: { namespace: 'ns', recursive: false }, filter, now: FUTURE, exclude: [] }
}

describe('rows that are read', () => {
  it.each([undefined, 'd1', 'd250'])('for documents after %s are those of the page', async (after) => {
    const query = queryOf({ documentId: { exists: true } })
    const own = [1, 2, 3].map((n) => {
      return { namespace: 'ns', id: idOf(n), version: versionOf(ROWS + n), documentId: 'd300', updatedAt: FUTURE }
    })
    for (const some of [[], own])
      expect(await rowsRead(documentsSql({ ...query, own: some, after }, PAGE))).toBeLessThan(12 * PAGE)
  })

  it('for a page of one document are those of the page, however far it is', async () => {
    const order = [{ field: 'position' as const, isDescending: false }]
    expect(await rowsRead(findSql({ ...queryOf({ documentId: 'long' }), order }, PAGE))).toBeLessThan(3 * PAGE)
    const query = queryOf({ documentId: 'long' })
    const far = { ...query, filter: [...query.filter, ...beyond(5_000, idOf(5_000))], order }
    expect(await rowsRead(findSql(far, PAGE))).toBeLessThan(3 * PAGE)
  })
})
