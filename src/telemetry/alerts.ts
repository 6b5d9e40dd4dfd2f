/**
 * Decides when a store alerts people: by rules over a few readings, each with its limit, severity, and a text that says
 * what to do. An alert is raised once, when its reading passes the limit, and cleared when the reading is well back
 * (hysteresis), so that one which hovers about the limit tells nobody again and again. Who takes the readings, and who
 * is told, is in store/store-alerts.ts.
 */

export type AlertCode =
  | 'checkpoint-lag'
  | 'pending-full'
  | 'sync-overdue'
  | 'hot-away'
  | 'cold-away'
  | 'dead-letters'
  | 'hot-full'
  | 'hit-ratio-low'
  | 'hot-slow'
  | 'disk-low'
  | 'log-growing'
  | 'clock-drift'

export type AlertSeverity = 'warning' | 'critical'

/** What is wrong by now, or was. */
export interface Alert {
  readonly code: AlertCode
  readonly severity: AlertSeverity
  /** What is wrong, and what to do. */
  readonly message: string
  /** When it was raised. */
  readonly since: Date
  /** The latest reading, and the limit that it passed: milliseconds, a share from 0 to 1, or a count. */
  readonly value: number
  readonly threshold: number
}

/** Undefined: not known just now, which changes nothing. Null: there is nothing to judge, which clears the alert. */
export type Reading = number | undefined | null

/** Times are milliseconds, fills and ratios shares from 0 to 1. */
export interface AlertReadings {
  /** Age of the oldest acknowledged write that cold lacks. */
  readonly checkpointLag: Reading
  /** Of the bytes that may be pending. */
  readonly pendingFill: Reading
  /** Since a sync of any process ended well. */
  readonly syncAge: Reading
  /** How long syncs are apart by the schedule: a limit below two of these is raised to them. */
  readonly syncGap: number
  /** For how long each tier has been away; 0 while it is there. */
  readonly hotAway: Reading
  readonly coldAway: Reading
  readonly deadLetters: Reading
  /** Of its capacity, or of the memory of Redis. */
  readonly hotFill: Reading
  /** Of reads by id of the last minutes. */
  readonly hitRatio: Reading
  /** 99 of 100 reads and writes of hot took less. */
  readonly hotLatency: Reading
  readonly diskFree: Reading
  /** For how long the log has only grown, though it has ended files that it should have let go of. */
  readonly logGrowth: Reading
  /** How far the clock of this machine is from that of the database. */
  readonly clockDrift: Reading
}

/** Each may be false: that is not judged. */
export interface AlertLimits {
  readonly checkpointLag: number | false
  readonly pendingFill: number | false
  readonly syncAge: number | false
  readonly tierAway: number | false
  readonly deadLetters: number | false
  readonly hotFill: number | false
  readonly hitRatio: number | false
  readonly hotLatency: number | false
  readonly diskFree: number | false
  readonly logGrowth: number | false
  readonly clockDrift: number | false
}

interface Rule {
  readonly severity: AlertSeverity
  readonly limit: keyof AlertLimits
  readonly read: (readings: AlertReadings) => Reading
  /** Whether less than the limit is wrong. @default more than it is */
  readonly isFloor?: true
  /** The alert is cleared once the reading is past the limit times this. */
  readonly eased: number
  readonly tell: (value: number, limit: number) => string
}

const seconds = (ms: number): string => `${Math.round(ms / 1_000).toLocaleString('en')} s`
const minutes = (ms: number): string => `${Math.round(ms / 60_000).toLocaleString('en')} min`
const writes = (count: number): string =>
  count === 1 ? 'an acknowledged write' : `${count.toLocaleString('en')} acknowledged writes`
const percent = (share: number): string => `${Math.round(share * 1_000) / 10} %`

export const ALERT_RULES: Readonly<Record<AlertCode, Rule>> = {
  'checkpoint-lag': {
    ...{ severity: 'critical', limit: 'checkpointLag', eased: 0.5 },
    read: ({ checkpointLag }) => checkpointLag,
    tell: (value, limit) =>
      `the oldest acknowledged write that the database lacks is ${seconds(value)} old (limit ${seconds(limit)}), ` +
      'and is on the disk of this machine alone: see whether Postgres answers, or a session holds a lock (`npx ' +
      'thermocline doctor`)',
  },
  'pending-full': {
    ...{ severity: 'critical', limit: 'pendingFill', eased: 0.9 },
    read: ({ pendingFill }) => pendingFill,
    tell: (value, limit) =>
      `${percent(value)} of wal.maxPendingBytes are pending (limit ${percent(limit)}); once it is full, writes ` +
      'wait and are then refused: see why the database takes so little, write less, or raise wal.maxPendingBytes',
  },
  'sync-overdue': {
    ...{ severity: 'warning', limit: 'syncAge', eased: 0.9 },
    read: ({ syncAge }) => syncAge,
    tell: (value, limit) =>
      `no sync has ended well for ${minutes(value)} (limit ${minutes(limit)}), so nothing leaves hot and nothing is ` +
      'swept: see `sync.failed` of stats() and the log of the process that has the lease, or run `npx thermocline ' +
      'sync --once`',
  },
  'hot-away': {
    ...{ severity: 'warning', limit: 'tierAway', eased: 0.5 },
    read: ({ hotAway }) => hotAway,
    tell: (value, limit) =>
      `Redis has not answered for ${seconds(value)} (limit ${seconds(limit)}); calls go on without it, and take ` +
      'longer: see whether it runs, and whether this machine reaches it',
  },
  'cold-away': {
    ...{ severity: 'critical', limit: 'tierAway', eased: 0.5 },
    read: ({ coldAway }) => coldAway,
    tell: (value, limit) =>
      `the database has not answered for ${seconds(value)} (limit ${seconds(limit)}); writes are taken until ` +
      'wal.maxPendingBytes is full, and what only the database has cannot be read: see whether it runs and takes ' +
      'connections',
  },
  'dead-letters': {
    ...{ severity: 'critical', limit: 'deadLetters', eased: 1 },
    read: ({ deadLetters }) => deadLetters,
    tell: (value, limit) =>
      `the database refused ${writes(value)} (limit ${limit}): list them with the ` +
      'reason by `npx thermocline dead-letters`, mend that, then `npx thermocline dead-letters retry --all`',
  },
  'hot-full': {
    ...{ severity: 'warning', limit: 'hotFill', eased: 0.95 },
    read: ({ hotFill }) => hotFill,
    tell: (value, limit) =>
      `hot is ${percent(value)} full (limit ${percent(limit)}): give it more (hot.maxEntries, hot.maxBytes, or ` +
      'maxmemory of Redis), or let entries leave it earlier (sync.hotToColdAge)',
  },
  'hit-ratio-low': {
    ...{ severity: 'warning', limit: 'hitRatio', isFloor: true, eased: 1.2 },
    read: ({ hitRatio }) => hitRatio,
    tell: (value, limit) =>
      `hot had ${percent(value)} of what was read by id in the last five minutes (limit ${percent(limit)}): give ` +
      'it more room, let entries stay longer (sync.hotToColdAge), or pin what is read most',
  },
  'hot-slow': {
    ...{ severity: 'warning', limit: 'hotLatency', eased: 0.8 },
    read: ({ hotLatency }) => hotLatency,
    tell: (value, limit) =>
      `one in a hundred calls to hot took longer than ${value.toFixed(1)} ms in the last minute (limit ${limit} ` +
      'ms): see the network to Redis, its SLOWLOG, and what else it serves; of a hot tier in this process, what ' +
      'blocks its event loop',
  },
  'disk-low': {
    ...{ severity: 'critical', limit: 'diskFree', isFloor: true, eased: 1.1 },
    read: ({ diskFree }) => diskFree,
    tell: (value, limit) =>
      `${percent(value)} of the disk of the data folder are free (limit ${percent(limit)}); when it is full, ` +
      'writes are refused: free some of it, or give it more',
  },
  'log-growing': {
    ...{ severity: 'critical', limit: 'logGrowth', eased: 1 },
    read: ({ logGrowth }) => logGrowth,
    tell: (value, limit) =>
      `the log has only grown for ${minutes(value)} (limit ${minutes(limit)}), over several files: the database ` +
      'does not take what is written, or files cannot be deleted; see the log of this process (`npx thermocline ' +
      'inspect`)',
  },
  'clock-drift': {
    ...{ severity: 'warning', limit: 'clockDrift', eased: 0.8 },
    read: ({ clockDrift }) => clockDrift,
    tell: (value, limit) =>
      `the clock of this machine is ${(value / 1_000).toFixed(1)} s from that of the database (limit ` +
      `${limit / 1_000} s); more than 5 s apart no store opens: set both by NTP`,
  },
}

const RULES = Object.entries(ALERT_RULES) as [AlertCode, Rule][]

export interface AlertChanges {
  readonly raised: readonly Alert[]
  readonly cleared: readonly Alert[]
}

/** Which alerts are raised, by the latest readings. */
export class AlertStates {
  readonly #limits: AlertLimits
  readonly #raised = new Map<AlertCode, Alert>()

  constructor(limits: AlertLimits) {
    this.#limits = limits
  }

  /** In the order of the rules. */
  get raised(): Alert[] {
    return RULES.flatMap(([code]) => this.#raised.get(code) ?? [])
  }

  /** @param now milliseconds since the epoch. */
  judge(readings: AlertReadings, now: number): AlertChanges {
    const raised: Alert[] = []
    const cleared: Alert[] = []
    for (const [code, rule] of RULES) {
      const limit = limitOf(rule, this.#limits, readings)
      const value = limit === undefined ? null : rule.read(readings)
      const before = this.#raised.get(code)
      if (value === undefined) continue
      if (value === null || !isWrong(rule, value, limit!, before !== undefined)) {
        if (this.#raised.delete(code)) cleared.push({ ...before!, value: value ?? before!.value })
        continue
      }
      const message = rule.tell(value, limit!)
      const since = before?.since ?? new Date(now)
      const alert = { code, severity: rule.severity, message, since, value, threshold: limit! }
      this.#raised.set(code, alert)
      if (before === undefined) raised.push(alert)
    }
    return { raised, cleared }
  }
}

/** Undefined where it is not judged. */
function limitOf({ limit: name }: Rule, limits: AlertLimits, { syncGap }: AlertReadings): number | undefined {
  const limit = limits[name]
  if (limit === false) return undefined
  return name === 'syncAge' ? Math.max(limit, 2 * syncGap) : limit
}

function isWrong({ isFloor, eased }: Rule, value: number, limit: number, isRaised: boolean): boolean {
  const bound = isRaised ? limit * eased : limit
  return isFloor ? value < bound : value > bound
}
