/**
 * Puts checkpoints, each with large writes after it, until it is killed. Each line on stdout is `begin N ID` or
 * `write N`. Arguments: options of the store as JSON, and the first N.
 */
import { ThermoclineSaver } from '../../../src/adapters/langgraph/langgraph.ts'
import { openMemoryStore } from '../../../src/index.ts'
import { say } from '../../../src/testkit/crash/say.ts'
import { checkpointWith, METADATA } from './checkpoints.ts'
import { largeWrites, TASK } from './large-writes.ts'

const [options, first] = process.argv.slice(2) as [string, string]
const saver = new ThermoclineSaver(await openMemoryStore({ checkpoint: { every: 40 }, ...JSON.parse(options) }))
for (let n = Number(first); ; n++) {
  const checkpoint = checkpointWith({ n })
  const place = await saver.put({ configurable: { thread_id: `${n}` } }, checkpoint, METADATA, { n: 1 })
  say(`begin ${n}`)
  await saver.putWrites(place, largeWrites(n), TASK)
  say(`write ${n}`)
}
