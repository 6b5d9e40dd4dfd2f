/** `collectInto`: a registry of the real prom-client tells our numbers beside those of the program. */
import { Counter, type OpenMetricsContentType, Registry } from 'prom-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type MemoryStore, ThermoclineError } from '../../src/index.ts'
import { type HotParts, openHot } from '../../src/store/open-hot.ts'
import { openMemoryStoreOver } from '../../src/store/open-store.ts'
import { collectInto } from '../../src/telemetry/metric-registry.ts'
import { checkHistograms, parseMetrics } from './metric-text.ts'
import { describePairs, openColdOrLent, openInMemory, QUIET } from './stores.ts'

let other: MemoryStore
let gate: HotParts['gate'] | undefined

beforeAll(async () => {
  const openAndKeepGate = (...[parts, releases]: Parameters<typeof openHot>) => {
    gate = parts.gate
    return openHot(parts, releases)
  }
  other = await openMemoryStoreOver(
    { openCold: openColdOrLent, openHot: openAndKeepGate },
    { inMemory: true, ...QUIET, logger: false },
  )
})
afterAll(() => other.close())

describePairs('a registry', (pair) => {
  test('tells the numbers of stores by name, each as it is at the scrape, and those of the program', async () => {
    const store = await pair.open()
    const registry = new Registry()
    new Counter({ name: 'orders_total', help: 'Orders.', registers: [registry] }).inc(3)
    await store.collectInto(registry, { store: 'main' })
    await other.collectInto(registry, { store: 'other' })
    const alone = new Registry()
    await store.collectInto(alone)
    await store.chunks.put({ text: 'x' })
    const read = parseMetrics(await registry.metrics())
    checkHistograms(read)
    const own = parseMetrics(await store.metrics())
    expect([...own.types.keys()].filter((name) => !read.types.has(name))).toEqual([])
    expect(read.value('orders_total')).toBe(3)
    expect(read.value('thermocline_tier_entries', { store: 'main', tier: 'pending' })).toBe(1)
    expect(read.value('thermocline_tier_entries', { store: 'other', tier: 'pending' })).toBe(0)
    expect(read.value('thermocline_call_duration_seconds_count', { store: 'main', call: 'put' })).toBe(1)
    expect(read.value('thermocline_tier_up', { store: 'main', tier: 'cold' })).toBe(1)
    // One look at a store for a whole scrape.
    expect((await store.stats()).calls.metrics!.count).toBe(2)
    await store.close()
    expect(alone.getMetricsAsArray()).toEqual([])
    const after = parseMetrics(await registry.metrics())
    expect(after.value('thermocline_live', { store: 'main' })).toBeUndefined()
    expect(after.value('thermocline_live', { store: 'other' })).toBe(1)
  })
})

test('a registry of one store needs no name of it, and may be cleared', async () => {
  const registry = new Registry()
  for (let time = 0; time < 2; time++) {
    await other.collectInto(registry)
    expect(parseMetrics(await registry.metrics()).value('thermocline_live', {})).toBe(1)
    registry.resetMetrics()
    registry.clear()
  }
})

test('a registry does not get a store that is closed meanwhile', async () => {
  const registry = new Registry()
  const store = await openInMemory()
  const collecting = expect(store.collectInto(registry)).rejects.toMatchObject({ code: 'ERR_CLOSED' })
  await store.close()
  await collecting
  expect(registry.getMetricsAsArray()).toEqual([])
})

test('a store that is added again is taken out by the same function', async () => {
  const registry = new Registry()
  const read = async () => []
  const leave = collectInto(registry, undefined, [], read)
  expect(collectInto(registry, undefined, [], read)).toBe(leave)
  leave()
  expect(collectInto(registry, undefined, [], async () => [])).not.toBe(leave)
})

test('a registry in the format of OpenMetrics has counters as that wants them', async () => {
  const registry = new Registry<OpenMetricsContentType>()
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE)
  await other.collectInto(registry)
  const text = await registry.metrics()
  expect(text).toContain('# TYPE thermocline_lookups counter\n')
  expect(text).toContain('thermocline_lookups_total{tier="hot",result="hit"} 0\n')
  expect(text.endsWith('# EOF\n')).toBe(true)
})

test('a registry refuses two stores of one name, foreign metrics of ours, and what is none', async () => {
  const registry = new Registry()
  await using store = await openInMemory()
  await store.collectInto(registry)
  const refused = (option: string) => ({ code: 'ERR_INVALID_OPTIONS', details: { option } })
  await expect(other.collectInto(registry)).rejects.toMatchObject(refused('store'))
  await expect(other.collectInto(registry, { store: '' })).rejects.toMatchObject(refused('store'))
  await expect(other.collectInto({} as never)).rejects.toMatchObject(refused('registry'))
  const taken = new Registry()
  new Counter({ name: 'thermocline_lookups_total', help: 'Of somebody else.', registers: [taken] })
  await expect(other.collectInto(taken)).rejects.toMatchObject(refused('registry'))
  expect(taken.getMetricsAsArray()).toHaveLength(1)
})

test('a store that has failed spoils no scrape: it is told to be not live', async () => {
  const registry = new Registry()
  await other.collectInto(registry)
  gate!.fail(new ThermoclineError('ERR_LOCKED', 'another process needs it', {}))
  const { value } = parseMetrics(await registry.metrics())
  expect(value('thermocline_live')).toBe(0)
  expect(value('thermocline_tier_up', { tier: 'hot' })).toBe(1)
})
