/**
 * The memory holds what LangGraph's own `InMemoryStore` holds after the same random batches, and answers the same, but
 * for what it does otherwise on purpose, which comments below name. `FAULT_RUNS` sets how many sequences.
 */
import { InMemoryStore, type Operation } from '@langchain/langgraph-checkpoint'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ThermoclineStore } from '../../../src/adapters/langgraph/langgraph.ts'
import { describeMainPair, shareStore } from '../../flow/stores.ts'
import { budget } from '../../tools/budget.ts'

/** No null stands in braces: upstream embeds it as the text `null`, as nowhere else. */
const FIELDS = ['name', 'mood', 'list[*].text', '{name,nested.deep}', 'tags[-1]', 'tags[one]']

/** Of any text, never all zeros. */
const embedOne = (text: string) => [text.length + 1, (text.codePointAt(0) ?? 0) % 13, (text.codePointAt(1) ?? 3) % 7]
const embed = async (texts: string[]) => texts.map(embedOne)
const embeddings = { embedDocuments: embed, embedQuery: async (text: string) => embedOne(text) }

const oneOf = <T>(...values: T[]) => fc.constantFrom(...values)
const label = oneOf('a', 'b', 'a b', 'é%/')
const namespace = fc.array(label, { minLength: 1, maxLength: 3 })
const key = oneOf('k', 'K', 'a/b', '\u2028\\', 'x'.repeat(600))
const text = oneOf('calm', 'wild', 'Ice floats', 'é', '')
const scalar = fc.oneof(oneOf(1, 2, 10, -0.5), oneOf('1', '2', '10', 'calm', ''), oneOf(true, false, null))
const value = fc.record(
  {
    name: text,
    rank: scalar,
    mood: scalar,
    nested: fc.record({ deep: text }),
    tags: fc.array(text, { maxLength: 2 }),
    list: fc.array(fc.record({ text }), { maxLength: 3 }),
  },
  { requiredKeys: [] },
)
const index = oneOf<undefined | false | string[]>(undefined, undefined, false, ['name'], ['$'], ['*'])
const operator = oneOf('$eq', '$ne', '$gt', '$gte', '$lt', '$lte')
const asked = fc.oneof(
  scalar,
  fc.tuple(operator, scalar).map(([name, operand]) => ({ [name]: operand })),
  fc.tuple(oneOf('$in', '$nin'), fc.array(scalar, { maxLength: 3 })).map(([name, list]) => ({ [name]: list })),
)
const filter = fc.dictionary(oneOf('rank', 'mood', 'name', 'absent'), asked, { maxKeys: 2 })
const path = fc.array(fc.oneof(label, oneOf('*')), { maxLength: 2 })
const condition = fc.record({ matchType: oneOf<'prefix' | 'suffix'>('prefix', 'suffix'), path })

const get = fc.record({ namespace, key })
const put = fc.record({
  namespace,
  key,
  value: fc.oneof({ weight: 4, arbitrary: value }, { weight: 1, arbitrary: oneOf(null) }),
  index,
})
const search = fc.record({
  namespacePrefix: fc.array(label, { maxLength: 2 }),
  filter: fc.option(filter, { nil: undefined }),
  query: fc.option(text, { nil: undefined }),
  limit: oneOf(1_000),
  offset: oneOf(0),
})
const list = fc.record({
  matchConditions: fc.option(fc.array(condition, { maxLength: 2 }), { nil: undefined }),
  maxDepth: oneOf(undefined, 1, 2),
  limit: oneOf(1_000),
  offset: oneOf(0),
})
const batch = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: put },
    { weight: 1, arbitrary: get },
    { weight: 2, arbitrary: search },
    { weight: 1, arbitrary: list },
  ),
  { minLength: 1, maxLength: 6 },
) as fc.Arbitrary<Operation[]>

interface Insides {
  readonly data: Map<string, Map<string, object>>
  readonly vectors: Map<string, Map<string, object>>
}

/** Upstream keeps vectors of values that were replaced or deleted, and lists namespaces that had an item once. */
function forgetReplaced(oracle: InMemoryStore, operations: readonly Operation[]): void {
  const { vectors } = oracle as unknown as Insides
  for (const operation of operations)
    if ('value' in operation) vectors.get(operation.namespace.join(':'))?.delete(operation.key)
}

function forgetEmpty(oracle: InMemoryStore): void {
  const { data } = oracle as unknown as Insides
  for (const [name, items] of data) if (items.size === 0) data.delete(name)
}

type Found = { namespace: string[]; key: string; value: object; score?: number }

/** Without times, and of a search without its order, which is nobody's where scores are the same. */
function comparable(result: unknown): unknown {
  if (!Array.isArray(result)) return result && plain(result as Found)
  const shown = result.map((one) => JSON.stringify(Array.isArray(one) ? one : plain(one)))
  return shown.sort()
}

function plain({ namespace, key, value, score }: Found): object {
  return { namespace, key, value: Object.entries(value).sort(), score: score === undefined ? null : score.toFixed(4) }
}

function expectDescending(found: readonly Found[]): void {
  const scores = found.map(({ score }) => score ?? -2)
  for (const [i, score] of scores.entries()) expect(score).toBeLessThanOrEqual((scores[i - 1] ?? 2) + 1e-6)
}

describeMainPair('the memory', (pair) => {
  const { view } = shareStore(pair)

  test('answers what InMemoryStore answers', { timeout: 36_000_000 }, async () => {
    const property = fc.asyncProperty(
      fc.array(batch, { maxLength: 8 }),
      fc.nat(3),
      fc.nat(3),
      async (batches, limit, offset) => {
        const oracle = new InMemoryStore({ index: { dims: 3, embeddings: embeddings as never, fields: FIELDS } })
        const store = new ThermoclineStore(view(), { index: { dims: 3, embed, fields: FIELDS } })
        for (const operations of batches) {
          const before = await oracle.batch(operations.filter((operation) => !('value' in operation)))
          const expected = structuredClone(before).map(comparable)
          forgetReplaced(oracle, operations)
          await oracle.batch(operations.filter((operation) => 'value' in operation))
          forgetEmpty(oracle)
          const answered = await store.batch(operations)
          const reads = answered.filter((_, i) => !('value' in operations[i]!))
          expect(reads.map(comparable)).toEqual(expected)
          for (const [i, operation] of operations.entries())
            if ('namespacePrefix' in operation && operation.query) expectDescending(answered[i] as unknown as Found[])
        }
        const options = { query: 'calm' }
        const whole = await store.search([], { ...options, limit: 1_000 })
        const page = await store.search([], { ...options, limit, offset })
        expect(page).toEqual(whole.slice(offset, offset + limit))
      },
    )
    await fc.assert(property, { numRuns: budget({ short: 3, long: 100 }) })
  })
})
