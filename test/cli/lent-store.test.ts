/** A store that is open while somebody uses it, in a folder that others use as well. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { LentStore } from '../../src/cli/lent-store.ts'
import { openMemoryStore } from '../../src/index.ts'
import { openInMemory, QUIET } from '../flow/stores.ts'
import { StoreTemplate } from '../tools/store-template.ts'

const template = new StoreTemplate()
beforeAll(() => template.make())
afterAll(() => template.remove())

test('leaves its folder to others when it has rested, and opens it again', async () => {
  const dir = await template.copy()
  let opened = 0
  const lend = (restMs?: number) =>
    new LentStore(() => {
      opened++
      return openMemoryStore({ dir, ...QUIET, wal: { lockTimeout: '20s' } })
    }, restMs)
  await using one = lend(1)
  await using other = lend(1)
  const { id } = await one.use((store) => store.chunks.put({ text: 'of one' }))
  // Waits until the first has rested.
  expect(await other.use((store) => store.chunks.get(id))).toMatchObject({ text: 'of one' })
  expect(await one.use((store) => store.chunks.count())).toBe(1)
  expect(opened).toBe(3)
})

test('is one store for all who use it at the same time, and until nobody does', async () => {
  let opened = 0
  const lent = new LentStore(() => {
    opened++
    return openInMemory()
  }, 0)
  let end = (): void => {}
  const ended = new Promise<void>((resolve) => {
    end = resolve
  })
  const first = lent.use(async (store) => {
    await store.chunks.put({ text: 'a' })
    await ended
    // Longer than it rests.
    for (let nth = 0; nth < 20; nth++) await store.checkpoint()
    return store.chunks.count()
  })
  const counts = [1, 2, 3].map(() => lent.use((store) => store.chunks.put({ text: 'b' })))
  await Promise.all(counts)
  end()
  expect(await first).toBe(4)
  expect(opened).toBe(1)
  await lent[Symbol.asyncDispose]()
})

test('tells who uses it that it did not open, and opens it for the next', async () => {
  let tries = 0
  await using lent = new LentStore(async () => {
    if (++tries === 1) throw new Error('not yet')
    return openInMemory()
  })
  await expect(lent.use(async () => 1)).rejects.toThrow('not yet')
  expect(await lent.use(async () => 2)).toBe(2)
})
