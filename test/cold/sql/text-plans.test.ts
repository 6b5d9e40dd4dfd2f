/** A search by words reads what has them, through the index of texts: asked of both databases, beside many texts. */
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ColdDriver } from '../../../src/cold/cold-driver.ts'
import type { ColdTextSearch } from '../../../src/cold/cold-tier.ts'
import { searchBoth } from '../../../src/cold/sql/search-texts.ts'
import { ensureTextIndex, languageOf } from '../../../src/cold/sql/text-index.ts'
import type { QualifiedLanguage } from '../../../src/cold/sql/text-vector.ts'
import { silentLogger } from '../../../src/kernel/logger.ts'
import { FUTURE, idOf, versionOf } from '../../../src/testkit/contract/cold-records.ts'
import { describePlannedDatabases } from './planned-databases.ts'
import { rowsReadBy } from './rows-read.ts'

const ROWS = 5_000
/** Texts that have the word `lighthouses`, in each of the two namespaces. */
const RARE = 20
const IS_CHUNK = [{ field: 'kind', operator: 'eq', value: 'chunk' }] as const

describePlannedDatabases((name, open) => {
  let driver: ColdDriver
  let language: QualifiedLanguage
  beforeAll(async () => {
    driver = await open()
    await driver.query(sql`
      INSERT INTO thermocline.memory_entries (namespace, id, version, kind, text, position, created_at, updated_at)
      SELECT CASE WHEN i % 2 = 0 THEN 'ns' ELSE 'ns/below' END,
        ('00000000-0000-4000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, lpad(to_hex(i), 16, '0') || '0000000a',
        'chunk', CASE WHEN i / 2 % ${ROWS / 2 / RARE}::int4 = 0 THEN 'lighthouses and ' ELSE '' END
          || 'warm water of layer ' || i, i, now(), now()
      FROM generate_series(0, ${ROWS - 1}::int4) AS i`)
    language = await ensureTextIndex(driver, { language: 'english', mode: 'auto', logger: silentLogger })
  }, 300_000)
  afterAll(() => driver?.close())

  const own = [{ namespace: 'ns', id: idOf(ROWS + 1), version: versionOf(ROWS + 1), text: 'a lighthouse, pending' }]
  const query = (text: string, overrides: Partial<ColdTextSearch> = {}): ColdTextSearch => {
    const scope = { namespace: 'ns', recursive: false }
    return { scope, filter: [], now: FUTURE, exclude: [], text, k: 10, own: [], ...overrides }
  }
  const searches: readonly [string, ColdTextSearch, number][] = [
    ['in a namespace', query('lighthouse'), RARE],
    ['in it and below', query('lighthouse', { scope: { namespace: 'ns', recursive: true } }), 2 * RARE],
    ['of two words', query('lighthouse water'), RARE],
    ['of a phrase, with a condition', query('"layer 4711"', { filter: IS_CHUNK }), 1],
    ['beside what is pending', query('lighthouse', { own }), RARE],
  ]

  describe.each(['without statistics', 'with statistics'])(`a search by words in ${name}, %s`, (state) => {
    beforeAll(async () => {
      if (state === 'with statistics') await driver.build(sql`ANALYZE thermocline.memory_entries`)
    })

    it.each(searches)('reads %s what has the words, by the index', async (_, asked, matching) => {
      const statement = searchBoth(language, asked, asked.own)
      const rows = await driver.query(sql`EXPLAIN ${statement}`)
      const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
      expect(plan).toContain('Bitmap Index Scan on memory_entries_text_english')
      expect(plan).not.toContain('Seq Scan on memory_entries')
      // Of both namespaces, and once more each one that is answered.
      expect(await rowsReadBy(driver, statement)).toBeLessThanOrEqual(3 * matching + 2 * asked.k)
    })
  })

  it(`is what ${name} has for a process that names no language, too`, async () => {
    expect(await languageOf(driver)).toEqual({ name: language, indexed: 'english' })
  })
})
