/**
 * `thermocline/openai-agents`: a session answers what upstream's own `MemorySession` answers after the same calls, but
 * for what comments below name; `FAULT_RUNS` sets how many sequences. And upstream's runner goes on where it was.
 */
import {
  Agent,
  type AgentInputItem,
  MemorySession,
  type Model,
  type ModelRequest,
  type ModelResponse,
  Runner,
  type SessionHistoryMutation,
  type SessionHistoryTransaction,
  setTracingDisabled,
  Usage,
} from '@openai/agents-core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ThermoclineSession } from '../../src/adapters/openai-agents/thermocline-session.ts'
import { describeMainPair, openInMemory, shareStore } from '../flow/stores.ts'
import { budget } from '../tools/budget.ts'
import { atFirst } from './at-first.ts'

setTracingDisabled(true)

const said = (text: string): AgentInputItem => ({ type: 'message', role: 'user', content: text })
const texts = (items: readonly AgentInputItem[]) => items.map((item) => (item as { content: string }).content)

const oneOf = <T>(...values: T[]) => fc.constantFrom(...values)
const text = oneOf('Ice floats', '', 'with \0 in it', 'half \ud800 a pair', 'é', '$bytes')
const bytes = fc.uint8Array({ maxLength: 3 })
const callId = oneOf('a', 'b')
const message = text.map(said)
const call = fc.record({ callId, text }).map(({ callId, text }) => called(callId, text))
const odd = fc.record({ bytes, text }).map(({ bytes, text }): AgentInputItem => {
  const output = { type: 'file' as const, file: { data: bytes, mediaType: 'a/b', filename: text } }
  const providerData = { $bytes: text, $: [null, { $$x: 1, gone: undefined }] }
  return { type: 'function_call_result', name: 'f', callId: 'a', status: 'completed', output, providerData }
})
const item = fc.oneof({ weight: 3, arbitrary: message }, { weight: 2, arbitrary: call }, { weight: 1, arbitrary: odd })
const items = fc.array(item, { maxLength: 4 })

function called(callId: string, args: string) {
  return { type: 'function_call', callId, name: 'f', arguments: args } as const
}

type Step =
  | { readonly add: AgentInputItem[] }
  | { readonly get: number | undefined }
  | { readonly mutate: SessionHistoryMutation[] }
  | { readonly operation: string; readonly append: AgentInputItem[] }
  | { readonly operation: string; readonly suffix: number; readonly replacement: AgentInputItem[] }
  | 'pop'
  | 'clear'

const mutation = fc.record({ callId, other: callId, text }).map(({ callId, other, text }): SessionHistoryMutation => {
  return { type: 'replace_function_call', callId, replacement: called(other, text) }
})
const operation = oneOf('one', 'two', 'three')
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: items.map((add) => ({ add })) },
  { weight: 2, arbitrary: oneOf(undefined, -1, 0, 1, 3, 100).map((get) => ({ get })) },
  { weight: 1, arbitrary: fc.array(mutation, { maxLength: 2 }).map((mutate) => ({ mutate })) },
  { weight: 1, arbitrary: fc.record({ operation, append: items }) },
  { weight: 2, arbitrary: fc.record({ operation, suffix: fc.nat(3), replacement: items }) },
  { weight: 2, arbitrary: oneOf<'pop' | 'clear'>('pop', 'pop', 'pop', 'clear') },
)

/** What upstream's interface has, of both. */
type AnySession = Pick<ThermoclineSession, keyof MemorySession & keyof ThermoclineSession>

/** What it answers; of a refusal that it was one, since the errors are each one's own. */
async function take(session: AnySession, step: Step, suffixOf: (count: number) => AgentInputItem[]): Promise<unknown> {
  if (step === 'pop') return session.popItem()
  if (step === 'clear') return session.clearSession()
  if ('add' in step) return session.addItems(step.add)
  if ('get' in step) return session.getItems(step.get)
  if ('mutate' in step) return session.applyHistoryMutations({ mutations: step.mutate })
  const transaction: SessionHistoryTransaction =
    'append' in step
      ? { type: 'append_items', items: step.append }
      : { type: 'replace_suffix', expectedSuffix: suffixOf(step.suffix), replacement: step.replacement }
  try {
    return await session.applyHistoryTransaction({ operationId: step.operation, transaction })
  } catch {
    return 'refused'
  }
}

describeMainPair('a session', (pair) => {
  const { store, view } = shareStore(pair)

  test('answers what MemorySession answers', { timeout: 36_000_000 }, async () => {
    const property = fc.asyncProperty(
      fc.array(step, { minLength: 8, maxLength: 16 }),
      fc.boolean(),
      async (steps, isSuffix) => {
        const oracle = new MemorySession()
        const session = new ThermoclineSession(view())
        for (const step of steps) {
          const there = await oracle.getItems()
          // A suffix that is there, or one that mostly is not.
          const suffixOf = (count: number) =>
            isSuffix ? structuredClone(there.slice(there.length - count)) : [said('x')]
          const expected = await take(oracle, step, suffixOf)
          expect(await take(session, step, suffixOf)).toEqual(expected)
          expect(await session.getItems()).toEqual(await oracle.getItems())
        }
      },
    )
    await fc.assert(property, { numRuns: budget({ short: 2, long: 100 }) })
  })

  test('is found by its id in another object, and not by another', async () => {
    const own = view()
    for (const sessionId of ['monday', 'with / and \0', 'x'.repeat(600), `sha256:${'0'.repeat(64)}`]) {
      const session = new ThermoclineSession(own, { sessionId })
      await session.addItems([said(sessionId)])
      expect(await new ThermoclineSession(own, { sessionId }).getItems()).toEqual([said(sessionId)])
      expect(await session.getSessionId()).toBe(sessionId)
    }
    expect(await new ThermoclineSession(own).getItems()).toEqual([])
    expect(await new ThermoclineSession(view(), { sessionId: 'monday' }).getItems()).toEqual([])
  })

  test('has what several writers add at the same time, each call together, and of one object in order', async () => {
    const sessions = Array.from({ length: 4 }, () => new ThermoclineSession(store(), { sessionId: 'shared' }))
    const added = sessions.flatMap((session, who) =>
      [0, 1, 2].map((nth) => session.addItems(['a', 'b', 'c'].map((part) => said(`${who} ${nth} ${part}`)))),
    )
    await Promise.all(added)
    const all = texts(await sessions[0]!.getItems())
    expect(all).toHaveLength(36)
    for (let at = 0; at < all.length; at += 3)
      expect(all.slice(at, at + 3).map((one) => one.slice(0, 3))).toEqual(Array(3).fill(all[at]!.slice(0, 3)))
    for (const who of [0, 1, 2, 3])
      expect(all.filter((one) => one.startsWith(`${who} `)).map((one) => one[2])).toEqual([...'000111222'])
  })

  test('gives way to a compaction in one step', async () => {
    const own = view()
    const session = new ThermoclineSession(own, { sessionId: 'long' })
    // More than one write takes.
    const all = Array.from({ length: budget({ short: 20, long: 2_000 }) }, (_, nth) => `${nth}`)
    await session.addItems(all.map(said))
    expect(texts(await session.getItems(2))).toEqual(all.slice(-2))
    expect(texts(await session.getItems())).toEqual(all)
    await session.replaceHistoryWithCompaction([said('summary'), said(all.at(-1)!)])
    expect(texts(await session.getItems())).toEqual(['summary', all.at(-1)])
    expect(await own.namespace('openai-agents', 'long').chunks.count()).toBe(2)
  })

  test('refuses a compaction that one write cannot take, and is as it was', async () => {
    const session = new ThermoclineSession(view())
    await session.addItems([said('a')])
    const many = Array.from({ length: 1_001 }, (_, nth) => said(`${nth}`))
    await expect(session.replaceHistoryWithCompaction(many)).rejects.toThrow('1000')
    expect(texts(await session.getItems())).toEqual(['a'])
  })

  test('is read as it was before a compaction or after it', async () => {
    const own = view()
    const options = { sessionId: 'a' }
    await new ThermoclineSession(own, options).addItems([said('a'), said('b')])
    const died = async () => {
      throw new Error('died')
    }
    // It gives way between the reads, by a process that dies before it deletes what was there.
    const compacting = new ThermoclineSession(atFirst(own, 'deleteWhere', died), options)
    const reading = atFirst(own, 'getByKey', async (call) => {
      const head = await call()
      await expect(compacting.replaceHistoryWithCompaction([said('summary')])).rejects.toThrow('died')
      return head
    })
    expect(texts(await new ThermoclineSession(reading, options).getItems())).toEqual(['summary'])
  })

  test('applies a transaction as it was given, and refuses one of another type', async () => {
    const session = new ThermoclineSession(view())
    const items = [said('a')]
    const applied = session.applyHistoryTransaction({
      operationId: 'o',
      transaction: { type: 'append_items', items },
    })
    items.push(said('later'))
    await applied
    expect(texts(await session.getItems())).toEqual(['a'])
    const unknown = { operationId: 'p', transaction: { type: 'truncate' } } as never
    const refused = { code: 'ERR_INVALID_ENTRY', details: { field: 'transaction' } }
    await expect(session.applyHistoryTransaction(unknown)).rejects.toMatchObject(refused)
  })

  test('adds nothing of a call of which an item is too large', async () => {
    const session = new ThermoclineSession(view())
    const large = said('x'.repeat(7 * 1024 * 1024))
    await expect(session.addItems([said('a'), large])).rejects.toMatchObject({ code: 'ERR_INVALID_ENTRY' })
    expect(await session.getItems()).toEqual([])
  })

  const cyclic: Record<string, unknown> = { type: 'message' }
  cyclic.content = [cyclic]
  test.each<[string, unknown]>([
    ['contains itself', cyclic],
    ['has NaN', { type: 'message', at: Number.NaN }],
    ['has a Map', { type: 'message', map: new Map([['a', 1]]) }],
    ['has a function', { type: 'message', call: () => 1 }],
  ])('refuses an item that %s', async (_, item) => {
    const session = new ThermoclineSession(view())
    const refused = { code: 'ERR_INVALID_ENTRY', details: { field: 'metadata' } }
    await expect(session.addItems([item as AgentInputItem])).rejects.toMatchObject(refused)
    expect(await session.getItems()).toEqual([])
  })

  test.each([
    ['where nothing was', []],
    ['and cleared once more', ['a']],
  ])('keeps the mark of a transaction that is applied while it is cleared, %s', async (_, before) => {
    const own = view()
    const options = { sessionId: 'a' }
    const session = new ThermoclineSession(own, options)
    await session.addItems(before.map(said))
    const apply = () =>
      session.applyHistoryTransaction({ operationId: 'o', transaction: { type: 'append_items', items: [said('b')] } })
    const other = new ThermoclineSession(
      atFirst(own, 'deleteWhere', async (call) => {
        await session.clearSession()
        await apply()
        return call()
      }),
      options,
    )
    await other.clearSession()
    await apply()
    await apply()
    expect(texts(await session.getItems())).toEqual(['b'])
  })

  test('is searched by what was said', async () => {
    const own = view()
    const session = new ThermoclineSession(own, { sessionId: 'a' })
    const content = [{ type: 'output_text' as const, text: 'Ice floats' }]
    await session.addItems([{ type: 'message', role: 'assistant', status: 'completed', content }, said('Really?')])
    const { hits } = await own.chunks.search({ text: 'ice', recursive: true })
    expect(hits.map(({ entry }) => entry.text)).toEqual(['Ice floats'])
  })

  test('lives as long as it says after the latest write', async () => {
    const own = view()
    await new ThermoclineSession(own, { sessionId: 'a', ttl: '1h' }).addItems([said('a')])
    const { items } = await own.namespace('openai-agents', 'a').entries.find()
    expect(items.map(({ createdAt, expiresAt }) => expiresAt!.getTime() - createdAt.getTime())).toEqual([
      3_600_000, 3_600_000,
    ])
  })

  test("has upstream's runner go on where another was", async () => {
    const own = view()
    const answers: unknown[] = []
    for (const question of ['I cannot eat nuts', 'What can I eat?', 'And tomorrow?']) {
      const model = new CountingModel()
      const runner = new Runner({ tracingDisabled: true })
      const session = new ThermoclineSession(own, { sessionId: 'lunch' })
      const { finalOutput } = await runner.run(new Agent({ name: 'cook', model }), question, { session })
      answers.push([finalOutput, model.heard[0]!.includes('nuts')])
    }
    expect(answers).toEqual([
      ['1 messages', true],
      ['3 messages', true],
      ['5 messages', true],
    ])
  })
})

/** Stands for a model: it answers how many messages it was given, and notes them. */
class CountingModel implements Model {
  readonly heard: string[] = []

  async getResponse({ input }: ModelRequest): Promise<ModelResponse> {
    const given = typeof input === 'string' ? [said(input)] : input
    this.heard.push(JSON.stringify(given))
    const content = [{ type: 'output_text' as const, text: `${given.length} messages` }]
    return { usage: new Usage(), output: [{ type: 'message', role: 'assistant', status: 'completed', content }] }
  }

  getStreamedResponse(): never {
    throw new Error('nobody streams here')
  }
}

describe('a session', () => {
  test('of a store that makes vectors is found by what was said, and has items in which nothing was', async () => {
    const embedMany = async (given: string[]) => {
      if (given.includes('')) throw new Error('an empty text')
      return given.map((text) => (/nut/.test(text) ? [1, 0.1] : [0.1, 1]))
    }
    const store = await openInMemory({ embed: { model: 'm', dimensions: 2, embedMany } })
    const session = new ThermoclineSession(store)
    const items = [called('a', '{}'), said('I cannot eat nuts'), said('')]
    await session.addItems(items)
    expect(await session.getItems()).toEqual(items)
    const view = store.namespace('openai-agents')
    const found = await view.chunks.search({ text: 'nuts', by: 'vector', k: 1, recursive: true })
    expect(found.hits[0]!.entry.text).toBe('I cannot eat nuts')
    await store.close()
  })

  test('refuses what is no store, option or id', () => {
    const refused = (option: string) => expect.objectContaining({ code: 'ERR_INVALID_OPTIONS', details: { option } })
    expect(() => new ThermoclineSession({} as never)).toThrow(refused('store'))
    const store = { namespace: () => ({}), chunks: {} } as never
    expect(() => new ThermoclineSession(store, { sessionId: '' })).toThrow(refused('sessionId'))
    expect(() => new ThermoclineSession(store, { ttl: 0 })).toThrow(refused('ttl'))
    expect(() => new ThermoclineSession(store, { session: 'a' } as never)).toThrow(refused('session'))
  })
})
