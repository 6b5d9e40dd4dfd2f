import { expect, test } from 'vitest'
import { Load, loaded } from './load.ts'
import { describeWithPrivateServers, expectIntact } from './private-servers.ts'

describeWithPrivateServers('stores on one Redis with a database each', (servers) => {
  test("never see each other's entries, under the same namespaces, ids and keys", async () => {
    const stores = [await servers.backends(1), await servers.backends(2)]
    const loads = await Promise.all(
      stores.map((backends, n) =>
        Load.start(
          backends.map(({ store }) => loaded(store)),
          // The texts of one load are wrong answers in the other.
          { keys: 8, seed: n + 1 },
        ),
      ),
    )
    expect(loads[0]!.ids).toEqual(loads[1]!.ids)
    for (const load of loads) await load.passes()
    // A memory that one of them gives up stays that of the other.
    const [{ hot }, { hot: other }] = [stores[0]![0]!, stores[1]![0]!]
    const { generationId } = other
    const client = servers.client()
    for (const slot of await client.keys(`*${hot.generationId}*:slot`)) await client.del(slot)
    for (const load of loads) await load.passes()
    expect(other.generationId).toBe(generationId)
    for (const [n, load] of loads.entries()) await expectIntact(load, stores[n]!)
  })
})
