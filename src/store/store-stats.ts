/** Decides what `stats()` says: the numbers of a store, put together from whoever knows them. */
import type { ColdStats, ColdTier, SyncRun } from '../cold/cold-tier.ts'
import { parseVersion } from '../entry/version.ts'
import type { ErrorCode } from '../errors.ts'
import type { Embedder, EmbedderCounts } from '../flow/embedder.ts'
import type { Journal } from '../flow/journal.ts'
import type { TierWatch } from '../flow/tier-watch.ts'
import type { HotSize, HotTier } from '../hot/hot-tier.ts'
import type { Clock } from '../kernel/clock.ts'
import { type Patience, withDeadline } from '../kernel/deadline.ts'
import type { Checkpointer } from '../sync/checkpointer.ts'
import type { FullSync } from '../sync/full-sync.ts'
import type { Lease } from '../sync/lease.ts'
import type { ModelRegistry } from '../sync/model-registry.ts'
import {
  type Activity,
  activityOf,
  type Migrations,
  type OperationStats,
  type TierActivity,
} from '../telemetry/activity.ts'
import { LastSaid, type Said } from '../telemetry/last-said.ts'
import type { Tally } from '../telemetry/tally.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'

/** What a tier holds and what this process did with it. */
export interface TierStats extends TierActivity {
  /** Undefined where the tier never said. */
  readonly entries: number | undefined
  /** Of the log and of cold on the disk, else of encoded entries. */
  readonly bytes: number | undefined
  /** When the tier said so: older where it is away now. */
  readonly asOf: Date | undefined
}

/** Of a tier that is asked each time. */
export interface AskedTierStats extends TierStats {
  /** Why it told nothing the latest time that it was asked, as `ERR_SCHEMA`; undefined where it told. */
  readonly errorCode: ErrorCode | undefined
}

/** What is local is always told; of a tier that is away, what it last said is in `tiers`, with its age. */
export interface StoreStats {
  /** Acknowledged writes that cold does not have yet. */
  readonly pending: { readonly entries: number; readonly bytes: number }
  /** Undefined while it does not answer or refuses. */
  readonly hot: { readonly entries: number; readonly bytes: number } | undefined
  /**
   * `entries`: live ones. `unindexed`: rows that the vector index does not cover yet. `deadLetters`: acknowledged
   * writes that the database refused; they are kept in its table `thermocline.dead_letters`, with the reason.
   * `pinned`: entries that stay in hot. `unembedded`: entries that wait for a vector. Undefined while it does not
   * answer or refuses.
   */
  readonly cold: ColdNumbers | undefined
  readonly wal: {
    readonly id: string
    readonly epoch: number
    readonly sequence: number
    /** Cold has every record up to here. */
    readonly checkpoint: number
    /** Milliseconds since the oldest write that cold does not have yet; 0 where it has them all. */
    readonly oldestUnshippedMs: number
  }
  /** Since the store was opened, or `resetStats()`: of `calls`, `migrations`, and what `tiers` were asked. */
  readonly since: Date
  readonly calls: Readonly<Record<string, OperationStats>>
  readonly migrations: Migrations
  readonly tiers: {
    readonly pending: TierStats
    readonly hot: AskedTierStats & {
      /** Number of its generation; undefined where cold knows it by none, or it is away. */
      readonly generation: number | undefined
    }
    readonly cold: AskedTierStats & Partial<Omit<ColdNumbers, 'entries'>>
    /** Of this process. `entries`: records that cold does not have yet. */
    readonly log: TierStats & { readonly segments: number }
  }
  /** The same of the last minutes, as exact as a quarter of one. */
  readonly windows: { readonly oneMinute: Activity; readonly fiveMinutes: Activity }
  /** What cold does not have yet: records, payload bytes, and the age of the oldest acknowledged write of them. */
  readonly checkpoint: { readonly lagRecords: number; readonly lagBytes: number; readonly lagSeconds: number }
  /** What `embedMany` was asked since the store was opened, by this process; undefined where there is no `embed`. */
  readonly embedding: (EmbedderCounts & { readonly model: string; readonly otherModels: readonly string[] }) | undefined
  readonly sync: {
    /** The latest that ended well, of whichever process; undefined where none is known. */
    readonly last: LastSync | undefined
    /** The latest of this process, where it failed. */
    readonly failed: { readonly at: Date; readonly code: ErrorCode | undefined } | undefined
    /** Of the processes of a store one syncs on schedule; undefined where none is known to, or this one is alone. */
    readonly lease: { readonly holder: string; readonly isOurs: boolean } | undefined
  }
}

/** Of the database, all processes together. */
export interface ColdNumbers {
  readonly entries: number
  readonly tombstones: number
  readonly unindexed: number
  readonly deadLetters: number
  readonly pinned: number
  readonly unembedded: number
}

export interface LastSync extends Omit<SyncRun, 'startedAt'> {
  readonly startedAt: Date
}

/** @internal */
export interface StoreNumbersParts {
  readonly journal: Journal
  readonly checkpointer: Checkpointer
  readonly hot: Pick<HotTier, 'size' | 'generationNumber'>
  readonly cold: Pick<ColdTier, 'stats'>
  readonly watches: { readonly hot: TierWatch; readonly cold: TierWatch }
  readonly clock: Clock
  readonly telemetry: Telemetry
  readonly sync: FullSync
  /** By which one of several processes syncs on schedule. */
  readonly lease: { readonly name: string; readonly own: Lease | undefined }
  readonly embedding:
    | {
        readonly embedder: Pick<Embedder, 'model' | 'counts'>
        readonly registry: Pick<ModelRegistry, 'others'>
      }
    | undefined
}

/** @internal */
export class StoreNumbers {
  readonly #parts: StoreNumbersParts
  readonly #hot: LastSaid<HotSize>
  readonly #cold: LastSaid<ColdStats>

  constructor(parts: StoreNumbersParts) {
    const { hot, cold, clock, watches } = parts
    const isAway = (watch: TierWatch) => () => watch.state().is === 'away'
    this.#parts = parts
    this.#hot = new LastSaid({ ask: () => hot.size(), isAway: isAway(watches.hot), clock })
    this.#cold = new LastSaid({ ask: () => cold.stats(), isAway: isAway(watches.cold), clock })
  }

  /** Asks nobody: `tiers` has what each said last, and `hot` and `cold` are undefined. */
  known(): StoreStats {
    return this.#statsOf(this.#parts.telemetry.total(), undefined, undefined)
  }

  async stats(patience: Patience): Promise<StoreStats> {
    return (await this.read(patience)).stats
  }

  /** The numbers, and what they were made of. */
  async read(patience: Patience): Promise<{ readonly stats: StoreStats; readonly tally: Tally }> {
    const [hot, cold] = await withDeadline(Promise.all([this.#hot.now(), this.#cold.now()]), patience)
    const tally = this.#parts.telemetry.total()
    return { stats: this.#statsOf(tally, hot, cold), tally }
  }

  /** @param hot undefined where it tells nothing, as `cold`. */
  #statsOf(tally: Tally, hot: HotSize | undefined, cold: ColdStats | undefined): StoreStats {
    const { telemetry, hot: tier } = this.#parts
    const { since, calls, tiers, migrations } = activityOf(tally)
    const local = this.#local()
    const lastHot = this.#hot.last
    const lastCold = this.#cold.last
    return {
      pending: { entries: local.pending.entries, bytes: local.pending.bytes },
      hot: hot && { entries: hot.entries, bytes: hot.bytes },
      cold: cold && numbersOf(cold),
      ...{ wal: local.wal, since, calls, migrations },
      tiers: {
        pending: { ...local.pending, ...tiers.pending },
        hot: {
          ...{ ...saidOf(lastHot), ...tiers.hot, generation: tier.generationNumber },
          errorCode: this.#hot.errorCode,
        },
        cold: {
          ...{ ...(lastCold && numbersOf(lastCold.value)), ...coldOf(lastCold), ...tiers.cold },
          errorCode: this.#cold.errorCode,
        },
        log: { ...local.log, ...tiers.log },
      },
      windows: {
        oneMinute: activityOf(telemetry.last('oneMinute')),
        fiveMinutes: activityOf(telemetry.last('fiveMinutes')),
      },
      checkpoint: local.checkpoint,
      embedding: this.#embedding(),
      sync: this.#sync(lastCold?.value),
    }
  }

  #local() {
    const { journal, checkpointer, clock } = this.#parts
    const { log, pending } = journal
    const { oldest } = pending
    const now = clock.now()
    const oldestUnshippedMs = oldest === undefined ? 0 : Math.max(0, now - parseVersion(oldest.version).millis)
    const lagRecords = Math.max(0, log.lastSequence - checkpointer.sequence)
    const asOf = new Date(now)
    const { segments, bytes } = log.extent
    return {
      pending: { entries: pending.size, bytes: pending.bytes, asOf },
      log: { entries: lagRecords, bytes, segments, asOf },
      checkpoint: { lagRecords, lagBytes: pending.bytes, lagSeconds: oldestUnshippedMs / 1_000 },
      wal: {
        id: log.walId,
        epoch: log.epoch,
        sequence: log.lastSequence,
        checkpoint: checkpointer.sequence,
        oldestUnshippedMs,
      },
    }
  }

  #embedding(): StoreStats['embedding'] {
    const { embedding } = this.#parts
    if (embedding === undefined) return undefined
    const { embedder, registry } = embedding
    return { model: embedder.model, ...embedder.counts, otherModels: registry.others }
  }

  #sync(cold: ColdStats | undefined): StoreStats['sync'] {
    const { sync, lease } = this.#parts
    const recorded = cold?.lastSync && { ...cold.lastSync, startedAt: new Date(cold.lastSync.startedAt) }
    const holder = cold?.leases[lease.name]
    return {
      last: newerOf(recorded, sync.latest && lastSyncOf(sync.latest)),
      failed: sync.failed,
      lease: holder === undefined ? undefined : { holder, isOurs: holder === lease.own?.holder },
    }
  }
}

function numbersOf({ live, tombstones, unindexed, deadLetters, pinned, unembedded }: ColdStats): ColdNumbers {
  return { entries: live, tombstones, unindexed, deadLetters, pinned, unembedded }
}

function saidOf(said: Said<{ readonly entries: number; readonly bytes: number }> | undefined) {
  return { entries: said?.value.entries, bytes: said?.value.bytes, asOf: said && new Date(said.at) }
}

function coldOf(said: Said<ColdStats> | undefined) {
  return saidOf(said && { at: said.at, value: { entries: said.value.live, bytes: said.value.bytes } })
}

function lastSyncOf({ startedAt, durationMs, synced, skipped, errors, bytes }: LastSync): LastSync {
  return { startedAt, durationMs, synced, skipped, errors, bytes }
}

function newerOf(one: LastSync | undefined, other: LastSync | undefined): LastSync | undefined {
  if (one === undefined || other === undefined) return one ?? other
  return one.startedAt > other.startedAt ? one : other
}
