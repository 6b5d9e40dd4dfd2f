/**
 * Reads a trace through what decides what is hot in a store: the tier in this process, the policies, promotion, counted
 * reads and early demotion, all as built. Cold is stood in for, since it decides nothing here: it has every entry.
 */
import type { EntryRecord } from '../../../src/entry/record.ts'
import type { TieringPolicy } from '../../../src/index.ts'
import type { Bench } from './bench.ts'

/** Milliseconds from one read to the next. */
const STEP_MS = 50
/** Counted reads are handed over so often. */
const FLUSH_MS = 1_000
const EPOCH = Date.UTC(2026, 0, 1)

export interface Replay {
  /** Entries that hot holds. */
  readonly room: number
  /** Undefined: what a store does without one. */
  readonly policy: TieringPolicy | undefined
}

/** Returns the share of the reads that hot answered. */
export type ReplayTrace = (trace: Int32Array, how: Replay) => Promise<number>

export async function replayOf(bench: Bench): Promise<ReplayTrace> {
  const { InProcessHotTier } = await bench.module<typeof import('../../../src/hot/in-process/in-process-hot-tier.ts')>(
    'hot/in-process/in-process-hot-tier',
  )
  const { Pressure } = await bench.module<typeof import('../../../src/flow/pressure.ts')>('flow/pressure')
  const { Tiering } = await bench.module<typeof import('../../../src/flow/tiering.ts')>('flow/tiering')
  const { AccessCounter } =
    await bench.module<typeof import('../../../src/flow/access-counter.ts')>('flow/access-counter')
  const { Promoter } = await bench.module<typeof import('../../../src/flow/promoter.ts')>('flow/promoter')
  const { Demoter } = await bench.module<typeof import('../../../src/sync/demoter.ts')>('sync/demoter')
  const { MigrationPace } =
    await bench.module<typeof import('../../../src/sync/migration-pace.ts')>('sync/migration-pace')
  const { PolicyTable } =
    await bench.module<typeof import('../../../src/policy/policy-table.ts')>('policy/policy-table')
  const { idleTimePolicy } = await bench.module<typeof import('../../../src/policy/idle-time.ts')>('policy/idle-time')
  const { Telemetry } = await bench.module<typeof import('../../../src/telemetry/telemetry.ts')>('telemetry/telemetry')
  const { silentLogger: logger } = await bench.module<typeof import('../../../src/kernel/logger.ts')>('kernel/logger')

  return async (trace, { room, policy }) => {
    let now = EPOCH
    const clock = { now: () => now }
    const halfLifeMs = 600_000
    const hot = new InProcessHotTier({ maxEntries: room, maxBytes: Number.MAX_SAFE_INTEGER, clock })
    const cold = new ColdStandIn()
    const pressure = new Pressure({ bytes: 0 }, hot, { checkpointBytes: 1, maxPendingBytes: 1, timeout: 1 }, logger)
    const rules = policy === undefined ? [] : [{ scope: { segments: [], below: true }, policy }]
    const policies = new PolicyTable(rules, idleTimePolicy(Number.POSITIVE_INFINITY, 1))
    const tiering = new Tiering({ hot, pressure, policies, halfLifeMs, clock })
    const sliding = { read() {}, touched() {} }
    const access = new AccessCounter(hot, cold as never, sliding as never, logger, tiering)
    const telemetry = new Telemetry(clock, logger)
    const promoter = new Promoter({ hot, access, pressure, telemetry, logger, tiering })
    const pace = new MigrationPace({ most: Number.POSITIVE_INFINITY, takeCallTimes: () => undefined as never })
    const parts = { hot, cold: cold as never, logger, pressure, telemetry, clock, tiering, pace }
    const demoter = new Demoter({ ...parts, batchSize: Math.ceil(room / 100) })
    const never = new AbortController().signal
    let isOverfull = false
    pressure.needs.subscribe((need) => {
      isOverfull ||= need === 'demotion'
    })
    let hits = 0
    let flushAt = now + FLUSH_MS
    for (const nth of trace) {
      now += STEP_MS
      const record = recordOf(nth)
      const held = hot.held(record)
      if (held !== undefined) hits++
      else {
        promoter.promote({
          record,
          access: cold.accessOf(record),
          startedAt: hot.now(),
          generationId: hot.generationId,
        })
        await promoter.settled()
        await pressure.hotFill()
        // A turn, in which pressure looks how full hot is.
        await undefined
      }
      access.count(record, held, now)
      if (now >= flushAt) {
        await access.flush()
        flushAt = now + FLUSH_MS
      }
      if (!isOverfull) continue
      isOverfull = false
      await demoter.demoteOverflow(never)
    }
    await access.flush()
    return hits / trace.length
  }
}

class ColdStandIn {
  readonly #access = new Map<string, { accessCount: number; lastAccessedAt: number }>()

  accessOf({ id }: { readonly id: string }) {
    return this.#access.get(id)
  }

  async versions(keys: readonly { readonly id: string }[]): Promise<string[]> {
    return keys.map(() => VERSION)
  }

  async arePinned(keys: readonly unknown[]): Promise<boolean[]> {
    return keys.map(() => false)
  }

  async recordAccess(touches: readonly { id: string; lastAccessedAt: number; accesses: number }[]): Promise<void> {
    for (const { id, lastAccessedAt, accesses } of touches) {
      const known = this.#access.get(id) ?? { accessCount: 0, lastAccessedAt: 0 }
      known.accessCount += accesses
      known.lastAccessedAt = Math.max(known.lastAccessedAt, lastAccessedAt)
      this.#access.set(id, known)
    }
  }
}

const VERSION = `${EPOCH.toString(16).padStart(12, '0')}000000000000`
const records: EntryRecord[] = []

function recordOf(nth: number): EntryRecord {
  records[nth] ??= {
    ...{ namespace: 'trace', id: String(nth), key: null, version: VERSION, kind: 'metadata', text: null },
    ...{ documentId: null, position: null, level: null, children: null, childVersions: null, metadata: '{}' },
    ...{ embedding: null, embeddingModel: null, bytes: null, contentType: null, createdAt: EPOCH, updatedAt: EPOCH },
    ...{ expiresAt: null, slidingTtl: null, deletedAt: null },
  }
  return records[nth]
}
