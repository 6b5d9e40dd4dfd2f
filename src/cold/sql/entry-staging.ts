/** Defines the staging table, into which rows are copied before a statement takes them over (upsert-newer.ts). */
import { randomUUID } from 'node:crypto'
import { type SQL, sql } from 'drizzle-orm'
import type { NamespaceRules } from '../../entry/namespace-rules.ts'
import type { EntryRecord } from '../../entry/record.ts'
import type { Precision } from '../../entry/rounded-vector.ts'
import type { ThermoclineError } from '../../errors.ts'
import type { ColdDriver } from '../cold-driver.ts'
import { unavailable } from '../cold-errors.ts'
import { CopyStream } from './copy-binary.ts'
import { forgetReads } from './entry-access.ts'

export interface Batch {
  readonly id: string
  readonly rows: number
  /** Whether any of them is a tombstone. */
  readonly hasTombstones: boolean
  /** The time of the store. */
  readonly now: SQL
}

/** Batches of failed attempts that are remembered; older ones are left to the sweep. */
const MAX_ABANDONED = 1_000

/** The staging table as one process uses it: what a failed attempt left there goes before the next one begins. */
export class Staging {
  readonly driver: ColdDriver
  readonly #precision: NamespaceRules<Precision>
  readonly #now: () => SQL
  readonly #abandoned = new Set<string>()

  /**
   * @param precision of embeddings, by namespace. @default all as they are put
   * @param now the time of the store. @default that of the database
   */
  constructor(driver: ColdDriver, precision: NamespaceRules<Precision> = {}, now: () => SQL = () => sql`now()`) {
    this.driver = driver
    this.#precision = precision
    this.#now = now
  }

  /**
   * Stages the records and hands them to `take`. An attempt that failed may have left them, or may still do so where
   * its outcome is unknown. An empty batch costs no COPY.
   */
  async through<T>(
    records: readonly EntryRecord[],
    confirmed: ReadonlyMap<EntryRecord, number> | undefined,
    take: (batch: Batch) => Promise<T>,
  ): Promise<T> {
    await this.#clearAbandoned()
    const hasTombstones = records.some(({ deletedAt }) => deletedAt !== null)
    const batch = { id: randomUUID(), rows: records.length, hasTombstones, now: this.#now() }
    try {
      if (records.length > 0) await this.#copy(new CopyStream(batch.id, records, confirmed, this.#precision))
      return await take(batch)
    } catch (error) {
      if (records.length > 0) this.#abandon(batch.id)
      throw error
    }
  }

  async #copy(stream: CopyStream): Promise<void> {
    try {
      await this.driver.copyToStaging(stream)
    } catch (error) {
      throw stream.unencodable ?? error
    }
  }

  #abandon(id: string): void {
    this.#abandoned.add(id)
    const [oldest] = this.#abandoned
    if (this.#abandoned.size > MAX_ABANDONED) this.#abandoned.delete(oldest!)
  }

  async #clearAbandoned(): Promise<void> {
    if (this.#abandoned.size === 0) return
    const ids = [...this.#abandoned]
    await this.driver.query(sql`
      DELETE FROM thermocline.entry_staging WHERE batch_id = ANY (${sql.param(ids)}::uuid[])`)
    for (const id of ids) this.#abandoned.delete(id)
  }
}

/** A database that crashes between COPY and statement loses the staged rows; more often than this it is not well. */
export const STAGING_ATTEMPTS = 3

/** After the last attempt. */
export function lostStaging(): ThermoclineError {
  return unavailable('the cold tier lost staged rows again and again: it may be restarting')
}

/** Staging is UNLOGGED: a database that crashed since the COPY has lost the rows, and the gate MUST notice. */
export function isComplete({ id, rows }: Batch): SQL {
  return sql`(SELECT count(*) FROM thermocline.entry_staging WHERE batch_id = ${id}::uuid) = ${rows}::int8`
}

/**
 * CTEs that remove the counted reads of what is a tombstone now, and a comma after them; nothing where the batch has no
 * tombstone, for a statement without a name is planned each time, at more cost than a few rows.
 * @param deleted statement that answers (namespace, id).
 */
export function forgetReadsOf({ hasTombstones }: Batch, deleted: SQL): SQL {
  return hasTombstones ? sql`${forgetReads(deleted)},` : sql``
}
