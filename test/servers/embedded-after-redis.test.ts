/** An embedded database that was once used with Redis knows of generations of hot, also where there is no Redis now. */
import { expect, test } from 'vitest'
import { openMemoryStore } from '../../src/index.ts'
import { queryDatabase } from '../fault/edit-database.ts'
import { QUIET, redisUrlOf, temporaryFolder } from '../flow/stores.ts'
import { describeWithRedis, PrivateRedis } from '../tools/services.ts'

describeWithRedis('an embedded database that was used with Redis', () => {
  test('notes nothing for hot to be repaired that a process without Redis ships, or hot is repaired', async () => {
    await using redis = await PrivateRedis.start({ onPort: true })
    const options = { dir: await temporaryFolder(), ...QUIET }
    const withRedis = { ...options, hot: { url: redisUrlOf(redis) } }
    const before = await openMemoryStore(withRedis)
    const { id } = await before.chunks.put({ key: 'k', text: 'in Redis' })
    await before.close()

    const store = await openMemoryStore(options)
    for (let n = 0; n < 5; n++) await store.chunks.put({ key: `k${n}`, text: 'without Redis' })
    await store.chunks.put({ key: 'k', text: 'newer' })
    await store.checkpoint()
    expect(store.health()).toMatchObject({ live: true })
    await store.close()
    expect(await queryDatabase(options.dir, 'SELECT count(*)::int4 AS misses FROM thermocline.hot_misses')).toEqual([
      { misses: 0 },
    ])

    // What Redis kept from before is not believed.
    await using again = await openMemoryStore(withRedis)
    expect((await again.chunks.get(id))?.text).toBe('newer')
  })
})
