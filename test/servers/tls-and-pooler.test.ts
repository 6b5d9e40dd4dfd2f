/**
 * A whole store over what managed Postgres asks for: TLS with an authority of one's own, and a pooler with one
 * connection.
 */
import { expect, it } from 'vitest'
import { openMemoryStore } from '../../src/index.ts'
import { QUIET, temporaryFolder } from '../flow/stores.ts'
import { describeWithPgbouncer, describeWithTlsPostgres, PrivatePgbouncer, PrivatePostgres } from '../tools/services.ts'

async function useEverything(url: string): Promise<void> {
  const dir = await temporaryFolder()
  const options = { ...QUIET, dir, hot: { kind: 'memory' }, cold: { url, dimensions: [3] } } as const
  const store = await openMemoryStore(options)
  const { id } = await store.chunks.put({ key: 'a', text: 'first', embedding: [1, 0, 0] })
  await store.chunks.putMany([{ text: 'second', embedding: [0, 1, 0] }], { durability: 'cold' })
  await store.checkpoint()
  await store.sync()
  expect(await store.chunks.get(id)).toMatchObject({ text: 'first' })
  expect(await store.chunks.count()).toBe(2)
  expect((await store.chunks.find()).items).toHaveLength(2)
  const { hits } = await store.chunks.search({ embedding: [1, 0, 0], k: 1 })
  expect(hits[0]?.entry.text).toBe('first')
  expect((await store.stats()).cold).toMatchObject({ unindexed: 0 })
  await store.chunks.delete(id)
  await store.close()
  const again = await openMemoryStore(options)
  expect(await again.chunks.count()).toBe(1)
  await again.close()
}

describeWithTlsPostgres('Postgres over TLS', () => {
  it('serves a store', async () => {
    await using server = await PrivatePostgres.start({ tls: true })
    await useEverything(server.tlsUrl())
  })
})

describeWithPgbouncer('pgbouncer with a pool of one', () => {
  it('serves a store', async () => {
    await using server = await PrivatePostgres.start()
    await using bouncer = await PrivatePgbouncer.start(server, 1)
    await useEverything(bouncer.url('postgres'))
  })
})
