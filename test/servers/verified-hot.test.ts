/** A Redis that is shared is looked at by each process, whatever becomes of its checkpoints. */
import { expect, test } from 'vitest'
import { GatedTiers } from '../flow/gate.ts'
import { describeWithServers, QUIET } from '../flow/stores.ts'

describeWithServers('hot', (servers) => {
  test('is verified on time while every checkpoint fails', async () => {
    const tiers = new GatedTiers()
    const options = { dir: await servers.folder(), ...(await servers.shared()), ...QUIET }
    const store = await tiers.open({ ...options, checkpoint: { every: 20 } })
    await store.checkpoint()
    tiers.cold.refuse('ship')
    await store.chunks.put({ text: 'x' })
    await expect(store.checkpoint()).rejects.toMatchObject({ code: 'ERR_TIER_UNAVAILABLE' })
    const calls: unknown[] = []
    tiers.hot.onCall = (method) => calls.push(method)
    await expect.poll(() => calls, { timeout: 10_000 }).toContain('verify')
    tiers.cold.allow()
    await store.close()
  })
})
