/**
 * The embedded cold tier: PGlite, in a folder or in memory, in a worker thread. A commit on a folder is one real fsync,
 * so what `ship` acknowledged survives a killed process and a power cut.
 *
 * A deadline only ends the wait. PGlite has one session and cannot be interrupted: the worker still finishes the
 * statement, which then may have taken effect, and later calls wait for it within deadlines of their own.
 */
import { PgDialect } from 'drizzle-orm/pg-core'
import type { SQL } from 'drizzle-orm/sql'
import { ThermoclineError } from '../../errors.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Logger } from '../../kernel/logger.ts'
import type { Metric } from '../../query/metric.ts'
import { applyMigrations } from '../apply-migrations.ts'
import type { ColdDriver, Row } from '../cold-driver.ts'
import { coldError, unavailable } from '../cold-errors.ts'
import { ColdStore } from '../cold-store.ts'
import type { ColdTier } from '../cold-tier.ts'
import type { Migration } from '../migrations.ts'
import { STAGING_COLUMNS } from '../sql/copy-binary.ts'
import { PgliteClient } from './pglite-client.ts'
import { prepareFolder } from './pglite-folder.ts'
import { Housekeeping } from './pglite-housekeeping.ts'
import { databaseImage, type ImageFile, writeImage } from './pglite-image.ts'

export interface PgliteColdOptions {
  /**
   * undefined: in memory. The caller MUST hold a lock over the folder: a second opener gets no error and loses rows.
   */
  readonly dir: string | undefined
  /** Dimensions and metrics to keep vector indexes for. */
  readonly dimensions: readonly number[]
  readonly metrics: readonly Metric[]
  readonly migrate: 'auto' | 'check'
  /** Milliseconds per statement. Opening, migrations and index builds take as long as they take. */
  readonly timeout: number
  readonly logger: Logger
  /** Whether a new database comes from an image of a prepared one, where there is one. @default true */
  readonly image?: boolean
  /** Time that decides what has expired. @default the database's */
  readonly clock?: Clock | undefined
}

const COPY = `COPY thermocline.entry_staging (${STAGING_COLUMNS.join(', ')}) FROM '/dev/blob' WITH (FORMAT binary)`

/** Opens the database, makes it first where there is none, and migrates or checks its schema. */
export async function openPgliteCold(options: PgliteColdOptions): Promise<ColdTier> {
  const client = await openClient(options)
  const driver = new PgliteDriver(client, options.timeout, options.logger)
  const { clock, dimensions, metrics, logger } = options
  return ColdStore.open(driver, { mode: options.migrate, dimensions, metrics, logger, clock })
}

async function openClient({ dir, migrate, image = true }: PgliteColdOptions): Promise<PgliteClient> {
  // What only checks gets a database that has nothing yet, and says so.
  const prepared = async () => (image && migrate === 'auto' ? databaseImage() : undefined)
  try {
    if (dir === undefined) return await PgliteClient.start(undefined, prepared())
    return await PgliteClient.start(await prepareFolder(dir, async (folder) => makeDatabase(folder, await prepared())))
  } catch (error) {
    if (error instanceof ThermoclineError) throw error
    throw unavailable(
      'the embedded database could not be opened: check the folder, its disk and its permissions',
      error,
    )
  }
}

async function makeDatabase(folder: string, image: readonly ImageFile[] | undefined): Promise<void> {
  if (image === undefined) await (await PgliteClient.start(folder)).close()
  else await writeImage(image, folder)
}

/** @internal */
export class PgliteDriver implements ColdDriver {
  readonly #client: PgliteClient
  readonly #dialect = new PgDialect()
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

  async build(statement: SQL): Promise<void> {
    await this.#guard(() => this.#execute(statement))
  }

  async buildIndex(name: string, definition: string): Promise<void> {
    await this.#guard(() => this.#client.exec(`CREATE INDEX IF NOT EXISTS ${name} ON ${definition}`))
  }

  async copyToStaging(stream: Uint8Array<ArrayBuffer>): Promise<void> {
    this.#housekeeping.staged(stream.byteLength)
    await this.#inTime(() => this.#client.copy(COPY, stream))
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
    const { sql: text, params } = this.#dialect.sqlToQuery(statement)
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
