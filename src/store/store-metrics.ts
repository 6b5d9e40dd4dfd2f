/**
 * What `metrics()` answers: the numbers of `stats()` under names of Prometheus. No namespace, id or key is a label, for
 * there is no end of those.
 */
import { ALERT_RULES, type Alert } from '../telemetry/alerts.ts'
import type { MetricFamily } from '../telemetry/prometheus-text.ts'
import type { OperationTally, Tally } from '../telemetry/tally.ts'
import type { StoreStats } from './store-stats.ts'
import type { StoreHealth } from './store-status.ts'

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number | undefined]

/** @param tally the same as `stats` was made of. */
export function metricsOf(
  stats: StoreStats,
  tally: Tally,
  health: StoreHealth,
  alerts: readonly Alert[],
): MetricFamily[] {
  return [...tierMetrics(stats, health), alertMetric(alerts), ...activityMetrics(tally), ...progressMetrics(stats)]
}

/** All that there are, so that one which is over is seen to be. */
function alertMetric(alerts: readonly Alert[]): MetricFamily {
  const raised = new Set(alerts.map(({ code }) => code as string))
  const samples = Object.entries(ALERT_RULES).map(
    ([code, { severity }]): Sample => [{ code, severity }, Number(raised.has(code))],
  )
  return gauge('alert', 'Whether the alert is raised.', samples)
}

function tierMetrics({ tiers }: StoreStats, { live, hot, cold }: StoreHealth): MetricFamily[] {
  const each = (pick: (tier: { entries: number | undefined; bytes: number | undefined }) => number | undefined) =>
    Object.entries(tiers).map(([tier, numbers]): Sample => [{ tier }, pick(numbers)])
  const { tombstones, unindexed, deadLetters, pinned, unembedded } = tiers.cold
  return [
    gauge('live', 'Whether writes are taken.', [[{}, Number(live)]]),
    gauge('tier_up', 'Whether the tier answers, as the latest call found it.', [
      [{ tier: 'hot' }, Number(hot.is === 'there')],
      [{ tier: 'cold' }, Number(cold.is === 'there')],
    ]),
    gauge('tier_entries', 'Entries of each tier, as it said last; of the log records that cold lacks.', each(entries)),
    gauge('tier_bytes', 'Bytes of each tier, as it said last.', each(bytes)),
    gauge('cold_tombstones', 'Tombstones that wait to be collected.', [[{}, tombstones]]),
    gauge('cold_unindexed', 'Rows that the vector index does not cover yet.', [[{}, unindexed]]),
    gauge('cold_dead_letters', 'Acknowledged writes that the database refused.', [[{}, deadLetters]]),
    gauge('cold_pinned', 'Entries that stay in hot.', [[{}, pinned]]),
    gauge('cold_unembedded', 'Entries that wait for a vector.', [[{}, unembedded]]),
    gauge('hot_generation', 'Which life of the hot tier it is.', [[{}, tiers.hot.generation]]),
    gauge('log_segments', 'Files of the log.', [[{}, tiers.log.segments]]),
  ]
}

const entries = (tier: { entries: number | undefined }) => tier.entries
const bytes = (tier: { bytes: number | undefined }) => tier.bytes

function activityMetrics(tally: Tally): MetricFamily[] {
  const calls = [...tally.operations('calls')].map(([call, operation]) => [{ call }, operation] as const)
  const operations = (['hot', 'cold', 'log'] as const).flatMap((tier) =>
    [...tally.operations(tier)].map(([operation, tallied]) => [{ tier, operation }, tallied] as const),
  )
  const { pendingHits, pendingMisses, hotHits, hotMisses, coldHits, coldMisses, ...moved } = tally.counts
  const hits = { pending: pendingHits, hot: hotHits, cold: coldHits }
  const misses = { pending: pendingMisses, hot: hotMisses, cold: coldMisses }
  const lookups = (result: string, of: Readonly<Record<string, number>>) =>
    Object.entries(of).map(([tier, value]): Sample => [{ tier, result }, value])
  return [
    histogram('call_duration_seconds', 'How long calls took.', calls),
    counter('calls_failed_total', 'Calls that were refused or failed.', failuresOf(calls)),
    histogram('tier_operation_duration_seconds', 'How long a tier took for what it was asked.', operations),
    counter('tier_operations_failed_total', 'What a tier refused or did not answer.', failuresOf(operations)),
    counter('lookups_total', 'Keys that reads asked a tier for.', [
      ...lookups('hit', hits),
      ...lookups('miss', misses),
    ]),
    counter(
      'migrations_total',
      'Entries that moved between tiers, and versions that expired, were collected or came too late.',
      Object.entries(moved).map(([kind, value]): Sample => [{ kind }, value]),
    ),
  ]
}

function progressMetrics({ checkpoint, sync }: StoreStats): MetricFamily[] {
  const { last, lease } = sync
  return [
    gauge('checkpoint_lag_records', 'Records that cold does not have yet.', [[{}, checkpoint.lagRecords]]),
    gauge('checkpoint_lag_bytes', 'Payload bytes that cold does not have yet.', [[{}, checkpoint.lagBytes]]),
    gauge('checkpoint_lag_seconds', 'Age of the oldest acknowledged write that cold does not have yet.', [
      [{}, checkpoint.lagSeconds],
    ]),
    gauge('sync_last_timestamp_seconds', 'When the latest sync that ended well began.', [
      [{}, last && last.startedAt.getTime() / 1_000],
    ]),
    gauge('sync_last_duration_seconds', 'How long it took.', [[{}, last && last.durationMs / 1_000]]),
    gauge('sync_leader', 'Whether this process is the one that syncs on schedule.', [
      [{}, lease && Number(lease.isOurs)],
    ]),
  ]
}

type Operations = readonly (readonly [Readonly<Record<string, string>>, OperationTally])[]

function failuresOf(operations: Operations): Sample[] {
  return operations.map(([labels, { failed }]) => [labels, failed])
}

function gauge(name: string, help: string, samples: readonly Sample[]): MetricFamily {
  return { type: 'gauge', name: `thermocline_${name}`, help, samples }
}

function counter(name: string, help: string, samples: readonly Sample[]): MetricFamily {
  return { type: 'counter', name: `thermocline_${name}`, help, samples }
}

function histogram(name: string, help: string, operations: Operations): MetricFamily {
  const samples = operations.map(([labels, { times }]) => [labels, times] as const)
  return { type: 'histogram', name: `thermocline_${name}`, help, samples }
}
