/** What a checkpoint ships, once, and when it touches nothing; through a store over the embedded pair. */
import { expect, test } from 'vitest'
import type { MemoryStore } from '../../src/index.ts'
import { GatedTiers } from '../flow/gate.ts'
import { temporaryFolder } from '../flow/stores.ts'

const NOTHING = { shipped: 0, superseded: 0, rejected: 0, bytes: 0 }

/** Nothing ships by itself. */
async function openStill(tiers: GatedTiers): Promise<MemoryStore> {
  return tiers.open({ dir: await temporaryFolder(), sync: false, checkpoint: { every: '1h' } })
}

const standingOf = async ({ cold }: GatedTiers) => (await cold.tier.logs())[0]!

test('ships the newest version of each entry, and moves the checkpoint to the last record', async () => {
  const tiers = new GatedTiers()
  await using store = await openStill(tiers)
  await store.chunks.put({ key: 'a', text: 'old' })
  const { id, version } = await store.chunks.put({ key: 'a', text: 'new' })
  await store.chunks.put({ key: 'b', text: 'b' })
  expect(await store.checkpoint()).toMatchObject({ superseded: 0, rejected: 0 })
  expect(await tiers.cold.tier.versions([{ namespace: 'default', id }])).toEqual([version])
  expect(await standingOf(tiers)).toMatchObject({ sequence: 3 })
})

test('touches no tier where nothing is pending', async () => {
  const tiers = new GatedTiers()
  await using store = await openStill(tiers)
  await store.chunks.put({ text: 'x' })
  await store.checkpoint()
  const calls: unknown[] = []
  for (const gate of [tiers.hot, tiers.cold]) gate.onCall = (method: unknown) => void calls.push(method)
  expect(await store.checkpoint()).toEqual(NOTHING)
  expect(calls).toEqual([])
})

test('keeps pending what cold did not take, and ships it with what came later', async () => {
  const tiers = new GatedTiers()
  await using store = await openStill(tiers)
  await store.chunks.put({ text: 'first' })
  tiers.cold.refuse('ship')
  await expect(store.checkpoint()).rejects.toMatchObject({ code: 'ERR_TIER_UNAVAILABLE' })
  expect(await standingOf(tiers)).toMatchObject({ sequence: 0 })
  await store.chunks.put({ text: 'second' })
  tiers.cold.allow()
  expect(await store.checkpoint()).toMatchObject({ shipped: 2 })
  expect(await standingOf(tiers)).toMatchObject({ sequence: 2 })
})

test('is shared by those who ask while one waits to begin, and has what each of them had written', async () => {
  const tiers = new GatedTiers()
  await using store = await openStill(tiers)
  await store.chunks.put({ text: 'first' })
  const held = tiers.cold.hold('ship')
  const underWay = store.checkpoint()
  await held.arrived
  await store.chunks.put({ text: 'second' })
  const waiting = [store.checkpoint(), store.checkpoint()]
  held.release()
  expect(await underWay).toMatchObject({ shipped: 1 })
  const [one, other] = await Promise.all(waiting)
  expect(one).toMatchObject({ shipped: 1 })
  expect(other).toBe(one)
})
