/**
 * Between a namespace and those below it others may stand, as `acme-corp` does between `acme` and `acme/eu`. Whoever
 * reads the namespace and those below it reads no row of these: asked of both databases.
 */
import { type SQL, sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ColdDriver } from '../../../src/cold/cold-driver.ts'
import { countSql, findSql } from '../../../src/cold/sql/find-entries.ts'
import { measureSql } from '../../../src/cold/sql/measure-entries.ts'
import { searchBoth } from '../../../src/cold/sql/search-texts.ts'
import { exactSearch } from '../../../src/cold/sql/search-vectors.ts'
import { snapshotPageSql } from '../../../src/cold/sql/snapshot-page.ts'
import { parseOrder } from '../../../src/query/order.ts'
import { parseWhere } from '../../../src/query/where.ts'
import { FUTURE, idOf } from '../../../src/testkit/contract/cold-records.ts'
import { describePlannedDatabases } from './planned-databases.ts'
import { rowsReadBy } from './rows-read.ts'

const SIBLINGS = 20_000
const OWN = 30
const BELOW = 30
/** Of the scope, in order; those of siblings stand between and around. */
const FILL = `
  INSERT INTO thermocline.memory_entries (namespace, id, version, kind, text, embedding, created_at, updated_at)
  SELECT CASE WHEN i <= ${OWN} THEN 'acme' WHEN i <= ${OWN + BELOW} THEN 'acme/eu'
      ELSE (ARRAY['acme-corp', 'acme inc', 'acme0', 'acme.com'])[i % 4 + 1] END,
    ('00000000-0000-4000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, lpad(to_hex(i), 16, '0') || '0000000a',
    'chunk', 'water and ice', ARRAY[i, 1]::real[], now(), now()
  FROM generate_series(1, ${OWN + BELOW + SIBLINGS}) AS i`

const query = { scope: { namespace: 'acme', recursive: true }, filter: [], now: FUTURE, exclude: [] }
const LANGUAGE = 'pg_catalog.english'
const own = [{ namespace: 'acme', id: idOf(3), version: 'f'.repeat(24), matches: true }]

const STATEMENTS: readonly [name: string, statement: SQL][] = [
  ['find', findSql(query, 50)],
  ['find after one of its own', findSql({ ...query, after: ['acme', idOf(10)] }, 100)],
  ['find after one below it', findSql({ ...query, after: ['acme/eu', idOf(OWN + 3)] }, 100)],
  ['find in another order', findSql({ ...query, order: parseOrder({ createdAt: 'desc' }) }, 100)],
  ['find by a member', findSql({ ...query, order: parseOrder('metadata.n') }, 100)],
  ['find of what has a text', findSql({ ...query, filter: parseWhere({ text: { exists: true } }) }, 100)],
  ['find beside what is pending', findSql({ ...query, exclude: own }, 100)],
  ['count', countSql(query, [])],
  ['count beside what is pending', countSql(query, own)],
  ['search by vector', exactSearch({ ...query, embedding: new Float32Array([1, 1]), metric: 'l2', k: 10 }, undefined)],
  ['search by text', searchBoth(LANGUAGE, { ...query, text: 'ice', k: 10, own: [] }, [])],
  ['measure', measureSql(query, 100)],
  ['measure after one of its own', measureSql({ ...query, after: { namespace: 'acme', id: idOf(10) } }, 100)],
  ['a page of a snapshot', snapshotPageSql(query, undefined)],
]

function describeSiblings(name: string, open: () => Promise<ColdDriver>): void {
  describe(`beside many rows of siblings, ${name}`, () => {
    let driver: ColdDriver
    beforeAll(async () => {
      driver = await open()
      await driver.query(sql.raw(FILL))
    })
    afterAll(() => driver?.close())

    describe.each([
      ['without statistics', 'SELECT'],
      ['with statistics', 'ANALYZE thermocline.memory_entries'],
    ])('%s,', (_, prepare) => {
      beforeAll(() => driver.query(sql.raw(prepare)))

      it.each(STATEMENTS)('%s reads none of them', async (_, statement) => {
        // The hits of a search are fetched by their keys after that, as is what is pending.
        const read = await rowsReadBy(driver, statement)
        expect(read).toBeGreaterThan(0)
        expect(read).toBeLessThanOrEqual(OWN + BELOW + 20)
      })
    })
  })
}

describePlannedDatabases(describeSiblings)
