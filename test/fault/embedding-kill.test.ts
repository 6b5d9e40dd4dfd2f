/** A process that is killed between a put and its vector: whoever opens the store next makes the vector. */
import { expect } from 'vitest'
import { type MemoryStoreOptions, openMemoryStore } from '../../src/index.ts'
import { describeWithServers, temporaryFolder } from '../flow/stores.ts'
import { longTest } from '../tools/budget.ts'
import { WordModel, wordVector } from '../tools/word-model.ts'
import { Child } from '../wal/child.ts'
import type { EmbeddingOrders } from './embedding-child.ts'

const TEXTS = ['one', 'two', 'three']

/** @param isAsked whether the kill waits until the model was asked, when cold has the texts. */
async function killAndOpen(options: MemoryStoreOptions, isAsked: boolean): Promise<void> {
  const model = new WordModel()
  const { embedMany: _, ...named } = model.options()
  const checkpoint = { every: isAsked ? 50 : '1h' } as const
  const orders: EmbeddingOrders = { options: { ...options, checkpoint }, texts: TEXTS, ...named }
  const child = new Child('../fault/embedding-child.ts', [JSON.stringify(orders)])
  const ids: string[] = []
  let wasAsked = false
  while (ids.length < TEXTS.length || wasAsked !== isAsked) {
    const line = await child.line()
    if (line === 'asked') wasAsked = true
    else ids.push(line!)
  }
  await child.kill()
  // What it had read of the pipe by then.
  expect((await child.rest()).filter((line) => line !== 'asked')).toEqual([])
  await using store = await openMemoryStore({ ...options, embed: model.options({ when: 'background' as const }) })
  await expect.poll(() => store.chunks.count({ where: { embedding: { exists: false } } })).toBe(0)
  const vectors = (await store.chunks.getMany(ids)).map((chunk) => chunk!.embedding)
  expect(vectors).toEqual(TEXTS.map((text) => wordVector(text)))
  expect([...model.texts].sort()).toEqual([...TEXTS].sort())
}

longTest('embedded, killed before cold had the text: the vectors follow', async () => {
  await killAndOpen({ dir: await temporaryFolder() }, false)
})

longTest('embedded, killed while the model was asked: the vectors follow', async () => {
  await killAndOpen({ dir: await temporaryFolder() }, true)
})

describeWithServers('on servers', (servers) => {
  longTest('killed while the model was asked: another process takes that over once its lease is over', async () => {
    await killAndOpen({ ...(await servers.shared()), dir: await temporaryFolder() }, true)
  })
})
