/** A node knows which of its children changed since it was put, and never stands above itself. */
import { expect, test } from 'vitest'
import { justBelow } from '../../src/entry/version.ts'
import type { NamespaceView } from '../../src/index.ts'
import { describeGated } from './gate.ts'
import { shareStore } from './stores.ts'

describeGated('stale nodes', (tiers) => {
  const { store, view, clock } = shareStore(tiers)

  /** Two nodes of level 1 over three chunks, and one above them: all by their keys. */
  async function planted(): Promise<NamespaceView> {
    const own = view()
    const idOf = (key: string) => own.raptorNodes.idOf(key)
    await own.chunks.putMany(['x', 'y', 'z'].map((key) => ({ key, text: key })))
    await own.raptorNodes.putMany([
      { key: 'left', level: 1, summary: 'left', children: ['x', 'y'].map(idOf) },
      { key: 'right', level: 1, summary: 'right', children: ['y', 'z'].map(idOf) },
      { key: 'root', level: 2, summary: 'root', children: ['left', 'right'].map(idOf) },
    ])
    return own
  }

  /** Keys of what is stale, with why. */
  async function stale({ raptorNodes }: NamespaceView, limit?: number): Promise<object> {
    const keys = new Map(['x', 'y', 'z', 'new', 'left', 'right', 'root'].map((key) => [raptorNodes.idOf(key), key]))
    const shown = (await raptorNodes.staleNodes({ limit, select: ['key'] })).map(({ entry, ...why }) => [
      entry.key,
      Object.fromEntries(
        Object.entries(why).flatMap(([name, ids]) =>
          ids.length === 0 ? [] : [[name, ids.map((id: string) => keys.get(id)).sort()]],
        ),
      ),
    ])
    return Object.fromEntries(shown)
  }

  test.each([false, true])(
    'are those above what changed, went or came, and are fresh once put anew (%s)',
    async (ship) => {
      const settle = () => (ship ? store().checkpoint() : undefined)
      const own = await planted()
      const { chunks, raptorNodes } = own
      await settle()
      expect(await stale(own)).toEqual({})
      await chunks.update(chunks.idOf('x'), { text: 'x anew' })
      await settle()
      expect(await stale(own)).toEqual({ left: { changed: ['x'] }, root: { below: ['left'] } })
      expect(await stale(own, 1)).toEqual({ left: { changed: ['x'] } })
      await raptorNodes.update(raptorNodes.idOf('left'), { summary: 'left anew' })
      await settle()
      expect(await stale(own)).toEqual({ root: { changed: ['left'] } })
      await raptorNodes.update(raptorNodes.idOf('root'), { metadata: { seen: true } })
      await raptorNodes.expire(raptorNodes.idOf('root'), null)
      expect(await stale(own)).toEqual({ root: { changed: ['left'] } })
      await raptorNodes.put({ ...(await raptorNodes.getByKey('root'))!, summary: 'root anew' })
      expect(await stale(own)).toEqual({})
      await chunks.deleteByKey('z')
      await settle()
      expect(await stale(own)).toEqual({ right: { gone: ['z'] }, root: { below: ['right'] } })
      await raptorNodes.update(raptorNodes.idOf('right'), { children: [chunks.idOf('y'), chunks.idOf('new')] })
      await raptorNodes.put({ ...(await raptorNodes.getByKey('root'))! })
      expect(await stale(own)).toEqual({})
      await chunks.put({ key: 'new', text: 'new' })
      await settle()
      expect(await stale(own)).toEqual({ right: { appeared: ['new'] }, root: { below: ['right'] } })
    },
  )

  test('are none that are updated together with their children, all or none', async () => {
    const own = await planted()
    const idOf = (key: string) => own.chunks.idOf(key)
    await own.write(
      [
        { put: { kind: 'chunk', key: 'new', text: 'new' } },
        { update: idOf('x'), patch: { text: 'x anew' } },
        { update: idOf('left'), patch: { summary: 'left anew' } },
        { update: idOf('right'), patch: { children: [idOf('z'), idOf('new')] } },
        { update: idOf('root'), patch: { summary: 'root anew' } },
      ],
      { atomic: true },
    )
    expect(await stale(own)).toEqual({})
    await own.chunks.update(idOf('new'), { text: 'newer' })
    expect(await stale(own)).toEqual({ right: { changed: ['new'] }, root: { below: ['right'] } })
  })

  test.each([true, false])(
    'are those of which another process put a child with a version between those of one call (atomic: %s)',
    async (atomic) => {
      const own = view()
      const idOf = (key: string) => own.chunks.idOf(key)
      const puts = [
        { kind: 'chunk', key: 'x', text: 'x' },
        { kind: 'chunk', key: 'y', text: 'y' },
        { kind: 'raptor', key: 'left', level: 1, summary: 'left', children: [idOf('x')] },
      ] as const
      const receipts = atomic
        ? await own.write(
            puts.map((put) => ({ put })),
            { atomic },
          )
        : await own.entries.putMany(puts)
      await store().checkpoint()
      expect(await stale(own)).toEqual({})
      // By a clock that is behind.
      const [row] = await tiers.cold.tier.read([{ namespace: own.chunks.namespace, id: idOf('x') }])
      const { written } = await tiers.cold.tier.upsert([{ ...row!.record, version: justBelow(receipts[2]!.version) }])
      expect(written).toBe(1)
      expect(await stale(own)).toEqual({ left: { changed: ['x'] } })
    },
  )

  test('are no nodes that one call of updates leads back to themselves: it is refused', async () => {
    const own = await planted()
    const [left, right, root] = ['left', 'right', 'root'].map((key) => own.chunks.idOf(key)) as [string, string, string]
    const top = { kind: 'raptor', key: 'top', level: 3, summary: 'top', children: [root] } as const
    const under = (update: string, child: string) => ({ update, patch: { children: [child] } })
    for (const [index, operations] of [
      [1, [{ put: top }, under(left, own.chunks.idOf('top'))]],
      [1, [under(left, right), under(right, left)]],
    ] as const)
      await expect(own.write(operations, { atomic: true })).rejects.toMatchObject({
        code: 'ERR_INVALID_ENTRY',
        details: { field: 'children', index },
      })
    expect((await own.raptorNodes.getByKey('left'))?.children).toHaveLength(2)
  })

  test('are those whose child has expired, and none that are put together with their children', async () => {
    const own = view()
    const [y, left, root] = ['y', 'left', 'root'].map((key) => own.chunks.idOf(key)) as [string, string, string]
    await store().checkpoint()
    const receipts = await own.entries.putMany([
      { kind: 'chunk', key: 'y', text: 'y', ttl: 1_000 },
      { kind: 'raptor', key: 'left', level: 1, summary: 'left', children: [y] },
      { kind: 'raptor', key: 'root', level: 2, summary: 'root', children: [left] },
    ])
    expect(receipts.map(({ id }) => id)).toEqual([y, left, root])
    expect(await stale(own)).toEqual({})
    clock.advance(1_000)
    expect(await stale(own)).toEqual({ left: { gone: ['y'] }, root: { below: ['left'] } })
    await own.write(
      [
        { put: { kind: 'chunk', key: 'y', text: 'again' } },
        { put: { kind: 'raptor', key: 'left', level: 1, summary: 'left', children: [y] } },
        { update: root, patch: { summary: 'root' } },
      ],
      { atomic: true },
    )
    expect(await stale(own)).toEqual({})
  })

  test('are not told of what was put while cold was away, until it is put again', async () => {
    const own = view()
    const { chunks, raptorNodes } = own
    const node = { key: 'left', level: 1, summary: 'left', children: [chunks.idOf('x')] }
    tiers.cold.refuse()
    await raptorNodes.put(node)
    tiers.cold.allow()
    await chunks.put({ key: 'x', text: 'x' })
    expect(await stale(own)).toEqual({})
    await raptorNodes.put(node)
    await chunks.put({ key: 'x', text: 'x anew' })
    expect(await stale(own)).toEqual({ left: { changed: ['x'] } })
  })

  test('are no nodes that lead back to themselves: those are refused', async () => {
    const own = await planted()
    const { raptorNodes } = own
    const [left, right, root] = ['left', 'right', 'root'].map((key) => raptorNodes.idOf(key)) as [
      string,
      string,
      string,
    ]
    const refusal = { code: 'ERR_INVALID_ENTRY', details: { field: 'children' } }
    const node = { level: 1, summary: 's' }
    for (const isShipped of [false, true]) {
      if (isShipped) await store().checkpoint()
      await expect(
        raptorNodes.put({ ...node, key: 'self', children: [raptorNodes.idOf('self')] }),
      ).rejects.toMatchObject(refusal)
      await expect(raptorNodes.put({ ...node, key: 'left', children: [root] })).rejects.toMatchObject(refusal)
      await expect(raptorNodes.upsert({ ...node, key: 'left', children: [left] })).rejects.toMatchObject(refusal)
      await expect(raptorNodes.update(left, { children: [root] })).rejects.toMatchObject(refusal)
      // Through what is stored, and through each other.
      const both = [
        { ...node, key: 'a', children: [right] },
        { ...node, key: 'right', children: [raptorNodes.idOf('b')] },
        { ...node, key: 'b', children: [raptorNodes.idOf('a')] },
      ]
      await expect(raptorNodes.putMany(both)).rejects.toMatchObject({
        ...refusal,
        details: { field: 'children', index: 0 },
      })
      const together = both.map((input) => ({ put: { kind: 'raptor' as const, ...input } }))
      await expect(own.write(together, { atomic: true })).rejects.toMatchObject({ ...refusal, details: { index: 0 } })
      expect(await raptorNodes.count()).toBe(3)
    }
    // The old children of what is put anew are no way.
    const [first, second] = await raptorNodes.putMany(
      [
        { ...node, key: 'left', children: [root] },
        { ...node, key: 'root', children: [left] },
      ],
      { settle: true },
    )
    expect([first, second]).toMatchObject([{ ok: false, error: refusal }, { ok: true }])
    await raptorNodes.putMany([
      { ...node, key: 'root', children: [] },
      { ...node, key: 'left', children: [root] },
    ])
    expect((await raptorNodes.descendants(left)).items.map(({ key }) => key)).toEqual(['root'])
  })
})
