/**
 * Hot takes a write for late when it began too long ago, and goes on doing so where this process's idea of hot's time
 * is wrong: the write is acknowledged all the same, and hot keeps what it held.
 */
import { expect, onTestFinished, test } from 'vitest'
import type { HotTier } from '../../src/hot/hot-tier.ts'
import type { MemoryStore } from '../../src/index.ts'
import { openHot } from '../../src/store/open-hot.ts'
import { openMemoryStoreOver } from '../../src/store/open-store.ts'
import { describePairs, openColdOrLent, type Pair } from './stores.ts'

/** A store whose writes to hot begin as long ago as `lag` says, by hot's own time. */
async function openLagging(pair: Pair, lag: { millis: number }): Promise<MemoryStore> {
  const behind = (tier: HotTier): HotTier =>
    new Proxy(tier, {
      get: (target, name) => {
        if (name === 'now') return () => target.now() - lag.millis
        const value: unknown = Reflect.get(target, name)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  const tiers = {
    openCold: openColdOrLent,
    openHot: async (...args: Parameters<typeof openHot>) => {
      const opened = await openHot(...args)
      return { ...opened, tier: behind(opened.tier) }
    },
  }
  const store = await openMemoryStoreOver(tiers, await pair.options())
  onTestFinished(async () => void (await store.close()))
  return store
}

describePairs('a write that hot takes for late again and again', (pair) => {
  test('is not followed by what hot held before, once cold has it', async () => {
    const lag = { millis: 0 }
    const store = await openLagging(pair, lag)
    const { chunks } = store
    const { id } = await chunks.put({ key: 'a', text: 'old' })
    await chunks.put({ key: 'b', text: 'old' })
    lag.millis = 40_000
    await chunks.put({ key: 'a', text: 'new' })
    await chunks.deleteByKey('b')
    expect((await chunks.explain(id)).hot?.version).not.toBe((await chunks.explain(id)).pending?.version)
    expect(await chunks.getByKey('a')).toMatchObject({ text: 'new' })
    await store.checkpoint()
    expect(await chunks.getManyByKey(['a', 'b'])).toMatchObject([{ text: 'new' }, undefined])
    lag.millis = 0
    expect(await chunks.getManyByKey(['a', 'b'])).toMatchObject([{ text: 'new' }, undefined])
    await chunks.put({ key: 'a', text: 'newest' })
    expect((await chunks.explain(id)).hot?.version).toBe((await chunks.explain(id)).pending?.version)
  })
})
