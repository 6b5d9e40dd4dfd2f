import type { BenchCase, Sample } from '../harness/bench-case.ts'

const CALLS = 5_000

export default {
  title: 'checking signal and timeout of a get',
  rows: [
    { figure: 'µs', unit: 'µs', reference: { subject: 'get' } },
    {
      title: 'checking three options of a put',
      figure: 'µs',
      unit: 'µs',
      subject: 'put options',
      reference: { subject: 'put' },
    },
  ],
  async setUp(bench) {
    const { CALLS: checks } = await bench.module<typeof import('../../../src/repository/calls.ts')>('repository/calls')
    const options = { signal: new AbortController().signal, timeout: '1m', durability: 'wal' } as const
    const { durability: _, ...waiting } = options
    const { chunks } = await bench.openStore({ inMemory: true, sync: false, checkpoint: { every: '1h' } })
    const input = { key: 'a', text: 'x'.repeat(600) }
    const { id } = await chunks.put(input)
    return {
      'get options': () => microseconds(() => checks.get(waiting)),
      get: () => microseconds(() => chunks.get(id)),
      'put options': () => microseconds(() => checks.put(options)),
      put: () => microseconds(() => chunks.put(input)),
    }
  },
} satisfies BenchCase

/** Processor time a call, so that what else runs on the machine does not count. */
async function microseconds(work: () => unknown): Promise<Sample> {
  const began = process.cpuUsage()
  for (let call = 0; call < CALLS; call++) {
    const result = work()
    if (result instanceof Promise) await result
  }
  const { user, system } = process.cpuUsage(began)
  return { figures: { µs: (user + system) / CALLS, calls: CALLS } }
}
