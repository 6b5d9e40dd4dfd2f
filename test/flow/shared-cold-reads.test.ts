/** Gets that find no answer before cold: how many statements they take. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { GatedTiers } from './gate.ts'

// Time does not pass, so that whoever waits for the statement before does so for as long as that is held.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})
afterEach(() => {
  vi.useRealTimers()
})

async function openWithEntries(count: number) {
  const tiers = new GatedTiers()
  const store = await tiers.open()
  const { chunks } = store
  const ids = (await chunks.putMany(Array.from({ length: count }, (_, n) => ({ text: `text ${n}` })))).map(
    ({ id }) => id,
  )
  await store.checkpoint()
  tiers.hot.refuse('read')
  let statements = 0
  tiers.cold.onCall = (method) => method === 'read' && statements++
  return { tiers, store, chunks, ids, statements: () => statements }
}

test('those that come while a statement is under way go together in the next', async () => {
  const { tiers, store, chunks, ids, statements } = await openWithEntries(20)
  const first = tiers.cold.hold('read')
  const gets = [chunks.get(ids[0]!)]
  await first.arrived
  for (const id of ids.slice(1)) {
    gets.push(chunks.get(id))
    await nextTurn()
  }
  first.release()
  expect((await Promise.all(gets)).map((entry) => entry?.text)).toEqual(ids.map((_, n) => `text ${n}`))
  expect(statements()).toBe(2)
  await store.close()
})
