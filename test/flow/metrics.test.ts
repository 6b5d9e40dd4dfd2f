/** `metrics()` is what Prometheus reads: text exposition format 0.0.4. */
import { expect, test } from 'vitest'
import { openMemoryStore } from '../../src/index.ts'
import { LatencyHistogram } from '../../src/kernel/latency-histogram.ts'
import { prometheusText } from '../../src/telemetry/prometheus-text.ts'
import { describePairs, QUIET } from './stores.ts'

interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** Reads the text by the rules of the format; throws where it keeps to none. */
function parse(text: string): { samples: Sample[]; types: Map<string, string> } {
  expect(text.endsWith('\n')).toBe(true)
  const types = new Map<string, string>()
  const samples: Sample[] = []
  for (const line of text.slice(0, -1).split('\n')) {
    const [, help] = /^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) [^\n]+$/.exec(line) ?? []
    if (help !== undefined) continue
    const [, typed, type] = /^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram)$/.exec(line) ?? []
    if (typed !== undefined) {
      expect(types.has(typed)).toBe(false)
      types.set(typed, type!)
      continue
    }
    const [, name, pairs = '', value] =
      /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (\S+)$/.exec(line) ?? []
    if (name === undefined) throw new Error(`no line of the format: ${line}`)
    const labels = Object.fromEntries(
      [...pairs.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g)].map(([, label, text]) => [label!, text!]),
    )
    samples.push({ name, labels, value: Number(value) })
  }
  return { samples, types }
}

/** That buckets rise, and that the last is the count, for each series. */
function checkHistograms({ samples, types }: ReturnType<typeof parse>): void {
  for (const [name, type] of types) {
    const own = samples.filter((sample) => sample.name.startsWith(name))
    expect(own.length, name).toBeGreaterThan(0)
    if (type === 'counter') expect(name).toMatch(/_total$/)
    if (type !== 'histogram') continue
    for (const { labels, value: count } of own.filter((sample) => sample.name === `${name}_count`)) {
      const isSame = (sample: Sample) => Object.entries(labels).every(([label, text]) => sample.labels[label] === text)
      const buckets = own.filter((sample) => sample.name === `${name}_bucket` && isSame(sample))
      expect(buckets.map(({ value }) => value)).toEqual(buckets.map(({ value }) => value).toSorted((a, b) => a - b))
      expect(buckets.at(-1)).toMatchObject({ labels: { le: '+Inf' }, value: count })
    }
  }
}

describePairs('metrics', (pair) => {
  test('are what Prometheus reads, and name no tenant', async () => {
    await using store = await pair.open()
    const { chunks } = store.namespace('tenant', 'acme-and-sons')
    const { id } = await chunks.put({ text: 'x', key: 'a-key-of-acme' })
    await store.sync()
    await chunks.get(id)
    await chunks.put({ text: 'y' })
    await chunks.put({} as never).catch(() => {})
    const text = await store.metrics()
    expect(text).not.toMatch(/acme|tenant/)
    const read = parse(text)
    checkHistograms(read)
    const value = (name: string, labels: object = {}) =>
      read.samples.find((sample) => {
        const isOf = Object.entries(labels).every(([label, text]) => sample.labels[label] === text)
        return sample.name === `thermocline_${name}` && isOf
      })?.value
    expect(value('tier_up', { tier: 'cold' })).toBe(1)
    expect(value('live')).toBe(1)
    expect(value('tier_entries', { tier: 'cold' })).toBe(1)
    expect(value('tier_entries', { tier: 'pending' })).toBe(1)
    expect(value('checkpoint_lag_records')).toBe(1)
    expect(value('lookups_total', { tier: 'cold', result: 'hit' })).toBe(1)
    expect(value('call_duration_seconds_count', { call: 'put' })).toBe(3)
    expect(value('call_duration_seconds_sum', { call: 'put' })).toBeGreaterThan(0)
    expect(value('calls_failed_total', { call: 'put' })).toBe(1)
    expect(value('tier_operation_duration_seconds_count', { tier: 'cold', operation: 'ship' })).toBe(1)
    expect(value('migrations_total', { kind: 'demoted' })).toBe(1)
    expect(value('cold_dead_letters')).toBe(0)
    expect(value('sync_last_timestamp_seconds')).toBeGreaterThan(1e9)
  })
})

test('what nobody knows is left out', async () => {
  await using store = await openMemoryStore({ inMemory: true, ...QUIET })
  const { types } = parse(await store.metrics())
  expect(types.has('thermocline_sync_last_timestamp_seconds')).toBe(false)
  expect(types.has('thermocline_sync_leader')).toBe(false)
})

test('labels are escaped, and seconds are seconds', () => {
  const times = new LatencyHistogram()
  times.record(250)
  const text = prometheusText([
    { name: 'a', help: 'A.', type: 'gauge', samples: [[{ label: 'a "b"\\\n' }, 1]] },
    { name: 'b_seconds', help: 'B.', type: 'histogram', samples: [[{}, times]] },
  ])
  expect(text).toContain('a{label="a \\"b\\"\\\\\\n"} 1\n')
  expect(text).toContain('b_seconds_sum 0.25\n')
  expect(text).toContain('b_seconds_bucket{le="0.131072"} 0\nb_seconds_bucket{le="0.262144"} 1\n')
  checkHistograms(parse(text))
})
