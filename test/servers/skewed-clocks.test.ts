/** What a backend promises its callers holds beside one whose clock is wrong, with and without Redis. */
import { expect, test } from 'vitest'
import { systemClock } from '../../src/kernel/clock.ts'
import { GatedTiers } from '../flow/gate.ts'
import { temporaryFolder } from '../flow/stores.ts'
import { describeWithPrivateServers } from './private-servers.ts'

const HOUR = 3_600_000

describeWithPrivateServers('a backend beside one whose clock is an hour ahead', (servers) => {
  const open = async () => {
    const shared = await servers.shared()
    const [ahead, right] = [new GatedTiers(), new GatedTiers()]
    const clock = { now: () => systemClock.now() + HOUR }
    const a = await ahead.open({ dir: await temporaryFolder(), ...shared, clock })
    const b = await right.open({ dir: await temporaryFolder(), ...shared })
    return { a, b, hot: right.hot }
  }

  test('reads what it wrote and misses what it deleted, also when Redis is gone and after it is back', async () => {
    const { a, b } = await open()
    const [kept, gone] = await Promise.all(['kept', 'gone'].map((key) => a.chunks.put({ key, text: 'a0' })))
    await a.checkpoint()
    for (const key of ['kept', 'gone']) await b.chunks.put({ key, text: 'b1' })
    await b.checkpoint()
    await servers.redis.kill()
    await b.chunks.put({ key: 'kept', text: 'b2' })
    await b.chunks.delete(gone!.id)
    const holds = async (): Promise<void> => {
      expect((await b.chunks.get(kept!.id))?.text).toBe('b2')
      expect(await b.chunks.get(gone!.id)).toBeUndefined()
    }
    await holds()
    await b.checkpoint()
    await holds()
    expect((await b.chunks.find()).items.map(({ text }) => text)).toEqual(['b2'])
    await servers.redis.restart()
    await holds()
    await b.sync()
    await holds()
    for (const store of [a, b]) await store.close()
  })

  test('writes above what it only read, also when Redis is gone', async () => {
    const { a, b } = await open()
    const [got, found] = await Promise.all(['got', 'found'].map((key) => a.chunks.put({ key, text: 'a' })))
    await a.checkpoint()
    expect((await b.chunks.get(got!.id))?.text).toBe('a')
    expect((await b.namespace('default').chunks.find({ where: { key: 'found' } })).items).toHaveLength(1)
    await servers.redis.kill()
    for (const key of ['got', 'found']) await b.chunks.put({ key, text: 'b' })
    await b.checkpoint()
    expect((await b.chunks.getMany([got!.id, found!.id])).map((entry) => entry?.text)).toEqual(['b', 'b'])
    await servers.redis.restart()
    for (const store of [a, b]) await store.close()
  })
})
