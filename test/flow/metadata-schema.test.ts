/** `withMetadata`: what a schema refuses, what is kept of what it answers, and that reading asks it nothing. */
import { inspect } from 'node:util'
import { type } from 'arktype'
import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { StandardSchema, ThermoclineError } from '../../src/index.ts'
import { describePairs, embeddedPair, shareStore } from './stores.ts'

const zod = z.object({
  tenant: z.string().trim(),
  author: z.object({ name: z.string() }).optional(),
  stars: z.number().int().default(0),
})

/** The same schema by each library. */
const valibot = v.object({
  tenant: v.pipe(v.string(), v.trim()),
  author: v.optional(v.object({ name: v.string() })),
  stars: v.optional(v.pipe(v.number(), v.integer()), 0),
})
const arktype = type({
  tenant: 'string.trim',
  'author?': { name: 'string' },
  stars: 'number.integer = 0',
})

interface Facts {
  readonly tenant: string
  readonly stars?: number
}
type FactsSchema = StandardSchema<Facts, Required<Facts>>

const LIBRARIES = [
  ['zod', zod as FactsSchema],
  ['valibot', valibot as FactsSchema],
  ['arktype', arktype as unknown as FactsSchema],
] as const

/** Written by hand: it asks somebody first, and counts how often it was asked. */
function byHand(asked: unknown[] = []): FactsSchema {
  return {
    '~standard': {
      version: 1,
      vendor: 'tests',
      validate: async (value) => {
        asked.push(value)
        await Promise.resolve()
        const { tenant, stars = 0 } = (value ?? {}) as Partial<Facts>
        if (typeof tenant === 'string') return { value: { tenant: tenant.trim(), stars } }
        return { issues: [{ message: 'no text', path: [{ key: 'tenant' }] }] }
      },
    },
  }
}

const refusal = (path: string, more: object = {}) => ({
  code: 'ERR_INVALID_ENTRY',
  details: { field: 'metadata', path, ...more },
})

describePairs('metadata with a schema', (pair) => {
  const { store, view } = shareStore(pair)

  describe.each<readonly [string, () => FactsSchema]>([
    ...LIBRARIES.map(([name, schema]) => [`of ${name}`, () => schema] as const),
    ['by hand, asynchronous', () => byHand()],
  ])('%s', (_, schema) => {
    test('is kept as the schema answers it, by every way in', async () => {
      const { chunks } = view()
      const typed = chunks.withMetadata(schema())
      const { id } = await typed.put({ text: 'a', metadata: { tenant: ' acme ' } })
      expect((await chunks.get(id))?.metadata).toEqual({ tenant: 'acme', stars: 0 })
      const [second] = await typed.putMany([{ text: 'b', metadata: { tenant: 'b ', stars: 2 } }])
      expect((await typed.get(second!.id))?.metadata.stars).toBe(2)
      await typed.upsert({ id, text: 'c', metadata: { tenant: ' c' } })
      await typed.update(id, { metadata: { stars: 7 } })
      expect((await typed.get(id))?.metadata).toEqual({ tenant: 'c', stars: 7 })
      await typed.updateWhere({ 'metadata.stars': { gte: 2 } }, { metadata: { tenant: ' all ' } })
      await store().checkpoint()
      const { items } = await typed.find({ where: { 'metadata.tenant': 'all' }, orderBy: 'metadata.stars' })
      expect(items.map(({ metadata }) => metadata.stars)).toEqual([2, 7])
    })

    test('is refused with its path, by every way in, and nothing is written', async () => {
      const { chunks } = view()
      const typed = chunks.withMetadata(schema())
      const bad = { text: 'a', metadata: { tenant: 7 } } as unknown as { text: string; metadata: Facts }
      const good = { text: 'a', metadata: { tenant: 'a' } }
      await expect(typed.put(bad)).rejects.toMatchObject(refusal('metadata.tenant'))
      await expect(typed.upsert(bad)).rejects.toMatchObject(refusal('metadata.tenant'))
      await expect(typed.putMany([good, bad])).rejects.toMatchObject(refusal('metadata.tenant', { index: 1 }))
      await expect(typed.put({ text: 'a' } as never)).rejects.toMatchObject({ code: 'ERR_INVALID_ENTRY' })
      expect(await chunks.count()).toBe(0)
      const settled = await typed.putMany([bad, good], { settle: true })
      expect(settled.map(({ ok }) => ok)).toEqual([false, true])
      const { items } = await typed.find({ select: ['id', 'version'] })
      const { id, version } = items[0]!
      await expect(typed.update(id, { metadata: { tenant: null } })).rejects.toMatchObject(refusal('metadata.tenant'))
      const update = typed.updateWhere({ 'metadata.tenant': 'a' }, { metadata: { tenant: 1 as never } })
      await expect(update).rejects.toMatchObject({ ...refusal('metadata.tenant'), code: 'ERR_INVALID_ENTRY' })
      expect(await chunks.get(id)).toMatchObject({ version, metadata: { tenant: 'a' } })
      await typed.update(id, { text: 'b' })
    })
  })

  test('is asked for the chunks of a document, which is replaced as a whole or not', async () => {
    const { chunks } = view()
    for (const typed of [chunks.withMetadata(zod), chunks.withMetadata(byHand())]) {
      const first = await typed.replaceDocument('d', [{ text: 'a', metadata: { tenant: ' acme ' } }])
      const again = await typed.replaceDocument('d', [{ text: 'a', metadata: { tenant: 'acme', stars: 0 } }])
      expect(again.kept).toEqual(first.ids)
      const bad = [
        { text: 'b', metadata: { tenant: 'b' } },
        { text: 'c', metadata: { tenant: 1 as never } },
      ]
      await expect(typed.replaceDocument('d', bad)).rejects.toMatchObject(refusal('metadata.tenant', { index: 1 }))
      expect((await typed.ofDocument('d')).items.map(({ metadata }) => metadata.tenant)).toEqual(['acme'])
      expect((await typed.documents({ where: { 'metadata.tenant': 'acme' } })).items).toMatchObject([{ chunks: 1 }])
      expect(await typed.deleteDocument('d')).toBe(1)
    }
    const node = view().raptorNodes.withMetadata(zod)
    const child = await node.put({ level: 1, summary: 'a', children: [], metadata: { tenant: ' a' } })
    await node.put({ level: 2, summary: 'b', children: [child.id], metadata: { tenant: 'b' } })
    expect((await node.parents(child.id)).items.map(({ metadata }) => metadata.tenant)).toEqual(['b'])
  })

  test('is not asked when something is read, or when an update is about something else', async () => {
    const { metadata } = view()
    const asked: unknown[] = []
    const typed = metadata.withMetadata(byHand(asked))
    const { id } = await metadata.put({ metadata: { anything: true } })
    expect((await typed.get(id))?.metadata).toEqual({ anything: true })
    await typed.find()
    await typed.update(id, { embeddingModel: 'a' })
    expect(asked).toEqual([])
  })
})

describe('a schema', () => {
  const { view } = shareStore(embeddedPair)

  test('that answers what no metadata holds is told so', async () => {
    const typed = view().chunks.withMetadata(z.object({ at: z.string().transform((text) => new Date(text)) }))
    const put = typed.put({ text: 'a', metadata: { at: '2026-01-01' } })
    await expect(put).rejects.toMatchObject(refusal('metadata.at'))
  })

  test.each(LIBRARIES)('of %s says more in `issues`, which no log shows, also of one of many', async (_, schema) => {
    const typed = view().chunks.withMetadata(schema)
    const { id } = await typed.put({ text: 'a', metadata: { tenant: 'a' } })
    const patch = { metadata: { author: { name: 4711 } } } as never
    const update = () => typed.update(id, patch)
    const updateWhere = () => typed.updateWhere({ id }, patch)
    for (const write of [() => typed.put(bad), () => typed.putMany([bad]), update, updateWhere]) {
      const error = await write().then(
        () => undefined,
        (one: unknown) => one as ThermoclineError<'ERR_INVALID_ENTRY'>,
      )
      expect(error).toMatchObject(refusal('metadata.author.name'))
      const [{ message }] = error!.details.issues as [{ message: string }]
      expect(message.toLowerCase()).toContain('string')
      expect(JSON.stringify(error) + inspect(error)).not.toMatch(/4711|a string|expected/i)
    }
  })
  const bad = { text: 'a', metadata: { tenant: 'a', author: { name: 4711 } } } as never

  test.each(LIBRARIES)('of %s has its first issues named in the message, by path and rule', async (library, schema) => {
    const rule = { zod: 'invalid_type', valibot: 'string', arktype: 'domain' }[library]
    const typed = view().chunks.withMetadata(schema)
    const both = { text: 'a', metadata: { tenant: 4711, author: { name: 4711 } } } as never
    const { message } = (await typed.put(both).catch((error: unknown) => error)) as ThermoclineError
    // In the order of the library.
    expect(message).toContain(`\`metadata.tenant\` (${rule})`)
    expect(message).toContain(`\`metadata.author.name\` (${rule})`)
    expect(message).not.toMatch(/4711|more/)
  })

  test('of which many issues come has three of them named, and the others counted', async () => {
    const issues = ['a', 'b', 'c', 'd', 'e'].map((key) => ({ message: 'secret', path: [key, 0], code: 'is secret' }))
    const schema: StandardSchema = { '~standard': { version: 1, vendor: 'tests', validate: () => ({ issues }) } }
    const put = view().chunks.withMetadata(schema).put({ text: 'a', metadata: {} })
    await expect(put).rejects.toMatchObject({
      message:
        'metadata is not as its schema says: `metadata.a[0]`, `metadata.b[0]`, `metadata.c[0]` and 2 more; ' +
        '`details.issues` has what the schema found',
      details: { path: 'metadata.a[0]' },
    })
  })

  test('that answers at once leaves the caller its input: it was copied at the call', async () => {
    const { chunks } = view()
    const embedding = [1, 2]
    const put = chunks.withMetadata(zod).put({ text: 'a', metadata: { tenant: 'a' }, embedding })
    embedding[0] = 9
    expect((await chunks.get((await put).id))?.embedding?.[0]).toBe(1)
  })

  test('that answers later leaves the caller its input as well', async () => {
    const { chunks } = view()
    const inputs = [{ text: 'a', metadata: { tenant: 'a' }, embedding: new Float32Array([1, 2]) }]
    const typed = chunks.withMetadata(byHand())
    const writes = [typed.putMany(inputs).then(([receipt]) => receipt!), typed.put(inputs[0]!)]
    inputs[0]!.embedding[0] = 9
    inputs[0]!.text = 'changed'
    for (const { id } of await Promise.all(writes))
      expect(await chunks.get(id)).toMatchObject({ text: 'a', embedding: new Float32Array([1, 2]) })
  })

  test('that answers later for one of many, and at once for others, leaves the caller all of them', async () => {
    const { blobs } = view()
    const validate = (value: unknown) => ((value as Facts).stars === 1 ? Promise.resolve({ value }) : { value })
    const typed = blobs.withMetadata({
      '~standard': { version: 1, vendor: 'tests', validate },
    } as StandardSchema<Facts>)
    const bytes = [Buffer.from([1]), Buffer.from([1])]
    const put = typed.putMany(bytes.map((one, stars) => ({ bytes: one, metadata: { tenant: 'a', stars } })))
    for (const one of bytes) one[0] = 9
    for (const { id } of await put) expect((await blobs.get(id))?.bytes).toEqual(new Uint8Array([1]))
  })

  test('that never answers is not waited for longer than the caller does, by nobody else either', async () => {
    const { chunks } = view()
    const { id } = await chunks.put({ text: 'a', metadata: { tenant: 'a' } })
    const never = {
      '~standard': { version: 1, vendor: 'tests', validate: () => new Promise<never>(() => {}) },
    } as const
    const document = chunks.withMetadata(never).replaceDocument('d', [{ text: 'a', metadata: {} }], { timeout: 20 })
    await expect(document).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
    const late = chunks.withMetadata(never).update(id, { metadata: { tenant: 'b' } }, { timeout: 20 })
    await expect(late).rejects.toMatchObject({ code: 'ERR_TIMEOUT', details: { outcome: 'none' } })
    await chunks.update(id, { text: 'b' }, { timeout: '10s' })
  })

  test('that never answers holds up no erase, also where another change of the entry waits behind it', async () => {
    const { chunks } = view()
    const [entry, other] = await chunks.putMany([{ text: 'a', metadata: { tenant: 'a' } }, { text: 'b' }])
    let ask = (): void => {}
    const asked = new Promise<void>((resolve) => {
      ask = resolve
    })
    const validate = (): Promise<never> => {
      ask()
      return new Promise(() => {})
    }
    const hanging = chunks.withMetadata({ '~standard': { version: 1, vendor: 'tests', validate } })
    const caller = new AbortController()
    const { signal } = caller
    const first = hanging.update(entry!.id, { metadata: { tenant: 'b' } }, { signal })
    await asked
    const second = chunks.update(entry!.id, { text: 'changed' }, { signal })
    expect(await chunks.erase([other!.id])).toMatchObject({ erased: 1 })
    caller.abort()
    for (const change of [first, second]) await expect(change).rejects.toMatchObject({ code: 'ERR_ABORTED' })
  })

  test('that fails says so once, whatever it does with other inputs', async () => {
    const validate = (value: unknown) => {
      if ((value as Facts).tenant === 'later') return Promise.reject(new Error('away'))
      throw new Error('broken')
    }
    const broken = { '~standard': { version: 1, vendor: 'tests', validate } } as const
    const inputs = ['later', 'now'].map((tenant) => ({ text: 'a', metadata: { tenant } }))
    const put = view()
      .chunks.withMetadata(broken)
      .putMany(inputs as never)
    await expect(put).rejects.toMatchObject({ code: 'ERR_INTERNAL' })
  })

  test.each([[undefined], [{}], [() => true]])('is none: %j', (schema) => {
    const refused = () => view().chunks.withMetadata(schema as never)
    expect(refused).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTIONS', details: { option: 'schema' } }))
  })
})
