/**
 * A call that waits several times in a row, for one tier after the other or for one tier again, keeps to one timeout.
 */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { ThermoclineError } from '../../src/index.ts'
import { GatedTiers } from './gate.ts'
import { temporaryFolder } from './stores.ts'

const TIMEOUT = 1_000

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

async function openWithEntry() {
  const tiers = new GatedTiers()
  const store = await tiers.open({ dir: await temporaryFolder() })
  const { id } = await store.chunks.put({ key: 'k', text: 'x' })
  await store.checkpoint()
  return { tiers, store, id }
}

/** What the call is rejected with; time passes only where the test says so. */
function rejection(call: Promise<unknown>): Promise<ThermoclineError> {
  return call.then(
    () => {
      throw new Error('it was answered')
    },
    (error: ThermoclineError) => error,
  )
}

const IN_TIME = { code: 'ERR_TIMEOUT', message: expect.stringContaining(`${TIMEOUT} ms`) }

test('a get that waits for hot and then for cold', async () => {
  const { tiers, store, id } = await openWithEntry()
  const { version } = (await store.chunks.get(id))!
  await tiers.hot.tier.remove([{ key: { namespace: 'default', id }, version }])
  const hot = tiers.hot.hold('read')
  const cold = tiers.cold.hold('read')
  const rejected = rejection(store.chunks.get(id, { timeout: TIMEOUT }))
  await hot.arrived
  vi.advanceTimersByTime(TIMEOUT * 0.6)
  hot.release()
  await cold.arrived
  vi.advanceTimersByTime(TIMEOUT * 0.4)
  expect(await rejected).toMatchObject(IN_TIME)
  cold.release()
  await store.close()
})

test('a write of a node that reads its children and then asks cold', async () => {
  const { tiers, store, id } = await openWithEntry()
  const children = tiers.hot.hold('read')
  const asked = tiers.cold.hold('replace', 'before')
  const put = { kind: 'raptor', level: 1, summary: 's', children: [id] } as const
  const rejected = rejection(store.write([{ put }], { atomic: true, timeout: TIMEOUT }))
  await children.arrived
  vi.advanceTimersByTime(TIMEOUT * 0.6)
  children.release()
  await asked.arrived
  vi.advanceTimersByTime(TIMEOUT * 0.4)
  expect(await rejected).toMatchObject(IN_TIME)
  asked.release()
  await store.close()
})

test('roots that ask cold several times', async () => {
  const { tiers, store, id } = await openWithEntry()
  await store.raptorNodes.put({ level: 1, summary: 'pending', children: [id] })
  const versions = tiers.cold.hold('versions')
  const found = tiers.cold.hold('roots')
  const rejected = rejection(store.raptorNodes.roots({ timeout: TIMEOUT }))
  await versions.arrived
  vi.advanceTimersByTime(TIMEOUT * 0.6)
  versions.release()
  await found.arrived
  vi.advanceTimersByTime(TIMEOUT * 0.4)
  expect(await rejected).toMatchObject(IN_TIME)
  found.release()
  await store.close()
})

test('a search down a tree that reads one level after the other', async () => {
  const { tiers, store } = await openWithEntry()
  const leaf = await store.chunks.put({ text: 'leaf', embedding: [1, 0] })
  const node = { level: 1, summary: 'node', children: [leaf.id], embedding: [1, 0] }
  const { id } = await store.raptorNodes.put(node)
  const began = tiers.cold.hold('read')
  const below = tiers.cold.hold('read')
  const search = { embedding: [1, 0], from: [id], k: 1, timeout: TIMEOUT }
  const rejected = rejection(store.raptorNodes.searchTree(search))
  await began.arrived
  vi.advanceTimersByTime(TIMEOUT * 0.6)
  began.release()
  await below.arrived
  vi.advanceTimersByTime(TIMEOUT * 0.4)
  expect(await rejected).toMatchObject(IN_TIME)
  below.release()
  await store.close()
})

test('a read that waits for what a database lost which was set back, and is then done', async () => {
  const { tiers, store, id } = await openWithEntry()
  const { walId, epoch } = (await tiers.cold.tier.logs())[0]!
  await tiers.cold.tier.retire(walId, epoch)
  await tiers.cold.tier.takeOver(walId, epoch)
  await store.chunks.put({ key: 'later', text: 'y' })
  tiers.hot.refuse('read')
  const first = tiers.cold.hold('ship')
  const again = tiers.cold.hold('ship', 'before')
  const checkpoint = store.checkpoint()
  await first.arrived
  first.release()
  await again.arrived
  expect(store.health().setBack).toBeDefined()
  const count = tiers.cold.hold('count', 'before')
  const rejected = rejection(store.chunks.count({ timeout: TIMEOUT }))
  vi.advanceTimersByTime(TIMEOUT * 0.6)
  again.release()
  await count.arrived
  vi.advanceTimersByTime(TIMEOUT * 0.4)
  expect(await rejected).toMatchObject(IN_TIME)
  count.release()
  await checkpoint
  expect((await store.chunks.get(id))?.text).toBe('x')
  await store.close()
})
