/**
 * Decides which places are named in `left` after an erase, since they may still hold something of an erased entry, and
 * which remedy each gets.
 */
import type { RegisteredLog, Vacuuming } from '../cold/cold-tier.ts'

/**
 * - `log`: files of a log, of this process or another.
 * - `quarantine`: a damaged log that was set aside.
 * - `hot`: a hot tier that was away.
 * - `redis-files`: what Redis wrote to its disk, or to its replicas.
 * - `dead-letters`: acknowledged writes that could not be stored, as far as this version cannot read them.
 * - `database-files`: what is dead in tables and indexes of the database.
 * - `database-log`: Postgres's own log, its archive and replicas.
 */
export type RemnantPlace =
  | 'log'
  | 'quarantine'
  | 'hot'
  | 'redis-files'
  | 'dead-letters'
  | 'database-files'
  | 'database-log'

/** A place that may still have something of what was erased. */
export interface Remnant {
  readonly place: RemnantPlace
  /** Which one, where there may be several: the id of a log, with host and folder; a path; a session. */
  readonly name?: string
  /** What to do, or what it waits for. */
  readonly remedy: string
  /**
   * Whether the call was to clear it, and has not yet. The others are out of its reach, as the files of servers, or
   * were not asked for, as a vacuum.
   */
  readonly isUnfinished: boolean
}

/** Where a store keeps entries. */
export interface ErasedPlaces {
  /** Of the log of this process. */
  readonly walId: string
  /** Redis. */
  readonly isHotServer: boolean
  /** A Postgres server, whose files are not the store's own. */
  readonly isColdServer: boolean
  /** Paths of the logs that were set aside as damaged. */
  readonly quarantined: () => Promise<readonly string[]>
}

/** How far erasing came. */
export interface EraseState {
  /** Those of other processes that were asked to let go, and have not yet. */
  readonly logs: readonly RegisteredLog[]
  /** Whether the log of this process deleted all files from before the erase. */
  readonly isLogCut: boolean
  readonly isHotAway: boolean
  /** Dead letters that this version cannot read. */
  readonly unreadable: number
  /** How the database was to be vacuumed. */
  readonly vacuum: Vacuuming | undefined
  /** How it was. */
  readonly vacuumed: Vacuuming | undefined
  /** Who kept it from removing rows. */
  readonly heldBy: readonly string[]
}

export async function remnants(places: ErasedPlaces, state: EraseState): Promise<Remnant[]> {
  const { walId, isHotServer, quarantined } = places
  const left: Remnant[] = []
  if (!state.isLogCut) left.push({ place: 'log', name: walId, remedy: OWN_LOG, isUnfinished: true })
  for (const log of state.logs) left.push(ofOther(log, ASKED))
  for (const name of await quarantined())
    left.push({ place: 'quarantine', name, remedy: QUARANTINE, isUnfinished: true })
  if (state.isHotAway) left.push({ place: 'hot', remedy: HOT, isUnfinished: true })
  if (isHotServer) left.push({ place: 'redis-files', remedy: REDIS_FILES, isUnfinished: false })
  if (state.unreadable > 0) left.push({ place: 'dead-letters', remedy: UNREADABLE, isUnfinished: true })
  return [...left, ...ofDatabase(places, state)]
}

function ofDatabase({ isColdServer }: ErasedPlaces, { vacuum, vacuumed, heldBy }: EraseState): Remnant[] {
  const left = heldBy.map((name): Remnant => ({ place: 'database-files', name, remedy: HELD, isUnfinished: true }))
  const isUnfinished = vacuum !== vacuumed
  if (vacuumed !== 'full') {
    const remedy = vacuumed === 'plain' ? PLAIN : isColdServer ? SERVER : EMBEDDED
    left.push({ place: 'database-files', remedy, isUnfinished })
  } else if (isColdServer) left.push({ place: 'database-files', remedy: STATISTICS, isUnfinished: false })
  if (isColdServer) left.push({ place: 'database-log', remedy: DATABASE_LOG, isUnfinished: false })
  else if (vacuumed !== 'full') left.push({ place: 'database-log', remedy: EMBEDDED, isUnfinished })
  return left
}

/** The logs of other processes, before anything is erased. */
export function toBeAsked({ walId }: ErasedPlaces, logs: readonly RegisteredLog[]): Remnant[] {
  return logs.filter((log) => log.walId !== walId).map((log) => ofOther(log, TO_BE_ASKED))
}

function ofOther({ walId, place }: RegisteredLog, remedy: string): Remnant {
  return { place: 'log', name: place === undefined ? walId : `${walId} (${place})`, remedy, isUnfinished: true }
}

const OWN_LOG = 'files of the log could not be deleted, the logger was told why: mend that, and erase again'
const ASKED =
  'its process was asked to let go of it with its next checkpoint, for which `done()` waits (`--wait`); where it is ' +
  'of an older version, close it, and where it is gone, run `thermocline recover`'
const TO_BE_ASKED = 'its process would be asked to let go of what its files have of it'
const QUARANTINE = 'a damaged log was set aside here: delete the folder once nobody needs it'
const HOT = 'hot was away, and drops what is older once it is back: erase again then'
const REDIS_FILES =
  'Redis may have written it to its disk: run BGREWRITEAOF and BGSAVE where it does, and look to its backups'
const UNREADABLE = 'this version cannot read some rows of thermocline.dead_letters: look at them'
const HELD = 'it may still read rows that are dead, so they stayed: end it, and erase with `vacuum` (`--vacuum`) again'
const PLAIN =
  "pages of tables keep what is dead until they are written over: erase with `vacuum: 'full'` (`--vacuum full`)"
const SERVER =
  'dead rows stay until the server vacuums: erase with `vacuum` (`--vacuum`), by a role that owns the tables'
const STATISTICS =
  'statistics keep dead rows until the server vacuums them: wait, or `VACUUM FULL pg_statistic` as a superuser'
const EMBEDDED = "dead rows and Postgres's own log stay for a while: erase with `vacuum: 'full'` (`--vacuum full`)"
const DATABASE_LOG = "Postgres's own log has it until it is recycled: look to its archive, its replicas and its backups"
