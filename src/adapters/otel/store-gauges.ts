/**
 * Observes the numbers of stores, each by one `stats()` whenever the metrics of the program are collected. Which
 * numbers those are is decided in the tables here; all there are has `metrics()` of a store.
 */
import type { BatchObservableResult, Meter, MetricOptions, Observable } from '@opentelemetry/api'
import { isThermoclineError, type MemoryStore, type StoreStats } from '../../index.ts'

/** What is needed of a store. */
export type MeasuredStore = Pick<MemoryStore, 'stats'>

interface Measured extends MetricOptions {
  readonly name: string
  /** Undefined values are not told: nobody knows them. */
  readonly read: (stats: StoreStats) => readonly (readonly [value: number | undefined, attributes?: object])[]
}

const GAUGES: readonly Measured[] = [
  {
    name: 'thermocline.pending.entries',
    unit: '{entry}',
    description: 'Acknowledged writes that cold does not have yet.',
    read: ({ pending }) => [[pending.entries]],
  },
  {
    name: 'thermocline.pending.size',
    unit: 'By',
    description: 'Bytes of acknowledged writes that cold does not have yet.',
    read: ({ pending }) => [[pending.bytes]],
  },
  {
    name: 'thermocline.checkpoint.lag',
    unit: 's',
    description: 'Age of the oldest acknowledged write that cold does not have yet.',
    read: ({ checkpoint }) => [[checkpoint.lagSeconds]],
  },
  {
    name: 'thermocline.log.size',
    unit: 'By',
    description: 'Bytes of the log on the disk.',
    read: ({ tiers }) => [[tiers.log.bytes]],
  },
  {
    name: 'thermocline.tier.entries',
    unit: '{entry}',
    description: 'Entries of a tier, as it said last.',
    read: ({ tiers: { hot, cold } }) => [
      [hot.entries, { 'thermocline.tier': 'hot' }],
      [cold.entries, { 'thermocline.tier': 'cold' }],
    ],
  },
  {
    name: 'thermocline.cold.dead_letters',
    unit: '{write}',
    description: 'Acknowledged writes that the database refused.',
    read: ({ tiers }) => [[tiers.cold.deadLetters]],
  },
  {
    name: 'thermocline.cold.unindexed',
    unit: '{row}',
    description: 'Rows that the vector index does not cover yet.',
    read: ({ tiers }) => [[tiers.cold.unindexed]],
  },
]

const COUNTERS: readonly Measured[] = [
  {
    name: 'thermocline.lookups',
    unit: '{key}',
    description: 'Keys that reads by id asked a tier for.',
    read: ({ tiers }) =>
      (['pending', 'hot', 'cold'] as const).flatMap((tier) => [
        [tiers[tier].hits, { 'thermocline.tier': tier, 'thermocline.result': 'hit' }] as const,
        [tiers[tier].misses, { 'thermocline.tier': tier, 'thermocline.result': 'miss' }] as const,
      ]),
  },
]

type Instrument = readonly [Observable, Measured]

/**
 * Returns what ends it. A store that is closed has no numbers any more; where another does not answer, the collection
 * of the SDK tells why, and the others are observed all the same.
 *
 * @param unseen runs what asks a store.
 */
export function observeStores(
  meter: Meter,
  stores: Readonly<Record<string, MeasuredStore>>,
  unseen: <T>(ask: () => T) => T,
): () => void {
  const open = new Map(Object.entries(stores))
  if (open.size === 0) return () => {}
  const instruments = [
    ...GAUGES.map(({ read, ...one }): Instrument => [meter.createObservableGauge(one.name, one), { read, ...one }]),
    ...COUNTERS.map(({ read, ...one }): Instrument => [meter.createObservableCounter(one.name, one), { read, ...one }]),
  ]
  const observables = instruments.map(([observable]) => observable)
  const observe = async (result: BatchObservableResult): Promise<void> => {
    const observed = await Promise.allSettled(
      [...open].map(async ([name, store]) => {
        const stats = await unseen(() => store.stats()).catch(unlessClosed)
        if (stats === undefined) open.delete(name)
        else tell(result, instruments, name, stats)
      }),
    )
    const failed = observed.find((one) => one.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }
  meter.addBatchObservableCallback(observe, observables)
  return () => meter.removeBatchObservableCallback(observe, observables)
}

function tell(result: BatchObservableResult, instruments: readonly Instrument[], store: string, stats: StoreStats) {
  for (const [observable, { read }] of instruments)
    for (const [value, attributes] of read(stats))
      if (value !== undefined) result.observe(observable, value, { 'thermocline.store': store, ...attributes })
}

function unlessClosed(error: unknown): undefined {
  if (!isThermoclineError(error, 'ERR_CLOSED')) throw error
}
