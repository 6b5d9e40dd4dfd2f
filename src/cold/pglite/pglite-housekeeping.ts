/**
 * Does in PGlite what background processes do on a server: checkpoints, without which Postgres's own log would grow for
 * ever and a restart after a crash would take longer and longer, and vacuuming. It runs between calls, one task at a
 * time. A failure is logged, and tried again after the next writes.
 */
import type { Logger } from '../../kernel/logger.ts'
import type { Row } from '../cold-driver.ts'

/** Of Postgres's log, between checkpoints: bounds its folder and what a restart replays. */
const CHECKPOINT_BYTES = 64 * 1024 * 1024
/** Staged rows are dead as soon as they were taken over; until vacuumed they are scanned past. */
const STAGING_BYTES = 16 * 1024 * 1024
/** The rule of autovacuum: a base and a share of the table. */
const VACUUM_BASE = 50
const VACUUM_SHARE = 0.2
/**
 * Statements per table. Vacuuming an HNSW index repairs its graph at the price of inserting every vector anew, minutes
 * in which nothing else would run: the rows of memory_entries are cleared and their index entries stay, which searches
 * skip. Their long values, which are most of the bytes, lie in the TOAST table and are vacuumed in full.
 */
const VACUUM: Readonly<Record<string, (toast: string) => string[]>> = {
  memory_entries: (toast) => [
    'VACUUM (ANALYZE, INDEX_CLEANUP OFF, PROCESS_TOAST FALSE) thermocline.memory_entries',
    `VACUUM ${toast}`,
  ],
  entry_access: () => ['VACUUM (ANALYZE) thermocline.entry_access'],
  namespace_counts: () => ['VACUUM (ANALYZE) thermocline.namespace_counts'],
  wal_checkpoints: () => ['VACUUM (ANALYZE) thermocline.wal_checkpoints'],
  sync_runs: () => ['VACUUM (ANALYZE) thermocline.sync_runs'],
}

export class Housekeeping {
  readonly #run: (statement: string, params?: readonly unknown[]) => Promise<Row[]>
  readonly #logger: Logger
  #running: Promise<void> | undefined
  #hasSwept = false
  /** Per table: rows changed in its life when it was last vacuumed. */
  readonly #vacuumedAt = new Map<string, number>()
  #isStopped = false
  #stagedBytes = 0
  /** Where Postgres's log stood at the last checkpoint; undefined before the first look. */
  #checkpointedAt: string | undefined

  constructor(run: (statement: string, params?: readonly unknown[]) => Promise<Row[]>, logger: Logger) {
    this.#run = run
    this.#logger = logger
  }

  staged(bytes: number): void {
    this.#stagedBytes += bytes
  }

  /** Starts what is due, or leaves it to the run that the next writes start. */
  start(after: 'write' | 'sweep'): void {
    if (after === 'sweep') this.#hasSwept = true
    if (this.#isStopped || this.#running !== undefined) return
    this.#running = this.#work().finally(() => {
      this.#running = undefined
    })
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    await this.#running
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.settled()
  }

  async #work(): Promise<void> {
    try {
      if (this.#stagedBytes > STAGING_BYTES) await this.#vacuumStaging()
      if (this.#hasSwept) await this.#vacuumTables()
      await this.#checkpoint()
    } catch (error) {
      const { code } = error as { code?: string }
      this.#logger.warn({ code }, 'housekeeping of the embedded database failed; it is tried again after later writes')
    }
  }

  async #vacuumStaging(): Promise<void> {
    this.#stagedBytes = 0
    await this.#run('VACUUM thermocline.entry_staging')
  }

  async #vacuumTables(): Promise<void> {
    this.#hasSwept = false
    // Figures are otherwise up to a minute old.
    await this.#run('SELECT pg_stat_force_next_flush()')
    const tables = await this.#run(
      `SELECT s.relname::text AS name, c.reltoastrelid::regclass::text AS toast, s.n_live_tup::float8 AS live,
         (s.n_tup_ins + s.n_tup_upd + s.n_tup_del)::float8 AS changes
       FROM pg_stat_user_tables s JOIN pg_class c ON c.oid = s.relid WHERE s.schemaname = 'thermocline'`,
    )
    for (const row of tables) {
      const name = String(row.name)
      const changes = Number(row.changes)
      // Not by dead rows, as on a server: those whose index entries stay are counted as dead for good.
      if (changes - (this.#vacuumedAt.get(name) ?? 0) <= VACUUM_BASE + VACUUM_SHARE * Number(row.live)) continue
      for (const statement of VACUUM[name]?.(String(row.toast)) ?? []) await this.#run(statement)
      this.#vacuumedAt.set(name, changes)
    }
  }

  async #checkpoint(): Promise<void> {
    const [row] = await this.#run(
      'SELECT pg_current_wal_lsn()::text AS lsn, pg_wal_lsn_diff(pg_current_wal_lsn(), $1::pg_lsn)::float8 AS bytes',
      [this.#checkpointedAt ?? null],
    )
    const lsn = row?.lsn as string
    if (this.#checkpointedAt === undefined) this.#checkpointedAt = lsn
    if (Number(row?.bytes ?? 0) < CHECKPOINT_BYTES) return
    await this.#run('CHECKPOINT')
    this.#checkpointedAt = lsn
  }
}
