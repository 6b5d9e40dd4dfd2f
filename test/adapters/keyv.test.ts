/** `thermocline/keyv` under a real Keyv. Upstream's own suite runs in keyv-suite.test.ts. */
import { Keyv, type KeyvStoreAdapter } from 'keyv'
import { describe, expect, test } from 'vitest'
import { KeyvThermocline } from '../../src/adapters/keyv/keyv-thermocline.ts'
import { describeMainPair, openInMemory, shareStore } from '../flow/stores.ts'

const ODD_KEYS = [
  '',
  'a:b',
  'x'.repeat(600),
  'é'.repeat(300),
  'with \0 in it',
  'half \ud800 a pair',
  `${'y'.repeat(99)}#1`,
]

async function pairsOf(keyv: Keyv): Promise<unknown[]> {
  const pairs: unknown[] = []
  for await (const pair of keyv.iterator!(undefined)) pairs.push(pair)
  return pairs.sort()
}

describeMainPair('Keyv', (pair) => {
  const { store, view } = shareStore(pair)
  const keyvOf = (namespace?: string, own = view()) =>
    new Keyv({ store: new KeyvThermocline(own) satisfies KeyvStoreAdapter, namespace: namespace as string })

  test('keeps what it is given, one and many, for as long as it says', async () => {
    const own = view()
    const keyv = keyvOf('sessions', own)
    expect(await keyv.set('a', { user: 'é\0' }, 60_000)).toBe(true)
    expect(
      await keyv.setMany([
        { key: 'b', value: 2 },
        { key: 'c', value: null, ttl: 60_000 },
      ]),
    ).toEqual([true, true])
    expect(await keyv.get(['a', 'b', 'c', 'd'])).toEqual([{ user: 'é\0' }, 2, null, undefined])
    expect(await keyv.hasMany(['a', 'd'])).toEqual([true, false])
    const entry = await own.blobs.getByKey('sessions:a')
    expect(Math.abs(entry!.expiresAt!.getTime() - entry!.createdAt.getTime() - 60_000)).toBeLessThan(2)
    expect((await own.blobs.getByKey('sessions:b'))!.expiresAt).toBeUndefined()
    expect(await keyv.delete('a')).toBe(true)
    expect(await keyv.delete('a')).toBe(false)
    expect(await keyv.delete(['a', 'b'])).toBe(true)
    expect(await keyv.has('b')).toBe(false)
  })

  test('tells namespaces apart, also where they share a store', async () => {
    const own = view()
    const adapter = new KeyvThermocline(own)
    const [a, ab] = ['a', 'ab'].map((namespace) => new Keyv({ store: adapter, namespace })) as [Keyv, Keyv]
    await own.chunks.put({ text: 'of somebody else', key: 'a:chunk' })
    await a.set('x', 1)
    await ab.set('x', 2)
    a.namespace = 'a'
    expect(await pairsOf(a)).toEqual([['x', 1]])
    ab.namespace = 'ab'
    await ab.clear()
    expect(await pairsOf(ab)).toEqual([])
    a.namespace = 'a'
    expect(await pairsOf(a)).toEqual([['x', 1]])
    await a.clear()
    expect(await own.entries.count()).toBe(1)
  })

  test('takes any key, and gives it back', async () => {
    for (const namespace of ['odd', undefined]) {
      const keyv = keyvOf(namespace)
      keyv.useKeyPrefix = namespace !== undefined
      for (const [nth, key] of ODD_KEYS.entries()) await keyv.set(key, nth)
      expect(await keyv.get(ODD_KEYS)).toEqual(ODD_KEYS.map((_, nth) => nth))
      expect(await pairsOf(keyv)).toEqual(ODD_KEYS.map((key, nth) => [key, nth]).sort())
      await keyv.clear()
      expect(await pairsOf(keyv)).toEqual([])
    }
  })

  test('tells a long key from the one under which it is kept', async () => {
    const own = view()
    const adapter = new KeyvThermocline(own)
    const long = 'x'.repeat(600)
    await adapter.set(long, 1)
    const { key } = (await own.blobs.find()).items[0]!
    await adapter.set(key!, 2)
    expect(await adapter.getMany([long, key!])).toEqual([1, 2])
  })

  test('takes any ttl that Keyv takes: none is too long, and one that is over deletes', async () => {
    const keyv = keyvOf('ttl')
    for (const ttl of [Number.POSITIVE_INFINITY, Number.MAX_SAFE_INTEGER, 0.5 + 60_000]) {
      expect(await keyv.set('a', String(ttl), ttl)).toBe(true)
      expect(await keyv.get('a')).toBe(String(ttl))
    }
    expect(await keyv.set('a', 'over', -5)).toBe(true)
    expect(await keyv.get('a')).toBeUndefined()
    await keyv.set('b', 1)
    await keyv.setMany([
      { key: 'a', value: 2 },
      { key: 'b', value: 3, ttl: -5 },
    ])
    expect(await keyv.get(['a', 'b'])).toEqual([2, undefined])
  })

  test('deletes also what it does not find, and leaves other kinds', async () => {
    const own = view()
    const adapter = new KeyvThermocline(own)
    await own.chunks.put({ text: 'of somebody else', key: 'chunk' })
    const deleted: string[] = []
    const note = ({ entries }: { readonly entries: readonly { readonly id: string }[] }) =>
      void deleted.push(...entries.map(({ id }) => id))
    store().on('delete', note)
    expect(await adapter.deleteMany(['chunk', 'absent'])).toBe(false)
    store().off('delete', note)
    expect(deleted).toEqual([own.blobs.idOf('absent')])
    expect(await own.entries.count()).toBe(1)
  })

  test('keeps bytes as bytes, and objects, where Keyv serializes nothing', async () => {
    const adapter = new KeyvThermocline(view())
    for (const value of [Buffer.from([0, 255, 1]), { a: [1, null] }, 'text', '', 7]) {
      await adapter.set('a', value)
      expect(await adapter.get('a')).toEqual(value)
    }
  })

  test('refuses what is no namespace', () => {
    const refused = (option: string) => expect.objectContaining({ code: 'ERR_INVALID_OPTIONS', details: { option } })
    expect(() => new KeyvThermocline({} as never)).toThrow(refused('view'))
    expect(() => keyvOf('x'.repeat(100))).toThrow(refused('namespace'))
  })
})

describe('a Keyv', () => {
  test('tells what a store refuses by its event', async () => {
    const store = await openInMemory()
    const keyv = new Keyv({ store: new KeyvThermocline(store.namespace('keyv')) })
    const told: unknown[] = []
    keyv.on('error', (error) => told.push(error.code))
    await keyv.set('a', 1)
    await keyv.disconnect()
    expect(await keyv.get('a')).toBe(1)
    await store.close()
    expect(await keyv.get('a')).toBeUndefined()
    expect(await keyv.set('a', 2)).toBe(false)
    expect(told).toEqual(['ERR_CLOSED', 'ERR_CLOSED'])
  })
})
