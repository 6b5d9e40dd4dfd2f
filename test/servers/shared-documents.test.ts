/** Two processes that ingest one document at once do not wait for each other: what holds nevertheless. */
import { expect, test } from 'vitest'
import { type MemoryStore, openMemoryStore } from '../../src/index.ts'
import { describeWithServers, QUIET } from '../flow/stores.ts'

const inputs = (...texts: string[]) => texts.map((text) => ({ text }))

describeWithServers('a document that two processes ingest at once', (servers) => {
  async function open(): Promise<[MemoryStore, MemoryStore]> {
    const options = { ...(await servers.shared()), ...QUIET }
    const one = await openMemoryStore({ ...options, dir: await servers.folder() })
    return [one, await openMemoryStore({ ...options, dir: await servers.folder() })]
  }
  const textsOf = async ({ chunks }: MemoryStore) => (await chunks.ofDocument('d')).items.map(({ text }) => text)

  test('is one document where both have the same texts', async () => {
    const [one, other] = await open()
    await using _ = one
    await using __ = other
    const list = inputs('a', 'b', 'a')
    const [first, second] = await Promise.all([one, other].map(({ chunks }) => chunks.replaceDocument('d', list)))
    expect(first!.ids).toEqual(second!.ids)
    for (const store of [one, other]) await store.checkpoint()
    for (const store of [one, other]) expect(await textsOf(store)).toEqual(['a', 'b', 'a'])
  })

  test('has the chunks of both where they differ, until the next time', async () => {
    const [one, other] = await open()
    await using _ = one
    await using __ = other
    await one.chunks.replaceDocument('d', inputs('old', 'same'), { durability: 'cold' })
    const lists = [inputs('a', 'same'), inputs('b', 'same')] as const
    await Promise.all([one.chunks.replaceDocument('d', lists[0]), other.chunks.replaceDocument('d', lists[1])])
    for (const store of [one, other]) await store.checkpoint()
    expect((await textsOf(one)).sort()).toEqual(['a', 'b', 'same'])
    const { kept, removed } = await other.chunks.replaceDocument('d', lists[1])
    expect([kept.length, removed.length]).toEqual([2, 1])
    await other.checkpoint()
    expect(await textsOf(one)).toEqual(['b', 'same'])
  })
})
