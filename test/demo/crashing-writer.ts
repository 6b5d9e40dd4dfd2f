/**
 * The child process that the demo kills. Reads its order from stdin, then puts entries without end, and says on stdout
 * what it begins and what was acknowledged. It writes synchronously: what it said before the kill has been heard.
 */
import { writeSync } from 'node:fs'
import { json } from 'node:stream/consumers'
import { type CrashOrder, crashKey, sayAcknowledged, sayTry } from './crash-order.ts'
import { inputOf } from './demo-chunk.ts'
import { openDemoStore } from './store.ts'

/** Puts under way at once, so that the kill finds a group of them half done. */
const WRITERS = 8

const { dir, chunks } = (await json(process.stdin)) as CrashOrder
const store = await openDemoStore({ dir, background: 'running' })
let next = 0

async function writeForEver(): Promise<never> {
  for (;;) {
    const n = next++
    const chunk = chunks[n % chunks.length]!
    const input = inputOf({ ...chunk, embedding: Float32Array.from(chunk.embedding) })
    writeSync(1, `${sayTry(n)}\n`)
    const { id } = await store.chunks.put({ ...input, key: crashKey(n) })
    writeSync(1, `${sayAcknowledged(n, id)}\n`)
  }
}

await Promise.all(Array.from({ length: WRITERS }, writeForEver))
