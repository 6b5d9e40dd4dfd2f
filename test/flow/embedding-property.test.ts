/** Whatever is written in whatever order: once all is settled, each entry has the vector of the text that it has. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isThermoclineError, type NamespaceView, openMemoryStore } from '../../src/index.ts'
import { DIMENSIONS, EmbeddingPool, MODEL } from '../demo/embedding-pool.ts'
import { budget, longTest } from '../tools/budget.ts'
import { WordModel, wordVector } from '../tools/word-model.ts'
import { describePairs, QUIET, shareStore } from './stores.ts'

const KEYS = ['a', 'b', 'c'] as const
const key = fc.constantFrom(...KEYS)
const text = fc.constantFrom('one', 'two', 'three', 'four words of text', 'flaky')

const step = fc.oneof(
  fc.record({ call: fc.constant('put' as const), key, text }),
  fc.record({ call: fc.constant('upsert' as const), key, text }),
  fc.record({ call: fc.constant('update' as const), key, text }),
  fc.record({ call: fc.constant('touch' as const), key }),
  fc.record({ call: fc.constant('write' as const), key, text }),
  fc.record({ call: fc.constant('document' as const), texts: fc.array(text, { maxLength: 3 }) }),
  fc.record({ call: fc.constant('delete' as const), key }),
  fc.record({ call: fc.constant('checkpoint' as const) }),
)
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

async function take(view: NamespaceView, checkpoint: () => Promise<unknown>, given: Step): Promise<void> {
  const { chunks } = view
  switch (given.call) {
    case 'put':
      return void (await chunks.put({ key: given.key, text: given.text }))
    case 'upsert':
      return void (await chunks.upsert({ key: given.key, text: given.text }))
    case 'update':
      return void (await chunks.update(chunks.idOf(given.key), { text: given.text }))
    case 'touch':
      return void (await chunks.update(chunks.idOf(given.key), { metadata: { touched: true } }))
    case 'write':
      return void (await view.write([{ put: { kind: 'chunk', key: given.key, text: given.text } }], { atomic: true }))
    case 'document':
      return void (await chunks.replaceDocument(
        'd',
        given.texts.map((text) => ({ text })),
      ))
    case 'delete':
      return void (await chunks.delete(chunks.idOf(given.key)))
    case 'checkpoint':
      return void (await checkpoint())
  }
}

/** What finds no entry, or no vector, is refused, and leaves what is there. */
function expected(error: unknown): void {
  if (isThermoclineError(error, 'ERR_NOT_FOUND') || isThermoclineError(error, 'ERR_EMBEDDING_FAILED')) return
  throw error
}

const RUNS = budget({ short: 3, long: 100 })

for (const when of ['put', 'background'] as const)
  describePairs(`vectors of texts, ${when}`, (pair) => {
    const model = new WordModel()
    let asked = 0
    // It fails now and then, and refuses nothing for good.
    model.before = (texts) => {
      if (texts.includes('flaky') && asked++ % 3 === 0) throw Object.assign(new Error(), { retryAfterMs: 1 })
    }
    const { store, view } = shareStore(pair, { embed: model.options({ when, batchSize: 2 }) })

    test('are those of what was written last', async () => {
      const sequences = fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 12 }),
        fc.boolean(),
        async (steps, atOnce) => {
          const own = view()
          const checkpoint = () => store().checkpoint()
          const taken = steps.map((one) => () => take(own, checkpoint, one).catch(expected))
          if (atOnce) await Promise.all(taken.map((call) => call()))
          else for (const call of taken) await call()
          await checkpoint()
          await expect
            .poll(() => own.count().then(() => own.chunks.count({ where: { embedding: { exists: false } } })))
            .toBe(0)
          for (const settle of [async () => {}, checkpoint]) {
            await settle()
            for await (const chunk of own.chunks.findAll()) {
              expect(chunk).toMatchObject({ embeddingModel: 'words', embedding: wordVector(chunk.text) })
              expect(await own.chunks.get(chunk.id)).toMatchObject({
                text: chunk.text,
                embedding: wordVector(chunk.text),
              })
            }
          }
        },
      )
      await fc.assert(sequences, { numRuns: RUNS })
    })
  })

longTest('a real model, on this machine: what is meant is found', async () => {
  await using pool = await EmbeddingPool.open({ workers: 1 })
  const embedMany = (texts: string[]) => pool.embed(texts)
  await using store = await openMemoryStore({
    ...{ inMemory: true, ...QUIET },
    embed: { model: MODEL, dimensions: DIMENSIONS, embedMany, when: 'background', batchSize: 4 },
  })
  const texts = ['How do I open the door?', 'Bananas are yellow.', 'It rains in the mountains.', 'She plays the piano.']
  await store.chunks.putMany(texts.map((text) => ({ text })))
  await store.checkpoint()
  await expect.poll(() => store.chunks.count({ where: { embedding: { exists: false } } })).toBe(0)
  const { hits } = await store.chunks.search({ text: 'Which key unlocks the entrance?', by: 'vector', k: 1 })
  expect(hits[0]!.entry.text).toBe(texts[0])
})
