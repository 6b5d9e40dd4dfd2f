/**
 * Fills a store, exports it or imports into it: arguments are what, the options of the store as JSON, and how many
 * entries or the path of the archive. Prints `write N` for what an import has written, and at last one line of JSON:
 * the answer, milliseconds, and MiB of memory: the most of the whole process, the embedded database included, and the
 * most that the JavaScript of the main thread held.
 */
import { type MemoryStore, openMemoryStore } from '../../src/index.ts'
import { say } from '../../src/testkit/crash/say.ts'
import { peakMemory } from '../tools/peak-memory.ts'

const GROUP = 500
const MIB = 1024 * 1024
const TEXT = 'a chunk of a document, which is about as long as a paragraph is. '.repeat(9)

function chunkOf(n: number) {
  const embedding = Float32Array.from({ length: 64 }, (_, i) => Math.sin((n + 1) * (i + 1)))
  const common = { text: `${n} ${TEXT}`, embedding, metadata: { n, tags: ['a', `${n % 7}`] }, position: n }
  return n % 2 === 0 ? { ...common, key: `key ${n}` } : common
}

async function fill(store: MemoryStore, count: number): Promise<number> {
  const { chunks } = store.namespace('tenant', 'acme')
  for (let from = 0; from < count; from += GROUP)
    await chunks.putMany(Array.from({ length: Math.min(GROUP, count - from) }, (_, i) => chunkOf(from + i)))
  return count
}

const WORK: Readonly<Record<string, (store: MemoryStore, what: string) => Promise<unknown>>> = {
  fill: (store, count) => fill(store, Number(count)),
  export: (store, to) => store.export({ to }),
  import: (store, from) =>
    store.import({ from, onProgress: ({ step, entries }) => void (step === 'write' && say(`write ${entries}`)) }),
}

const [work, options, what] = process.argv.slice(2)
let main = 0
const timer = setInterval(() => {
  const { heapUsed, external } = process.memoryUsage()
  main = Math.max(main, heapUsed + external)
}, 20)
const store = await openMemoryStore({ ...(JSON.parse(options!) as object), logger: false })
const began = performance.now()
const answer = await WORK[work!]!(store, what!)
const millis = Math.round(performance.now() - began)
await store.close()
clearInterval(timer)
const peak = peakMemory()
say(JSON.stringify({ answer, millis, peak, main: Math.round(main / MIB) }))
