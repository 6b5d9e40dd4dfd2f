/** Trees are read as their nodes say, wherever these are. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { FindResult, NamespaceView } from '../../src/index.ts'
import { budget } from '../tools/budget.ts'
import { describePairs, shareStore } from './stores.ts'

type View = Pick<NamespaceView, 'raptorNodes' | 'chunks' | 'entries'>
type Keyed = { readonly key?: string }
type Paged = { readonly limit: number; readonly cursor: string | undefined }

/** The keys of all that the pages of a call have. */
async function keysOf(page: (paged: Paged) => Promise<FindResult<Keyed>>, limit = 100): Promise<string[]> {
  const keys: string[] = []
  for (let cursor: string | undefined; ; ) {
    const { items, nextCursor } = await page({ limit, cursor })
    keys.push(...items.map(({ key }) => key!))
    cursor = nextCursor
    if (cursor === undefined) return keys
  }
}

/** Puts nodes by their children, and chunks, all by their keys. */
async function plant(view: View, nodes: Record<string, readonly string[]>, chunks: readonly string[] = []) {
  for (const [key, children] of Object.entries(nodes))
    await view.raptorNodes.put({
      ...{ key, level: 1, summary: key },
      children: children.map((child) => view.raptorNodes.idOf(child)),
    })
  for (const key of chunks) await view.chunks.put({ key, text: key })
}

/** What a test knows of an entry. */
interface Known {
  readonly id: string
  readonly level: number | undefined
  readonly children: readonly string[]
}

/** Answers by a map what the calls answer. */
class Model {
  readonly entries = new Map<string, Known>()

  #byId(keys: Iterable<string>): string[] {
    return [...keys].sort((a, b) => (this.entries.get(a)!.id < this.entries.get(b)!.id ? -1 : 1))
  }

  isNode = (key: string): boolean => this.entries.get(key)?.level !== undefined

  children(key: string): string[] {
    const { children = [] } = this.entries.get(key) ?? {}
    return [...new Set(children)].filter((child) => this.entries.has(child))
  }

  parents(key: string): string[] {
    return this.#byId([...this.entries.keys()].filter((parent) => this.entries.get(parent)!.children.includes(key)))
  }

  walk(from: string, next: (key: string) => string[], depth = 100): string[] {
    const met = new Set([from])
    for (let level = [from]; level.length > 0 && depth > 0; depth--) {
      level = this.#byId(new Set(level.flatMap(next))).filter((key) => !met.has(key))
      for (const key of level) met.add(key)
    }
    return [...met].slice(1).filter((key) => this.entries.has(key))
  }

  /** Whether a node of this key would be below itself, whether or not it is there by now. */
  leadsBack(key: string, children: readonly string[]): boolean {
    const seen = new Set<string>()
    const reaches = (one: string): boolean => {
      if (one === key) return true
      if (seen.has(one)) return false
      seen.add(one)
      return this.entries.get(one)?.children.some(reaches) ?? false
    }
    return children.some(reaches)
  }

  roots(): string[] {
    const roots = this.#byId(this.entries.keys()).filter((key) => this.isNode(key) && this.parents(key).length === 0)
    return roots.sort((a, b) => this.entries.get(b)!.level! - this.entries.get(a)!.level!)
  }

  level(level: number): string[] {
    return this.#byId([...this.entries.keys()].filter((key) => this.entries.get(key)!.level === level))
  }
}

const LEADS_BACK = { code: 'ERR_INVALID_ENTRY', details: { field: 'children' } }
const KEYS = ['a', 'b', 'c', 'd', 'e', 'f', 'g'] as const
const key = fc.constantFrom(...KEYS)

async function expectAsModel(view: View, model: Model, limit: number): Promise<void> {
  const { raptorNodes } = view
  const answers = (page: (paged: Paged) => Promise<FindResult<Keyed>>) => keysOf(page, limit)
  for (const one of KEYS) {
    const id = raptorNodes.idOf(one)
    const down = model.walk(one, (parent) => model.children(parent))
    const isLeaf = (found: string) => model.entries.get(found)!.children.length === 0
    const own = {
      children: await answers((paged) => raptorNodes.children(id, paged)),
      parents: await answers((paged) => raptorNodes.parents(id, paged)),
      descendants: await answers((paged) => raptorNodes.descendants(id, paged)),
      two: await answers((paged) => raptorNodes.descendants(id, { ...paged, depth: 2, select: ['key'] })),
      leaves: await answers((paged) => raptorNodes.leaves(id, { ...paged, select: ['key', 'version'] })),
      ancestors: await answers((paged) => raptorNodes.ancestors(id, paged)),
    }
    expect(own, one).toEqual({
      children: model.children(one),
      parents: model.parents(one),
      descendants: down,
      two: model.walk(one, (parent) => model.children(parent), 2),
      leaves: down.filter(isLeaf),
      ancestors: model.walk(one, (child) => model.parents(child)),
    })
  }
  expect(await answers((paged) => raptorNodes.roots(paged))).toEqual(model.roots())
  expect(await answers((paged) => raptorNodes.level(1, paged))).toEqual(model.level(1))
}

describePairs('trees', (pair) => {
  const { store, view, clock } = shareStore(pair)

  test('are walked down and up, nearest first', async () => {
    const own = view()
    const { raptorNodes } = own
    await plant(own, { left: ['x', 'y'], right: ['y', 'z', 'missing'] }, ['x', 'y', 'z'])
    // What is shipped below what is pending is no root.
    await store().checkpoint()
    await plant(own, { root: ['left', 'right'] })
    for (const isShipped of [false, true]) {
      if (isShipped) await store().checkpoint()
      const root = raptorNodes.idOf('root')
      expect(await keysOf((paged) => raptorNodes.children(root, paged), 1)).toEqual(['left', 'right'])
      expect((await keysOf((paged) => raptorNodes.leaves(root, paged))).sort()).toEqual(['x', 'y', 'z'])
      expect((await keysOf((paged) => raptorNodes.ancestors(raptorNodes.idOf('y'), paged))).slice(2)).toEqual(['root'])
      expect(await keysOf((paged) => raptorNodes.roots(paged))).toEqual(['root'])
      expect(await keysOf((paged) => raptorNodes.descendants(raptorNodes.idOf('nothing'), paged))).toEqual([])
    }
  })

  test('stay within their namespace, whatever ids stand there', async () => {
    const own = view()
    const other = own.namespace('below')
    const { id } = await other.chunks.put({ text: 'of another', key: 'c' })
    for (const there of [own, other]) await there.raptorNodes.put({ key: 'n', level: 1, summary: 'n', children: [id] })
    for (const isShipped of [false, true]) {
      if (isShipped) await store().checkpoint()
      expect((await own.raptorNodes.children(own.raptorNodes.idOf('n'))).items).toEqual([])
      expect((await own.raptorNodes.leaves(own.raptorNodes.idOf('n'))).items).toEqual([])
      for (const there of [own, other])
        for (const call of ['parents', 'ancestors'] as const)
          expect((await there.raptorNodes[call](id)).items).toMatchObject([{ namespace: there.path, key: 'n' }])
    }
  })

  test('have what is selected, and end with what has expired', async () => {
    const { raptorNodes, chunks } = view()
    const { id: child } = await chunks.put({ text: 'a', embedding: [1, 0], ttl: 1_000 })
    const { id } = await raptorNodes.put({ level: 1, summary: 's', children: [child], embedding: [0, 1] })
    for (const isShipped of [false, true]) {
      if (isShipped) await store().checkpoint()
      for (const call of ['children', 'leaves', 'descendants'] as const)
        expect((await raptorNodes[call](id, { select: ['text'] })).items).toEqual([{ kind: 'chunk', text: 'a' }])
      expect((await raptorNodes.ancestors(child, { select: ['level'] })).items).toEqual([{ kind: 'raptor', level: 1 }])
      expect((await raptorNodes.roots({ select: ['id'] })).items).toEqual([{ kind: 'raptor', id }])
      expect((await raptorNodes.leaves(id)).items).toMatchObject([{ embedding: Float32Array.of(1, 0) }])
    }
    clock.advance(1_000)
    for (const call of ['children', 'leaves', 'descendants'] as const)
      expect((await raptorNodes[call](id)).items).toEqual([])
  })

  test('refuse a cursor of another place, and what is no level', async () => {
    const own = view()
    const { raptorNodes } = own
    await plant(own, { root: ['x', 'y'], other: ['x', 'y'] }, ['x', 'y'])
    const { nextCursor: cursor } = await raptorNodes.children(raptorNodes.idOf('root'), { limit: 1 })
    const refusal = { code: 'ERR_INVALID_QUERY', details: { field: 'cursor' } }
    await expect(raptorNodes.children(raptorNodes.idOf('other'), { cursor })).rejects.toMatchObject(refusal)
    await expect(raptorNodes.descendants(raptorNodes.idOf('root'), { cursor })).rejects.toMatchObject(refusal)
    await expect(raptorNodes.descendants(raptorNodes.idOf('root'), { depth: 101 })).rejects.toMatchObject({
      details: { field: 'depth' },
    })
    await expect(raptorNodes.level(-1)).rejects.toMatchObject({ details: { field: 'level' } })
  })

  test('are what a map of all nodes says, while nodes are put, deleted and shipped', async () => {
    const step = fc.oneof(
      { weight: 5, arbitrary: fc.record({ key, level: fc.integer({ min: 0, max: 2 }), children: fc.array(key) }) },
      { weight: 3, arbitrary: fc.record({ chunk: key }) },
      { weight: 1, arbitrary: fc.record({ deleted: key }) },
      { weight: 2, arbitrary: fc.constant('checkpoint' as const) },
    )
    const property = fc.asyncProperty(
      fc.array(step, { maxLength: 24 }),
      fc.integer({ min: 1, max: 4 }),
      async (steps, limit) => {
        const own = view()
        const model = new Model()
        const forget = async (one: string) => {
          await own.entries.deleteByKey(one)
          model.entries.delete(one)
        }
        for (const one of steps) {
          if (one === 'checkpoint') await store().checkpoint()
          else if ('deleted' in one) await forget(one.deleted)
          else if ('chunk' in one) {
            await forget(one.chunk)
            const { id } = await own.chunks.put({ key: one.chunk, text: one.chunk })
            model.entries.set(one.chunk, { id, level: undefined, children: [] })
          } else {
            await forget(one.key)
            const children = one.children.map((child) => own.raptorNodes.idOf(child))
            const put = own.raptorNodes.put({ key: one.key, level: one.level, summary: one.key, children })
            if (model.leadsBack(one.key, one.children)) await expect(put).rejects.toMatchObject(LEADS_BACK)
            else model.entries.set(one.key, { ...one, id: (await put).id })
          }
        }
        await expectAsModel(own, model, limit)
        await store().checkpoint()
        await expectAsModel(own, model, limit)
      },
    )
    await fc.assert(property, { numRuns: budget({ short: 3, long: 60 }) })
  })
})
