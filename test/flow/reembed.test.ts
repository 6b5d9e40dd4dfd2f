/** A store moves to another model while it is searched: nothing is lost from sight, and no two models are compared. */
import { expect, test } from 'vitest'
import { openMemoryStore } from '../../src/index.ts'
import { someOf } from '../tools/budget.ts'
import { gate, httpError, WORD_DIMENSIONS, WordModel, wordVector } from '../tools/word-model.ts'
import { describePairs, openInMemory, shareStore, temporaryFolder } from './stores.ts'

const TEXTS = Array.from({ length: 30 }, (_, i) => `entry number${i} of water`)
const DIMENSIONS = WORD_DIMENSIONS / 2

/** Of other dimensions. */
class SmallModel extends WordModel {
  constructor() {
    super('-small')
    const { embedMany } = this
    this.small = async (texts, options) => {
      await embedMany(texts, options)
      return texts.map((text) => wordVector(text, this.salt, DIMENSIONS))
    }
  }
  readonly small: WordModel['embedMany']
  override options<O extends object>(given?: O) {
    return { ...super.options(given), dimensions: DIMENSIONS, embedMany: this.small }
  }
}

describePairs('moving to another model', (pair) => {
  test.each<[string, () => WordModel]>(
    someOf([
      ['of the same dimensions', () => new WordModel('-2')],
      ['of others', () => new SmallModel()],
    ]),
  )(
    '%s: all is found meanwhile, a call goes on where one ended, and then the former one is done with',
    async (_, make) => {
      const dir = await temporaryFolder()
      const options = { ...(await pair.options({ dir })), dir }
      const former = new WordModel()
      const fill = await openMemoryStore({ ...options, embed: former.options() })
      const acme = fill.namespace('acme')
      await acme.chunks.putMany(TEXTS.map((text) => ({ text })))
      const children = (await fill.chunks.putMany(TEXTS.map((text) => ({ text })))).map(({ id }) => id)
      await fill.raptorNodes.put({ level: 1, summary: 'a summary of water', children })
      await fill.chunks.put({ text: 'own vector', embedding: [1, 2] })
      await fill.sync()
      const model = make()
      await fill.close()
      const embed = model.options({ batchSize: 4, former: [former.options()] })
      await using store = await openMemoryStore({ ...options, embed, logger: false })
      const isFound = async (text: string) => {
        for (const by of ['vector', 'both'] as const)
          for (const view of [store, store.namespace('acme')]) {
            const { hits } = await view.chunks.search({ text, by, k: 5 })
            expect(hits[0]!.entry.text).toBe(text)
            expect(hits.map(({ vector }) => vector?.rank)).toEqual([1, 2, 3, 4, 5])
            const near = await view.chunks.search({ text, by, k: 5, minScore: by === 'vector' ? 0.99 : 0.01 })
            expect(near.hits[0]!.entry.text).toBe(text)
          }
        // The best of each model in turn.
        const down = await store.raptorNodes.searchTree({ text, by: 'vector', beam: 4 })
        const names = down.map(({ entry }) => (entry.kind === 'chunk' ? entry.text : entry.summary))
        expect(names.slice(0, 2)).toContain(text)
        expect(names).toContain('a summary of water')
      }
      await expect.poll(() => store.health().reasons).toMatchObject([{ code: 'other-model' }])
      await isFound(TEXTS[7]!)
      const stop = new AbortController()
      const progress: number[] = []
      const given = store.reembed({
        signal: stop.signal,
        onProgress: ({ moved }) => {
          progress.push(moved)
          if (moved > 20) stop.abort()
        },
      })
      await expect(given).rejects.toMatchObject({ code: 'ERR_ABORTED' })
      const left = await store.root.entries.count({ where: { embeddingModel: 'words' } })
      expect(left).toBeGreaterThan(0)
      expect(left).toBeLessThan(2 * TEXTS.length)
      for (const text of someOf(TEXTS.slice(0, 5), 2)) await isFound(text)
      const asked = former.calls.length
      expect(await store.reembed()).toEqual({ matched: left, moved: left, refused: 0 })
      expect(former.calls).toHaveLength(asked)
      for await (const entry of store.root.entries.findAll({
        where: { embedding: { exists: true }, kind: { in: ['chunk', 'raptor'] } },
      })) {
        const {
          text = '',
          summary = text,
          embedding,
          embeddingModel,
        } = entry as { text?: string; summary?: string; embedding: Float32Array; embeddingModel?: string }
        if (summary === 'own vector') expect([...embedding]).toEqual([1, 2])
        else
          expect([embeddingModel, embedding]).toEqual([
            model.options().model,
            wordVector(summary, model.salt, embedding.length),
          ])
      }
      await isFound(TEXTS[7]!)
      expect(store.health().reasons).toEqual([])
      expect((await store.stats()).embedding).toMatchObject({ otherModels: [] })
    },
  )
})

describePairs('moving while the model and others do as they like', (pair) => {
  const former = new WordModel()
  const model = new WordModel('-2')
  const embed = model.options({ batchSize: 4, former: [former.options()] })
  const { store } = shareStore(pair, { embed })

  test('waits as it is asked to, leaves what is refused, and what has another text by then', async () => {
    const texts = ['one', 'two', 'bad', 'four', 'five', 'six']
    const receipts = await store().chunks.putMany(
      texts.map((text) => ({ text, embedding: wordVector(text), embeddingModel: 'words' })),
    )
    const held = gate()
    let limits = 1
    model.before = (asked) => {
      if (asked.includes('bad')) throw httpError(400)
      if (limits-- > 0) throw httpError(429, { 'retry-after-ms': '50' })
      return asked.includes('one') ? held.closed : undefined
    }
    const moving = store().reembed()
    await expect.poll(() => model.texts).toContain('one')
    model.before = (asked) => {
      if (asked.includes('bad')) throw httpError(400)
    }
    await store().chunks.update(receipts[0]!.id, { text: 'changed' })
    held.open()
    expect(await moving).toEqual({ matched: 6, moved: 4, refused: 1 })
    const { items } = await store().chunks.find()
    const expected = ['changed', 'two', 'bad', 'four', 'five', 'six'].map((text) =>
      text === 'bad' ? [text, 'words', wordVector(text)] : [text, 'words-2', wordVector(text, '-2')],
    )
    const found = items.map(({ text, embeddingModel, embedding }) => [text, embeddingModel, embedding])
    expect(found).toEqual(expect.arrayContaining(expected))
    expect(store().health().reasons).toMatchObject([{ code: 'other-model' }])
  })

  test('ends where the model fails for good, and says why', async () => {
    await store().chunks.put({ text: 'left', embedding: wordVector('left'), embeddingModel: 'words' })
    model.before = () => {
      throw httpError(401)
    }
    await expect(store().reembed({ timeout: 300 })).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
    model.before = () => {}
    expect(await store().reembed()).toEqual({ matched: 2, moved: 2, refused: 0 })
  })
})

test('without a model to move from it is refused, and one of the same name is', async () => {
  const model = new WordModel()
  const embed = model.options()
  await using store = await openInMemory({ embed })
  await expect(store.reembed()).rejects.toMatchObject({ details: { option: 'embed.former' } })
  const twice = openMemoryStore({ inMemory: true, embed: { ...embed, former: [model.options()] } })
  await expect(twice).rejects.toMatchObject({ code: 'ERR_INVALID_OPTIONS', details: { option: 'embed.former' } })
})
