/**
 * Drives a Postgres server, through postgres.js. Every statement is a transaction of its own and nothing relies on a
 * session, so pgbouncer may stand in between in transaction mode. Named statements are never used, and BEGIN only where
 * the database is to be read as it was at one moment.
 *
 * Sessions run at read committed, at which every statement here is correct. A pooler may not pass that setting on; then
 * a role or a database may have a stricter level, and deadlocks are possible at any level. A statement that gave way to
 * another has failed as a whole transaction, so it is safe to repeat, and is repeated.
 *
 * A statement past its deadline is cancelled; it may have taken effect all the same. Whatever happens to a connection
 * (a killed backend, a stopped server, a silent network), the statement on it rejects within its deadline, and the next
 * one connects anew.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import type { SQL } from 'drizzle-orm/sql'
import { sql } from 'drizzle-orm/sql'
import type { NamespaceRules } from '../../entry/namespace-rules.ts'
import type { Precision } from '../../entry/rounded-vector.ts'
import { ThermoclineError, withoutContent } from '../../errors.ts'
import type { Logger } from '../../kernel/logger.ts'
import { letGo } from '../../kernel/release-stack.ts'
import type { MetadataPath } from '../../query/metadata-path.ts'
import type { Metric } from '../../query/metric.ts'
import { applyMigrations, exclusively } from '../apply-migrations.ts'
import type { ColdDriver, FrozenReader, IndexDefinition, Row } from '../cold-driver.ts'
import { ColdStore } from '../cold-store.ts'
import type { ColdTier, Vacuuming } from '../cold-tier.ts'
import type { Migration } from '../migrations.ts'
import { compileStatement } from '../sql/compile-statement.ts'
import { STAGING_COLUMNS } from '../sql/copy-binary.ts'
import { BUILD_PATIENCE_MS, type BuildSite, buildConcurrently, rebuildConcurrently } from './build-concurrently.ts'
import { PostgresConnection } from './postgres-connection.ts'
import { hasGivenWay, refusedSetting } from './postgres-errors.ts'
import type { PostgresLocation } from './postgres-location.ts'
import { PostgresPool } from './postgres-pool.ts'
import { PostgresServer } from './postgres-server.ts'

export interface PostgresDriverOptions extends PostgresLocation {
  /** Connections, of which one is for COPY; at least two are used. Migrations and index builds open one more. */
  readonly max: number
  /** Dimensions and metrics to keep vector indexes for. */
  readonly dimensions: readonly number[]
  readonly metrics: readonly Metric[]
  /** Of the index of texts. @default as the database has it */
  readonly language?: string | undefined
  /** Members of metadata to keep indexes of. @default none */
  readonly indexes?: readonly MetadataPath[] | undefined
  /** How exactly embeddings are kept, by namespace. @default in full */
  readonly precision?: NamespaceRules<Precision> | undefined
  readonly migrate: 'auto' | 'check' | 'change'
  /**
   * Milliseconds per statement, waiting for a connection included. Migrations and index builds take as long as they
   * take.
   */
  readonly timeout: number
  readonly logger: Logger
  /** Milliseconds that the build of an index waits for older transactions. */
  readonly buildPatience?: number
}

const COPY = `COPY thermocline.entry_staging (${STAGING_COLUMNS.join(', ')}) FROM STDIN WITH (FORMAT binary)`
/** Some twenty seconds' worth: who opens the store meanwhile waits for that, and searches compare all rows. */
const MOST_BUILT = 20_000_000
const OLDEST_VERSION = 140_000
const VACUUM = 'VACUUM (SKIP_LOCKED) thermocline.entry_staging'
/** Bytes that are staged between two of them. */
const VACUUM_AFTER = 16 * 1024 * 1024
/** Attempts at a statement that gives way each time. */
const MOST_ATTEMPTS = 12
/** Milliseconds between two of them at most, drawn at random: those that met shall not meet again. */
const LONGEST_PAUSE = 200

/**
 * Connects, and migrates or checks the schema. Rejects with `ERR_TIER_UNAVAILABLE` where the server cannot be used now,
 * `ERR_UNSUPPORTED` where it never can, `ERR_INVALID_OPTIONS` for a url that is none.
 * @param signal gives up at once, although a migration or an index takes as long as it takes.
 */
export async function openPostgresCold(options: PostgresDriverOptions, signal?: AbortSignal): Promise<ColdTier> {
  const driver = await PostgresDriver.connect(options, signal)
  const { dimensions, metrics, language, indexes, precision, logger } = options
  const terms = { mode: options.migrate, dimensions, metrics, language, indexes, precision, logger }
  const opening = ColdStore.open(driver, terms)
  return abandonedAt(signal, driver, opening)
}

/** Answers as `work` of the driver does, which the signal ends by abandoning the driver. */
async function abandonedAt<T>(signal: AbortSignal | undefined, driver: PostgresDriver, work: Promise<T>): Promise<T> {
  const abandon = (): void => void driver.abandon()
  if (signal?.aborted) abandon()
  signal?.addEventListener('abort', abandon)
  try {
    return await work
  } finally {
    signal?.removeEventListener('abort', abandon)
  }
}

/** @internal */
export class PostgresDriver implements ColdDriver {
  readonly mostBuilt = MOST_BUILT
  readonly #server: PostgresServer
  readonly #statements: PostgresPool
  /** A connection of its own: whatever goes wrong in a COPY costs it. */
  readonly #copies: PostgresPool
  readonly #timeout: number
  readonly #logger: Logger
  readonly #buildPatience: number
  readonly #running = new Set<Promise<unknown>>()
  /** Beside the pools. */
  readonly #own = new Set<PostgresConnection>()
  #stagedBytes = 0
  #closing: Promise<void> | undefined

  private constructor(server: PostgresServer, options: PostgresDriverOptions) {
    const { max, timeout, logger, buildPatience = BUILD_PATIENCE_MS } = options
    this.#server = server
    this.#logger = logger
    this.#buildPatience = buildPatience
    this.#statements = new PostgresPool(server, Math.max(1, max - 1))
    this.#copies = new PostgresPool(server, 1)
    this.#timeout = timeout
  }

  static async connect(options: PostgresDriverOptions, signal?: AbortSignal): Promise<PostgresDriver> {
    const server = await PostgresServer.locate(options, options.logger)
    const driver = new PostgresDriver(server, options)
    try {
      await abandonedAt(signal, driver, driver.#refuseUnsuitable())
    } catch (error) {
      await letGo('the database', () => driver.close(), options.logger)
      throw error
    }
    return driver
  }

  query(statement: SQL): Promise<Row[]> {
    const { sql: text, params } = compileStatement(statement)
    return this.#guard(() => this.#repeat((timeout) => this.#statements.query(text, params, timeout)))
  }

  /** Each connection gets its share at once, so a killed or cancelled one takes others along: of one call. */
  async queryAll(statements: readonly SQL[]): Promise<Row[][]> {
    const rows = new Array<Row[]>(statements.length)
    const texts = statements.map((statement, nth) => ({ nth, ...compileStatement(statement) }))
    const { size } = this.#statements
    const shares = texts.slice(0, size).map(({ nth: first }) => texts.filter(({ nth }) => nth % size === first))
    const work = async (share: typeof texts): Promise<void> => {
      const answers = await this.#guard(() =>
        this.#repeat((timeout) =>
          this.#statements.use((connection, timeLeft) => connection.queryAll(share, timeLeft), timeout),
        ),
      )
      for (const [i, { nth }] of share.entries()) rows[nth] = answers[i]!
    }
    await Promise.all(shares.map(work))
    return rows
  }

  async freeze(): Promise<FrozenReader> {
    return this.#guard(async () => {
      const connection = new PostgresConnection(this.#server)
      this.#own.add(connection)
      const close = (): Promise<void> => {
        this.#own.delete(connection)
        // Ends the transaction: nothing was changed in it.
        return connection.close()
      }
      const run = (text: string, params: readonly unknown[] = []) => connection.query(text, params, this.#timeout)
      try {
        await run('BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY')
      } catch (error) {
        await close()
        throw error
      }
      const query = (statement: SQL): Promise<Row[]> => {
        const { sql: text, params } = compileStatement(statement)
        return this.#guard(() => run(text, params))
      }
      return { query, close }
    })
  }

  async build(statement: SQL): Promise<void> {
    await this.#run(exclusively(compileStatement(statement).sql))
  }

  buildIndex(index: IndexDefinition, signal?: AbortSignal): Promise<void> {
    return buildConcurrently(this.#buildSite(), index, signal)
  }

  rebuildIndexes(
    indexes: readonly IndexDefinition[],
    work: () => Promise<void>,
    signal: AbortSignal,
  ): Promise<boolean> {
    return rebuildConcurrently(this.#buildSite(), indexes, work, signal)
  }

  #buildSite(): BuildSite {
    return {
      query: (statement) => this.query(statement),
      runTogether: (texts, signal) => this.#onOwnConnection((connection) => connection.queryTogether(texts), signal),
      logger: this.#logger,
      patience: this.#buildPatience,
    }
  }

  async vacuum(tables: readonly string[], mode: Vacuuming, signal?: AbortSignal): Promise<void> {
    const how = mode === 'full' ? 'FULL, ANALYZE' : 'ANALYZE'
    for (const table of tables) await this.#run(`VACUUM (${how}) ${table}`, signal)
  }

  copyToStaging(stream: Iterable<Uint8Array>): Promise<void> {
    return this.#guard(() =>
      this.#repeat((timeout) =>
        this.#copies.use((connection, timeLeft) => connection.copy(COPY, this.#counted(stream), timeLeft), timeout),
      ),
    )
  }

  /** What a COPY that fails has sent takes room as well. */
  *#counted(stream: Iterable<Uint8Array>): Generator<Uint8Array, void> {
    for (const piece of stream) {
      this.#stagedBytes += piece.byteLength
      yield piece
    }
  }

  migrate(migrations: readonly Migration[]): Promise<Migration[]> {
    return applyMigrations(
      (statement) => this.query(statement),
      (text) => this.#run(text),
      migrations,
    )
  }

  /**
   * A server vacuums by itself, but each minute at most, and by then gigabytes may have been staged and taken over. The
   * connection for COPY waits meanwhile, and no reader. A role that does not own the table is told so by a notice, and
   * has to wait for the server.
   */
  housekeep(): void {
    if (this.#stagedBytes < VACUUM_AFTER || this.#closing !== undefined) return
    this.#stagedBytes = 0
    this.#guard(() => this.#copies.query(VACUUM, [], this.#timeout)).catch((error: unknown) =>
      this.#logger.debug({ err: withoutContent(error) }, 'staged rows could not be vacuumed: the server does it later'),
    )
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /** Closes without waiting for what is under way: it is rejected, and left to the server as by a process that dies. */
  abandon(): Promise<void> {
    const closing = this.close()
    for (const connection of this.#own) connection.cut()
    this.#statements.cut()
    this.#copies.cut()
    return closing
  }

  /** Every running call settles, at its deadline if not before. */
  async #close(): Promise<void> {
    await Promise.allSettled(this.#running)
    // Those that nobody has closed: what is read there slowly.
    for (const connection of this.#own) connection.cut()
    await Promise.all([this.#statements.close(), this.#copies.close()])
  }

  /** Repeats a statement until it no longer gives way to others, within one deadline. */
  async #repeat<T>(work: (timeout: number) => Promise<T>, timeout = this.#timeout): Promise<T> {
    const deadline = performance.now() + timeout
    for (let attempt = 1; ; attempt++) {
      try {
        return await work(deadline - performance.now())
      } catch (error) {
        const pause = Math.random() * Math.min(LONGEST_PAUSE, 2 ** (attempt + 2))
        const isLast = attempt === MOST_ATTEMPTS || performance.now() + pause >= deadline
        if (isLast || !hasGivenWay(error)) throw error
        await sleep(pause)
      }
    }
  }

  #run(text: string, signal?: AbortSignal): Promise<unknown> {
    return this.#onOwnConnection((connection) => connection.query(text, []), signal)
  }

  /** Does the work on a connection that nothing else uses, without a deadline. The signal cuts the connection. */
  #onOwnConnection<T>(work: (connection: PostgresConnection) => Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.#guard(async () => {
      const connection = new PostgresConnection(this.#server)
      this.#own.add(connection)
      const cut = (): void => connection.cut()
      if (signal?.aborted) cut()
      signal?.addEventListener('abort', cut)
      try {
        return await this.#repeat(() => work(connection), Number.POSITIVE_INFINITY)
      } finally {
        signal?.removeEventListener('abort', cut)
        this.#own.delete(connection)
        await connection.close()
      }
    })
  }

  async #guard<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closing !== undefined) throw new ThermoclineError('ERR_CLOSED', 'the cold tier is closed', {})
    const running = work()
    this.#running.add(running)
    try {
      return await running
    } catch (error) {
      throw this.#server.explain(error)
    } finally {
      this.#running.delete(running)
    }
  }

  /** A pooler may refuse to pass it on: then it is not asked for, and statements give way more often. */
  async #askForReadCommitted(): Promise<void> {
    this.#server.askForReadCommitted(true)
    await this.#statements.close()
    await this.#guard(async () => {
      try {
        await this.#statements.query('SELECT 1', [], this.#timeout)
      } catch (error) {
        if (refusedSetting(error, ['default_transaction_isolation']) === undefined) throw error
        this.#server.askForReadCommitted(false)
      }
    })
  }

  async #refuseUnsuitable(): Promise<void> {
    const [row] = await this.query(sql`SELECT current_setting('server_version_num')::int4 AS version,
      current_setting('server_encoding') AS encoding, current_setting('bytea_output') AS bytea_output,
      current_setting('default_transaction_isolation') AS isolation`)
    const refuse = (what: string): never => {
      throw new ThermoclineError('ERR_UNSUPPORTED', `Postgres at ${this.#server.name} ${what}`, {})
    }
    if (Number(row?.version) < OLDEST_VERSION) refuse('is older than version 14: upgrade it')
    if (row?.encoding !== 'UTF8') refuse('keeps this database in an encoding other than UTF8: create one in UTF8')
    if (row?.bytea_output !== 'hex') refuse("has bytea_output set to other than 'hex': reset it for this role")
    if (row?.isolation !== 'read committed') await this.#askForReadCommitted()
  }
}
