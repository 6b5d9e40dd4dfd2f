/**
 * Opens a store and puts entries from one number on, each under an idempotency key of its own; a line tells of each
 * that was acknowledged.
 */
import { type MemoryStoreOptions, openMemoryStore } from '../../src/index.ts'

export interface KeyedOrders {
  readonly options: MemoryStoreOptions
  readonly from: number
  readonly to: number
}

const { options, from, to } = JSON.parse(process.argv[2]!) as KeyedOrders
const store = await openMemoryStore(options)
console.log('open')
for (let n = from; n < to; n++) {
  const { id, version } = await store.metadata.put({ metadata: { n } }, { idempotencyKey: `write ${n}` })
  console.log(`${n} ${id} ${version}`)
}
console.log('done')
await store.close()
