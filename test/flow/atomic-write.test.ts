/** Writes of which all happen or none, on each pair of drivers. */
import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { type EntryInput, type NamespaceView, type Operation, ThermoclineError } from '../../src/index.ts'
import { longTest } from '../tools/budget.ts'
import { describeGated } from './gate.ts'
import { describePairs, shareStore } from './stores.ts'

const ATOMIC = { atomic: true } as const
const fact = (key: string, n: number): EntryInput => ({ kind: 'metadata', key, metadata: { n } })

describePairs('write', (pair) => {
  const { view } = shareStore(pair)

  test('puts, updates and deletes together, with receipts in order', async () => {
    const { chunks, entries, write } = bound(view())
    const [changed, gone] = await chunks.putMany([{ key: 'a', text: 'one', position: 3 }, { text: 'gone' }])
    const added: EntryInput = { kind: 'chunk', key: 'b', text: 'new' }
    const receipts = await write(
      [{ delete: gone!.id }, { update: changed!.id, patch: { text: 'two' } }, { put: added }, { put: fact('c', 1) }],
      ATOMIC,
    )
    expect(receipts.map(({ id }) => id)).toEqual([gone!.id, changed!.id, entries.idOf('b'), entries.idOf('c')])
    expect(receipts.every(({ durability }) => durability === 'cold')).toBe(true)
    expect(await chunks.get(gone!.id)).toBeUndefined()
    const { version } = receipts[1]!
    expect(await chunks.get(changed!.id)).toMatchObject({ text: 'two', position: 3, key: 'a', version })
    expect(await entries.getByKey('c')).toMatchObject({ kind: 'metadata', metadata: { n: 1 } })
    expect((await entries.find()).items).toHaveLength(3)
    expect((await entries.explain(changed!.id)).cold?.version).toBe(version)
  })

  test('writes nothing where one is refused, and says which', async () => {
    const { chunks, entries, write } = bound(view())
    const { id, version } = await chunks.put({ key: 'a', text: 'one' })
    const newer = await chunks.put({ key: 'a', text: 'two' })
    const absent = randomUUID()
    const cases: [Operation, object][] = [
      [{ put: fact('a', 1) }, { code: 'ERR_CONFLICT', details: { kind: 'chunk' } }],
      [{ update: id, patch: { text: 'x' }, expectedVersion: version }, { details: { actual: newer.version, id } }],
      [{ delete: id, expectedVersion: version }, { code: 'ERR_CONFLICT' }],
      [{ put: { kind: 'chunk', key: 'a', text: 'x' }, expectedVersion: null }, { code: 'ERR_CONFLICT' }],
      [
        { update: absent, patch: { text: 'x' } },
        { code: 'ERR_NOT_FOUND', details: { id: absent } },
      ],
      [{ update: id, patch: { nothing: 1 } as never }, { code: 'ERR_INVALID_ENTRY' }],
    ]
    for (const [operation, { details = {}, ...error }] of cases as [Operation, { details?: object }][]) {
      const written = write([{ put: fact('b', 1) }, operation, { put: fact('c', 1) }], ATOMIC)
      await expect(written).rejects.toMatchObject({ ...error, details: { ...details, index: 1 } })
    }
    expect((await entries.find()).items.map((entry) => entry.version)).toEqual([newer.version])
  })

  test('holds beside updates of the same entries: none is lost', async () => {
    const { metadata, write } = bound(view())
    const keys = ['a', 'b', 'c']
    const ids = (await metadata.putMany(keys.map((key) => ({ key, metadata: { n: 0 } })))).map(({ id }) => id)
    await Promise.all(
      Array.from({ length: 12 }, async (_, n) => {
        const name = `field ${n}`
        const patch = { metadata: { [name]: 1 } }
        if (n % 3 === 0) await metadata.update(ids[0]!, patch)
        else
          await write(
            ids.toSorted(() => (n % 2) - 0.5).map((update) => ({ update, patch })),
            ATOMIC,
          )
      }),
    )
    const found = (await metadata.getMany(ids)).map((entry) => Object.keys(entry!.metadata).length)
    expect(found).toEqual([13, 9, 9])
  })

  test('is never found half by who reads meanwhile', async () => {
    const { metadata, write } = bound(view())
    const keys = Array.from({ length: 20 }, (_, n) => `key ${n}`)
    await write(
      keys.map((key) => ({ put: fact(key, 0) })),
      ATOMIC,
    )
    let isOver = false
    const reading = (async () => {
      for (let reads = 0; ; reads++) {
        const ends = isOver
        const { items } = await metadata.find()
        expect([items.length, new Set(items.map((entry) => entry.metadata.n)).size]).toEqual([20, 1])
        if (ends) return reads
      }
    })()
    for (let n = 1; n <= 25; n++)
      await write(
        keys.map((key) => ({ put: fact(key, n) })),
        ATOMIC,
      )
    isOver = true
    expect(await reading).toBeGreaterThan(1)
    expect(new Set((await metadata.find()).items.map((entry) => entry.metadata.n))).toEqual(new Set([25]))
  })

  test('refuses too many, too much, an entry twice, and what it does not know', async () => {
    const { entries, write } = bound(view())
    const many = Array.from({ length: 1_001 }, (_, n) => ({ put: fact(`${n}`, n) }))
    await expect(write(many, ATOMIC)).rejects.toMatchObject({ code: 'ERR_INVALID_ENTRY' })
    const large = { kind: 'chunk', text: 'x'.repeat(3 * 1024 * 1024) } as const
    const much = write(
      [1, 2, 3].map(() => ({ put: large })),
      ATOMIC,
    )
    await expect(much).rejects.toMatchObject({ code: 'ERR_INVALID_ENTRY', details: { field: 'operations' } })
    // Three bytes a character: together more than a record of the log takes.
    const broad = write(
      ['a', 'b', 'c'].map((key) => ({ put: { kind: 'chunk', key, text: '漢'.repeat(2_000_000) } })),
      ATOMIC,
    )
    await expect(broad).rejects.toMatchObject({ code: 'ERR_INVALID_ENTRY', details: { field: 'operations' } })
    expect(await entries.count()).toBe(0)
    const twice = write([{ put: fact('a', 1) }, { delete: entries.idOf('a') }], ATOMIC)
    await expect(twice).rejects.toMatchObject({ code: 'ERR_INVALID_ENTRY', details: { index: 1 } })
    for (const odd of [null, {}, { put: fact('a', 1), delete: randomUUID() }, { get: 'a' }, { delete: 'no id' }])
      await expect(write([odd as never], ATOMIC)).rejects.toMatchObject({ code: 'ERR_INVALID_ENTRY' })
    for (const options of [undefined, {}, { atomic: false }, { ...ATOMIC, other: 1 }])
      await expect(write([], options as never)).rejects.toMatchObject({ code: 'ERR_INVALID_OPTIONS' })
    expect(await write([], ATOMIC)).toEqual([])
    expect(await entries.count()).toBe(0)
  })

  longTest('writes the most that it may', async () => {
    const { entries, write } = bound(view())
    const text = 'x'.repeat(8_000)
    const most = Array.from({ length: 1_000 }, (_, n): Operation => ({ put: { kind: 'chunk', key: `${n}`, text } }))
    await write(most, ATOMIC)
    await write(
      most.map((_, n): Operation => ({ update: entries.idOf(`${n}`), patch: { position: n } })),
      ATOMIC,
    )
    expect(await entries.count({ where: { position: { gte: 0 } } as never })).toBe(1_000)
  })
})

describeGated('a write of several', (tiers) => {
  const { view } = shareStore(tiers)
  const held = async (body: (view: NamespaceView) => Promise<void>) => {
    try {
      await body(view())
    } finally {
      tiers.hot.allow()
      tiers.cold.allow()
    }
  }
  const both = [{ put: fact('a', 1) }, { put: fact('b', 1) }]

  test('is read by nobody before cold has it whole', () =>
    held(async (store) => {
      const asked = tiers.cold.hold('replace', 'before')
      const writing = store.write(both, ATOMIC)
      await asked.arrived
      expect(await store.entries.getManyByKey(['a', 'b'])).toEqual([undefined, undefined])
      asked.release()
      await writing
      expect(await store.entries.count()).toBe(2)
    }))

  test('leaves all or nothing wherever it ends, and keeps nobody from going on', () =>
    held(async (store) => {
      const keys = ['a', 'b', 'c']
      for (let steps = 0, n = 1, last = 0; ; steps++, n++) {
        let calls = 0
        const stop = () => {
          if (calls++ < steps) return
          throw new ThermoclineError('ERR_TIER_UNAVAILABLE', 'its process is gone', { tier: 'cold' })
        }
        Object.assign(tiers.cold, { onCall: stop })
        Object.assign(tiers.hot, { onCall: stop })
        const written = await store
          .write(
            keys.map((key) => ({ put: fact(key, n) })),
            ATOMIC,
          )
          .catch(() => undefined)
        Object.assign(tiers.cold, { onCall: () => {} })
        Object.assign(tiers.hot, { onCall: () => {} })
        const found = (await store.metadata.getManyByKey(keys)).map((entry) => entry?.metadata.n)
        const inCold = (await store.metadata.find()).items.map((entry) => entry.metadata.n)
        const now = found[0] === n ? n : last
        expect(found).toEqual(keys.map(() => now || undefined))
        expect(inCold).toEqual(now === 0 ? [] : keys.map(() => now))
        last = now
        if (calls <= steps && written !== undefined) return expect(steps).toBeGreaterThan(4)
      }
    }))

  test('begins anew where one of its entries is put meanwhile', () =>
    held(async (store) => {
      const asked = tiers.cold.hold('replace', 'before')
      const first = await store.metadata.put({ key: 'b', metadata: { n: 0 } }, { durability: 'cold' })
      const writing = store.write(
        [{ put: fact('a', 1) }, { update: first.id, patch: { metadata: { more: 1 } } }],
        ATOMIC,
      )
      await asked.arrived
      await store.metadata.put({ key: 'b', metadata: { n: 7 } }, { durability: 'cold' })
      asked.release()
      await writing
      expect((await store.metadata.getByKey('b'))?.metadata).toEqual({ n: 7, more: 1 })
    }))

  test('is unknown as a whole where its caller gave up once cold was asked', () =>
    held(async (store) => {
      const controller = new AbortController()
      const asked = tiers.cold.hold('replace')
      const writing = store.write(both, { ...ATOMIC, signal: controller.signal })
      await asked.arrived
      controller.abort()
      const id = store.entries.idOf('a')
      await expect(writing).rejects.toMatchObject({ code: 'ERR_ABORTED', details: { outcome: 'unknown', id } })
      asked.release()
      await expect.poll(() => store.entries.count()).toBe(2)
    }))

  test.each(['hot', 'cold'] as const)('is refused while %s is away, and nothing is written', (tier) =>
    held(async (store) => {
      tiers[tier].refuse()
      const refused = { code: 'ERR_TIER_UNAVAILABLE', details: { tier, outcome: 'none' } }
      await expect(store.write(both, ATOMIC)).rejects.toMatchObject(refused)
      tiers[tier].allow()
      expect(await store.entries.count()).toBe(0)
    }),
  )
})

function bound(view: NamespaceView) {
  const { chunks, entries, metadata } = view
  return { chunks, entries, metadata, write: view.write.bind(view) }
}
