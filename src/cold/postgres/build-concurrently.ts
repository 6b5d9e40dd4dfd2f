/**
 * Builds indexes on a server that many processes share. An index is built CONCURRENTLY, which is possible in no
 * transaction and under no lock that others wait for: the build waits for every older snapshot, also for that of a
 * waiting session. So a lease decides which process builds, and the others check from time to time whether it is done.
 * A build that ended halfway leaves an invalid index. It is dropped at once, or by the next build where its process
 * died.
 *
 * No time limit of the role ends a build. An older transaction that holds it up does end it, after a wait that is
 * logged as soon as it begins: no program should take a night to open because a dump is running.
 *
 * An index that is built anew is dropped first, under the same lease. A process that is closed meanwhile leaves the
 * server to finish what it was asked for; whoever opens or syncs next builds what is missing.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'drizzle-orm'
import { ThermoclineError } from '../../errors.ts'
import type { Logger } from '../../kernel/logger.ts'
import type { ColdDriver, IndexDefinition } from '../cold-driver.ts'
import { sqlStateOf } from '../cold-errors.ts'
import { BUILD_LEASE, holdLease, releaseLease } from '../sql/leases.ts'
import { limitsRestored, limitsSet } from '../sql/role-limits.ts'

export interface BuildSite {
  query: ColdDriver['query']
  /** Runs messages one after the other in one session, without a deadline. The signal ends the wait alone. */
  runTogether(texts: readonly string[], signal?: AbortSignal): Promise<void>
  readonly logger: Logger
  /** Milliseconds to wait for older transactions. */
  readonly patience: number
}

/** How long a build waits for older transactions where nothing else is said. */
export const BUILD_PATIENCE_MS = 600_000

/** Milliseconds after which a builder that went silent is taken for dead. */
const BUILD_LEASE_MS = 30_000
/** A transaction that lasts so long lasts longer. */
const OLD_TRANSACTION_MS = 10_000
const LOOK_AGAIN_MS = 100
/** Milliseconds between two looks at what holds a build up. */
const WATCH_MS = 1_000
/** Dropping what a failed build left waits for nobody long: the next build drops it as well. */
const DROP_LIMIT = '5s'
/** For so long those who come wait behind whoever waits to drop an index. */
const LOCK_LIMIT = '500ms'
const QUERY_CANCELED = '57014'
/** A lock, or the statement that waits for it, came to the end of its time. */
const LATE: ReadonlySet<string> = new Set(['55P03', QUERY_CANCELED])
/** Of disk and memory, also of the memory that workers of one build share: a container may have little of that. */
const SHORTAGES: ReadonlySet<string> = new Set(['53100', '53200'])
const ALONE = 'SET max_parallel_maintenance_workers = 0'
const RESTORED = 'RESET max_parallel_maintenance_workers'
/** Milliseconds in which a message gets to the server. */
const HEARD_AFTER_MS = 1_000

/** Resolves when the index is there and valid, whoever built it. */
export async function buildConcurrently(site: BuildSite, index: IndexDefinition, signal?: AbortSignal): Promise<void> {
  const { name } = index
  const holder = randomUUID()
  for (let isTold = false; !(await isValid(site, name)); ) {
    signal?.throwIfAborted()
    // A builder may be dead and its backend still at work.
    if (await mayBuild(site, holder)) {
      // Between the first look and the lease somebody else may have finished.
      await underLease(site, holder, async () => {
        if (!(await isValid(site, name))) await build(site, index, signal)
      })
      continue
    }
    if (!isTold) site.logger.info({ index: name }, 'another process builds indexes: waiting for it')
    isTold = true
    await sleep(LOOK_AGAIN_MS)
  }
}

/** As {@link ColdDriver.rebuildIndexes}. Whoever builds, or has an old transaction, is in the way. */
export async function rebuildConcurrently(
  site: BuildSite,
  indexes: readonly IndexDefinition[],
  work: () => Promise<void>,
  signal: AbortSignal,
): Promise<boolean> {
  const holder = randomUUID()
  if (signal.aborted || (await hasOldTransaction(site)) || !(await mayBuild(site, holder))) return false
  return underLease(site, holder, async () => {
    if (!(await dropAtOnce(site, indexes))) return false
    try {
      await work()
    } finally {
      if (signal.aborted) await leaveToServer(site, indexes)
      else for (const index of indexes) await build(site, index, signal)
    }
    return true
  })
}

/**
 * All of them or none, and none where somebody has the table in use: dropped CONCURRENTLY they would be unusable from
 * the beginning of that wait on.
 */
async function dropAtOnce(site: BuildSite, indexes: readonly IndexDefinition[]): Promise<boolean> {
  const names = indexes.map(({ name }) => `thermocline.${name}`).join(', ')
  try {
    await site.runTogether([limitsSet(LOCK_LIMIT, 'session'), `DROP INDEX IF EXISTS ${names}`, limitsRestored()])
    return true
  } catch (error) {
    if (LATE.has(sqlStateOf(error) ?? '')) return false
    throw error
  }
}

/** Asks for what a process that is closed has dropped, and waits no longer than until the server has heard of it. */
async function leaveToServer(site: BuildSite, indexes: readonly IndexDefinition[]): Promise<void> {
  // One after the other: two of them would wait for each other.
  const texts = indexes.flatMap((index) => [dropped(index.name), created(index)])
  const all = [limitsSet('0', 'session'), ...texts, limitsRestored()]
  await Promise.allSettled([site.runTogether(all, AbortSignal.timeout(HEARD_AFTER_MS))])
}

async function mayBuild(site: BuildSite, holder: string): Promise<boolean> {
  return !(await isBuilding(site)) && (await holdLease(site, BUILD_LEASE, holder, BUILD_LEASE_MS))
}

async function underLease<T>(site: BuildSite, holder: string, work: () => Promise<T>): Promise<T> {
  let renewing: Promise<unknown> = Promise.resolve()
  // A missed renewal is made up for by the next, and by the look at what is being built.
  const renew = (): void => {
    renewing = holdLease(site, BUILD_LEASE, holder, BUILD_LEASE_MS).catch(() => {})
  }
  const renewal = setInterval(renew, BUILD_LEASE_MS / 3)
  try {
    return await work()
  } finally {
    clearInterval(renewal)
    // One that is on its way would take it again.
    await renewing
    await releaseLease(site, BUILD_LEASE, holder)
  }
}

/** What an earlier build has left goes first. */
async function build(site: BuildSite, index: IndexDefinition, signal?: AbortSignal): Promise<void> {
  const { name } = index
  const texts = [dropped(name), created(index)]
  try {
    await watched(site, name, texts, signal).catch((error: unknown) => {
      if (signal?.aborted || !SHORTAGES.has(sqlStateOf(error) ?? '')) throw error
      return watched(site, name, [ALONE, ...texts, RESTORED], signal)
    })
  } catch (error) {
    // The server goes on with it.
    if (signal?.aborted) throw error
    // Where not even this is possible the server has gone, or is held up still.
    await site.runTogether([limitsSet(DROP_LIMIT, 'session'), dropped(name), limitsRestored()]).catch(() => {})
    throw error
  }
}

function dropped(name: string): string {
  return `DROP INDEX CONCURRENTLY IF EXISTS thermocline.${name}`
}

function created({ name, definition }: IndexDefinition): string {
  return `CREATE INDEX CONCURRENTLY ${name} ON ${definition}`
}

/** Runs what may wait for older transactions, of one index. */
async function watched(site: BuildSite, name: string, texts: readonly string[], signal?: AbortSignal): Promise<void> {
  const watch = new BuildWatch(site, name)
  try {
    await site.runTogether([limitsSet('0', 'session'), ...texts, limitsRestored()], signal)
  } catch (error) {
    throw sqlStateOf(error) === QUERY_CANCELED ? cancelled(name, watch.gaveUpOn, error) : error
  } finally {
    watch.end()
  }
}

function cancelled(name: string, blocker: string | undefined, cause: unknown): ThermoclineError {
  const why = blocker === undefined ? 'was cancelled' : `waited for ${blocker} and was given up: end that`
  const message = `the build of the index ${name} ${why}; run \`npx thermocline migrate\`, or open the store again`
  return new ThermoclineError('ERR_SCHEMA', message, {}, { cause })
}

/** Says what holds a build up, each once, and cancels the build when that lasts too long. */
class BuildWatch {
  /** The transaction that the build waited for in vain. */
  gaveUpOn: string | undefined
  readonly #site: BuildSite
  readonly #name: string
  readonly #timer: NodeJS.Timeout
  readonly #told = new Set<string>()
  #waitsSince: number | undefined

  constructor(site: BuildSite, name: string) {
    this.#site = site
    this.#name = name
    // What cannot be seen now is seen next time.
    this.#timer = setInterval(() => void this.#look().catch(() => {}), Math.min(WATCH_MS, site.patience / 2))
  }

  end(): void {
    clearInterval(this.#timer)
  }

  async #look(): Promise<void> {
    const { query, logger, patience } = this.#site
    const blockers = await query(sql`
      SELECT builder.pid::int4 AS builder, blocking.pid::int4 AS pid, other.application_name::text AS application
      FROM pg_stat_activity builder
      CROSS JOIN LATERAL unnest(pg_blocking_pids(builder.pid)) AS blocking (pid)
      LEFT JOIN pg_stat_activity other ON other.pid = blocking.pid
      WHERE builder.datname = current_database() AND builder.wait_event_type = 'Lock'
        AND builder.query LIKE ${`%INDEX CONCURRENTLY%${this.#name}%`}`)
    const [first] = blockers
    if (first === undefined) {
      this.#waitsSince = undefined
      return
    }
    this.#waitsSince ??= performance.now()
    for (const { pid, application } of blockers) {
      const blocker = `process ${pid} of the server (${application || 'without application_name'})`
      if (this.#told.has(blocker)) continue
      this.#told.add(blocker)
      const told = { index: this.#name, pid, application, patience }
      logger.warn(told, 'the build of an index waits for an older transaction, and gives up after `patience`')
    }
    if (performance.now() - this.#waitsSince < patience) return
    const [last] = [...this.#told].slice(-1)
    this.gaveUpOn = last
    await query(sql`SELECT pg_cancel_backend(${first.builder}::int4)`)
  }
}

async function isValid({ query }: BuildSite, name: string): Promise<boolean> {
  const [row] = await query(sql`
    SELECT EXISTS (SELECT FROM pg_index WHERE indisvalid AND indexrelid = to_regclass(${`thermocline.${name}`})) AS is_valid`)
  return row?.is_valid === true
}

/** Where the role may see that: of other roles it may not. */
async function hasOldTransaction({ query, patience }: BuildSite): Promise<boolean> {
  const old = Math.min(OLD_TRANSACTION_MS, patience)
  const [row] = await query(sql`
    SELECT EXISTS (
      SELECT FROM pg_stat_activity
      WHERE datname = current_database() AND backend_type = 'client backend' AND backend_xmin IS NOT NULL
        AND xact_start < now() - ${old}::float8 * interval '1 millisecond'
    ) AS has_old`)
  return row?.has_old === true
}

async function isBuilding({ query }: BuildSite): Promise<boolean> {
  const [row] = await query(sql`
    SELECT EXISTS (
      SELECT FROM pg_stat_progress_create_index
      WHERE datname = current_database() AND relid = to_regclass('thermocline.memory_entries')
    ) AS is_building`)
  return row?.is_building === true
}
