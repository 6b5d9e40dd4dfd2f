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
  const content: Record<string, unknown> = {}
  // Indexes, sequences and tables of long values (TOAST) as well. An index of the image may have a page of a row that
  // is gone, which one that is built anew gets with its first row.
  content.sizes = await rows(`SELECT oid::regclass::text AS name, relkind::text AS kind, reltuples, relpages,
    relallvisible, relallfrozen, CASE WHEN relkind <> 'i' THEN pg_relation_size(oid) END AS size
    FROM pg_class WHERE oid >= 16384 ORDER BY oid`)
  const tables = await rows(`SELECT tablename::text AS name FROM pg_tables WHERE schemaname = 'thermocline'`)
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

/** One for each part of the digest, and for what changes a meaning and no name. */
const ALTERING = [
  'BEGIN',
  `ALTER TABLE thermocline.memory_entries ALTER COLUMN kind SET DEFAULT 'chunk'`,
  'CREATE TABLE public.own (id integer)',
  'ALTER TABLE thermocline.pins ADD COLUMN own integer',
  'DELETE FROM thermocline.migrations WHERE id = 1',
  'DROP INDEX thermocline.memory_entries_document',
  'ALTER TABLE thermocline.memory_entries SET (fillfactor = 50)',
  'ALTER INDEX thermocline.memory_entries_version SET (fillfactor = 50)',
  'ALTER TABLE thermocline.memory_entries SET (toast.autovacuum_enabled = off)',
  'ALTER TABLE thermocline.pins REPLICA IDENTITY FULL',
  'ALTER TABLE thermocline.memory_entries ENABLE ROW LEVEL SECURITY',
  'ALTER TABLE thermocline.memory_entries FORCE ROW LEVEL SECURITY',
  'CREATE POLICY own ON thermocline.pins USING (false)',
  'ALTER TABLE thermocline.memory_entries ALTER COLUMN namespace SET STATISTICS 1',
  'ALTER TABLE thermocline.memory_entries ALTER COLUMN namespace SET (n_distinct = 5)',
  'ALTER TABLE thermocline.memory_entries CLUSTER ON memory_entries_version',
  `DO $$ BEGIN EXECUTE 'CREATE OR REPLACE VIEW thermocline.live_entries AS '
    || rtrim(pg_get_viewdef('thermocline.live_entries'::regclass), ';') || ' AND false'; END $$`,
  'CREATE RULE own AS ON INSERT TO thermocline.pins DO INSTEAD NOTHING',
  `DO $$ BEGIN EXECUTE (SELECT replace(replace(pg_get_triggerdef(oid), 'CREATE TRIGGER', 'CREATE OR REPLACE TRIGGER'),
    'EXECUTE', 'WHEN (false) EXECUTE') FROM pg_trigger WHERE NOT tgisinternal AND tgqual IS NULL LIMIT 1); END $$`,
  `DO $$ BEGIN EXECUTE (SELECT 'ALTER FUNCTION ' || oid::regprocedure || ' SET search_path = public' FROM pg_proc
    WHERE pronamespace = 'thermocline'::regnamespace LIMIT 1); END $$`,
  `CREATE TYPE public.own AS ENUM ('a')`,
  'CREATE DOMAIN public.own AS integer',
  'CREATE STATISTICS thermocline.own ON namespace, kind FROM thermocline.memory_entries',
  'SELECT lo_create(4711)',
  'CREATE SCHEMA own',
  'CREATE ROLE own',
  'ALTER SEQUENCE thermocline.sync_runs_id_seq INCREMENT 2',
  'ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC',
  'ALTER TEXT SEARCH CONFIGURATION english DROP MAPPING FOR url',
  'ALTER TEXT SEARCH DICTIONARY english_stem (StopWords)',
  'CREATE TEXT SEARCH CONFIGURATION public.own (COPY = english)',
  'CREATE CAST (integer AS inet) WITH INOUT',
  'CREATE OPERATOR public.=== (FUNCTION = int4eq, LEFTARG = integer, RIGHTARG = integer)',
  `CREATE COLLATION public.own FROM "C"`,
  `ALTER DATABASE postgres SET work_mem = '64kB'`,
  `ALTER SYSTEM SET work_mem = '64kB'`,
]

test.each(someOf(ALTERING, 2))('a database after %s is not lent again', async (statement) => {
  const lent = await lendDatabase()
  const start = await startOf(lent)
  await lent.exec(statement)
  await lent.close()
  await expect(lent.query('SELECT 1')).rejects.toThrow('given back')
  // What came back last is lent first.
  expect(await startOf(await kept(lendDatabase()))).not.toBe(start)
})
