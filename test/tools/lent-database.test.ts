/** A database that is lent again is as a new one, or it is not lent again. */
import { afterEach, expect, test } from 'vitest'
import type { PgliteClient } from '../../src/cold/pglite/pglite-client.ts'
import { startPglite } from '../../src/cold/pglite/start-pglite.ts'
import { openInMemory, vectorOf } from '../flow/stores.ts'
import { someOf } from './budget.ts'
import { lendDatabase } from './lent-database.ts'

let open: PgliteClient[] = []

afterEach(async () => {
  for (const database of open) await database.close()
  open = []
})

async function kept(database: Promise<PgliteClient>): Promise<PgliteClient> {
  open.push(await database)
  return database
}

/** Every row of every table, what the planner knows of them, and how they are made. */
async function contentOf(database: PgliteClient): Promise<Record<string, unknown>> {
  const rows = async (text: string) => (await database.query(text)).rows
  const tables =
    await rows(`SELECT relname::text AS name, reltuples, relpages, relallvisible, pg_relation_size(oid) AS size
    FROM pg_class WHERE relnamespace = 'thermocline'::regnamespace AND relkind = 'r' ORDER BY relname`)
  const content: Record<string, unknown> = { tables }
  for (const { name } of tables) content[String(name)] = await rows(`SELECT * FROM thermocline.${name}`)
  content.statistics = await rows(`SELECT tablename::text, attname::text, n_distinct FROM pg_stats
    WHERE schemaname = 'thermocline' ORDER BY 1, 2`)
  content.indexes = await rows(`SELECT indexdef FROM pg_indexes WHERE schemaname = 'thermocline' ORDER BY 1`)
  content.constraints = await rows(`SELECT conname::text, convalidated FROM pg_constraint ORDER BY 1`)
  content.sequences = await rows('SELECT sequencename::text, last_value FROM pg_sequences ORDER BY 1')
  content.settings = await rows(`SELECT name, setting FROM pg_settings WHERE source = 'session' ORDER BY 1`)
  content.changes = await rows(`SELECT sum(n_tup_ins + n_tup_upd + n_tup_del)::int AS changes FROM pg_stat_user_tables`)
  return content
}

/** The same for as long as a database runs. */
async function startOf(database: PgliteClient): Promise<unknown> {
  return (await database.query('SELECT pg_postmaster_start_time()::text AS start')).rows[0]!.start
}

test('a database that a store was in is lent again as a new one', async () => {
  const lent = await lendDatabase()
  const start = await startOf(lent)
  await lent.close()
  const store = await openInMemory({ cold: { dimensions: [8], language: 'english', indexes: ['metadata.a'] } })
  const { chunks } = store
  for (let nth = 0; nth < 60; nth++) {
    const named = { key: `k${nth}`, documentId: 'd', position: nth, metadata: { a: nth } }
    await chunks.put({ ...named, text: 'some words', embedding: vectorOf(nth) })
  }
  await chunks.pin([(await chunks.put({ text: 'pinned' })).id])
  await store.namespace('other').chunks.put({ text: 'x', ttl: '1h' }, { idempotencyKey: 'once' })
  await chunks.deleteByKey('k1')
  await store.sync()
  await store.close()
  const [again, fresh] = [await kept(lendDatabase()), await kept(startPglite({ dir: undefined, migrate: 'auto' }))]
  expect(await startOf(again)).toBe(start)
  expect(await contentOf(again)).toEqual(await contentOf(fresh))
})

test.each(
  someOf(
    [
      'CREATE TABLE public.own (id integer)',
      'BEGIN',
      'ALTER TABLE thermocline.pins ADD COLUMN own integer',
      'DELETE FROM thermocline.migrations WHERE id = 1',
      'DROP INDEX thermocline.memory_entries_document',
    ],
    2,
  ),
)('a database after %s is not lent again', async (statement) => {
  const lent = await lendDatabase()
  const start = await startOf(lent)
  await lent.exec(statement)
  await lent.close()
  await expect(lent.query('SELECT 1')).rejects.toThrow('given back')
  // What came back last is lent first.
  expect(await startOf(await kept(lendDatabase()))).not.toBe(start)
})
