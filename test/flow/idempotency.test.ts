/** A write that has a key is done once, however often it is asked for and by whom. */
import { expect, test } from 'vitest'
import { z } from 'zod'
import type { MemoryStore, Receipt } from '../../src/index.ts'
import { ManualClock } from '../tools/manual-clock.ts'
import { describeGated } from './gate.ts'
import { openInMemory, shareStore, temporaryFolder } from './stores.ts'

const HOUR = 3_600_000
const idempotencyKey = 'order 17'

describeGated('a write with an idempotency key', (tiers) => {
  const { store, view, clock } = shareStore({ open: (options) => tiers.open(options) })

  test('answers the first receipt again, and is done once', async () => {
    const { chunks } = view()
    const put = () => chunks.put({ text: 'a', ttl: '1h', metadata: { a: [1] }, embedding: [1, 2] }, { idempotencyKey })
    const first = await put()
    expect(first).toMatchObject({ namespace: chunks.namespace, durability: 'cold' })
    expect(await put()).toEqual(first)
    await chunks.update(first.id, { text: 'b' })
    expect(await put()).toEqual(first)
    expect((await chunks.get(first.id))?.text).toBe('b')
    await chunks.delete(first.id)
    expect(await put()).toEqual(first)
    expect(await chunks.count()).toBe(0)
  })

  test.each<[string, (repository: MemoryStore['chunks'], id: string) => Promise<Receipt>]>([
    [
      'put with a version',
      (chunks) => chunks.put({ key: 'new', text: 'a' }, { expectedVersion: null, idempotencyKey }),
    ],
    ['upsert', (chunks) => chunks.upsert({ key: 'a', text: 'new' }, { idempotencyKey })],
    ['update', (chunks, id) => chunks.update(id, { metadata: { b: 1 } }, { idempotencyKey })],
    ['expire', (chunks, id) => chunks.expire(id, '1h', { idempotencyKey })],
  ])('is a %s as well', async (_, write) => {
    const { chunks } = view()
    const { id } = await chunks.put({ key: 'a', text: 'a' })
    const first = await write(chunks, id)
    const { version } = (await chunks.get(first.id))!
    expect(version).toBe(first.version)
    expect(await write(chunks, id)).toEqual(first)
    expect((await chunks.get(first.id))?.version).toBe(version)
  })

  test('is a whole bundle as well', async () => {
    const namespace = view()
    const { id } = await namespace.chunks.put({ text: 'old' })
    const write = () =>
      namespace.write(
        [{ put: { kind: 'chunk', text: 'a' } }, { update: id, patch: { text: 'b' } }, { delete: NOBODY }],
        {
          atomic: true,
          idempotencyKey,
        },
      )
    const first = await write()
    expect(await write()).toEqual(first)
    expect(first.map((receipt) => receipt.id)).toEqual([first[0]!.id, id, NOBODY])
    expect(await namespace.chunks.count()).toBe(2)
  })

  test('answers again though what it put has expired since, and is refused where that is new', async () => {
    const namespace = view()
    const expiresAt = new Date(clock.now() + HOUR)
    const put = (key: string) => namespace.chunks.put({ text: 'a', expiresAt }, { idempotencyKey: key })
    const write = (key: string) =>
      namespace.write([{ put: { kind: 'chunk', text: 'a', expiresAt } }], { atomic: true, idempotencyKey: key })
    const [one, bundle] = [await put('one'), await write('bundle')]
    clock.advance(HOUR)
    expect([await put('one'), await write('bundle')]).toEqual([one, bundle])
    const refusal = { code: 'ERR_INVALID_ENTRY', details: { field: 'expiresAt' } }
    for (const call of [put, write]) await expect(call('other')).rejects.toMatchObject(refusal)
  })

  test('is the same expire where it says that reads extend nothing', async () => {
    const { chunks } = view()
    const { id } = await chunks.put({ text: 'a' })
    const first = await chunks.expire(id, '1h', { idempotencyKey })
    expect(await chunks.expire(id, '1h', { idempotencyKey, sliding: false })).toEqual(first)
  })

  test('is refused where the key has another one, of the same namespace', async () => {
    const { chunks, metadata } = view()
    await chunks.put({ text: 'a' }, { idempotencyKey })
    const others = [
      () => chunks.put({ text: 'b' }, { idempotencyKey }),
      () => chunks.put({ text: 'a', ttl: '1h' }, { idempotencyKey }),
      () => chunks.put({ text: 'a', key: 'a' }, { idempotencyKey }),
      () => chunks.put({ text: 'a' }, { idempotencyKey, expectedVersion: null }),
      () => chunks.upsert({ text: 'a' }, { idempotencyKey }),
      () => metadata.put({ metadata: {} }, { idempotencyKey }),
    ]
    for (const other of others)
      await expect(other()).rejects.toMatchObject({ code: 'ERR_IDEMPOTENCY', details: { outcome: 'none' } })
    expect(await chunks.count()).toBe(1)
    await view().chunks.put({ text: 'b' }, { idempotencyKey })
  })

  test('is done once by many at the same time, who all hear of that', async () => {
    const { chunks } = view()
    const receipts = await Promise.all(Array.from({ length: 12 }, () => chunks.put({ text: 'a' }, { idempotencyKey })))
    expect(new Set(receipts.map(({ version }) => version)).size).toBe(1)
    expect(await chunks.count()).toBe(1)
  })

  test('tells of what was not known, once it is asked for again', async () => {
    const { chunks } = view()
    const answer = tiers.cold.hold('replace')
    const stop = new AbortController()
    const waiting = chunks.put({ text: 'a' }, { idempotencyKey, signal: stop.signal }).catch((error: unknown) => error)
    await answer.arrived
    stop.abort()
    const failed = await waiting
    expect(failed).toMatchObject({ code: 'ERR_ABORTED', details: { outcome: 'unknown' } })
    answer.release()
    const { id, version } = await chunks.put({ text: 'a' }, { idempotencyKey })
    expect({ id, version }).toEqual({
      id: (failed as { details: { id: string } }).details.id,
      version: (failed as { details: { version: string } }).details.version,
    })
    expect(await chunks.count()).toBe(1)
  })

  test.each<[string, (view: Namespace) => Promise<unknown>]>([
    ['put', ({ chunks }) => chunks.put({ key: 'a', text: 'a' }, { idempotencyKey })],
    ['upsert', ({ chunks }) => chunks.upsert({ key: 'a', text: 'a' }, { idempotencyKey })],
    ['bundle', (own) => own.write([{ put: { kind: 'chunk', key: 'a', text: 'a' } }], { atomic: true, idempotencyKey })],
  ])('as a %s answers again though an entry of another kind has come since', async (_, write) => {
    const own = view()
    const first = await write(own)
    await own.chunks.deleteByKey('a')
    await own.metadata.put({ key: 'a', metadata: {} })
    expect(await write(own)).toEqual(first)
    await expect(own.chunks.put({ key: 'a', text: 'a' }, { idempotencyKey: 'another' })).rejects.toMatchObject({
      code: 'ERR_CONFLICT',
    })
  })

  test.each<[string, (view: Namespace, node: Node) => Promise<unknown>]>([
    ['put', ({ raptorNodes }, node) => raptorNodes.put(node, { idempotencyKey })],
    ['upsert', ({ raptorNodes }, node) => raptorNodes.upsert(node, { idempotencyKey })],
    ['bundle', (own, node) => own.write([{ put: { kind: 'raptor', ...node } }], { atomic: true, idempotencyKey })],
  ])('as a %s of a node answers again though its child has become a node above it', async (_, write) => {
    const own = view()
    const { raptorNodes } = own
    const [top, child] = ['top', 'child'].map((key) => raptorNodes.idOf(key)) as [string, string]
    const node = { key: 'top', level: 2, summary: 'top', children: [child] }
    const first = await write(own, node)
    await raptorNodes.update(top, { children: [] })
    await raptorNodes.put({ key: 'child', level: 3, summary: 'child', children: [top] })
    expect(await write(own, node)).toEqual(first)
    await expect(raptorNodes.put(node, { idempotencyKey: 'another' })).rejects.toMatchObject({
      code: 'ERR_INVALID_ENTRY',
    })
  })

  test.each([['put'], ['upsert']] as const)('is the same %s whatever a schema fills in each time', async (call) => {
    const { chunks } = view()
    let n = 0
    const schema = z.object({ tenant: z.string(), at: z.number().default(() => n++) })
    const typed = chunks.withMetadata(schema)
    const write = (tenant: string) => typed[call]({ key: 'a', text: 'a', metadata: { tenant } }, { idempotencyKey })
    const first = await write('acme')
    expect(await write('acme')).toEqual(first)
    expect((await typed.get(first.id))?.metadata.at).toBe(0)
    await expect(write('other')).rejects.toMatchObject({ code: 'ERR_IDEMPOTENCY' })
  })

  test('is the same update in whatever order and form its fields are', async () => {
    const own = view()
    const { id } = await own.chunks.put({ text: 'a' })
    const update = { text: 'b', embedding: [0.5, 0.25] }
    const same = { embedding: new Float32Array([0.5, 0.25]), text: 'b' }
    const first = await own.chunks.update(id, update, { idempotencyKey })
    expect(await own.chunks.update(id, same, { idempotencyKey })).toEqual(first)
    const options = { atomic: true, idempotencyKey: 'bundle' } as const
    const bundle = await own.write([{ update: id, patch: update }], options)
    expect(await own.write([{ update: id, patch: same }], options)).toEqual(bundle)
    const other = { ...same, embedding: [0.5, 0.5] }
    await expect(own.chunks.update(id, other, { idempotencyKey })).rejects.toMatchObject({ code: 'ERR_IDEMPOTENCY' })
  })

  test('is refused by the field where an update has what no entry may have', async () => {
    const own = view()
    const { id } = await own.chunks.put({ text: 'a' })
    const patch = { position: 5n as never }
    const refusal = { code: 'ERR_INVALID_ENTRY', details: { field: 'position' } }
    await expect(own.chunks.update(id, patch, { idempotencyKey })).rejects.toMatchObject(refusal)
    const operations = [{ put: { kind: 'chunk', text: 'b' } }, { update: id, patch }] as const
    await expect(own.write(operations, { atomic: true, idempotencyKey })).rejects.toMatchObject({
      ...refusal,
      details: { ...refusal.details, index: 1 },
    })
    await own.chunks.update(id, { position: 5 }, { idempotencyKey })
  })

  test('leaves its key where it fails', async () => {
    const { chunks } = view()
    await chunks.put({ key: 'a', text: 'there' })
    const put = () => chunks.put({ key: 'a', text: 'a' }, { idempotencyKey, expectedVersion: null })
    await expect(put()).rejects.toMatchObject({ code: 'ERR_CONFLICT' })
    tiers.cold.refuse('answerTo')
    await expect(put()).rejects.toMatchObject({ code: 'ERR_TIER_UNAVAILABLE', details: { outcome: 'none' } })
    tiers.cold.allow()
    await chunks.deleteByKey('a')
    expect(await put()).toMatchObject({ id: chunks.idOf('a') })
  })

  test.each([[''], ['a'.repeat(513)], ['\0'], [7]])('is refused with a bad key (%j)', async (bad) => {
    const options = { idempotencyKey: bad as string }
    const refusal = { code: 'ERR_INVALID_OPTIONS', details: { option: 'idempotencyKey' } }
    await expect(store().chunks.put({ text: 'a' }, options)).rejects.toMatchObject(refusal)
  })
})

type Namespace = ReturnType<MemoryStore['namespace']>

interface Node {
  readonly key: string
  readonly level: number
  readonly summary: string
  readonly children: readonly string[]
}

const NOBODY = '00000000-0000-4000-8000-000000000001'

describeGated('an idempotency key', (tiers, pair) => {
  test('is known after a restart', async () => {
    const dir = await temporaryFolder()
    const options = await pair.options({ dir })
    const put = async () => {
      await using store = await tiers.open({ ...options, dir })
      return store.chunks.put({ text: 'a' }, { idempotencyKey })
    }
    const first = await put()
    expect(await put()).toEqual(first)
  })
})

test('an idempotency key is kept for a day, and goes with the next sync', async () => {
  const clock = new ManualClock()
  await using store = await openInMemory({ clock })
  const put = () => store.chunks.put({ text: 'a' }, { idempotencyKey })
  const first = await put()
  clock.advance(24 * HOUR - 1)
  await store.sync()
  expect(await put()).toEqual(first)
  clock.advance(1)
  const second = await put()
  expect(second.id).not.toBe(first.id)
  expect(await put()).toEqual(second)
  clock.advance(24 * HOUR)
  await store.sync()
  expect((await put()).id).not.toBe(second.id)
})
