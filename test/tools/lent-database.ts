/**
 * Lends embedded databases in memory. Starting one takes several times the processor time of emptying one: so who gives
 * one back leaves it to the next test of the process, as the image of a new one has it. One that cannot be brought to
 * that state, or that has grown, is ended. What is about starting, ending or breaking a database starts its own.
 */
import type { PgliteClient } from '../../src/cold/pglite/pglite-client.ts'
import { startPglite } from '../../src/cold/pglite/start-pglite.ts'

/** Each takes a hundred megabytes. */
const MOST_IDLE = 2
/** Of Postgres's log, which is in memory as well. */
const MOST_WRITTEN = 48 * 1024 * 1024

/** A database, and what its image has. */
interface Idle {
  readonly client: PgliteClient
  readonly atFirst: State
}

interface State {
  /** Digests of everything that a statement can define, and of the rows that an image has. */
  readonly digest: string
  /** What the planner knows of the size of each table and index, as JSON. */
  readonly sizes: string
  /** What is made later has a higher one. */
  readonly highestOid: number
  /** Object ids of the constraints that no sync has validated. */
  readonly unvalidated: readonly string[]
  /** Bytes of Postgres's log so far. */
  readonly written: number
}

const idle: Idle[] = []

/** An empty database with the schema. Closing it gives it back. */
export async function lendDatabase(): Promise<PgliteClient> {
  const { client, atFirst } = idle.pop() ?? (await startNew())
  // A class with private members cannot be implemented; a driver calls these four.
  return new LentDatabase(client, () => giveBack({ client, atFirst })) as Lent as PgliteClient
}

type Lent = Pick<PgliteClient, 'query' | 'exec' | 'copy' | 'close'>

/** Refuses what comes after closing, which would reach the next one. */
class LentDatabase implements Lent {
  readonly #client: PgliteClient
  readonly #giveBack: () => Promise<void>
  #isClosed = false

  constructor(client: PgliteClient, giveBack: () => Promise<void>) {
    this.#client = client
    this.#giveBack = giveBack
  }

  async query(...call: Parameters<PgliteClient['query']>): ReturnType<PgliteClient['query']> {
    return this.#open().query(...call)
  }

  async exec(text: string): Promise<unknown> {
    return this.#open().exec(text)
  }

  async copy(...call: Parameters<PgliteClient['copy']>): Promise<number> {
    return this.#open().copy(...call)
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.#giveBack()
  }

  #open(): PgliteClient {
    if (this.#isClosed) throw new Error('the embedded database was given back')
    return this.#client
  }
}

async function startNew(): Promise<Idle> {
  const client = await startPglite({ dir: undefined, migrate: 'auto' })
  return { client, atFirst: await stateOf(client) }
}

async function giveBack({ client, atFirst }: Idle): Promise<void> {
  if (idle.length < MOST_IDLE && (await isEmptied(client, atFirst))) idle.push({ client, atFirst })
  else await client.close()
}

/** False where it cannot be emptied: it was broken, or is another than the image says. */
async function isEmptied(client: PgliteClient, atFirst: State): Promise<boolean> {
  try {
    await client.exec('DISCARD ALL')
    const [row] = (await client.query(TO_EMPTY, [atFirst.highestOid, atFirst.unvalidated])).rows
    await client.exec(String(row!.statements))
    await client.query(TO_RESTORE_SIZES, [atFirst.sizes])
    // What this session has counted is otherwise added later.
    await client.exec('SELECT pg_stat_force_next_flush()')
    await client.exec('SELECT pg_stat_reset()')
    const { digest, written } = await stateOf(client)
    return digest === atFirst.digest && written - atFirst.written < MOST_WRITTEN
  } catch {
    return false
  }
}

/**
 * Statements that empty every table that has anything and drop indexes that a store has built. A table that is emptied
 * is looked up anew, and so are its constraints.
 */
const TO_EMPTY = `
  WITH validated AS (
    SELECT oid, conrelid FROM pg_constraint WHERE convalidated AND oid = ANY($2::oid[])
  ), filled AS (
    SELECT oid, oid::regclass::text AS name, relname FROM pg_class
    WHERE relnamespace = 'thermocline'::regnamespace AND relkind = 'r' AND relname <> 'migrations'
      AND (pg_relation_size(oid) > 0 OR reltuples <> 0 OR oid IN (SELECT conrelid FROM validated))
  ), made AS (
    SELECT oid::regclass::text AS name FROM pg_class
    WHERE relnamespace = 'thermocline'::regnamespace AND relkind = 'i' AND oid > $1::oid
  ), known AS (
    SELECT relname, attname FROM pg_statistic JOIN filled ON starelid = oid AND relname <> 'entry_counts'
      JOIN pg_attribute ON attrelid = starelid AND attnum = staattnum
  )
  SELECT concat_ws('; ',
    (SELECT 'DROP INDEX ' || string_agg(name, ', ') FROM made),
    (SELECT 'UPDATE pg_constraint SET convalidated = false WHERE oid IN (' || string_agg(oid::text, ', ') || ')'
      FROM validated),
    (SELECT 'TRUNCATE ' || string_agg(name, ', ') || ' RESTART IDENTITY' FROM filled),
    'INSERT INTO thermocline.entry_counts (slot, entries, tombstones, unindexed) VALUES (0, 0, 0, 0)',
    (SELECT string_agg(format('SELECT pg_clear_attribute_stats(%L, %L, %L, false)',
      'thermocline', relname, attname), '; ') FROM known)
  ) AS statements`

/**
 * A new database knows of its tables and indexes that they are empty, where an emptied one knows nothing, and plans
 * otherwise. No function sets this of the tables of long values (TOAST).
 */
const TO_RESTORE_SIZES = `
  UPDATE pg_class SET relpages = first.relpages, reltuples = first.reltuples, relallvisible = first.relallvisible,
    relallfrozen = first.relallfrozen
  FROM json_to_recordset($1::json)
    AS first (oid oid, relpages integer, reltuples real, relallvisible integer, relallfrozen integer)
  WHERE pg_class.oid = first.oid AND (pg_class.relpages, pg_class.reltuples, pg_class.relallvisible,
    pg_class.relallfrozen) <> (first.relpages, first.reltuples, first.relallvisible, first.relallfrozen)`

async function stateOf(client: PgliteClient): Promise<State> {
  const [row] = (await client.query(STATE)).rows
  const { digest, sizes, highest, unvalidated, written } = row as Record<string, unknown>
  return {
    digest: String(digest),
    sizes: String(sizes),
    highestOid: Number(highest),
    unvalidated: unvalidated as string[],
    written: Number(written),
  }
}

/**
 * Catalogs of which emptying changes nothing. Whatever else a statement defines, as the body of a view or an option of
 * a column, is in a row of one of these, and each row tells in which transaction it was written.
 */
const CATALOGS = (
  'attrdef attribute auth_members authid cast collation database db_role_setting default_acl event_trigger extension ' +
  'index largeobject_metadata namespace operator policy proc rewrite sequence statistic_ext trigger ts_config ' +
  'ts_config_map ts_dict type'
).split(' ')

/**
 * A row that is written later has a higher `xmin` than all before, so a change shows in the count or in the sum. Most
 * rows are from the first transaction, and go uncounted.
 */
const VERSIONS = CATALOGS.map(
  (name) => `SELECT concat_ws(' ', count(*), sum(xmin::text::int4)) FROM pg_${name} WHERE xmin <> '1'::xid`,
)

const STATE = `
  WITH made AS (SELECT * FROM pg_class WHERE oid >= 16384),
  parts (part) AS (
    SELECT string_agg(concat_ws(' ', oid, relnamespace, relname, relkind, relowner, relacl, reloptions,
      relreplident, relrowsecurity, relforcerowsecurity), ',' ORDER BY oid) FROM made
    UNION ALL SELECT string_agg(concat_ws(' ', oid, conname, convalidated), ',' ORDER BY oid) FROM pg_constraint
    UNION ALL SELECT string_agg(concat_ws(' ', starelid, staattnum, stadistinct), ',' ORDER BY starelid, staattnum)
      FROM made JOIN pg_statistic ON starelid = oid
    UNION ALL SELECT string_agg(hash, ',' ORDER BY id) FROM thermocline.migrations
    UNION ALL SELECT string_agg(entry_counts::text, ',') FROM thermocline.entry_counts
    UNION ALL SELECT pg_read_file('postgresql.auto.conf', true)
    UNION ALL ${VERSIONS.join('\n    UNION ALL ')}
  )
  SELECT string_agg(md5(coalesce(part, '')), ' ') AS digest,
    (SELECT json_agg(json_build_object('oid', oid, 'relpages', relpages, 'reltuples', reltuples,
      'relallvisible', relallvisible, 'relallfrozen', relallfrozen))::text FROM made) AS sizes,
    (SELECT max(oid)::int8 FROM made) AS highest,
    (SELECT coalesce(array_agg(oid::text), '{}') FROM pg_constraint WHERE NOT convalidated) AS unvalidated,
    pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') AS written FROM parts`
