/**
 * Opens a store whose model never answers, and puts chunks that are to get their vectors in the background; a line
 * tells of each that was acknowledged, and of the model being asked.
 */
import { type MemoryStoreOptions, openMemoryStore } from '../../src/index.ts'
import { say } from '../../src/testkit/crash/say.ts'

export interface EmbeddingOrders {
  readonly options: MemoryStoreOptions
  readonly model: string
  readonly dimensions: number
  readonly texts: readonly string[]
}

const { options, texts, ...named } = JSON.parse(process.argv[2]!) as EmbeddingOrders
const embedMany = (): Promise<never> => {
  say('asked')
  return new Promise(() => {})
}
const store = await openMemoryStore({ ...options, embed: { ...named, embedMany, when: 'background' } })
for (const text of texts) say((await store.chunks.put({ text })).id)
