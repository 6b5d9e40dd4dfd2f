/** Puts together what the overview, the log and the sync page show of a store's numbers; rates.ts counts per second. */
import type { Alert, LastSync, MemoryStore, StoreStats, TierState, TierStats } from '../index.ts'
import type {
  AlertAnswer,
  LogAnswer,
  LogsAnswer,
  OverviewAnswer,
  SyncAnswer,
  SyncRunAnswer,
  TierAnswer,
} from './answers.ts'
import type { StoreWatcher } from './store-watcher.ts'

const THERE: TierState = { is: 'there' }

export async function overviewAnswer(
  store: MemoryStore,
  watcher: StoreWatcher,
  isWritable: boolean,
): Promise<OverviewAnswer> {
  const [{ stats, rates }, alerts] = await Promise.all([watcher.read(), watcher.alerts()])
  const { live, error, hot, cold } = store.health()
  const { tiers, checkpoint, windows } = stats
  const { tombstones, unindexed, deadLetters, pinned } = tiers.cold
  return {
    alerts: alerts.map(alertAnswer),
    ...{ now: Date.now(), isWritable, live, error: error?.message, countedSince: stats.since.getTime(), rates },
    tiers: {
      pending: tierAnswer(tiers.pending, THERE),
      hot: tierAnswer(tiers.hot, hot),
      cold: tierAnswer(tiers.cold, cold),
      log: tierAnswer(tiers.log, THERE),
    },
    cold: { tombstones, unindexed, deadLetters, pinned },
    lag: { records: checkpoint.lagRecords, bytes: checkpoint.lagBytes, seconds: checkpoint.lagSeconds },
    calls: Object.entries(windows.oneMinute.calls)
      .map(([call, { count, failed, p50, p99 }]) => ({ call, count, failed, p50, p99 }))
      .filter(({ count }) => count > 0)
      .sort((a, b) => b.count - a.count),
    lastSync: stats.sync.last && syncRunAnswer(stats.sync.last),
    nextSync: store.worker.nextRun?.getTime(),
  }
}

function alertAnswer({ code, severity, message, since }: Alert): AlertAnswer {
  return { code, severity, message, since: since.getTime() }
}

function tierAnswer({ entries, bytes, asOf, hitRatio }: TierStats, state: TierState): TierAnswer {
  const since = state.is === 'away' ? state.since.getTime() : undefined
  return { state: state.is, since, entries, bytes, asOf: asOf?.getTime(), hitRatio }
}

function syncRunAnswer({ startedAt, durationMs, synced, skipped, errors, bytes }: LastSync): SyncRunAnswer {
  return { startedAt: startedAt.getTime(), durationMs, synced, skipped, errors, bytes }
}

export function logAnswer({ wal, checkpoint, tiers: { log } }: StoreStats): LogAnswer {
  const { append } = log.operations
  return {
    ...wal,
    lagRecords: checkpoint.lagRecords,
    lagBytes: checkpoint.lagBytes,
    segments: log.segments,
    bytes: log.bytes ?? 0,
    appends: append && { count: append.count, p50: append.p50, p99: append.p99 },
  }
}

/** Its own first, then the one not heard of for longest. */
export async function logsAnswer(store: MemoryStore, watcher: StoreWatcher, signal: AbortSignal): Promise<LogsAnswer> {
  const [{ stats }, standings] = await Promise.all([watcher.read(), store.logs({ signal })])
  const rows = standings.map(({ walId, epoch, place, sequence, heartbeatAgeMs, isRegistered, ...debt }) => ({
    ...{ id: walId, epoch, place, sequence, heartbeatAgeMs, isRegistered },
    ...{ owed: debt.owed, isDamaged: debt.isDamaged === true },
    isOwn: walId === stats.wal.id,
  }))
  return { logs: rows.sort((a, b) => Number(b.isOwn) - Number(a.isOwn)) }
}

export async function syncAnswer(store: MemoryStore, watcher: StoreWatcher): Promise<SyncAnswer> {
  const { last, failed, lease } = (await watcher.read()).stats.sync
  return {
    last: last && syncRunAnswer(last),
    failed: failed && { at: failed.at.getTime(), code: failed.code },
    next: store.worker.nextRun?.getTime(),
    lease,
    history: watcher.history,
  }
}
