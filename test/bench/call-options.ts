/**
 * What checking the options of a call costs, as a share of the cheapest calls there are: a get and a put of an entry
 * that is in memory. `npx tsx test/bench/call-options.ts [rounds]`
 */
import { openMemoryStore } from '../../src/index.ts'
import { CALLS } from '../../src/repository/calls.ts'

const CALLS_A_ROUND = 5_000
const rounds = Number(process.argv[2] ?? 7)
const options = { signal: new AbortController().signal, timeout: '1m', durability: 'wal' } as const
const { durability: _, ...waiting } = options

const store = await openMemoryStore({ inMemory: true, sync: false, checkpoint: { every: '1h' } })
const { chunks } = store
const { id } = await chunks.put({ key: 'a', text: 'x'.repeat(600) })

const works: Readonly<Record<string, () => unknown>> = {
  get: () => chunks.get(id),
  'checking nothing for get': () => CALLS.get(undefined),
  'checking signal and timeout for get': () => CALLS.get(waiting),
  put: () => chunks.put({ key: 'a', text: 'x'.repeat(600) }),
  'checking three options for put': () => CALLS.put(options),
}

/** Processor time a call, so that what else runs on the machine does not count. */
async function microseconds(work: () => unknown): Promise<number> {
  const began = process.cpuUsage()
  for (let i = 0; i < CALLS_A_ROUND; i++) {
    const result = work()
    if (result instanceof Promise) await result
  }
  const { user, system } = process.cpuUsage(began)
  return (user + system) / CALLS_A_ROUND
}

const times = new Map(Object.keys(works).map((name) => [name, [] as number[]]))
for (let round = 0; round < rounds; round++)
  for (const [name, work] of Object.entries(works)) times.get(name)!.push(await microseconds(work))
const median = (name: string): number => times.get(name)!.sort((a, b) => a - b)[rounds >> 1]!

for (const name of times.keys()) {
  const call = name.split(' ').at(-1)!
  console.log(`${name}: ${median(name).toFixed(2)} µs, ${(median(name) / median(call)).toFixed(3)} of a ${call}`)
}
await store.close()
