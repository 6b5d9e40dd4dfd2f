/** Reads while a database that was set back lacks what the log has. */
import { expect, test } from 'vitest'
import type { MemoryStore } from '../../src/index.ts'
import { GatedTiers } from '../flow/gate.ts'
import { temporaryFolder } from '../flow/stores.ts'

const REJECTED = {
  code: 'ERR_TIER_UNAVAILABLE',
  details: { tier: 'cold' },
  message: expect.stringContaining('set back'),
}

const logOf = async (tiers: GatedTiers) => (await tiers.cold.tier.logs())[0]!

/** As a restored database has the log: as it stood when it was taken over under an epoch, or not at all. */
async function setBack(tiers: GatedTiers, to: { readonly epoch: number } | undefined): Promise<void> {
  const { walId, epoch } = await logOf(tiers)
  await tiers.cold.tier.retire(walId, epoch)
  if (to !== undefined) await tiers.cold.tier.takeOver(walId, to.epoch)
}

/** Every call that only cold can answer. */
function readAll({ chunks }: MemoryStore, id: string): readonly Promise<unknown>[] {
  const reads = [chunks.get(id), chunks.find(), chunks.count(), chunks.search({ embedding: [1, 2] })]
  for (const read of reads) read.catch(() => {})
  return reads
}

test('cold that does not know the log any more is not read, and health tells why', async () => {
  const tiers = new GatedTiers()
  const store = await tiers.open()
  const { id } = await store.chunks.put({ text: 'x', embedding: [1, 2] })
  await store.checkpoint()
  await setBack(tiers, undefined)
  await store.chunks.put({ text: 'later' })
  await expect(store.checkpoint()).rejects.toMatchObject({ code: 'ERR_WAL_FAILED' })
  expect((await store.chunks.get(id))?.text).toBe('x')
  tiers.hot.refuse('read')
  for (const read of readAll(store, id)) await expect(read).rejects.toMatchObject(REJECTED)
  expect(store.health()).toMatchObject({ live: false, setBack: { lost: [] } })
  await store.close()
})

test('a read that waits for what cold lost is rejected where cold does not even know the log then', async () => {
  const tiers = new GatedTiers()
  const store = await tiers.open({ dir: await temporaryFolder() })
  const { id } = await store.chunks.put({ text: 'x', embedding: [1, 2] })
  await store.checkpoint()
  await setBack(tiers, await logOf(tiers))
  tiers.hot.refuse('read')
  let reads: readonly Promise<unknown>[] = []
  tiers.cold.onCall = async (method) => {
    if (method !== 'ship' || store.health().setBack === undefined || reads.length > 0) return
    reads = readAll(store, id)
    await setBack(tiers, undefined)
  }
  await store.chunks.put({ text: 'later' })
  await expect(store.checkpoint()).rejects.toMatchObject({ code: 'ERR_WAL_FAILED' })
  expect(reads).toHaveLength(4)
  for (const read of reads) await expect(read).rejects.toMatchObject(REJECTED)
  await store.close()
})

test('cold that has an older epoch of the log is not read before it has everything again', async () => {
  const tiers = new GatedTiers()
  const dir = await temporaryFolder()
  const first = await tiers.open({ dir })
  await first.chunks.put({ text: 'first' })
  tiers.cold.refuse('ship')
  await first.close()
  tiers.cold.allow()
  const store = await tiers.open({ dir })
  const { epoch } = await logOf(tiers)
  const { id } = await store.chunks.put({ text: 'x', embedding: [1, 2] })
  await store.checkpoint()
  await setBack(tiers, { epoch: epoch - 1 })
  await store.chunks.put({ text: 'later' })
  tiers.hot.refuse('read')
  const takeOver = tiers.cold.hold('takeOver', 'before')
  const checkpoint = store.checkpoint()
  await takeOver.arrived
  const order: string[] = []
  const read = store.chunks.get(id).then(() => order.push('read'))
  tiers.cold.onCall = (method) => {
    if (method === 'ship') order.push('ship')
    if (method === 'read') order.push('asked')
  }
  await tiers.cold.tier.read([{ namespace: store.chunks.namespace, id }])
  takeOver.release()
  await Promise.all([checkpoint, read])
  expect(order[0]).toBe('ship')
  expect(order.indexOf('ship')).toBeLessThan(order.indexOf('asked'))
  expect(await store.chunks.count()).toBe(3)
  await store.close()
})
