/**
 * Calls all adapters at the same time until it is killed. Each line on stdout is the name of an adapter and the number
 * of a call, after the call resolved. Arguments: options of the store as JSON, and the name of a namespace.
 */
import { openMemoryStore } from '../../src/index.ts'
import { say } from '../../src/testkit/crash/say.ts'
import { KEPT, PATIENT } from './kept-by-adapters.ts'

const [options, round] = process.argv.slice(2) as [string, string]
const store = await openMemoryStore({ checkpoint: { every: 40 }, timeouts: PATIENT, ...JSON.parse(options) })
await Promise.all(
  KEPT.map(async ({ name, open }) => {
    const keeper = await open(store.namespace(round, name))
    for (let n = 1; ; n++) {
      await keeper.call(n)
      say(`${name}\t${n}`)
    }
  }),
)
