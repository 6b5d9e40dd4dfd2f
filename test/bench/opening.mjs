// @ts-check
/**
 * What opening an embedded store costs, from the built package: in memory, first and again in one process; a new
 * folder; the same folder again. `npm run build && node test/bench/opening.mjs`
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** @type {typeof import('../../src/index.ts')} */
const { openMemoryStore } = await import(new URL('../../dist/index.js', import.meta.url).href)

/** @param {string} what @param {import('../../src/index.ts').MemoryStoreOptions} options */
async function measure(what, options) {
  const began = performance.now()
  const before = process.cpuUsage()
  const store = await openMemoryStore(options)
  const { user, system } = process.cpuUsage(before)
  const wall = Math.round(performance.now() - began)
  console.log(`${what}: ${wall} ms, ${Math.round((user + system) / 1_000)} ms of processor time`)
  await store.close()
}

const dir = await mkdtemp(join(tmpdir(), 'thermocline-bench-'))
try {
  await measure('in memory, first of the process', { inMemory: true })
  await measure('in memory, a further one', { inMemory: true })
  await measure('a new folder', { dir })
  await measure('the same folder again', { dir })
} finally {
  await rm(dir, { recursive: true })
}
