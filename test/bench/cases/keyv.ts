import { Keyv } from 'keyv'
import type { BenchCase, Sample } from '../harness/bench-case.ts'
import { chunk } from '../harness/entries.ts'
import { load } from '../harness/load.ts'

const KEYS = 1_000

export default {
  title: 'Keyv: values of 600 characters set, and read',
  servers: ['redis', 'syncing redis', 'postgres'],
  peers: ['@keyv/redis'],
  rows: [
    { title: 'set', figure: 'sets', unit: '/s', reference: { subject: '@keyv/redis, appendfsync always' } },
    { title: 'set', figure: 'sets', unit: '/s', reference: { subject: '@keyv/redis' } },
    { title: 'get', figure: 'gets', unit: '/s', reference: { subject: '@keyv/redis' } },
  ],
  async setUp(bench) {
    type Adapter = typeof import('../../../src/adapters/keyv/keyv-thermocline.ts')
    const { KeyvThermocline } = await bench.module<Adapter>('adapters/keyv/keyv-thermocline')
    const store = await bench.openServerStore()
    const keyvs = {
      thermocline: new Keyv({ store: new KeyvThermocline(store.namespace('keyv')) }),
      '@keyv/redis, appendfsync always': await bench.peers.keyvRedis(bench.address('syncing redis')),
      '@keyv/redis': await bench.peers.keyvRedis(bench.address('redis')),
    }
    for (const keyv of Object.values(keyvs)) bench.defer(() => keyv.disconnect())
    return Object.fromEntries(Object.entries(keyvs).map(([name, keyv]) => [name, () => use(keyv)]))
  },
} satisfies BenchCase

async function use(keyv: Keyv): Promise<Sample> {
  const sets = await load((nth) => keyv.set(`key ${nth % KEYS}`, chunk(nth).text), { ms: 700 })
  const gets = await load((nth) => keyv.get(`key ${nth % KEYS}`), { ms: 700 })
  return { figures: { sets: sets.figures.perSecond!, gets: gets.figures.perSecond! } }
}
