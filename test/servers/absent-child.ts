/** Opens a store; for each line puts the entry of that key where there is none, and tells whether it was the first. */
import { createInterface } from 'node:readline'
import { isThermoclineError, openMemoryStore } from '../../src/index.ts'

const store = await openMemoryStore(JSON.parse(process.argv[2]!))
console.log('open')
for await (const key of createInterface({ input: process.stdin })) {
  try {
    const { version } = await store.metadata.put({ key, metadata: { by: process.pid } }, { expectedVersion: null })
    console.log(`won ${version}`)
  } catch (error) {
    if (!isThermoclineError(error, 'ERR_CONFLICT')) throw error
    console.log(`lost ${error.details.actual}`)
  }
}
await store.close()
