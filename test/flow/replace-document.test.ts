/** A document is ingested anew: what it has already costs nothing, and nothing of what it had stays. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type ChunkRepository, isThermoclineError } from '../../src/index.ts'
import { budget } from '../tools/budget.ts'
import { describeGated } from './gate.ts'
import { shareStore } from './stores.ts'

/** An embedding that tells its text. */
const vectorOf = (text: string): number[] => [text.length + 1, text.charCodeAt(0) || 1]
const inputs = (...texts: string[]) => texts.map((text) => ({ text }))

async function chunksOf(chunks: ChunkRepository, documentId: string) {
  return (await chunks.ofDocument(documentId, { limit: 1_000 })).items
}

async function textsOf(chunks: ChunkRepository, documentId: string): Promise<string[]> {
  return (await chunksOf(chunks, documentId)).map(({ text }) => text)
}

describeGated('replacing a document', (tiers) => {
  const { store, view } = shareStore(tiers)

  test('asks for the embeddings that are missing, and for no others', async () => {
    const { chunks } = view()
    const asked: string[][] = []
    const embed = async (texts: string[]) => {
      asked.push(texts)
      return texts.map(vectorOf)
    }
    const first = await chunks.replaceDocument('d', inputs('a', 'b', 'b'), { embed, embeddingModel: 'm' })
    expect(first).toMatchObject({ kept: [], changed: [], added: first.ids, removed: [], unembedded: [] })
    await store().checkpoint()
    const second = await chunks.replaceDocument('d', inputs('a', 'new', 'b'), { embed, embeddingModel: 'm' })
    const [a, b, b2] = first.ids
    expect(second.ids[0]).toBe(a)
    expect(second).toMatchObject({ kept: [a, b2], changed: [], removed: [b], added: [second.ids[1]], unembedded: [] })
    expect(asked).toEqual([['a', 'b'], ['new']])
    const found = await chunksOf(chunks, 'd')
    expect(found.map(({ text, embedding }) => [text, [...embedding!]])).toEqual(
      ['a', 'new', 'b'].map((text) => [text, vectorOf(text)]),
    )
    await chunks.replaceDocument('d', inputs('a', 'new', 'b'), { embed, embeddingModel: 'other' })
    expect(asked.at(-1)).toEqual(['a', 'new', 'b'])
  })

  test('writes nothing where nothing changed, and keeps what moves', async () => {
    const { chunks } = view()
    const given = [{ text: 'a', metadata: { x: 1, y: 2 } }, { text: 'b', embedding: [1, 2] }, { text: 'c' }]
    const { ids } = await chunks.replaceDocument('d', given)
    const before = await chunksOf(chunks, 'd')
    const same = await chunks.replaceDocument('d', [{ text: 'a', metadata: { y: 2, x: 1 } }, ...given.slice(1)])
    expect(same).toEqual({ ids, kept: ids, changed: [], added: [], removed: [], unembedded: [ids[0], ids[2]] })
    expect(await chunksOf(chunks, 'd')).toEqual(before)
    const [a, b, c] = ids as [string, string, string]
    const moved = await chunks.replaceDocument('d', inputs('b', 'a', 'c'))
    expect(moved).toEqual({ ids: [b, a, c], kept: [c], changed: [b, a], added: [], removed: [], unembedded: [a, c] })
    const [first, second] = await chunksOf(chunks, 'd')
    expect(first).toMatchObject({ id: b, position: 0, createdAt: before[1]!.createdAt })
    expect([...first!.embedding!]).toEqual([1, 2])
    expect(second).not.toHaveProperty('metadata')
  })

  test('says beforehand what it would do', async () => {
    const { chunks } = view()
    const { ids } = await chunks.replaceDocument('d', [
      { text: 'a', embedding: [1] },
      { text: 'b', embedding: [2] },
    ])
    const plan = await chunks.replaceDocument('d', inputs('a', 'c'), { dryRun: true })
    expect(plan).toMatchObject({ kept: [ids[0]], removed: [ids[1]], added: [plan.ids[1]], unembedded: [plan.ids[1]] })
    expect(await textsOf(chunks, 'd')).toEqual(['a', 'b'])
    expect((await chunks.replaceDocument('d', inputs('a', 'c'))).ids).toEqual(plan.ids)
  })

  test('is of one namespace and one document, and of chunks that are named', async () => {
    const own = view()
    await own.namespace('below').chunks.replaceDocument('d', inputs('below'))
    await own.chunks.replaceDocument('e', inputs('e'))
    const [plain] = (await own.chunks.replaceDocument('d', [{ text: 'old', key: 'k' }, { text: 'b' }])).ids
    const replaced = await own.chunks.replaceDocument('d', [{ text: 'new', key: 'k' }])
    expect(replaced).toMatchObject({ changed: [plain], added: [], unembedded: [plain] })
    expect(plain).toBe(own.chunks.idOf('k'))
    expect(await textsOf(own.chunks, 'd')).toEqual(['new'])
    expect(await textsOf(own.chunks, 'e')).toEqual(['e'])
    expect(await textsOf(own.namespace('below').chunks, 'd')).toEqual(['below'])
    expect(await own.chunks.deleteDocument('d')).toBe(1)
    expect((await own.chunks.documents()).items).toMatchObject([{ documentId: 'e' }])
  })

  test.each<[string, readonly unknown[], object]>([
    ['text', [{ text: 'a' }, { text: 7 }], { index: 1, field: 'text' }],
    ['another document', [{ text: 'a', documentId: 'x' }], { index: 0, field: 'documentId' }],
    [
      'the same key twice',
      [
        { text: 'a', key: 'k' },
        { text: 'b', key: 'k' },
      ],
      { index: 1, field: 'id' },
    ],
    ['no object', [null], { index: 0, field: 'input' }],
  ])('refuses %s, and writes nothing', async (_, given, details) => {
    const { chunks } = view()
    await chunks.replaceDocument('d', inputs('kept'))
    const refused = chunks.replaceDocument('d', given as { text: string }[])
    await expect(refused).rejects.toMatchObject({ code: 'ERR_INVALID_ENTRY', details })
    expect(await textsOf(chunks, 'd')).toEqual(['kept'])
  })

  test('fails with what `embed` threw, and refuses what is no embedding', async () => {
    const { chunks } = view()
    const own = new Error('rate limit')
    const embed = async (): Promise<never> => Promise.reject(own)
    await expect(chunks.replaceDocument('d', inputs('a'), { embed })).rejects.toBe(own)
    for (const answer of [[], [[1], [2]], [[Number.NaN]], 'x'] as never[]) {
      const refused = chunks.replaceDocument('d', inputs('a'), { embed: async () => answer })
      await expect(refused).rejects.toMatchObject({ code: 'ERR_INVALID_ENTRY', details: { field: 'embed' } })
    }
    const caller = new AbortController()
    const hanging = (): Promise<never> => {
      caller.abort()
      return new Promise(() => {})
    }
    const hangs = chunks.replaceDocument('d', inputs('a'), { embed: hanging, signal: caller.signal })
    await expect(hangs).rejects.toMatchObject({ code: 'ERR_ABORTED', details: { outcome: 'none' } })
    expect(await textsOf(chunks, 'd')).toEqual([])
    expect((await chunks.replaceDocument('d', inputs('a'))).added).toHaveLength(1)
  })

  test('brings back a text that was changed since, and keeps what it has just written', async () => {
    const { chunks } = view()
    const [id] = (await chunks.replaceDocument('d', inputs('a'))).ids
    await chunks.update(id!, { text: 'a, corrected' })
    const { added, removed } = await chunks.replaceDocument('d', inputs('a'))
    expect(removed).toEqual([id])
    expect(added).not.toContain(id)
    expect(await textsOf(chunks, 'd')).toEqual(['a'])
  })

  test('leaves a chunk that another document has by now, though its id follows from the text', async () => {
    const { chunks } = view()
    const [id] = (await chunks.replaceDocument('d', inputs('a'))).ids
    await chunks.update(id!, { documentId: 'e' })
    expect((await chunks.replaceDocument('d', inputs('a'))).added).toHaveLength(1)
    expect([await textsOf(chunks, 'd'), await textsOf(chunks, 'e')]).toEqual([['a'], ['a']])
  })

  test('leaves a chunk that another document got while texts were embedded', async () => {
    const { chunks } = view()
    const [id] = (await chunks.replaceDocument('d', inputs('a'))).ids
    const embed = async (texts: readonly string[]) => {
      await chunks.update(id!, { documentId: 'e' })
      return texts.map(() => [1, 0])
    }
    await chunks.replaceDocument('d', [{ text: 'b' }], { embed })
    expect(await textsOf(chunks, 'd')).toEqual(['b'])
    expect(await textsOf(chunks, 'e')).toEqual(['a'])
  })

  test('is found as it was or as it is to be, while it is replaced again and again', async () => {
    const { chunks } = view()
    const version = (n: number) => inputs(...Array.from({ length: 8 }, (_, i) => `version ${n} line ${i}`))
    await chunks.replaceDocument('d', version(0))
    let isOver = false
    const reading = (async () => {
      for (let reads = 1; ; reads++) {
        const ends = isOver
        const texts = await textsOf(chunks, 'd')
        expect([texts.length, new Set(texts.map((text) => text.split(' ')[1])).size]).toEqual([8, 1])
        if (ends) return reads
      }
    })()
    for (let n = 1; n <= 15; n++) await chunks.replaceDocument('d', version(n))
    isOver = true
    expect(await reading).toBeGreaterThan(1)
  })

  test('stays as it was where cold does not take all of it', async () => {
    const { chunks } = view()
    await chunks.replaceDocument('d', inputs('a', 'b'))
    tiers.cold.refuse('replace')
    const refused = { code: 'ERR_TIER_UNAVAILABLE', details: { tier: 'cold' } }
    await expect(chunks.replaceDocument('d', inputs('c', 'd'))).rejects.toMatchObject(refused)
    tiers.cold.allow()
    expect(await textsOf(chunks, 'd')).toEqual(['a', 'b'])
  })

  test('says that nothing was written where it came no further than looking', async () => {
    const { chunks } = view()
    const looking = tiers.cold.hold('find', 'before')
    const late = chunks.replaceDocument('d', inputs('a', 'b'), { timeout: 5 })
    await expect(late).rejects.toMatchObject({ code: 'ERR_TIMEOUT', details: { outcome: 'none' } })
    looking.release()
    tiers.cold.refuse('find')
    const refused = { code: 'ERR_TIER_UNAVAILABLE', details: { tier: 'cold', outcome: 'none' } }
    await expect(chunks.replaceDocument('d', inputs('a', 'b'))).rejects.toMatchObject(refused)
    tiers.cold.allow()
    expect(await textsOf(chunks, 'd')).toEqual([])
  })

  test('may take more bytes than characters, so that it is too large to be written at once', async () => {
    const { chunks } = view()
    const large = ['一', '二'].map((word) => word.repeat(1_450_000))
    tiers.cold.refuse('replace')
    await chunks.replaceDocument('d', inputs(...large))
    tiers.cold.allow()
    expect(await textsOf(chunks, 'd')).toEqual(large)
    expect(await chunks.replaceDocument('d', inputs('a'))).toMatchObject({ removed: { length: 2 } })
    expect(await textsOf(chunks, 'd')).toEqual(['a'])
  })

  test('goes on where it is too large to be written at once, and while hot is away', async () => {
    const { chunks } = view()
    const many = Array.from({ length: 1_001 }, (_, n) => `chunk ${n}`)
    await chunks.replaceDocument('d', inputs(...many))
    const { removed } = await chunks.replaceDocument('d', inputs(...many.slice(0, 1)))
    expect(removed).toHaveLength(1_000)
    tiers.hot.refuse()
    expect(await chunks.replaceDocument('d', inputs('b', 'c'))).toMatchObject({ removed: { length: 1 } })
    tiers.hot.allow()
    expect(await textsOf(chunks, 'd')).toEqual(['b', 'c'])
  })

  test('says that it came half-way where nobody can tell what is stale', async () => {
    const { chunks } = view()
    await chunks.replaceDocument('d', inputs('a'))
    await store().checkpoint()
    tiers.hot.refuse('reserve')
    tiers.hot.onCall = (method) => {
      if (method !== 'write') return
      tiers.hot.refuse('read')
      tiers.cold.refuse('read')
    }
    const replaced = chunks.replaceDocument('d', inputs('b'))
    await expect(replaced).rejects.toMatchObject({ code: 'ERR_TIER_UNAVAILABLE', details: { outcome: 'partial' } })
    tiers.hot.onCall = () => {}
    tiers.hot.allow()
    tiers.cold.allow()
    expect(new Set(await textsOf(chunks, 'd'))).toEqual(new Set(['a', 'b']))
  })

  test('ends half-way with both, and another call makes it good', async () => {
    const { chunks } = view()
    await chunks.replaceDocument('d', inputs('a', 'b'))
    const stop = new AbortController()
    tiers.hot.refuse('reserve')
    // The second write is that of what is deleted.
    let writes = 0
    tiers.hot.onCall = (method) => method === 'write' && ++writes === 1 && stop.abort()
    const failed = await chunks.replaceDocument('d', inputs('a', 'c'), { signal: stop.signal }).catch((error) => error)
    tiers.hot.onCall = () => {}
    tiers.hot.allow()
    expect(isThermoclineError(failed, 'ERR_ABORTED')).toBe(true)
    expect(new Set(await textsOf(chunks, 'd'))).toEqual(new Set(['a', 'b', 'c']))
    await chunks.replaceDocument('d', inputs('a', 'c'))
    expect(await textsOf(chunks, 'd')).toEqual(['a', 'c'])
  })

  test('goes one after the other within a process: the last one decides', async () => {
    const { chunks } = view()
    const lists = [inputs('a', 'b'), inputs('c'), inputs('b', 'd', 'e')]
    await Promise.all(lists.map((list) => chunks.replaceDocument('d', list)))
    expect(await textsOf(chunks, 'd')).toEqual(['b', 'd', 'e'])
  })

  test('waits for what a call still does that was given up: the last one decides', async () => {
    const { chunks } = view()
    await chunks.replaceDocument('d', inputs('a', 'b'))
    const first = tiers.cold.hold('replace', 'before')
    const second = tiers.cold.hold('replace', 'before')
    const caller = new AbortController()
    const given = chunks.replaceDocument('d', inputs('c', 'd'), { signal: caller.signal })
    await first.arrived
    caller.abort()
    await expect(given).rejects.toMatchObject({ code: 'ERR_ABORTED', details: { outcome: 'unknown' } })
    const last = chunks.replaceDocument('d', inputs('e', 'f'))
    // Others go on meanwhile, as that one would.
    for (let n = 0; n < 20; n++) await chunks.find({ where: { documentId: 'd' } })
    first.release()
    await second.arrived
    second.release()
    await last
    expect(await textsOf(chunks, 'd')).toEqual(['e', 'f'])
  })

  test('leaves a chunk that another document got meanwhile, though it would have been changed', async () => {
    const { chunks } = view()
    const [id] = (await chunks.replaceDocument('d', inputs('a', 'b'))).ids
    const asked: (readonly string[])[] = []
    const embed = async (texts: readonly string[]) => {
      if (asked.push(texts) === 1) await chunks.update(id!, { documentId: 'e' })
      return texts.map(vectorOf)
    }
    const { added } = await chunks.replaceDocument('d', [{ text: 'a', metadata: { n: 1 } }, { text: 'c' }], { embed })
    expect([await textsOf(chunks, 'd'), await textsOf(chunks, 'e')]).toEqual([['a', 'c'], ['a']])
    expect([added.length, asked]).toEqual([2, [['a', 'c']]])
  })

  test('has what it was to keep, though somebody deletes that meanwhile', async () => {
    const { chunks } = view()
    const kept = { text: 'a', embedding: [1, 2] }
    const [id] = (await chunks.replaceDocument('d', [kept])).ids
    const embed = async (texts: readonly string[]) => {
      await chunks.delete(id!)
      return texts.map(vectorOf)
    }
    await chunks.replaceDocument('d', [kept, { text: 'b' }], { embed })
    expect(await textsOf(chunks, 'd')).toEqual(['a', 'b'])
  })

  test('deletes a document of many batches, and says how far it is', async () => {
    const { chunks } = view()
    await chunks.putMany(Array.from({ length: 1_200 }, (_, n) => ({ text: `${n}`, documentId: 'd', position: n % 7 })))
    await store().checkpoint()
    const told: number[] = []
    const deleted = await chunks.deleteDocument('d', { onProgress: (progress) => void told.push(progress.deleted) })
    expect([deleted, told]).toEqual([1_200, [500, 1_000, 1_200]])
    expect(await chunks.count({ where: { documentId: 'd' } })).toBe(0)
    expect(await chunks.deleteDocument('d')).toBe(0)
    const own = new Error('mine')
    await chunks.put({ text: 'a', documentId: 'd' })
    const failing = chunks.deleteDocument('d', {
      onProgress: () => {
        throw own
      },
    })
    await expect(failing).rejects.toBe(own)
  })

  test('deletes a document of many batches, and says how far it came where it is given up', async () => {
    const { chunks } = view()
    await chunks.putMany(Array.from({ length: 501 }, (_, n) => ({ text: `${n}`, documentId: 'd' })))
    const stop = new AbortController()
    const deleted = chunks.deleteDocument('d', { signal: stop.signal, onProgress: () => stop.abort() })
    await expect(deleted).rejects.toMatchObject({
      code: 'ERR_ABORTED',
      details: { outcome: 'partial', counts: { matched: 500, deleted: 500 } },
    })
    expect(await chunks.count({ where: { documentId: 'd' } })).toBe(1)
    expect(await chunks.deleteDocument('d')).toBe(1)
  })

  test('leaves the list that was given last, whatever there was', async () => {
    const text = fc.constantFrom('a', 'b', 'c', 'd')
    const list = fc.array(text, { maxLength: 6 })
    const step = fc.tuple(list, fc.boolean())
    const property = fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 4 }), async (steps) => {
      const { chunks } = view()
      let known = new Map<string, string>()
      for (const [texts, ships] of steps) {
        const asked: string[] = []
        const { ids, ...parts } = await chunks.replaceDocument('d', inputs(...texts), {
          embed: async (missing) => missing.map((one) => vectorOf(asked[asked.push(one) - 1]!)),
        })
        const found = await chunksOf(chunks, 'd')
        expect(found.map((chunk) => [chunk.id, chunk.text, chunk.position, [...chunk.embedding!]])).toEqual(
          texts.map((one, n) => [ids[n], one, n, vectorOf(one)]),
        )
        expect([...parts.kept, ...parts.changed, ...parts.added].sort()).toEqual([...ids].sort())
        expect([...parts.removed].sort()).toEqual([...known.keys()].filter((id) => !ids.includes(id)).sort())
        // As many of each text as there were before are the same chunks.
        const shared =
          new Set(texts).size === texts.length ? texts.filter((one) => [...known.values()].includes(one)) : []
        for (const one of shared) expect(asked).not.toContain(one)
        known = new Map(found.map((chunk) => [chunk.id, chunk.text]))
        if (ships) await store().checkpoint()
      }
    })
    await fc.assert(property, { numRuns: budget({ short: 10, long: 50 }) })
  })
})
