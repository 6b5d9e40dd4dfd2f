/**
 * Drives the embedded database: PGlite, in a folder or in memory, in a worker thread. A commit on a folder is a real
 * fsync, so what `ship` acknowledged survives a killed process and a power cut.
 *
 * A deadline ends only the wait. PGlite has one session and cannot be interrupted: the worker still finishes the
 * statement, which may have taken effect, and later calls wait for it within deadlines of their own.
 */
import type { SQL } from 'drizzle-orm/sql'
import type { NamespaceRules } from '../../entry/namespace-rules.ts'
import type { Precision } from '../../entry/rounded-vector.ts'
import { ThermoclineError } from '../../errors.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Logger } from '../../kernel/logger.ts'
import type { MetadataPath } from '../../query/metadata-path.ts'
import type { Metric } from '../../query/metric.ts'
import { applyMigrations } from '../apply-migrations.ts'
import type { ColdDriver, IndexDefinition, Row } from '../cold-driver.ts'
import { coldError, unavailable } from '../cold-errors.ts'
import { ColdStore } from '../cold-store.ts'
import type { ColdTier, Vacuuming } from '../cold-tier.ts'
import type { Migration } from '../migrations.ts'
import { compileStatement } from '../sql/compile-statement.ts'
import { STAGING_COLUMNS } from '../sql/copy-binary.ts'
import type { PgliteClient } from './pglite-client.ts'
import { Housekeeping } from './pglite-housekeeping.ts'
import { type PgliteStart, startPglite } from './start-pglite.ts'

export interface PgliteColdOptions extends PgliteStart {
  /** Dimensions and metrics to keep vector indexes for. */
  readonly dimensions: readonly number[]
  readonly metrics: readonly Metric[]
  /** Of the index of texts. @default as the database has it */
  readonly language?: string | undefined
  /** Members of metadata to keep indexes of. @default none */
  readonly indexes?: readonly MetadataPath[] | undefined
  /** How exactly embeddings are kept, by namespace. @default in full */
  readonly precision?: NamespaceRules<Precision> | undefined
  /** Milliseconds per statement. Opening, migrations and index builds take as long as they take. */
  readonly timeout: number
  readonly logger: Logger
  /** Time that decides what has expired. @default the database's */
  readonly clock?: Clock | undefined
}

const COPY = `COPY thermocline.entry_staging (${STAGING_COLUMNS.join(', ')}) FROM '/dev/blob' WITH (FORMAT binary)`

/** About two seconds' worth, in which the database does nothing else. */
const MOST_BUILT = 1_000_000

/** Files of its log are removed where they are not kept for what is to come. */
const END_OF_OWN_LOG = [
  'VACUUM (FULL) pg_catalog.pg_statistic',
  'SET wal_recycle = off',
  'CHECKPOINT',
  'SELECT pg_switch_wal()',
  'CHECKPOINT',
  'RESET wal_recycle',
]

/**
 * Opens the database, makes it first where there is none, and migrates or checks its schema.
 * @param starting The database, where it is on its way already.
 */
export async function openPgliteCold(
  options: PgliteColdOptions,
  starting: Promise<PgliteClient> = startPglite(options),
): Promise<ColdTier> {
  const driver = new PgliteDriver(await starting, options.timeout, options.logger)
  const { clock, dimensions, metrics, language, indexes, precision, logger } = options
  const terms = { mode: options.migrate, dimensions, metrics, language, indexes, precision, logger, clock }
  return ColdStore.open(driver, terms)
}

/** @internal */
export class PgliteDriver implements ColdDriver {
  readonly mostBuilt = MOST_BUILT
  readonly #client: PgliteClient
  readonly #timeout: number
  readonly #housekeeping: Housekeeping
  #closing: Promise<void> | undefined

  constructor(client: PgliteClient, timeout: number, logger: Logger) {
    this.#client = client
    this.#timeout = timeout
    this.#housekeeping = new Housekeeping(async (text, params) => (await client.query(text, params)).rows, logger)
  }

  query(statement: SQL): Promise<Row[]> {
    return this.#inTime(() => this.#execute(statement))
  }

  queryAll(statements: readonly SQL[]): Promise<Row[][]> {
    return this.#inTime(() => Promise.all(statements.map((statement) => this.#execute(statement))))
  }

  async build(statement: SQL): Promise<void> {
    await this.#guard(() => this.#client.exec(compileStatement(statement).sql))
  }

  async buildIndex({ name, definition }: IndexDefinition): Promise<void> {
    await this.#guard(() => this.#client.exec(`CREATE INDEX IF NOT EXISTS ${name} ON ${definition}`))
  }

  /** What was begun is done: it is not for long, and nobody else would. */
  async rebuildIndexes(indexes: readonly IndexDefinition[], work: () => Promise<void>): Promise<boolean> {
    const names = indexes.map(({ name }) => `thermocline.${name}`).join(', ')
    await this.#guard(() => this.#client.exec(`DROP INDEX IF EXISTS ${names}`))
    try {
      await work()
    } finally {
      for (const index of indexes) await this.buildIndex(index)
    }
    return true
  }

  /**
   * Nobody else uses this database, so `full` is everything: statistics hold values of columns, and Postgres's own log
   * what was written, also in files that wait to be used again.
   */
  async vacuum(tables: readonly string[], mode: Vacuuming): Promise<void> {
    const run = (text: string) => this.#guard(() => this.#client.exec(text))
    const isFull = mode === 'full'
    for (const table of tables) await run(`VACUUM (${isFull ? 'FULL, ANALYZE' : 'ANALYZE'}) ${table}`)
    if (isFull) for (const text of END_OF_OWN_LOG) await run(text)
  }

  async copyToStaging(stream: Iterable<Uint8Array>): Promise<void> {
    const bytes = inOneBuffer(stream)
    this.#housekeeping.staged(bytes.byteLength)
    await this.#inTime(() => this.#client.copy(COPY, bytes))
  }

  migrate(migrations: readonly Migration[]): Promise<Migration[]> {
    return this.#guard(() =>
      applyMigrations(
        (statement) => this.#execute(statement),
        (text) => this.#client.exec(text),
        migrations,
      ),
    )
  }

  housekeep(after: 'write' | 'sweep'): void {
    this.#housekeeping.start(after)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await this.#housekeeping.stop()
    await this.#client.close().catch((error: unknown) => {
      throw coldError(error)
    })
  }

  async #execute(statement: SQL): Promise<Row[]> {
    const { sql: text, params } = compileStatement(statement)
    const { rows } = await this.#client.query(text, params)
    return rows
  }

  async #guard<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closing !== undefined) throw new ThermoclineError('ERR_CLOSED', 'the cold tier is closed', {})
    try {
      return await work()
    } catch (error) {
      throw coldError(error)
    }
  }

  #inTime<T>(work: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(unavailable(`the cold tier did not answer within ${this.#timeout} ms`)),
        this.#timeout,
      )
      this.#guard(work)
        .then(resolve, reject)
        .finally(() => clearTimeout(timer))
    })
  }
}

/** Of its own size, since it is moved to the thread of the database. */
function inOneBuffer(stream: Iterable<Uint8Array>): Uint8Array<ArrayBuffer> {
  const pieces = Array.from(stream, (piece) => new Uint8Array(piece))
  const bytes = new Uint8Array(pieces.reduce((length, piece) => length + piece.byteLength, 0))
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.byteLength
  }
  return bytes
}
