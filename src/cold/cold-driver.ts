/**
 * Defines what differs between the databases that can be the cold tier. Everything else, all queries included, they
 * share (cold-store.ts).
 */
import type { SQL } from 'drizzle-orm/sql'
import type { Vacuuming } from './cold-tier.ts'
import type { Migration } from './migrations.ts'

/**
 * Rows as the database answers them. Queries select only what every driver answers alike: text, float8, int4, boolean
 * and bytea.
 */
export type Row = Readonly<Record<string, unknown>>

/** What runs statements that only read. */
export type ColdReader = Pick<ColdDriver, 'query'>

/** Statements of which each sees the database as it was at the first. */
export interface FrozenReader extends ColdReader {
  close(): Promise<void>
}

/** What stands in `CREATE INDEX name ON definition`: a name without schema, both without parameters. */
export interface IndexDefinition {
  readonly name: string
  readonly definition: string
}

export interface ColdDriver {
  /**
   * Runs one statement, which is one transaction. MUST reject with a ThermoclineError: `ERR_TIER_UNAVAILABLE` with the
   * SQLSTATE in its cause (see {@link ./cold-errors.ts}) where the database refused it or the deadline passed. After a
   * deadline the statement may still take effect.
   */
  query(statement: SQL): Promise<Row[]>

  /**
   * Runs statements that only read, each as {@link query} does, and answers in order once all are done. They travel
   * together. MUST reject where one of them would.
   */
  queryAll(statements: readonly SQL[]): Promise<Row[][]>

  /**
   * Begins to read the database as it is now. Undefined where that would keep others from writing: then nobody else
   * writes to the database either.
   */
  readonly freeze?: () => Promise<FrozenReader>

  /** DDL without a deadline. Other processes may ask for the same at the same time, and MUST NOT fail for it. */
  build(statement: SQL): Promise<void>

  /** Makes it true that there is such an index, likewise. The signal ends the wait, and not the build. */
  buildIndex(index: IndexDefinition, signal?: AbortSignal): Promise<void>

  /**
   * Drops indexes, does the work, and builds them anew, also where the work rejects. Answers false, having done
   * nothing, where others are in the way. What is under way when the signal fires is not waited for.
   */
  rebuildIndexes(indexes: readonly IndexDefinition[], work: () => Promise<void>, signal: AbortSignal): Promise<boolean>

  /** Components of vectors in an index that is dropped to be built anew, at most. */
  readonly mostBuilt: number

  /** Vacuums tables, named with their schema, without a deadline. The signal ends the wait. */
  vacuum(tables: readonly string[], mode: Vacuuming, signal?: AbortSignal): Promise<void>

  /**
   * Adds rows to `entry_staging`, all of them or none. Each piece of the stream (sql/copy-binary.ts) is there until the
   * next is asked for.
   */
  copyToStaging(stream: Iterable<Uint8Array>): Promise<void>

  /**
   * Applies those of the migrations that are missing, once, however many processes ask at the same time. Answers those
   * that this one applied.
   */
  migrate(migrations: readonly Migration[]): Promise<Migration[]>

  /**
   * Called after rows were written and after each sweep, for housekeeping that a database does not do by itself. MUST
   * NOT throw.
   */
  housekeep(after: 'write' | 'sweep'): void

  close(): Promise<void>
}
