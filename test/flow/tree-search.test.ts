/** A search down a tree meets what a list of its levels says, and reads no more of the tree. */
import { expect, test } from 'vitest'
import type { NamespaceView } from '../../src/index.ts'
import { describeGated } from './gate.ts'
import { shareStore } from './stores.ts'

/** Directions in a plane: of the tens on level 2, of the ones below. */
const at = (degrees: number): number[] => [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)]

describeGated('a search down a tree', (tiers) => {
  const { store, view } = shareStore(tiers)

  /** Three nodes of three nodes of three chunks, each where its name says, in degrees. */
  async function planted(own: NamespaceView): Promise<void> {
    const node = (level: number, degrees: number, children: readonly number[]) => ({
      ...{ key: `${level}:${degrees}`, level, summary: `${degrees}`, embedding: at(degrees) },
      children: children.map((child) => own.raptorNodes.idOf(`${level - 1}:${child}`)),
    })
    for (const top of [0, 90, 180]) {
      for (const middle of [top, top + 20, top + 40]) {
        const leaves = [middle, middle + 5, middle + 10]
        await own.chunks.putMany(leaves.map((n) => ({ key: `0:${n}`, text: `${n}`, embedding: at(n) })))
        await own.raptorNodes.put(node(1, middle, leaves))
      }
      await own.raptorNodes.put(node(2, top, [top, top + 20, top + 40]))
    }
  }

  test('goes down from the nearest, and answers the nearest of all that it chose', async () => {
    const own = view()
    await planted(own)
    await own.raptorNodes.put({ level: 3, summary: 'without a vector', children: [] })
    const keysOf = async (options: object) =>
      (await own.raptorNodes.searchTree({ embedding: at(117), ...options })).map(({ entry, depth }) => [
        entry.key,
        depth,
      ])
    for (const isShipped of [false, true]) {
      if (isShipped) await store().checkpoint()
      expect(await keysOf({ beam: 1 })).toEqual([
        ['0:115', 2],
        ['1:110', 1],
        ['2:90', 0],
      ])
      expect(await keysOf({ beam: 2, k: 3 })).toEqual([
        ['0:115', 2],
        ['0:120', 2],
        ['1:110', 1],
      ])
      const from = [own.raptorNodes.idOf('1:20'), own.raptorNodes.idOf('1:180')]
      expect(await keysOf({ beam: 1, from, embedding: at(190) })).toEqual([
        ['0:190', 1],
        ['1:180', 0],
      ])
      expect(await keysOf({ from: [own.raptorNodes.idOf('nothing')] })).toEqual([])
      expect(await keysOf({ embedding: [1, 0, 0] })).toEqual([])
    }
  })

  test('compares by the metric, counts accesses, and shows what is selected', async () => {
    const own = view()
    await planted(own)
    const { raptorNodes } = own
    const [first] = await raptorNodes.searchTree({
      embedding: at(90),
      metric: 'l2',
      k: 1,
      beam: 1,
      select: ['key', 'id'],
    })
    expect(first).toEqual({ entry: { kind: 'raptor', key: '2:90', id: raptorNodes.idOf('2:90') }, score: -0, depth: 0 })
    await raptorNodes.searchTree({ embedding: at(90), k: 1, beam: 1, countAccess: false })
    expect((await raptorNodes.getByKey('2:90'))?.accessCount).toBe(2)
  })

  test.each<[string, object]>([
    ['embedding', {}],
    ['embedding', { embedding: [0] }],
    ['beam', { embedding: [1], beam: 0 }],
    ['k', { embedding: [1], k: 1_001 }],
    ['from', { embedding: [1], from: 'leaves' }],
    ['from', { embedding: [1], from: ['x'] }],
  ])('is refused for its `%s` in %j', async (field, options) => {
    const search = view().raptorNodes.searchTree(options as never)
    await expect(search).rejects.toMatchObject({ code: 'ERR_INVALID_QUERY', details: { field } })
  })
})
