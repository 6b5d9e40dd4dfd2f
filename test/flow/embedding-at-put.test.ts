/** A store with `embed`: what is put without a vector has that of its text before the put is acknowledged. */
import { expect, test } from 'vitest'
import { isThermoclineError, type MemoryStore } from '../../src/index.ts'
import { gate, httpError, WORD_DIMENSIONS, WordModel, wordVector } from '../tools/word-model.ts'
import { describePairs, shareStore, vectorOf } from './stores.ts'

describePairs('embedding at the put', (pair) => {
  const model = new WordModel()
  const { clock, store, view } = shareStore(pair, { embed: model.options() })

  const vectorsOf = async (entries: ReturnType<MemoryStore['namespace']>['entries'], ids: readonly string[]) =>
    (await entries.getMany(ids)).map((entry) => entry && 'embedding' in entry && entry.embedding)

  test('is for chunks and nodes that have none, and asks once for many', async () => {
    const { chunks, entries, raptorNodes } = view()
    const before = model.calls.length
    const leaves = await Promise.all(['one', 'two', 'three'].map((text) => chunks.put({ text })))
    expect(model.calls.slice(before)).toEqual([['one', 'two', 'three']])
    const children = leaves.map(({ id }) => id)
    const { id } = await raptorNodes.put({ level: 1, summary: 'a summary', children })
    const given = [...vectorOf(1, WORD_DIMENSIONS)]
    const others = await entries.putMany([
      { kind: 'chunk', text: 'own vector', embedding: given },
      { kind: 'embedding', embedding: given, embeddingModel: 'other' },
      { kind: 'metadata', metadata: { text: 'none' } },
    ])
    expect(model.texts.slice(-4)).toEqual(['one', 'two', 'three', 'a summary'])
    const found = await entries.getMany([...children, id, ...others.map((receipt) => receipt.id)])
    expect(found.map((entry) => entry!.embeddingModel)).toEqual([
      ...Array(4).fill('words'),
      undefined,
      'other',
      undefined,
    ])
    expect(await vectorsOf(entries, [...children, id])).toEqual(
      ['one', 'two', 'three', 'a summary'].map((text) => wordVector(text)),
    )
    expect([...(found[4] as { embedding: Float32Array }).embedding]).toEqual(given)
  })

  test('gives what is written by any other call its vector too', async () => {
    const own = view()
    const { chunks, entries } = own
    const named = await chunks.upsert({ key: 'k', text: 'upserted' })
    const first = await chunks.put({ key: 'e', text: 'expected' }, { expectedVersion: null, idempotencyKey: 'once' })
    expect(await chunks.put({ key: 'e', text: 'expected' }, { expectedVersion: null, idempotencyKey: 'once' })).toEqual(
      first,
    )
    expect(model.texts.filter((text) => text === 'expected')).toHaveLength(1)
    const [both, changed] = await own.write(
      [{ put: { kind: 'chunk', text: 'together' } }, { update: named.id, patch: { text: 'changed' } }],
      { atomic: true },
    )
    const { ids } = await chunks.replaceDocument('d', [{ text: 'of a document' }, { text: 'own', embedding: [1, 2] }])
    const texts = ['expected', 'together', 'changed', 'of a document']
    const written = [first.id, both!.id, changed!.id, ids[0]!]
    expect(await vectorsOf(entries, written)).toEqual(texts.map((text) => wordVector(text)))
    const asked = model.calls.length
    expect((await chunks.replaceDocument('d', [{ text: 'of a document' }])).kept).toEqual([ids[0]])
    expect(model.calls).toHaveLength(asked)
  })

  test('asks once for all that one write updates', async () => {
    const own = view()
    const receipts = await own.chunks.putMany(['a', 'b', 'c'].map((text) => ({ text })))
    const asked = model.calls.length
    const updates = receipts.map(({ id }, i) => ({ update: id, patch: { text: `new ${i}` } }))
    await own.write(updates, { atomic: true })
    const texts = ['new 0', 'new 1', 'new 2']
    expect(model.calls.slice(asked)).toEqual([texts])
    const ids = receipts.map(({ id }) => id)
    expect(await vectorsOf(own.entries, ids)).toEqual(texts.map((text) => wordVector(text)))
  })

  test('follows the text: a changed one has a new vector, what else changes leaves it', async () => {
    const { chunks } = view()
    const { id } = await chunks.put({ text: 'first words', embedding: [1, 2], embeddingModel: 'other' })
    const asked = model.calls.length
    await chunks.update(id, { metadata: { read: true } })
    await chunks.update(id, { text: 'first words', position: 3 })
    expect(model.calls).toHaveLength(asked)
    expect(await chunks.get(id)).toMatchObject({ embeddingModel: 'other', embedding: Float32Array.of(1, 2) })
    await chunks.update(id, { text: 'second words' })
    expect(await chunks.get(id)).toMatchObject({ embeddingModel: 'words', embedding: wordVector('second words') })
    await chunks.update(id, { text: 'third words', embedding: [3, 4], embeddingModel: 'own' })
    expect(await chunks.get(id)).toMatchObject({ embeddingModel: 'own', embedding: Float32Array.of(3, 4) })
    await chunks.updateWhere({ embeddingModel: { ne: 'words' } }, { embedding: null })
    expect(await chunks.get(id)).toMatchObject({ embeddingModel: 'words', embedding: wordVector('third words') })
    await chunks.put({ id, text: 'put anew' })
    expect((await chunks.get(id))!.embedding).toEqual(wordVector('put anew'))
  })

  test('is for no empty text, which most models refuse: also where one becomes empty', async () => {
    const { chunks } = view()
    const asked = model.calls.length
    const { id } = await chunks.put({ text: '' })
    expect(model.calls).toHaveLength(asked)
    await chunks.update(id, { text: 'full' })
    expect(await chunks.get(id)).toMatchObject({ embedding: wordVector('full'), embeddingModel: 'words' })
    await chunks.update(id, { text: '' })
    expect(await chunks.get(id)).not.toMatchObject({ embedding: expect.anything() })
    expect(await chunks.get(id)).not.toMatchObject({ embeddingModel: expect.anything() })
    expect(model.calls).toHaveLength(asked + 1)
  })

  test('refuses a put whose vector cannot be had, and writes nothing of it', async () => {
    const own = view()
    const { chunks } = own
    model.before = (texts) => {
      if (texts.includes('bad')) throw httpError(422)
    }
    try {
      const refusal = await chunks.put({ key: 'bad', text: 'bad' }).catch((error: unknown) => error)
      expect(refusal).toMatchObject({ code: 'ERR_EMBEDDING_FAILED', details: { model: 'words', outcome: 'none' } })
      await expect(chunks.putMany([{ text: 'good' }, { text: 'bad' }])).rejects.toMatchObject({
        code: 'ERR_EMBEDDING_FAILED',
      })
      expect(await chunks.count()).toBe(0)
      const settled = await chunks.putMany([{ text: 'good' }, { text: 'bad' }, { text: 'fine' }], { settle: true })
      expect(settled.map(({ ok }) => ok)).toEqual([true, false, true])
      expect(settled[1]).toMatchObject({ error: { code: 'ERR_EMBEDDING_FAILED' } })
      const { id } = await chunks.put({ text: 'well' })
      for (const call of [
        () => chunks.update(id, { text: 'bad' }),
        () => chunks.upsert({ id, text: 'bad' }),
        () => own.write([{ put: { kind: 'chunk', id, text: 'bad' } }], { atomic: true }),
        () => chunks.replaceDocument('d', [{ text: 'bad' }]),
      ])
        await expect(call()).rejects.toSatisfy((error) => isThermoclineError(error, 'ERR_EMBEDDING_FAILED'))
      expect((await chunks.find()).items.map(({ text }) => text).sort()).toEqual(['fine', 'good', 'well'])
    } finally {
      model.before = () => {}
    }
  })

  test('ends with the patience of the call, which is one for all that it waits for', async () => {
    const { chunks } = view()
    const held = gate()
    model.before = () => held.closed
    try {
      await expect(chunks.put({ text: 'late' }, { timeout: 50 })).rejects.toMatchObject({
        ...{ code: 'ERR_TIMEOUT', details: { outcome: 'none' } },
      })
      const stop = new AbortController()
      const aborted = chunks.putMany([{ text: 'late' }], { signal: stop.signal })
      stop.abort()
      await expect(aborted).rejects.toMatchObject({ code: 'ERR_ABORTED', details: { outcome: 'none' } })
    } finally {
      model.before = () => {}
      held.open()
    }
    expect(await chunks.count()).toBe(0)
  })

  test('counts what came while the model was asked', async () => {
    const { blobs, chunks, entries, raptorNodes } = view()
    const held = gate()
    model.before = (texts) => (texts.includes('held') ? held.closed : undefined)
    const texts = model.texts.length
    try {
      const outlived = chunks.put({ text: 'held', ttl: 1_000 })
      const taken = chunks.put({ text: 'held', key: 'taken' })
      const node = { level: 1, summary: 'held', key: 'node', children: [raptorNodes.idOf('child')] }
      const circle = raptorNodes.put(node)
      const many = entries.putMany(
        [
          { kind: 'chunk', text: 'held', ttl: 1_000 },
          { kind: 'chunk', text: 'held', key: 'taken' },
          { kind: 'chunk', text: 'held', key: 'fine' },
        ],
        { settle: true },
      )
      await expect.poll(() => model.texts.slice(texts).length).toBeGreaterThan(0)
      clock.advance(2_000)
      await blobs.put({ key: 'taken', bytes: new Uint8Array(1) })
      await raptorNodes.put({ level: 1, summary: 'child', key: 'child', children: [raptorNodes.idOf('node')] })
      held.open()
      await expect(outlived).rejects.toMatchObject({ code: 'ERR_INVALID_ENTRY', details: { field: 'expiresAt' } })
      await expect(taken).rejects.toMatchObject({ code: 'ERR_CONFLICT', details: { kind: 'blob', outcome: 'none' } })
      await expect(circle).rejects.toMatchObject({ code: 'ERR_INVALID_ENTRY', details: { field: 'children' } })
      expect(await many).toMatchObject([
        { ok: false, error: { code: 'ERR_INVALID_ENTRY', details: { field: 'expiresAt', index: 0 } } },
        { ok: false, error: { code: 'ERR_CONFLICT', details: { kind: 'blob', index: 1 } } },
        { ok: true },
      ])
    } finally {
      model.before = () => {}
      held.open()
    }
    expect((await chunks.find()).items.map(({ key }) => key)).toEqual(['fine'])
  })

  test('refuses a vector that cannot be of the model which it is said to be of', async () => {
    const own = view()
    const { chunks } = own
    const unfit = { text: 'own', embedding: [1, 2], embeddingModel: 'words' }
    const { id } = await chunks.put({ text: 'there', key: 'there' })
    const refusal = { code: 'ERR_INVALID_ENTRY', details: { field: 'embedding' } }
    for (const call of [
      () => chunks.put(unfit),
      () => chunks.putMany([{ text: 'fine' }, unfit]),
      () => chunks.upsert(unfit),
      () => chunks.update(id, { embedding: [1, 2] }),
      () => own.write([{ put: { kind: 'chunk', ...unfit } }], { atomic: true }),
      () => chunks.replaceDocument('d', [unfit]),
    ])
      await expect(call()).rejects.toMatchObject(refusal)
    const settled = await chunks.putMany([unfit, { ...unfit, embeddingModel: 'other' }], { settle: true })
    expect(settled).toMatchObject([{ error: { details: { field: 'embedding', index: 0 } } }, { ok: true }])
    expect(await chunks.count()).toBe(2)
  })

  test('says of many for which there was no vector', async () => {
    const own = view()
    model.before = (texts) => {
      if (texts.includes('bad')) throw httpError(422)
    }
    try {
      const refusal = { code: 'ERR_EMBEDDING_FAILED', details: { index: 1, refused: true } }
      await expect(own.chunks.putMany([{ text: 'good' }, { text: 'bad' }])).rejects.toMatchObject(refusal)
      const operations = ['good', 'bad'].map((text) => ({ put: { kind: 'chunk' as const, text } }))
      await expect(own.write(operations, { atomic: true })).rejects.toMatchObject(refusal)
    } finally {
      model.before = () => {}
    }
  })

  test('of what is updated by a condition keeps no vector, and a signal ends it between two batches', async () => {
    const { chunks } = view()
    const other = { text: 'same', embedding: [1, 2], embeddingModel: 'other' }
    await chunks.putMany([other, other, other])
    const held = gate()
    model.before = () => held.closed
    const asked = model.calls.length
    const stop = new AbortController()
    const terms = { batchSize: 1, signal: stop.signal }
    const updating = chunks.updateWhere({ embeddingModel: 'other' }, { embedding: null }, terms)
    updating.catch(() => {})
    await expect.poll(() => model.calls.length).toBe(asked + 1)
    stop.abort()
    model.before = () => {}
    held.open()
    await expect(updating).rejects.toMatchObject({ code: 'ERR_ABORTED', details: { counts: { updated: 1 } } })
    expect(await chunks.updateWhere({ embeddingModel: 'other' }, { embedding: null }, { batchSize: 1 })).toMatchObject({
      updated: 2,
    })
    expect(model.calls.slice(asked)).toEqual([['same'], ['same'], ['same']])
  })

  test('is counted, and told of the model that the rows have besides', async () => {
    const { embedding } = await store().stats()
    expect(embedding).toMatchObject({ model: 'words', otherModels: [] })
    expect(embedding!.texts).toBe(model.texts.length)
  })
})
