/**
 * Lends embedded databases in memory. Starting one costs a second of processor time, emptying one a twentieth of that:
 * so who gives one back leaves it to the next test of the process, as the image of a new one has it. One that cannot be
 * brought to that state, or that has grown, is ended. What is about starting, ending or breaking a database starts its
 * own.
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
  /** Digests of everything that a migration or a role makes, and of the rows that an image has. */
  readonly digest: string
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
 * Statements that empty every table that has anything and drop indexes that a store has built. A new database knows of
 * its tables that they are empty, where an emptied one knows nothing, and plans otherwise. A table that is emptied is
 * looked up anew, and so are its constraints.
 */
const TO_EMPTY = `
  WITH validated AS (
    SELECT oid, conrelid FROM pg_constraint WHERE convalidated AND oid = ANY($2::oid[])
  ), filled AS (
    SELECT oid, oid::regclass::text AS name, relname, (relname = 'entry_counts')::int AS rows FROM pg_class
    WHERE relnamespace = 'thermocline'::regnamespace AND relkind = 'r' AND relname <> 'migrations'
      AND (pg_relation_size(oid) > 0 OR reltuples <> 0 OR oid IN (SELECT conrelid FROM validated))
  ), made AS (
    SELECT oid::regclass::text AS name FROM pg_class
    WHERE relnamespace = 'thermocline'::regnamespace AND relkind = 'i' AND oid > $1::oid
  ), known AS (
    SELECT relname, attname FROM pg_statistic JOIN filled ON starelid = oid AND rows = 0
      JOIN pg_attribute ON attrelid = starelid AND attnum = staattnum
  )
  SELECT concat_ws('; ',
    (SELECT 'DROP INDEX ' || string_agg(name, ', ') FROM made),
    (SELECT 'UPDATE pg_constraint SET convalidated = false WHERE oid IN (' || string_agg(oid::text, ', ') || ')'
      FROM validated),
    (SELECT 'TRUNCATE ' || string_agg(name, ', ') || ' RESTART IDENTITY' FROM filled),
    'INSERT INTO thermocline.entry_counts (slot, entries, tombstones, unindexed) VALUES (0, 0, 0, 0)',
    (SELECT string_agg(format('SELECT pg_clear_attribute_stats(%L, %L, %L, false)',
      'thermocline', relname, attname), '; ') FROM known),
    (SELECT string_agg(format('SELECT pg_restore_relation_stats(%L, %L, %L, %L, %L, %s, %L, %s::real, %L, %s)',
      'schemaname', 'thermocline', 'relname', relname, 'relpages', rows, 'reltuples', rows, 'relallvisible', rows),
      '; ') FROM filled)
  ) AS statements`

async function stateOf(client: PgliteClient): Promise<State> {
  const [row] = (await client.query(STATE)).rows
  const { digest, highest, unvalidated, written } = row as Record<string, unknown>
  return {
    digest: String(digest),
    highestOid: Number(highest),
    unvalidated: unvalidated as string[],
    written: Number(written),
  }
}

const STATE = `
  WITH made AS (
    SELECT oid, oid::regclass::text AS name, relkind, relacl, relowner FROM pg_class
    WHERE oid >= 16384 AND relnamespace <> 'pg_toast'::regnamespace
  ), parts (part) AS (
    SELECT string_agg(concat_ws(' ', name, relkind, relowner, relacl), ',' ORDER BY oid) FROM made
    UNION ALL SELECT string_agg(concat_ws(' ', name, attnum, attname, atttypid, attnotnull, attstorage), ','
      ORDER BY oid, attnum) FROM made JOIN pg_attribute ON attrelid = oid
    UNION ALL SELECT string_agg(concat_ws(' ', oid, conname, convalidated), ',' ORDER BY oid) FROM pg_constraint
    UNION ALL SELECT string_agg(concat_ws(' ', oid, tgname, tgenabled), ',' ORDER BY oid) FROM pg_trigger
    UNION ALL SELECT string_agg(concat_ws(' ', oid, proname, md5(prosrc), proacl), ',' ORDER BY oid)
      FROM pg_proc WHERE oid >= 16384
    UNION ALL SELECT string_agg(concat_ws(' ', oid, nspname, nspacl), ',' ORDER BY oid) FROM pg_namespace
    UNION ALL SELECT string_agg(concat_ws(' ', extname, extnamespace), ',' ORDER BY oid) FROM pg_extension
    UNION ALL SELECT string_agg(concat_ws(' ', oid, rolname), ',' ORDER BY oid) FROM pg_roles
    UNION ALL SELECT string_agg(concat_ws(' ', setdatabase, setrole, setconfig), ',') FROM pg_db_role_setting
    UNION ALL SELECT string_agg(concat_ws(' ', oid, cfgname), ',' ORDER BY oid) FROM pg_ts_config
    UNION ALL SELECT string_agg(concat_ws(' ', starelid, staattnum, stadistinct), ',' ORDER BY starelid, staattnum)
      FROM made JOIN pg_statistic ON starelid = oid
    UNION ALL SELECT string_agg(hash, ',' ORDER BY id) FROM thermocline.migrations
    UNION ALL SELECT string_agg(entry_counts::text, ',') FROM thermocline.entry_counts
  )
  SELECT string_agg(md5(coalesce(part, '')), ' ') AS digest, (SELECT max(oid)::int8 FROM made) AS highest,
    (SELECT coalesce(array_agg(oid::text), '{}') FROM pg_constraint WHERE NOT convalidated) AS unvalidated,
    pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') AS written FROM parts`
