/**
 * The record manager beside one in the memory of the process, which is written here as upstream documents it: the same
 * random calls on both, and LangChain's own `index()` over both, with a vector store each. `FAULT_RUNS` sets how many.
 */
import { MemoryVectorStore } from '@langchain/classic/vectorstores/memory'
import { Document } from '@langchain/core/documents'
import { index, type ListKeyOptions, RecordManager, type UpdateOptions } from '@langchain/core/indexing'
import { SyntheticEmbeddings } from '@langchain/core/utils/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ThermoclineRecordManager, ThermoclineVectorStore } from '../../../src/adapters/langchain/langchain.ts'
import { openMemoryStore } from '../../../src/index.ts'
import { describeMainPair, describeWithServers, openInMemory, QUIET, shareStore } from '../../flow/stores.ts'
import { budget } from '../../tools/budget.ts'

type Group = string | null

class MemoryRecordManager extends RecordManager {
  override lc_namespace = ['test']
  readonly #records = new Map<string, { updatedAt: number; group: Group }>()
  #time = 0

  async createSchema(): Promise<void> {}
  async getTime(): Promise<number> {
    return ++this.#time
  }
  async update(keys: string[], { groupIds, timeAtLeast = 0 }: UpdateOptions = {}): Promise<void> {
    const updatedAt = await this.getTime()
    if (updatedAt < timeAtLeast) throw new Error('the time is not there yet')
    for (const [i, key] of keys.entries()) {
      const { group } = this.#records.get(key) ?? { group: groupIds?.[i] ?? null }
      this.#records.set(key, { updatedAt, group })
    }
  }
  async exists(keys: string[]): Promise<boolean[]> {
    return keys.map((key) => this.#records.has(key))
  }
  async listKeys({ before = Infinity, after = 0, groupIds, limit }: ListKeyOptions = {}): Promise<string[]> {
    const asked = [...this.#records].filter(
      ([, { updatedAt, group }]) =>
        updatedAt < before && updatedAt > after && (groupIds === undefined || groupIds.includes(group)),
    )
    return asked.map(([key]) => key).slice(0, limit)
  }
  async deleteKeys(keys: string[]): Promise<void> {
    for (const key of keys) this.#records.delete(key)
  }
}

/** Upstream's, which has no ids of the caller and deletes nothing. */
class DeletingVectorStore extends MemoryVectorStore {
  override async addDocuments(documents: Document[], { ids }: { ids?: string[] } = {}): Promise<void> {
    await this.delete({ ids: ids! })
    await super.addDocuments(documents.map((document, i) => new Document({ ...document, id: ids![i]! })))
  }
  override async delete({ ids }: { ids: string[] }): Promise<void> {
    this.memoryVectors = this.memoryVectors.filter(({ id }) => !ids.includes(id!))
  }
}

const oneOf = <T>(...values: T[]) => fc.constantFrom(...values)
const of = <N extends string>(name: N) => fc.constant(name)
const key = oneOf('a', 'b', 'c', 'é/ \\', 'clock')
const keys = fc.uniqueArray(key, { minLength: 1 })
const group = oneOf<Group>('x', 'y', 'z', null)
const moment = fc.option(fc.nat(20), { nil: undefined })
const call = fc.oneof(
  fc.record({ does: of('update'), keys, groups: fc.option(fc.array(group, { minLength: 5, maxLength: 5 })) }),
  fc.record({ does: of('exists'), keys }),
  fc.record({
    does: of('list'),
    before: moment,
    after: moment,
    groups: fc.option(fc.array(group)),
    limit: fc.option(fc.nat(3)),
  }),
  fc.record({ does: of('delete'), keys }),
)
type Call = typeof call extends fc.Arbitrary<infer C> ? C : never

/** Each with the times that it told, at the same places. */
class Both {
  readonly #managers: readonly [RecordManager, RecordManager]
  readonly #times: [number, number][] = []

  constructor(ours: RecordManager) {
    this.#managers = [ours, new MemoryRecordManager()]
  }

  async do(call: Call): Promise<void> {
    const [ours, oracle] = this.#managers
    this.#times.push([await ours.getTime(), await oracle.getTime()])
    if (call.does === 'exists') expect(await ours.exists(call.keys)).toEqual(await oracle.exists(call.keys))
    if (call.does === 'list') await this.#list(call)
    for (const [i, manager] of this.#managers.entries()) {
      if (call.does === 'delete') await manager.deleteKeys(call.keys)
      if (call.does !== 'update') continue
      const groupIds = call.groups?.slice(0, call.keys.length)
      await manager.update(call.keys, { ...(groupIds && { groupIds }), timeAtLeast: this.#times.at(-1)![i]! })
    }
  }

  async #list({ before, after, groups, limit }: Call & { does: 'list' }): Promise<void> {
    const at = (place: number | undefined, which: 0 | 1) => place && this.#times[place % this.#times.length]![which]
    const asked = ([0, 1] as const).map((which) => {
      const bounds = { before: at(before, which), after: at(after, which) }
      const known = Object.fromEntries(Object.entries(bounds).filter(([, time]) => time !== undefined))
      return this.#managers[which].listKeys({ ...known, ...(groups && { groupIds: groups }) })
    })
    const [all, expected] = await Promise.all(asked)
    expect(all!.sort()).toEqual(expected!.sort())
    if (limit === null || before !== undefined || after !== undefined || groups !== null) return
    const some = await this.#managers[0].listKeys({ limit })
    expect(some).toHaveLength(Math.min(limit, all!.length))
    expect(all).toEqual(expect.arrayContaining(some))
  }
}

const source = oneOf('one.md', 'two.md', 'three.md')
const documents = fc.array(fc.record({ text: oneOf('ice', 'fire', 'wind', 'tea'), source }), { maxLength: 6 })
const run = fc.record({
  documents,
  cleanup: oneOf<'full' | 'incremental' | undefined>('full', 'incremental', undefined),
  forceUpdate: fc.boolean(),
  batchSize: oneOf(1, 3, 100),
})

const embeddings = new SyntheticEmbeddings({ vectorSize: 8 })
const indexed = async (store: ThermoclineVectorStore | MemoryVectorStore) => {
  const found = await store.similaritySearch('ice', 100)
  return found.map(({ id, pageContent, metadata }) => `${id} ${pageContent} ${metadata.source}`).sort()
}

describeMainPair('a record manager', (pair) => {
  const { view, clock } = shareStore(pair)

  test('answers what one in memory answers', { timeout: 36_000_000 }, async () => {
    const property = fc.asyncProperty(fc.array(call, { maxLength: 10 }), async (calls) => {
      const both = new Both(new ThermoclineRecordManager({ store: view() }))
      for (const one of calls) await both.do(one)
      await both.do({ does: 'list', before: undefined, after: undefined, groups: null, limit: null })
    })
    await fc.assert(property, { numRuns: budget({ short: 2, long: 100 }) })
  })

  test('has `index()` add, skip, update and delete what it does over one in memory', {
    timeout: 36_000_000,
  }, async () => {
    const property = fc.asyncProperty(fc.array(run, { minLength: 1, maxLength: 4 }), async (runs) => {
      const store = view()
      const ours = new ThermoclineVectorStore(embeddings, { store })
      const oracle = new DeletingVectorStore(embeddings)
      const managers = [new ThermoclineRecordManager({ store }), new MemoryRecordManager()] as const
      for (const { documents, cleanup, ...options } of runs) {
        const docsSource = documents.map(
          ({ text, source }) => new Document({ pageContent: text, metadata: { source } }),
        )
        const [did, expected] = await Promise.all(
          ([ours, oracle] as const).map((vectorStore, i) =>
            index({
              ...{ docsSource, recordManager: managers[i as 0 | 1], vectorStore },
              options: { ...options, sourceIdKey: 'source', ...(cleanup && { cleanup }) },
            }),
          ),
        )
        expect(did).toEqual(expected)
        expect(await indexed(ours)).toEqual(await indexed(oracle))
      }
    })
    await fc.assert(property, { numRuns: budget({ short: 2, long: 100 }) })
  })

  test('has a key keep the group that it has', async () => {
    const manager = new ThermoclineRecordManager({ store: view() })
    await manager.update(['a', 'b'], { groupIds: ['x', null] })
    await manager.update(['a', 'b'])
    await manager.update(['a', 'b', 'c'], { groupIds: ['y', 'y', 'y'] })
    expect(await manager.listKeys({ groupIds: ['x'] })).toEqual(['a'])
    expect(await manager.listKeys({ groupIds: [null] })).toEqual(['b'])
    expect(await manager.listKeys({ groupIds: ['y'] })).toEqual(['c'])
  })

  test('tells every caller a later time', async () => {
    const store = view()
    const managers = [1, 2, 3].map(() => new ThermoclineRecordManager({ store }))
    const times: number[] = []
    for (let i = 0; i < 3; i++) for (const manager of managers) times.push(await manager.getTime())
    expect(Math.abs(times[0]! - clock.now())).toBeLessThan(60_000)
    expect(times).toEqual([...new Set(times)].sort((a, b) => a - b))
    times.push(...(await Promise.all(managers.map((manager) => manager.getTime()))))
    expect(new Set(times).size).toBe(12)
    await expect(managers[0]!.update(['a'], { timeAtLeast: times.at(-1)! + 60_000 })).rejects.toThrow('timeAtLeast')
    expect(await managers[0]!.exists(['a'])).toEqual([false])
  })
})

describeWithServers('record managers of two processes', (servers) => {
  test('see at once what the other has marked and deleted', async () => {
    const options = { ...(await servers.shared()), ...QUIET }
    await using mine = await openMemoryStore({ ...options, dir: await servers.folder() })
    await using yours = await openMemoryStore({ ...options, dir: await servers.folder() })
    const one = new ThermoclineRecordManager({ store: mine })
    const other = new ThermoclineRecordManager({ store: yours })
    await one.update(['a', 'b'], { groupIds: ['x', 'y'] })
    const after = await other.getTime()
    expect(await other.listKeys({ before: after, groupIds: ['x'] })).toEqual(['a'])
    await other.deleteKeys(['a'])
    expect(await one.listKeys({})).toEqual(['b'])
    await one.update(['b'])
    expect(await other.listKeys({ after })).toEqual(['b'])
    expect(await other.listKeys({ before: after })).toEqual([])
  })

  test('find and skip what the other has indexed as soon as `index()` has resolved', async () => {
    const options = { ...(await servers.shared()), ...QUIET }
    await using mine = await openMemoryStore({ ...options, dir: await servers.folder() })
    await using yours = await openMemoryStore({ ...options, dir: await servers.folder() })
    const docsSource = ['ice', 'fire'].map((pageContent) => new Document({ pageContent, metadata: { source: 'a' } }))
    const stores = [mine, yours].map((store) => new ThermoclineVectorStore(embeddings, { store }))
    const did: object[] = []
    for (const [i, store] of [mine, yours].entries()) {
      const recordManager = new ThermoclineRecordManager({ store })
      did.push(await index({ docsSource, recordManager, vectorStore: stores[i]!, options: { cleanup: 'full' } }))
    }
    expect(did).toMatchObject([{ numAdded: 2 }, { numAdded: 0, numSkipped: 2 }])
    expect(await indexed(stores[1]!)).toHaveLength(2)
  })
})

describe('what a record manager is given', () => {
  test('is refused by name where it is wrong', async () => {
    await using store = await openInMemory()
    expect(() => new ThermoclineRecordManager({} as never)).toThrow('needs a store')
    expect(() => new ThermoclineRecordManager({ store, table: 'x' } as never)).toThrow('has no option `table`')
    const manager = new ThermoclineRecordManager({ store })
    await manager.createSchema()
    await expect(manager.update(['a'], { groupIds: [] })).rejects.toThrow('as many groups as keys')
    await expect(manager.update(['a'], { groupIds: [{}] } as never)).rejects.toThrow('option `groupIds`')
    await expect(manager.listKeys({ limit: -1 })).rejects.toThrow('option `limit`')
    await expect(manager.listKeys({ before: 'now' } as never)).rejects.toThrow('option `before`')
    expect(await manager.listKeys({ limit: 0 })).toEqual([])
    await manager.update(['a'], { groupIds: [undefined] as never })
    expect(await manager.listKeys({ groupIds: [null] })).toEqual(['a'])
  })
})
