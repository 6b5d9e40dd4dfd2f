/**
 * Opens a store, and many callers count one entry up by `update` until it has got to where they were told. Each adds
 * to a number of its own as well; a line tells of each update that was acknowledged, and of each that may have been.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { isThermoclineError, type MemoryStoreOptions, openMemoryStore } from '../../src/index.ts'

export interface CountingOrders {
  readonly options: MemoryStoreOptions
  readonly key: string
  /** Their names begin with it. */
  readonly name: string
  readonly callers: number
  readonly upTo: number
}

export interface Counted {
  readonly n: number
  readonly by: Readonly<Record<string, number>>
}

const { options, key, name, callers, upTo } = JSON.parse(process.argv[2]!) as CountingOrders
const store = await openMemoryStore(options)
const { metadata } = store
const id = metadata.idOf(key)
console.log('open')

async function count(caller: string): Promise<void> {
  for (;;) {
    try {
      const { version, metadata: seen } = (await metadata.get(id))!
      const { n, by } = seen as unknown as Counted
      if (n >= upTo) return
      const patch = { n: n + 1, by: { [caller]: (by[caller] ?? 0) + 1 } }
      await metadata.update(id, { metadata: patch }, { expectedVersion: version })
      console.log(`counted ${caller}`)
    } catch (error) {
      if (!isThermoclineError(error)) throw error
      if (error.code === 'ERR_CONFLICT') continue
      if ((error.details as { outcome?: string }).outcome === 'unknown') console.log(`unknown ${caller}`)
      else if (error.code !== 'ERR_TIER_UNAVAILABLE' && error.code !== 'ERR_TIMEOUT') throw error
      await sleep(20)
    }
  }
}

await Promise.all(Array.from({ length: callers }, (_, caller) => count(`${name}.${caller}`)))
console.log('done')
await store.close()
