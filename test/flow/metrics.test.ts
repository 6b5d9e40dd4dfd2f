/** `metrics()` is what Prometheus reads: text exposition format 0.0.4. */
import { expect, test } from 'vitest'
import { LatencyHistogram } from '../../src/kernel/latency-histogram.ts'
import { prometheusText } from '../../src/telemetry/prometheus-text.ts'
import { checkHistograms, parseMetrics } from './metric-text.ts'
import { describePairs, openInMemory } from './stores.ts'

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
    const read = parseMetrics(text)
    checkHistograms(read)
    // Of each that is typed there is a number.
    for (const name of read.types.keys()) expect(read.samples.some((sample) => sample.name.startsWith(name))).toBe(true)
    const value = (name: string, labels = {}) => read.value(`thermocline_${name}`, labels)
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
  await using store = await openInMemory()
  const { types } = parseMetrics(await store.metrics())
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
  checkHistograms(parseMetrics(text))
})
