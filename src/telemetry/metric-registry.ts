/**
 * Has a registry of prom-client collect the numbers of stores, beside whatever else a program measures. It is typed by
 * what is called of it, so prom-client is the program's own. Which numbers there are is decided in
 * store/store-metrics.ts, and when a store joins and leaves in store/memory-store.ts.
 */
import { ThermoclineError } from '../errors.ts'
import { type Labels, type MetricFamily, samplesOf } from './prometheus-text.ts'

/** What is needed of a `Registry` of prom-client. */
export interface MetricRegistry {
  registerMetric(metric: never): void
  getSingleMetric(name: string): unknown
  removeSingleMetric(name: string): void
}

/** Reads the numbers of one store: the same function each time that it is added. */
export type ReadFamilies = () => Promise<readonly MetricFamily[]>

const COLLECTORS = new WeakMap<MetricRegistry, RegistryCollector>()

/**
 * Adds a store to a registry; returns what takes it out again, the same function where it is there already. Its
 * numbers have the label `store` where it has a name. `ERR_INVALID_OPTIONS` where another store has the same name
 * there, or none as well, or a metric of the program's own is named as one of ours.
 *
 * @param families those of which numbers will be read: only what they are is of interest.
 */
export function collectInto(
  registry: MetricRegistry,
  store: string | undefined,
  families: readonly MetricFamily[],
  read: ReadFamilies,
): () => void {
  const collector = COLLECTORS.get(registry) ?? new RegistryCollector(registry)
  COLLECTORS.set(registry, collector)
  return collector.add(store, families, read)
}

interface CollectedStore {
  readonly read: ReadFamilies
  readonly leave: () => void
}

/** Stores of one registry, by name. */
class RegistryCollector {
  readonly #registry: MetricRegistry
  readonly #stores = new Map<string | undefined, CollectedStore>()
  readonly #metrics = new Map<string, CollectedMetric>()
  #reading: Promise<readonly StoreFamilies[]> | undefined

  constructor(registry: MetricRegistry) {
    this.#registry = registry
  }

  add(store: string | undefined, families: readonly MetricFamily[], read: ReadFamilies): () => void {
    const there = this.#stores.get(store)
    if (there !== undefined && there.read !== read) throw taken(store)
    for (const { name } of families) this.#refuseForeign(name)
    const { leave } = there ?? { leave: () => this.#remove(store) }
    this.#stores.set(store, { read, leave })
    for (const family of families) this.#register(family)
    return leave
  }

  #refuseForeign(name: string): void {
    const there = this.#registry.getSingleMetric(name)
    if (there === undefined || there === this.#metrics.get(name)) return
    const message = `the registry has a metric \`${name}\` that is not of this package: collect into another one`
    throw new ThermoclineError('ERR_INVALID_OPTIONS', message, { option: 'registry' })
  }

  /** Also again, where the program has cleared its registry. */
  #register(family: MetricFamily): void {
    if (this.#registry.getSingleMetric(family.name) !== undefined) return
    const { name } = family
    const metric = new CollectedMetric(family, async () => (await this.#read()).flatMap(samplesNamed(name)))
    this.#metrics.set(name, metric)
    this.#registry.registerMetric(metric as never)
  }

  #remove(store: string | undefined): void {
    this.#stores.delete(store)
    if (this.#stores.size > 0) return
    for (const [name, metric] of this.#metrics)
      if (this.#registry.getSingleMetric(name) === metric) this.#registry.removeSingleMetric(name)
    this.#metrics.clear()
  }

  /** A scrape asks every metric within one step: all of them get what one look at each store found. */
  #read(): Promise<readonly StoreFamilies[]> {
    this.#reading ??= Promise.all(
      [...this.#stores].map(async ([store, { read }]) => ({ store, families: await read() })),
    ).finally(() => {
      this.#reading = undefined
    })
    return this.#reading
  }
}

interface StoreFamilies {
  readonly store: string | undefined
  readonly families: readonly MetricFamily[]
}

interface CollectedValue {
  readonly metricName: string
  readonly labels: Labels
  readonly value: number
}

function samplesNamed(name: string): (of: StoreFamilies) => CollectedValue[] {
  return ({ store, families }) => {
    const family = families.find((one) => one.name === name)
    const own: Labels = store === undefined ? {} : { store }
    return (family === undefined ? [] : samplesOf(family)).map(({ name: metricName, labels, value }) => {
      return { metricName, labels: { ...own, ...labels }, value }
    })
  }
}

/** What prom-client calls of a metric. */
class CollectedMetric {
  /** Where it writes OpenMetrics, prom-client takes `_total` off, and puts it behind each number. */
  name: string
  readonly help: string
  readonly type: string
  /** How prom-client makes one number of those of the workers of a cluster. */
  readonly aggregator: 'sum' | 'max'
  readonly #fullName: string
  readonly #read: () => Promise<CollectedValue[]>

  constructor({ name, help, type }: MetricFamily, read: () => Promise<CollectedValue[]>) {
    this.name = name
    this.#fullName = name
    this.help = help
    this.type = type
    this.aggregator = type === 'gauge' ? 'max' : 'sum'
    this.#read = read
  }

  async get(): Promise<object> {
    const { help, name, type, aggregator } = this
    const values = await this.#read()
    // Numbers under the name of the metric itself are left to prom-client to name.
    const named = values.map(({ metricName, ...rest }) =>
      metricName === this.#fullName ? rest : { metricName, ...rest },
    )
    return { help, name, type, aggregator, values: named }
  }

  /** `registry.resetMetrics()` is about what the program counts; ours begin anew by `resetStats()` of their store. */
  reset(): void {}
}

function taken(store: string | undefined): ThermoclineError<'ERR_INVALID_OPTIONS'> {
  const which = store === undefined ? 'another store without a name' : `another store named \`${store}\``
  const message = `the registry collects ${which}: tell them apart by the option \`store\``
  return new ThermoclineError('ERR_INVALID_OPTIONS', message, { option: 'store' })
}
