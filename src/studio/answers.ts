/**
 * Defines the JSON that the studio's server answers and its page reads. Times are milliseconds since 1970; what is not
 * known is left out. Which route answers what is decided in routes.ts.
 */

/** A tier that answers, or is away since then. */
export interface TierAnswer {
  readonly state: 'there' | 'away'
  readonly since?: number | undefined
  /** What it said last, and when: older while it is away. */
  readonly entries?: number | undefined
  readonly bytes?: number | undefined
  readonly asOf?: number | undefined
  readonly hitRatio?: number | undefined
}

/** Per second, between two readings. */
export interface Rates {
  /** Records that the log took. */
  readonly writes: number
  /** Entries that reads by id asked for. */
  readonly reads: number
  /** Calls of `find`, `search`, `count` and their like. */
  readonly queries: number
  /** Records that cold took from the log. */
  readonly shipped: number
  readonly promoted: number
  readonly demoted: number
}

/** What is wrong, by a rule with a limit, and what to do. */
export interface AlertAnswer {
  readonly code: string
  readonly severity: 'warning' | 'critical'
  readonly message: string
  readonly since: number
}

export interface OverviewAnswer {
  readonly now: number
  readonly isWritable: boolean
  readonly live: boolean
  readonly alerts: readonly AlertAnswer[]
  readonly error?: string | undefined
  readonly countedSince: number
  readonly tiers: {
    readonly pending: TierAnswer
    readonly hot: TierAnswer
    readonly cold: TierAnswer
    readonly log: TierAnswer
  }
  readonly cold: {
    readonly tombstones?: number | undefined
    readonly unindexed?: number | undefined
    readonly deadLetters?: number | undefined
    readonly pinned?: number | undefined
  }
  readonly lag: { readonly records: number; readonly bytes: number; readonly seconds: number }
  readonly rates: Rates
  readonly calls: readonly CallAnswer[]
  readonly lastSync?: SyncRunAnswer | undefined
  readonly nextSync?: number | undefined
}

/** Milliseconds of a call, over the last minute. */
export interface CallAnswer {
  readonly call: string
  readonly count: number
  readonly failed: number
  readonly p50: number
  readonly p99: number
}

/** One reading of every few seconds. */
export interface Sample {
  readonly at: number
  readonly writes: number
  readonly reads: number
  readonly queries: number
  readonly hitRatio?: number | undefined
  readonly lagSeconds: number
  readonly readP99?: number | undefined
  readonly writeP99?: number | undefined
  readonly queryP99?: number | undefined
}

export interface NamespaceAnswer {
  readonly namespace: string
  readonly count: number
}

/** Those that have entries, in order; not all of them where a cursor leads on. */
export interface NamespacesAnswer {
  readonly items: readonly NamespaceAnswer[]
  readonly nextCursor?: string | undefined
}

export interface EntryRow {
  readonly namespace: string
  readonly id: string
  readonly key?: string | undefined
  readonly kind: string
  /** How its text, or its metadata, begins. */
  readonly title: string
  readonly version: string
  readonly updatedAt: number
  readonly expiresAt?: number | undefined
  readonly accessCount: number
}

export interface EntriesAnswer {
  readonly items: readonly EntryRow[]
  readonly nextCursor?: string | undefined
}

export interface PlaceAnswer {
  readonly rank: number
  readonly score: number
}

export interface HitRow extends EntryRow {
  readonly score: number
  readonly vector?: PlaceAnswer | undefined
  readonly text?: PlaceAnswer | undefined
}

export interface SearchAnswer {
  readonly hits: readonly HitRow[]
  /** A tier did not answer: hits may be missing. */
  readonly partial: boolean
  readonly exact: boolean
  readonly durationMs: number
}

/** What a tier has of an entry: its newest version, an older one, one that deleted it or has expired, or nothing. */
export type Standing = 'current' | 'older' | 'deleted' | 'expired' | 'none' | 'unknown'

export interface PlacementRow {
  readonly id: string
  readonly namespace: string
  readonly pending: Standing
  readonly hot: Standing
  readonly cold: Standing
  readonly pinned: boolean
}

export interface PlacementAnswer {
  readonly tier: 'pending' | 'hot' | 'cold'
  readonly standing: Standing
  readonly version?: string | undefined
  /** Why the tier did not say. */
  readonly failure?: string | undefined
}

export interface EntryAnswer {
  readonly namespace: string
  readonly id: string
  /** Left out where no read finds it any more. */
  readonly entry?: EntryContent | undefined
  readonly placements: readonly PlacementAnswer[]
  readonly pinned?: boolean | undefined
  /** Why it is where it is, a sentence each. */
  readonly why: readonly string[]
  readonly parents: readonly EntryRow[]
}

export interface EntryContent extends EntryRow {
  readonly createdAt: number
  readonly lastAccessedAt: number
  readonly slidingTtl?: number | undefined
  readonly text?: string | undefined
  readonly summary?: string | undefined
  readonly level?: number | undefined
  readonly children?: readonly string[] | undefined
  readonly documentId?: string | undefined
  readonly position?: number | undefined
  readonly metadata?: unknown
  readonly embeddingModel?: string | undefined
  readonly embedding?:
    | { readonly dimensions: number; readonly length: number; readonly first: readonly number[] }
    | undefined
  readonly blob?:
    | { readonly bytes: number; readonly contentType?: string | undefined; readonly hex: string }
    | undefined
}

export interface TreeNode {
  readonly id: string
  readonly kind: string
  readonly title: string
  readonly level: number
  readonly children: readonly string[]
}

export interface StaleAnswer {
  readonly id: string
  readonly changed: number
  readonly gone: number
  readonly appeared: number
  readonly below: number
}

export interface TreeAnswer {
  readonly roots: readonly TreeNode[]
  /** The root that was asked for, else the first, and what is below it. */
  readonly root?: string | undefined
  readonly nodes: readonly TreeNode[]
  readonly stale: readonly StaleAnswer[]
  /** More may be stale than are named. */
  readonly isStaleCut: boolean
  readonly isCut: boolean
}

export interface LogAnswer {
  readonly id: string
  readonly epoch: number
  readonly sequence: number
  readonly checkpoint: number
  readonly oldestUnshippedMs: number
  readonly lagRecords: number
  readonly lagBytes: number
  readonly segments: number
  readonly bytes: number
  /** Each group of writes that were synced together. */
  readonly appends?: { readonly count: number; readonly p50: number; readonly p99: number } | undefined
}

/** A log from which the database still expects records, of whichever process. */
export interface LogRow {
  readonly id: string
  readonly epoch: number
  /** Host and folder. */
  readonly place?: string | undefined
  /** Cold has every record up to here. */
  readonly sequence: number
  readonly heartbeatAgeMs: number
  /** Whether the database knows it; where it does not, its age stands for that of the heartbeat. */
  readonly isRegistered: boolean
  /** Records; left out where its files are elsewhere. */
  readonly owed?: number | undefined
  readonly isDamaged: boolean
  /** Of the process that serves the studio. */
  readonly isOwn: boolean
}

export interface LogsAnswer {
  readonly logs: readonly LogRow[]
}

export interface SyncRunAnswer {
  readonly startedAt: number
  readonly durationMs: number
  readonly synced: number
  readonly skipped: number
  readonly errors: number
  readonly bytes: number
}

/** What happened while the studio watched, the latest first. */
export interface HistoryRow {
  readonly at: number
  readonly what: string
  readonly text: string
  readonly isBad: boolean
}

export interface SyncAnswer {
  readonly last?: SyncRunAnswer | undefined
  readonly failed?: { readonly at: number; readonly code?: string | undefined } | undefined
  readonly next?: number | undefined
  readonly lease?: { readonly holder: string; readonly isOurs: boolean } | undefined
  readonly history: readonly HistoryRow[]
}

export interface DeadLetterRow {
  /** Names it. */
  readonly letter: string
  /** Left out where this version of the package cannot read it. */
  readonly namespace?: string | undefined
  readonly id?: string | undefined
  readonly key?: string | undefined
  readonly kind?: string | undefined
  readonly reason: string
  readonly refusedAt: number
  readonly bytes: number
  /** Where what it says was asked for. */
  readonly text?: string | undefined
  readonly metadata?: string | undefined
}

export interface DeadLettersAnswer {
  readonly items: readonly DeadLetterRow[]
  readonly nextCursor?: string | undefined
}

export interface PreviewRow {
  readonly namespace: string
  readonly id: string
  readonly kind?: string | undefined
  readonly bytes?: number | undefined
  readonly idleMs: number
  readonly accessCount: number
  readonly why: string
}

/** What a sync would do now. */
export interface PreviewAnswer {
  readonly demote: readonly PreviewRow[]
  readonly stay: readonly PreviewRow[]
  readonly expire: readonly { readonly namespace: string; readonly id: string }[]
  readonly moreHot: boolean
  readonly moreExpired: boolean
}

/** What a route answers in place of the above, with a status of 400 or more. */
export interface ErrorAnswer {
  readonly error: { readonly code: string; readonly message: string }
}
