/**
 * Reads what `thermocline doctor` judges of a database: settings, rights, indexes and counts. What of it is wrong is
 * decided in admin/store-findings.ts.
 */
import { sql } from 'drizzle-orm'
import { getTableConfig, PgTable } from 'drizzle-orm/pg-core'
import type { SequenceRange } from '../../errors.ts'
import type { ColdDriver, ColdReader } from '../cold-driver.ts'
import { type RegisteredLog, SET_BACK } from '../cold-tier.ts'
import type { MigrateOptions } from '../migrate-schema.ts'
import { missingMigrations, missingVectorIndexes } from '../migrate-schema.ts'
import * as schema from '../schema.ts'
import { MOST_COUNTED } from './cold-stats.ts'
import { missingMemberIndexes } from './member-indexes.ts'
import { languageOf } from './text-index.ts'
import { extensionRemedy } from './vector-extension.ts'
import { existingIndexes } from './vector-index.ts'
import { logs } from './wal-checkpoints.ts'

/** What is true of the database whatever is in it. */
export interface DatabaseFacts {
  /** Milliseconds since the epoch, by its own clock. */
  readonly now: number
  readonly isFsync: boolean
  readonly isFullPageWrites: boolean
  readonly synchronousCommit: string
  /** The estimated cost above which statements are compiled; undefined: none is. */
  readonly jitAboveCost: number | undefined
  /** Milliseconds; 0: none. */
  readonly statementTimeout: number
  /** Names of migrations that were not applied. */
  readonly missingMigrations: readonly string[]
}

/** What is true of a schema that is complete. */
export interface SchemaFacts {
  readonly invalidIndexes: readonly string[]
  readonly missingIndexes: readonly string[]
  /** What keeps pgvector from being used; undefined: nothing does, or no vector is there and none was declared. */
  readonly vectorRemedy: string | undefined
  /** Tables that this role may not read and write. */
  readonly closedTables: readonly string[]
  /** Sequences that it may not draw from. */
  readonly closedSequences: readonly string[]
  /** Tables of which most rows are dead. */
  readonly bloatedTables: readonly { readonly name: string; readonly dead: number }[]
  readonly deadLetters: number
  readonly logs: readonly RegisteredLog[]
  /** Of the last week, the latest first. */
  readonly setBacks: readonly FoundSetBack[]
}

/** What a process recorded of its log when it noticed that the database was set back. */
export interface FoundSetBack {
  readonly walId: string
  /** By the clock of the database. */
  readonly at: Date
  readonly reason: string
  /** Records that are gone; empty where everything was shipped again. */
  readonly lost: SequenceRange
}

/** Dead rows that no table is told for. */
const FEW_DEAD_ROWS = 10_000

/** Rejects with `ERR_SCHEMA` where the database is of a newer version. */
export async function readDatabaseFacts(driver: ColdDriver): Promise<DatabaseFacts> {
  const [row] = await driver.query(sql`
    SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now, current_setting('fsync') = 'on' AS fsync,
      current_setting('full_page_writes') = 'on' AS full_page_writes,
      current_setting('synchronous_commit') AS synchronous_commit, current_setting('jit') = 'on' AS jit,
      current_setting('jit_above_cost')::float8 AS jit_above_cost,
      (SELECT setting::float8 FROM pg_settings WHERE name = 'statement_timeout') AS statement_timeout`)
  const jitAboveCost = row?.jit_above_cost as number
  return {
    now: row?.now as number,
    isFsync: row?.fsync === true,
    isFullPageWrites: row?.full_page_writes === true,
    synchronousCommit: row?.synchronous_commit as string,
    jitAboveCost: row?.jit === true && jitAboveCost >= 0 ? jitAboveCost : undefined,
    statementTimeout: row?.statement_timeout as number,
    missingMigrations: (await missingMigrations(driver)).map(({ name }) => name),
  }
}

type Declared = Pick<MigrateOptions, 'dimensions' | 'metrics' | 'precision' | 'language' | 'indexes'>

/** @param declared what the options ask for. */
export async function readSchemaFacts(driver: ColdDriver, declared: Declared): Promise<SchemaFacts> {
  const [row] = await driver.query(sql`
    SELECT (SELECT json_agg(c.relname ORDER BY c.relname)::text FROM ${OUR_INDEXES} AND NOT i.indisvalid
        AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.index_relid = i.indexrelid)) AS invalid,
      (SELECT json_agg(c.relname)::text FROM ${OUR_INDEXES}) AS indexes,
      (SELECT json_agg(c.relname ORDER BY c.relname)::text FROM pg_class c WHERE c.relkind = 'r'
        AND c.relnamespace = 'thermocline'::regnamespace AND c.relname <> 'migrations'
        AND NOT (has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT')
          AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE'))) AS closed,
      (SELECT json_agg(c.relname ORDER BY c.relname)::text FROM pg_sequence s
        JOIN pg_class c ON c.oid = s.seqrelid AND c.relnamespace = 'thermocline'::regnamespace
        WHERE NOT has_sequence_privilege(s.seqrelid, 'USAGE, UPDATE') AND c.relname <> 'migrations_id_seq'
      ) AS closed_sequences,
      (SELECT json_agg(json_build_object('name', relname, 'dead', n_dead_tup))::text
        FROM pg_stat_user_tables WHERE schemaname = 'thermocline' AND n_dead_tup > ${FEW_DEAD_ROWS}::int8
          AND n_dead_tup > n_live_tup) AS bloated`)
  const closedTables = listOf<string>(row?.closed)
  const indexes = new Set(listOf<string>(row?.indexes))
  return {
    invalidIndexes: listOf<string>(row?.invalid),
    missingIndexes: [...namedInSchema().filter((name) => !indexes.has(name)), ...(await missing(driver, declared))],
    closedTables,
    closedSequences: listOf<string>(row?.closed_sequences),
    bloatedTables: listOf(row?.bloated),
    ...(await readContent(driver, declared, closedTables.length > 0)),
  }
}

/** What has to be read from tables, as far as that is allowed. */
async function readContent(
  driver: ColdDriver,
  { dimensions }: Declared,
  isClosed: boolean,
): Promise<Pick<SchemaFacts, 'vectorRemedy' | 'deadLetters' | 'logs' | 'setBacks'>> {
  if (isClosed) return { vectorRemedy: undefined, deadLetters: 0, logs: [], setBacks: [] }
  const [row] = await driver.query(sql`
    SELECT EXISTS (SELECT FROM thermocline.memory_entries WHERE embedding IS NOT NULL OR rounded IS NOT NULL LIMIT 1)
        AS has_vectors,
      (SELECT count(*) FROM (SELECT FROM thermocline.dead_letters LIMIT ${sql.raw(`${MOST_COUNTED}`)}) AS rows)::float8
        AS dead_letters`)
  const needsVectors = dimensions.length > 0 || row?.has_vectors === true
  const vectorRemedy = needsVectors ? await extensionRemedy(driver) : undefined
  const [known, setBacks] = [await logs(driver), await readSetBacks(driver)]
  return { vectorRemedy, deadLetters: row?.dead_letters as number, logs: known, setBacks }
}

async function readSetBacks(driver: ColdDriver): Promise<FoundSetBack[]> {
  const rows = await driver.query(sql`
    SELECT wal_id::text, reason, first_sequence::float8 AS first, last_sequence::float8 AS last,
      (extract(epoch FROM accepted_at) * 1000)::float8 AS at
    FROM thermocline.accepted_losses
    WHERE starts_with(reason, ${SET_BACK}::text) AND accepted_at > now() - interval '7 days'
    ORDER BY accepted_at DESC, wal_id, first_sequence LIMIT ${sql.raw(`${MOST_COUNTED}`)}`)
  return rows.map(({ wal_id, at, reason, first, last }) => ({
    walId: wal_id as string,
    at: new Date(at as number),
    reason: reason as string,
    lost: { from: first as number, to: (last as number | null) ?? undefined },
  }))
}

const OUR_INDEXES = sql`pg_index i JOIN pg_class c ON c.oid = i.indexrelid
  WHERE c.relnamespace = 'thermocline'::regnamespace`

/** Those that a migration made. */
function namedInSchema(): string[] {
  const tables = Object.values(schema).filter((value) => value instanceof PgTable)
  return tables.flatMap((table) => getTableConfig(table).indexes.flatMap(({ config: { name } }) => name ?? []))
}

/** Those that the options declare. */
async function missing(driver: ColdReader & ColdDriver, declared: Declared): Promise<string[]> {
  const { language, indexes = [] } = declared
  const vectors = missingVectorIndexes(await existingIndexes(driver), declared)
  const members = await missingMemberIndexes(driver, indexes)
  const hasTexts = language === undefined || (await languageOf(driver, language)).indexed === language
  return [
    ...vectors.map(({ dimension, metric }) => `of vectors of ${dimension} dimensions by ${metric}`),
    ...members.map(({ path, type }) => `of ${path} as ${type}`),
    ...(hasTexts ? [] : [`of texts in ${language}`]),
  ]
}

function listOf<T>(json: unknown): T[] {
  return typeof json === 'string' ? (JSON.parse(json) as T[]) : []
}
