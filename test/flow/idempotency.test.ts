/** A write that has a key is done once, however often it is asked for and by whom. */
import { expect, test } from 'vitest'
import { type MemoryStore, openMemoryStore, type Receipt } from '../../src/index.ts'
import { ManualClock } from '../tools/manual-clock.ts'
import { describeGated } from './gate.ts'
import { QUIET, shareStore, temporaryFolder } from './stores.ts'

const HOUR = 3_600_000
const idempotencyKey = 'order 17'

describeGated('a write with an idempotency key', (tiers) => {
  const { store, view } = shareStore({ open: (options) => tiers.open(options) })

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
    const waiting = chunks.put({ text: 'a' }, { idempotencyKey, timeout: 2_000 })
    const failed = await waiting.catch((error: unknown) => error)
    expect(failed).toMatchObject({ code: 'ERR_TIMEOUT', details: { outcome: 'unknown' } })
    answer.release()
    const { id, version } = await chunks.put({ text: 'a' }, { idempotencyKey })
    expect({ id, version }).toEqual({
      id: (failed as { details: { id: string } }).details.id,
      version: (failed as { details: { version: string } }).details.version,
    })
    expect(await chunks.count()).toBe(1)
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

const NOBODY = '00000000-0000-4000-8000-000000000001'

describeGated('an idempotency key', (tiers, pair) => {
  test('is known after a restart', async () => {
    const options = await pair.options({ dir: await temporaryFolder() })
    const dir = options.dir ?? (await temporaryFolder())
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
  await using store = await openMemoryStore({ inMemory: true, ...QUIET, clock })
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
