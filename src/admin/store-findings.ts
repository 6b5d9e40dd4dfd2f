/**
 * Decides what `thermocline doctor` finds: of the facts about servers, logs and the machine those that are wrong, each
 * with why it matters and what to do. Limits are those beyond which a store alerts by default. The facts are read in
 * diagnose-store.ts.
 */
import type { DatabaseFacts, FoundSetBack, SchemaFacts } from '../cold/sql/diagnose-database.ts'
import { DEFAULTS } from '../default-options.ts'
import { isEmptyRange, recordsIn } from '../errors.ts'
import type { RedisFacts } from '../hot/redis/diagnose-redis.ts'
import type { FolderAccess } from '../kernel/folder-trust.ts'
import type { DiskSpace } from '../store/disk-space.ts'
import { type LogStanding, SILENT_MS } from '../store/log-standings.ts'

/** Something that is wrong. */
export interface Finding {
  readonly code: string
  readonly what: string
  readonly why: string
  readonly remedy: string
}

type Found = Finding | false

/** PostgreSQL's own is ten times as much. */
const EAGER_JIT_COST = 10_000
/** Of what many logs may tell. */
const MOST_TOLD = 10
/** Share of the memory that entries may take of a process: it needs some for itself, and for an embedded database. */
const MOST_HELD = 0.8

const only = (found: readonly Found[]): Finding[] => found.filter((one) => one !== false)
const mebibytes = (bytes: number): string => `${Math.round(bytes / 1_048_576).toLocaleString('en')} MiB`
const percent = (share: number): string => `${Math.round(share * 100)} %`

export function findingsOfRedis(masters: readonly RedisFacts[]): Finding[] {
  return masters.flatMap(findingsOfMaster)
}

function findingsOfMaster({ version, isReplica, usedMemory, maxMemory, policy, cannotSave }: RedisFacts): Finding[] {
  if (version === undefined)
    return [
      {
        code: 'redis-info-blocked',
        what: 'Redis does not answer INFO',
        why: 'a Redis that comes back with an old snapshot of itself cannot be told apart',
        remedy: 'allow the command INFO to the user of the store',
      },
    ]
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return only([
    (major < 6 || (major === 6 && minor < 2)) && {
      code: 'redis-old',
      what: `Redis is of version ${version}`,
      why: 'the scripts of the hot tier need 6.2 or newer',
      remedy: 'upgrade Redis, or use Valkey',
    },
    isReplica && {
      code: 'redis-replica',
      what: 'the Redis that was named is a replica',
      why: 'it takes no writes, so the hot tier counts as away',
      remedy: 'name the master, or the Sentinels or nodes of the cluster',
    },
    maxMemory > 0 &&
      policy !== 'noeviction' && {
        code: 'redis-evicts',
        what: `Redis evicts keys when its memory is full (maxmemory-policy ${policy})`,
        why:
          'an evicted write shows its older version until it is shipped, and an evicted key of bookkeeping throws ' +
          'away all of hot',
        remedy: 'CONFIG SET maxmemory-policy noeviction, and the same in its configuration',
      },
    maxMemory > 0 &&
      usedMemory > DEFAULTS.alerts.hotFill * maxMemory && {
        code: 'redis-full',
        what: `Redis uses ${percent(usedMemory / maxMemory)} of its maxmemory`,
        why: 'once it is full it refuses what enters, and calls go on without hot',
        remedy: 'raise maxmemory, or let entries leave hot earlier (sync.hotToColdAge)',
      },
    cannotSave && {
      code: 'redis-cannot-save',
      what: 'the latest attempt of Redis to write its files failed',
      why: 'by default it refuses all writes from then on (stop-writes-on-bgsave-error)',
      remedy: 'see its log, its disk and its folder; a hot tier needs no files: `save ""` and `appendonly no` will do',
    },
  ])
}

/** @param limits `timeout`: milliseconds that a statement may take. `now`: of this machine, as the facts were read. */
export function findingsOfDatabase(facts: DatabaseFacts, limits: { timeout: number; now: number }): Finding[] {
  const { statementTimeout, synchronousCommit, jitAboveCost, missingMigrations } = facts
  const drift = Math.abs(facts.now - limits.now)
  return only([
    missingMigrations.length > 0 && {
      code: 'migrations-pending',
      what: `the database lacks ${missingMigrations.length} migrations: ${missingMigrations.join(', ')}`,
      why: 'this version cannot use it as it is; what depends on its tables was not looked at',
      remedy: 'run `npx thermocline migrate`, as the role that owns the tables',
    },
    !(facts.isFsync && facts.isFullPageWrites) && {
      code: 'fsync-off',
      what: `${facts.isFsync ? 'full_page_writes' : 'fsync'} is off`,
      why: 'a crash of its machine may ruin the database, and with it what no log has any more',
      remedy: 'turn it on, and restart or reload the server',
    },
    synchronousCommit === 'off' && {
      code: 'commit-not-durable',
      what: 'synchronous_commit is off',
      why: 'what is shipped is made durable all the same, but a crash forgets counts, and what else uses the database',
      remedy: 'set it to on for this database or role',
    },
    jitAboveCost !== undefined &&
      jitAboveCost < EAGER_JIT_COST && {
        code: 'jit-eager',
        what: `statements are compiled from an estimated cost of ${jitAboveCost} on (jit_above_cost)`,
        why: 'compiling takes longer than any statement of the store, each time anew',
        remedy: 'reset jit_above_cost to 100000, or set jit to off for this role',
      },
    statementTimeout > 0 &&
      statementTimeout < limits.timeout && {
        code: 'statement-timeout',
        what: `the role or the database ends statements after ${statementTimeout} ms (statement_timeout)`,
        why: `checkpoints and searches may take up to ${limits.timeout} ms (timeouts.cold), and fail before`,
        remedy: 'raise statement_timeout for the role of the store, or lower timeouts.cold',
      },
    drift > DEFAULTS.alerts.clockDrift && {
      code: 'clock-drift',
      what: `the clock of this machine is ${(drift / 1_000).toFixed(1)} s from that of the database`,
      why: 'what expires is judged by the database, and more than 5 s apart no store opens',
      remedy: 'set both by NTP',
    },
  ])
}

export function rightsMissing(what: string): Finding {
  return {
    code: 'rights-missing',
    what,
    why: 'calls and syncs that need more are refused',
    remedy:
      'as the owner of the tables: GRANT USAGE ON SCHEMA thermocline TO the role; ' +
      'GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA thermocline TO the role; ' +
      'GRANT USAGE ON ALL SEQUENCES IN SCHEMA thermocline TO the role',
  }
}

/** @param message says whose limit it is. */
export function connectionLimit(message: string): Finding {
  return {
    code: 'connection-limit',
    what: message,
    why: 'what needs the database waits, or fails, while other processes have all connections',
    remedy: 'lower `cold.max` of all processes of this role, end those that are not needed, or raise the limit',
  }
}

export function findingsOfSchema(facts: SchemaFacts): Finding[] {
  const { invalidIndexes, missingIndexes, vectorRemedy, bloatedTables, deadLetters, setBacks } = facts
  const closed = [...facts.closedTables, ...facts.closedSequences]
  return only([
    closed.length > 0 && rightsMissing(`this role may not use ${closed.join(', ')}`),
    invalidIndexes.length > 0 && {
      code: 'index-invalid',
      what: `these indexes are not whole: ${invalidIndexes.join(', ')}`,
      why: 'a build ended half-way: they cost each write, and serve no query',
      remedy: 'run `npx thermocline migrate`, or REINDEX INDEX CONCURRENTLY each',
    },
    missingIndexes.length > 0 && {
      code: 'index-missing',
      what: `these indexes are not there: ${missingIndexes.join(', ')}`,
      why: 'queries that they serve read whole tables instead',
      remedy: 'run `npx thermocline migrate` for those of options; create others as in the folder `drizzle`',
    },
    vectorRemedy !== undefined && {
      code: 'vectors-unindexed',
      what: vectorRemedy.split(':')[0]!,
      why: 'every search by vector compares all vectors by plain SQL',
      remedy: vectorRemedy.split(': ').slice(1).join(': '),
    },
    bloatedTables.length > 0 && {
      code: 'rows-dead',
      what: `most rows of ${bloatedTables.map(({ name, dead }) => `${name} are dead (${dead})`).join(', of ')}`,
      why: 'they take room, and every scan passes over them',
      remedy: 'see that autovacuum runs and that no old session or replication slot holds it up; then VACUUM the table',
    },
    deadLetters > 0 && {
      code: 'dead-letters',
      what: `the database refused ${deadLetters} acknowledged writes`,
      why: 'what they said is in no entry',
      remedy:
        'list them with the reason by `npx thermocline dead-letters`, mend that, then ' +
        '`npx thermocline dead-letters retry --all`',
    },
    ...setBacks.slice(0, MOST_TOLD).map(findingOfSetBack),
  ])
}

function findingOfSetBack({ walId, at, reason, lost }: FoundSetBack): Finding {
  const isWhole = isEmptyRange(lost)
  return {
    code: 'set-back',
    what: `by ${at.toISOString()} ${reason} (log ${walId}${isWhole ? '' : `: ${recordsIn(lost)} of it are lost`})`,
    why: isWhole
      ? 'whatever was not in the log of a process any more is as it was when the database was saved'
      : 'what these records said is in no entry, unless hot still had it or it was written again',
    remedy:
      `${isWhole ? 'see whether it was meant' : 'restore the database to a later point, if there is one'}; then ` +
      'delete the rows of this log from thermocline.accepted_losses: until then they are told of for a week',
  }
}

/** @param dir the data folder. */
export function findingsOfLogs(logs: readonly LogStanding[], dir: string): Finding[] {
  return logs.flatMap((log) => {
    const { walId, place, isDamaged } = log
    const named = `log ${walId}${place === undefined ? '' : ` (${place})`}`
    return only([
      isOwing(log) && {
        code: 'log-owed',
        what: `${named} ${describeDebt(log)}`,
        why: log.isRegistered
          ? 'the database lacks what its process acknowledged, and keeps tombstones until it has that'
          : 'the database lacks what its process acknowledged',
        remedy: remedyOfDebt(log, dir),
      },
      isDamaged === true && {
        code: 'log-damaged',
        what: `${named} has lost records`,
        why: 'what they said may be in no other place',
        remedy: 'restore its files from a copy, or see by `npx thermocline recover` what of it the database lacks',
      },
    ])
  })
}

/** A living process tells the database of its log soon; what no process has, and the database does not know, waits. */
function isOwing({ owed, heartbeatAgeMs, isRegistered, isOwned }: LogStanding): boolean {
  return owed !== 0 && (heartbeatAgeMs > SILENT_MS || !(isRegistered || isOwned))
}

function describeDebt({ owed, heartbeatAgeMs, isRegistered, isOwned }: LogStanding): string {
  const age = lasting(heartbeatAgeMs)
  const debt = owed === undefined ? 'what nobody can tell here' : `${owed} writes`
  if (isRegistered) return `was not heard of for ${age}, and owes ${debt}`
  if (!isOwned) return `is unknown to the database, and owes ${debt}`
  return `is unknown to the database ${age} after it began, its process lives, and it owes ${debt}`
}

function lasting(millis: number): string {
  const minutes = Math.round(millis / 60_000)
  const hours = Math.round(minutes / 60)
  if (hours < 2) return `${minutes} minutes`
  return hours < 48 ? `${hours} hours` : `${Math.round(hours / 24)} days`
}

function remedyOfDebt({ isHere, isOwned }: LogStanding, dir: string): string {
  if (!isHere)
    return (
      'bring its disk back and run `npx thermocline recover` there; only where it is gone for good, ' +
      '`npx thermocline logs retire`'
    )
  if (isOwned)
    return 'see what its process logs: once it reaches the database it ships, or says why not: then open its store anew'
  return `open the store in that folder, or run \`npx thermocline recover --dir ${dir}\``
}

/** @param disk the one with least room, where one is known. */
export function findingsOfDisk(disk: DiskSpace | undefined): Finding[] {
  return only([
    disk !== undefined &&
      disk.free < DEFAULTS.alerts.diskFree && {
        code: 'disk-low',
        what: `${percent(disk.free)} of the disk of ${disk.folder} are free`,
        why: 'when it is full, writes are refused',
        remedy: 'free some of it, or give it more',
      },
  ])
}

/** Of a folder that an option names. */
export function findingsOfFolder(path: string, access: FolderAccess): Finding[] {
  const { mode, isOpenToOthers, isWritableByOthers } = access
  return only([
    isOpenToOthers && {
      code: 'folder-open',
      what: `${path} is open to every user of this machine (mode ${mode})`,
      why: isWritableByOthers
        ? 'everybody may delete or replace what is in it'
        : 'others see what is in it; the logs and the database themselves are closed to them',
      remedy: `chmod ${isWritableByOthers ? 'o-w' : 'o-rwx'} ${path}`,
    },
  ])
}

/** @param message says what is wrong, and behind its last colon what to do. */
export function folderUnusable(message: string): Finding {
  return {
    code: 'folder-unusable',
    ...asTold(message),
    why: 'no store opens there, and what its logs hold is shipped by nobody',
  }
}

/** @param message likewise. */
export function databaseMissing(message: string): Finding {
  return {
    code: 'database-missing',
    ...asTold(message),
    why: 'what the logs hold is shipped by nobody, and what was in the database is nowhere else',
  }
}

function asTold(message: string): Pick<Finding, 'what' | 'remedy'> {
  const end = message.lastIndexOf(': ')
  return { what: message.slice(0, end), remedy: message.slice(end + 2) }
}

/** @param memory bytes: what the options let a process hold, and what there is for it. */
export function findingsOfMemory({ held, available }: { held: number; available: number }): Finding[] {
  return only([
    held > MOST_HELD * available && {
      code: 'memory-short',
      what: `the options let a process hold ${mebibytes(held)} of entries, and it has ${mebibytes(available)}`,
      why: 'a process that takes more memory than there is, is ended; its log keeps what it acknowledged',
      remedy: 'lower wal.maxPendingBytes and, where hot is in the process, hot.maxBytes, or give it more memory',
    },
  ])
}

export function unreachable(tier: 'redis' | 'database', message: string): Finding {
  return tier === 'redis'
    ? {
        code: 'redis-unreachable',
        what: `Redis cannot be used: ${message}`,
        why: 'calls go on without hot, and take longer',
        remedy: 'see that it runs, that this machine reaches it, and that REDIS_URL or `hot` names it',
      }
    : {
        code: 'database-unreachable',
        what: `the database cannot be used: ${message}`,
        why: 'writes are taken until `wal.maxPendingBytes` is full, and what only it has cannot be read',
        remedy: 'see that it runs and takes connections, and that DATABASE_URL or `cold` names it',
      }
}

/** @param packages as npm takes them. */
export function notInstalled(message: string, packages: readonly string[]): Finding {
  return {
    code: 'package-missing',
    what: message,
    why: 'the store does not open without it',
    remedy: `npm install ${packages.join(' ')}`,
  }
}
