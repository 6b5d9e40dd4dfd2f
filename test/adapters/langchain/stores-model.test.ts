/**
 * The byte store, the history of a chat and the cache hold what LangChain's own in memory hold after the same random
 * calls. `FAULT_RUNS` sets how many sequences.
 */
import { InMemoryCache } from '@langchain/core/caches'
import { InMemoryChatMessageHistory } from '@langchain/core/chat_history'
import {
  AIMessage,
  type BaseMessage,
  HumanMessage,
  mapChatMessagesToStoredMessages,
  SystemMessage,
  ToolMessage,
} from '@langchain/core/messages'
import type { Generation } from '@langchain/core/outputs'
import { InMemoryStore } from '@langchain/core/stores'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  ThermoclineByteStore,
  ThermoclineCache,
  ThermoclineChatMessageHistory,
} from '../../../src/adapters/langchain/langchain.ts'
import { describeMainPair, shareStore } from '../../flow/stores.ts'
import { budget } from '../../tools/budget.ts'

const oneOf = <T>(...values: T[]) => fc.constantFrom(...values)
const of = <N extends string>(name: N) => fc.constant(name)
const key = oneOf('a', 'ab', 'abc', 'b', 'é/ \\', 'x'.repeat(512))
const keys = fc.array(key, { maxLength: 4 })
const bytes = fc.uint8Array({ maxLength: 20 })
const bytesCall = fc.oneof(
  fc.record({ does: of('set'), pairs: fc.array(fc.tuple(key, bytes), { maxLength: 4 }) }),
  fc.record({ does: of('get'), keys }),
  fc.record({ does: of('delete'), keys }),
  fc.record({ does: of('keys'), prefix: fc.option(oneOf('a', 'ab', 'é', ''), { nil: undefined }) }),
)

const text = oneOf('I cannot eat nuts', '', 'é\0', 'half \ud83d', '\u2028\\"')
const blocks = text.map((one) => [
  { type: 'text' as const, text: one },
  { type: 'image_url' as const, image_url: { url: 'data:,' } },
])
const message = fc.oneof(
  fc.oneof(text, blocks).map((content) => new HumanMessage({ content })),
  text.map((content) => new HumanMessage({ content, id: 'm1', name: 'ada', additional_kwargs: { seen: true } })),
  text.map((content) => new SystemMessage(content)),
  text.map((content) => new ToolMessage({ content, tool_call_id: 'c1', artifact: { n: 1 } })),
  fc.tuple(text, text).map(([content, city]) => {
    const tool_calls = [{ name: 'weather', args: { city, days: [1, null] }, id: 'c1', type: 'tool_call' as const }]
    const usage_metadata = { input_tokens: 1, output_tokens: 2, total_tokens: 3 }
    return new AIMessage({ content, tool_calls, usage_metadata, response_metadata: { model: 'm' } } as never)
  }),
) as fc.Arbitrary<BaseMessage>
const session = oneOf('one', 'two', 'one/two', '\u00e9 three')
const chatCall = fc.oneof(
  { weight: 4, arbitrary: fc.record({ does: of('add'), session, messages: fc.array(message, { maxLength: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ does: of('say'), session, said: text }) },
  { weight: 2, arbitrary: fc.record({ does: of('read'), session }) },
  { weight: 1, arbitrary: fc.record({ does: of('clear'), session }) },
)

const generation = fc.oneof(
  text.map((one): Generation => ({ text: one, generationInfo: { finish: 'stop', n: [1] } })),
  text.map((one): Generation => ({ text: one })),
  message.map((one) => ({ text: one.text, message: one }) as Generation),
)
const cacheCall = fc.record({
  prompt: oneOf('p', 'q', ''),
  model: oneOf('m', 'n'),
  value: fc.option(fc.array(generation, { maxLength: 2 })),
})

const plain = (messages: readonly BaseMessage[]) => mapChatMessagesToStoredMessages([...messages])
const shown = (value: Generation[] | null) =>
  value?.map((one) => ('message' in one ? { ...one, message: plain([one.message as BaseMessage]) } : one)) ?? null

async function allOf(keys: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = []
  for await (const key of keys) all.push(key)
  return all
}

describeMainPair('what LangChain keeps', (pair) => {
  const { view } = shareStore(pair)
  const numRuns = budget({ short: 5, long: 100 })

  test('of bytes is what its InMemoryStore has', { timeout: 36_000_000 }, async () => {
    const property = fc.asyncProperty(fc.array(bytesCall, { maxLength: 10 }), async (calls) => {
      const [ours, oracle] = [new ThermoclineByteStore({ store: view() }), new InMemoryStore<Uint8Array>()]
      for (const call of calls) {
        for (const store of [ours, oracle]) {
          if (call.does === 'set') await store.mset(call.pairs)
          if (call.does === 'delete') await store.mdelete(call.keys)
        }
        if (call.does === 'get') expect(await ours.mget(call.keys)).toEqual(await oracle.mget(call.keys))
        if (call.does === 'keys') {
          const [yielded, expected] = [ours, oracle].map((store) => allOf(store.yieldKeys(call.prefix)))
          expect((await yielded!).sort()).toEqual((await expected!).sort())
        }
      }
    })
    await fc.assert(property, { numRuns })
  })

  test('of chats is what its InMemoryChatMessageHistory has', { timeout: 36_000_000 }, async () => {
    const property = fc.asyncProperty(fc.array(chatCall, { maxLength: 8 }), async (calls) => {
      const store = view()
      const oracles = new Map<string, InMemoryChatMessageHistory>()
      for (const call of calls) {
        const oracle = oracles.get(call.session) ?? new InMemoryChatMessageHistory()
        oracles.set(call.session, oracle)
        const ours = new ThermoclineChatMessageHistory({ store, sessionId: call.session })
        for (const history of [ours, oracle]) {
          if (call.does === 'add') await history.addMessages(call.messages)
          if (call.does === 'clear') await history.clear()
          if (call.does !== 'say') continue
          await history.addUserMessage(call.said)
          await history.addAIMessage(call.said)
        }
        if (call.does === 'read') expect(plain(await ours.getMessages())).toEqual(plain(await oracle.getMessages()))
      }
      for (const [sessionId, oracle] of oracles) {
        const ours = new ThermoclineChatMessageHistory({ store, sessionId })
        expect(plain(await ours.getMessages())).toEqual(plain(await oracle.getMessages()))
      }
    })
    await fc.assert(property, { numRuns })
  })

  test('of answers is what its InMemoryCache has', { timeout: 36_000_000 }, async () => {
    const property = fc.asyncProperty(fc.array(cacheCall, { maxLength: 10 }), async (calls) => {
      const [ours, oracle] = [new ThermoclineCache({ store: view() }), new InMemoryCache()]
      for (const { prompt, model, value } of calls)
        if (value === null)
          expect(shown(await ours.lookup(prompt, model))).toEqual(shown(await oracle.lookup(prompt, model)))
        else for (const cache of [ours, oracle]) await cache.update(prompt, model, value)
    })
    await fc.assert(property, { numRuns })
  })
})
