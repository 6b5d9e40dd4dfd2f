/**
 * A vector store holds what LangChain's own `MemoryVectorStore` holds after the same random calls, and answers the
 * same. What upstream has not is done to it by hand: it neither deletes nor replaces, and its filters are functions.
 * `FAULT_RUNS` sets how many sequences.
 */
import { MemoryVectorStore } from '@langchain/classic/vectorstores/memory'
import { Document } from '@langchain/core/documents'
import { Embeddings } from '@langchain/core/embeddings'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type DocumentFilter, ThermoclineVectorStore } from '../../../src/adapters/langchain/langchain.ts'
import { describeMainPair, shareStore, vectorOf } from '../../flow/stores.ts'
import { budget } from '../../tools/budget.ts'

const TEXTS = ['ice', 'fire', 'wind', 'Ice floats', 'é', 'warm water', 'cold water', 'a thermocline', '']

/** No two texts are alike, or as like to a third as another. */
class TextEmbeddings extends Embeddings {
  constructor() {
    super({})
  }
  override async embedDocuments(texts: string[]): Promise<number[][]> {
    return texts.map((text) => [...vectorOf(TEXTS.indexOf(text) + 3, 6)])
  }
  override async embedQuery(text: string): Promise<number[]> {
    return (await this.embedDocuments([text]))[0]!
  }
}
const embeddings = new TextEmbeddings()

const oneOf = <T>(...values: T[]) => fc.constantFrom(...values)
const text = oneOf(...TEXTS)
const id = oneOf('a', 'b', 'A/b', 'é', '6f1c1c1e-9d9d-4f7b-8d0a-3d0a1b2c3d4e', '6F1C1C1E-9D9D-4F7B-8D0A-3D0A1B2C3D4E')
const scalar = oneOf<string | number | boolean | null>('x', 'y', '', '1', 1, 2, 2.5, -1, true, false, null)
const NAMES = ['kind', 'n', 'odd.name', 'tags']
const metadata = fc.record(
  { kind: scalar, n: scalar, 'odd.name': scalar, tags: fc.array(scalar, { maxLength: 3 }) },
  { requiredKeys: [] },
)
const document = fc.record({ pageContent: text, metadata, id: fc.option(id, { nil: undefined }) })

const ordered = oneOf<string | number>('x', 'y', '1', 1, 2, -1)
const lists = fc.array(scalar, { maxLength: 3 })
const member = fc.oneof(
  scalar,
  fc.record(
    {
      in: lists,
      notIn: lists,
      neq: scalar,
      gt: ordered,
      gte: ordered,
      lt: ordered,
      lte: ordered,
      arrayContains: lists,
    },
    { requiredKeys: [] },
  ),
)
const says = (asked: unknown) => typeof asked !== 'object' || asked === null || Object.keys(asked).length > 0
const members = fc.dictionary(oneOf(...NAMES, 'absent'), member.filter(says), { maxKeys: 2 })
const { filter } = fc.letrec<{ filter: DocumentFilter }>((tie) => ({
  filter: fc.oneof(
    { weight: 4, arbitrary: members },
    { weight: 1, arbitrary: fc.record({ and: fc.array(tie('filter'), { maxLength: 2 }) }) },
    { weight: 1, arbitrary: fc.record({ or: fc.array(tie('filter'), { maxLength: 2 }) }) },
    { weight: 1, arbitrary: fc.record({ not: tie('filter') }) },
  ) as fc.Arbitrary<DocumentFilter>,
}))

type Metadata = Readonly<Record<string, unknown>>

/** What a filter means, as the manual says it. */
function selects(asked: DocumentFilter, metadata: Metadata): boolean {
  return Object.entries(asked).every(([name, condition]) => {
    if (name === 'and') return (condition as DocumentFilter[]).every((one) => selects(one, metadata))
    if (name === 'or') return (condition as DocumentFilter[]).some((one) => selects(one, metadata))
    if (name === 'not') return !selects(condition as DocumentFilter, metadata)
    return holds(condition, metadata[name])
  })
}

function holds(condition: unknown, value: unknown): boolean {
  if (typeof condition !== 'object' || condition === null) return value === condition
  return Object.entries(condition).every(([operator, operand]) => {
    const list = operand as unknown[]
    if (operator === 'in') return list.includes(value)
    if (operator === 'notIn') return !list.includes(value)
    if (operator === 'neq') return value !== operand
    if (operator === 'arrayContains') return Array.isArray(value) && list.some((one) => value.includes(one))
    if (typeof value !== typeof operand) return false
    const [a, b] = [value as number, operand as number]
    return { gt: a > b, gte: a >= b, lt: a < b, lte: a <= b }[operator]!
  })
}

/** An empty filter deletes nothing, however it is put. */
const something = fc
  .tuple(members.filter(says), filter)
  .map(([asked, also]): DocumentFilter => ({ ...(asked as DocumentFilter), and: [also] }))

const of = <N extends string>(name: N) => fc.constant(name)
const k = fc.integer({ min: 1, max: 5 })
const lambda = oneOf(0, 0.3, 0.5, 1)
const call = fc.oneof(
  { weight: 4, arbitrary: fc.record({ does: of('add'), documents: fc.array(document, { maxLength: 6 }) }) },
  { weight: 1, arbitrary: fc.record({ does: of('delete'), ids: fc.array(id, { minLength: 1, maxLength: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ does: of('deleteWhere'), filter: something }) },
  { weight: 4, arbitrary: fc.record({ does: of('search'), query: text, k, filter: fc.option(filter) }) },
  { weight: 2, arbitrary: fc.record({ does: of('mmr'), query: text, k, fetchK: oneOf(3, 6, 20), lambda }) },
)
type Call = typeof call extends fc.Arbitrary<infer C> ? C : never

/** What both are done to, and asked. */
class Both {
  readonly #ours: ThermoclineVectorStore
  readonly #oracle = new MemoryVectorStore(embeddings)

  constructor(ours: ThermoclineVectorStore) {
    this.#ours = ours
  }

  async do(call: Call): Promise<void> {
    switch (call.does) {
      case 'add':
        return this.#add(call.documents.map((given) => new Document(given as Document)))
      case 'delete':
        await this.#ours.delete({ ids: call.ids })
        return this.#forget(({ id }) => call.ids.includes(id!))
      case 'deleteWhere':
        await this.#ours.delete({ filter: call.filter })
        return this.#forget(({ metadata }) => selects(call.filter, metadata))
      case 'search':
        return this.#search(call.query, call.k, call.filter ?? undefined)
      case 'mmr':
        return this.#choose(call.query, call)
    }
  }

  async #add(documents: Document[]): Promise<void> {
    const ids = await this.#ours.addDocuments(documents)
    for (const [i, document] of documents.entries()) {
      if (document.id !== undefined) expect(ids[i]).toBe(document.id)
      this.#forget(({ id }) => id === ids[i])
      await this.#oracle.addDocuments([new Document({ ...document, id: ids[i]! })])
    }
  }

  #forget(which: (vector: { id?: string; metadata: Metadata }) => boolean): void {
    this.#oracle.memoryVectors = this.#oracle.memoryVectors.filter((vector) => !which(vector))
  }

  /** Of those that are as near the order is nobody's, nor which of them are among the first. */
  async #search(query: string, k: number, filter: DocumentFilter | undefined): Promise<void> {
    const selected = filter && (({ metadata }: Document) => selects(filter, metadata))
    const expected = await this.#oracle.similaritySearchWithScore(query, 1_000, selected)
    const all = await this.#ours.similaritySearchWithScore(query, 1_000, filter)
    expect(inOrder(all)).toEqual(inOrder(expected))
    const first = await this.#ours.similaritySearchWithScore(query, k, filter)
    expect(first).toEqual(all.slice(0, k))
    for (const [i, [, score]] of all.entries()) expect(score).toBeCloseTo(expected[i]![1], 4)
  }

  async #choose(query: string, { k, fetchK, lambda }: { k: number; fetchK: number; lambda: number }): Promise<void> {
    const options = { k, fetchK, lambda }
    const chosen = await this.#ours.maxMarginalRelevanceSearch(query, options)
    const expected = await this.#oracle.maxMarginalRelevanceSearch(query, options)
    expect(chosen.map(({ pageContent }) => pageContent)).toEqual(expected.map(({ pageContent }) => pageContent))
  }
}

function inOrder(found: readonly [Document, number][]): object[] {
  return found
    .map(([{ id, pageContent, metadata }, score]) => ({ id, pageContent, metadata, score: score.toFixed(3) }))
    .sort((a, b) => (a.id! < b.id! ? -1 : 1))
}

describeMainPair('a vector store', (pair) => {
  const { view } = shareStore(pair)

  test('answers what MemoryVectorStore answers', { timeout: 36_000_000 }, async () => {
    const property = fc.asyncProperty(fc.array(call, { maxLength: 10 }), async (calls) => {
      const both = new Both(new ThermoclineVectorStore(embeddings, { store: view() }))
      for (const one of calls) await both.do(one)
      await both.do({ does: 'search', query: 'ice', k: 3, filter: null })
    })
    await fc.assert(property, { numRuns: budget({ short: 3, long: 100 }) })
  })
})
