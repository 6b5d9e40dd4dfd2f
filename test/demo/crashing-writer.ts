/**
 * The child process that the demo kills. Reads its order from stdin, then puts entries without end, and says on stdout
 * what it begins and what was acknowledged. It goes on only when what it said is in the pipe: the kill cannot unsay it.
 */
import { json } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { type CrashOrder, crashKey, sayAcknowledged, sayTry } from './crash-order.ts'
import { inputOf } from './demo-chunk.ts'
import { openDemoStore } from './store.ts'

/** Puts under way at once, so that the kill finds a group of them half done. */
const WRITERS = 8

const { dir, servers, writer, chunks } = (await json(process.stdin)) as CrashOrder
const store = await openDemoStore({ dir, servers, background: 'running' })
const say = promisify((line: string, done: () => void) => process.stdout.write(`${line}\n`, done))
let next = 0

async function writeForEver(): Promise<never> {
  for (;;) {
    const n = next++
    const chunk = chunks[n % chunks.length]!
    const input = inputOf({ ...chunk, embedding: Float32Array.from(chunk.embedding) })
    await say(sayTry(n))
    const { id } = await store.chunks.put({ ...input, key: crashKey(writer, n) })
    await say(sayAcknowledged(n, id))
  }
}

await Promise.all(Array.from({ length: WRITERS }, writeForEver))
