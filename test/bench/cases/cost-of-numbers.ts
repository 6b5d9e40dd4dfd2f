import { tracingChannel } from 'node:diagnostics_channel'
import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { MemoryStore, MemoryStoreOptions } from '../../../src/index.ts'
import type { Bench } from '../harness/bench.ts'
import { type BenchCase, ratioAtMost } from '../harness/bench-case.ts'
import { chunk } from '../harness/entries.ts'
import { median } from '../harness/figures.ts'

/** Of each kind, in turn: what disturbs the machine for a while is with all of them. */
const SLICES = 60
const CALLS = { get: 1_000, put: 100 } as const

/** Neither a disk nor a server, beside which the numbers would cost next to nothing. */
const OPTIONS: MemoryStoreOptions = { inMemory: true, sync: false, checkpoint: { every: '1h' } }

/** What tells and keeps numbers and traces, by file of the built package, and what stands there without it. */
export const NUMBERS: readonly (readonly [file: string, code: string, instead: string])[] = [
  [
    'repository/call-gate',
    "this.#telemetry.record('calls', nameOf(schema), performance.now() - began, isFailed, isAtOnce)",
    '',
  ],
  ['repository/call-gate', 'this.#operationOf(schema)', '{ isDue: true }'],
  ['repository/call-gate', 'performance.now()', '0'],
  ['repository/call-gate', 'TRACES.operation.hasSubscribers', 'false'],
  ['flow/reader', 'counts.hotHits++', '0'],
  ['flow/reader', 'counts.pendingHits++', '0'],
  ['flow/reader', 'counts.pendingMisses++', '0'],
  ['flow/tier-watch', 'timing.begin(name)', '0'],
  ['flow/tier-watch', 'timing.end(name, began, false)', ''],
  ['wal/write-ahead-log', 'TRACES.wal.hasSubscribers', 'false'],
]

export default {
  title: 'what counting a get costs, in the process',
  rows: [
    { figure: 'get', unit: 'µs', reference: { figure: 'get, no numbers' }, goals: [ratioAtMost(1.03)] },
    {
      title: 'what counting a put costs, in the process',
      figure: 'put',
      unit: 'µs',
      reference: { figure: 'put, no numbers' },
      goals: [ratioAtMost(1.03)],
    },
    {
      title: 'what a subscriber of traces costs a get',
      figure: 'get, traced',
      unit: 'µs',
      reference: { figure: 'get, no numbers' },
    },
    {
      title: 'what a subscriber of traces costs a put',
      figure: 'put, traced',
      unit: 'µs',
      reference: { figure: 'put, no numbers' },
    },
  ],
  async setUp(bench) {
    const counted = await bench.openStore(OPTIONS)
    const uncounted = await openWithoutNumbers(bench)
    return {
      thermocline: async () => {
        const get = await inTurn('get', counted, uncounted)
        const put = await inTurn('put', counted, uncounted)
        return { figures: { ...get, ...put } }
      },
    }
  },
} satisfies BenchCase

/** A store of the same build, with what is measured here taken out. */
async function openWithoutNumbers(bench: Bench): Promise<MemoryStore> {
  const built = dirname(fileURLToPath(bench.moduleUrl('index')))
  const folder = await bench.folder()
  cpSync(built, join(folder, 'dist'), { recursive: true })
  cpSync(join(dirname(built), 'package.json'), join(folder, 'package.json'))
  symlinkSync(join(dirname(built), 'node_modules'), join(folder, 'node_modules'))
  for (const [name, code, instead] of NUMBERS) {
    const file = join(folder, 'dist', `${name}.js`)
    const text = readFileSync(file, 'utf8')
    if (!text.includes(code)) throw new Error(`${name}.js has no \`${code}\` any more: say anew what is to be left out`)
    writeFileSync(file, text.replaceAll(code, instead))
  }
  const { openMemoryStore } = await import(pathToFileURL(join(folder, 'dist/index.js')).href)
  const store: MemoryStore = await openMemoryStore(OPTIONS)
  bench.defer(() => store.close({ timeout: '60s' }))
  return store
}

/** Microseconds of a call: medians of the slices. */
async function inTurn(call: keyof typeof CALLS, counted: MemoryStore, uncounted: MemoryStore) {
  const kinds = [
    [call, () => slice(call, counted)],
    [`${call}, no numbers`, () => slice(call, uncounted)],
    [`${call}, traced`, () => traced(() => slice(call, counted))],
  ] as const
  const slices = new Map<string, number[]>(kinds.map(([name]) => [name, []]))
  for (let nth = 0; nth < SLICES; nth++)
    // Each second time the other way round.
    for (const [name, measure] of nth % 2 === 0 ? kinds : kinds.toReversed()) slices.get(name)!.push(await measure())
  await Promise.all([counted.checkpoint(), uncounted.checkpoint()])
  return Object.fromEntries([...slices].map(([name, values]) => [name, median(values)]))
}

async function slice(call: keyof typeof CALLS, { chunks }: MemoryStore): Promise<number> {
  const calls = CALLS[call]
  const input = { ...chunk(0), key: 'one' }
  const { id } = await chunks.put(input)
  const began = performance.now()
  if (call === 'get') for (let nth = 0; nth < calls; nth++) await chunks.get(id)
  else for (let nth = 0; nth < calls; nth++) await chunks.put(input)
  return ((performance.now() - began) * 1_000) / calls
}

/** While somebody listens to each call. */
async function traced<T>(work: () => Promise<T>): Promise<T> {
  const { start, asyncEnd } = tracingChannel('thermocline:operation')
  const hear = (): void => {}
  start.subscribe(hear)
  asyncEnd.subscribe(hear)
  try {
    return await work()
  } finally {
    start.unsubscribe(hear)
    asyncEnd.unsubscribe(hear)
  }
}
