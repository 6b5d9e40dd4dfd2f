/** An embedded database belongs to one process: everything in it goes by the clock of the store. */
import { expect, test } from 'vitest'
import { ManualClock } from '../tools/manual-clock.ts'
import { openInMemory } from './stores.ts'

test('the clock of an embedded store decides what the sweep takes, what is counted, and when a tombstone goes', async () => {
  // Years before the clock of the database.
  const clock = new ManualClock(Date.UTC(2020, 0, 1))
  const store = await openInMemory({ clock })
  const { id } = await store.chunks.put({ text: 'for an hour', ttl: '1h' })
  await store.chunks.put({ text: 'for good' })
  await store.sync()
  expect((await store.chunks.get(id))?.text).toBe('for an hour')
  expect(await store.chunks.count()).toBe(2)
  expect((await store.stats()).cold).toMatchObject({ entries: 2, tombstones: 0 })
  // Counting a read of an entry that cold alone holds takes one that is live there.
  await store.sync()
  expect((await store.chunks.get(id))?.accessCount).toBe(2)

  clock.advance(3_600_000)
  expect((await store.stats()).cold).toMatchObject({ entries: 1, tombstones: 0 })
  await store.sync()
  expect((await store.stats()).cold).toMatchObject({ entries: 1, tombstones: 1 })
  clock.advance(86_400_000 - 1)
  expect(await store.sync()).toMatchObject({ collected: 0 })
  clock.advance(1)
  expect(await store.sync()).toMatchObject({ collected: 1 })
  expect((await store.stats()).cold).toMatchObject({ entries: 1, tombstones: 0 })
  await store.close()
})
