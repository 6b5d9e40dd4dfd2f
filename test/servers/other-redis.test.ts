/** Processes of one store, by their database, that were given different Redises. */
import { Redis } from 'ioredis'
import { expect, onTestFinished, test } from 'vitest'
import { type MemoryStore, openMemoryStore } from '../../src/index.ts'
import { describeWithServers, temporaryFolder } from '../flow/stores.ts'
import { recordLines } from '../tools/recorded-lines.ts'

const codesOf = (store: MemoryStore) => store.health().reasons.map(({ code }) => code)

describeWithServers('two processes of a store', (servers) => {
  const open = async (hot: { readonly url: string }, cold: { readonly url: string }) => {
    const { lines, logger } = recordLines()
    const options = {
      dir: await temporaryFolder(),
      hot,
      cold,
      logger,
      checkpoint: { every: '10ms' },
      sync: false,
    } as const
    return { store: await openMemoryStore(options), told: () => lines.filter((line) => /another Redis/.test(line)) }
  }

  test('are told where they use different databases of a Redis, and not where it was flushed', async () => {
    const { hot, cold } = await servers.shared()
    const first = await open(hot, cold)
    await using _ = first.store
    const same = await open(hot, cold)
    const client = new Redis(hot.url)
    onTestFinished(() => void client.disconnect())
    for (let flushes = 0; flushes < 12; flushes++) {
      const { generation } = (await first.store.stats()).tiers.hot
      await client.flushall()
      await expect
        .poll(async () => (await first.store.stats()).tiers.hot.generation, { timeout: 20_000 })
        .not.toBe(generation)
    }
    await same.store.close()
    expect([...first.told(), ...same.told()]).toEqual([])
    expect(codesOf(first.store)).not.toContain('other-redis')

    const other = await open({ url: `${hot.url}/1` }, cold)
    await using __ = other.store
    for (const { store, told } of [first, other]) {
      await expect.poll(told, { timeout: 30_000 }).toEqual([expect.stringContaining('hot.url')])
      expect(codesOf(store)).toContain('other-redis')
    }
  })
})
