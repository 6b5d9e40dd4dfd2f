/** `thermocline/ai` under the AI SDK itself. The model is the SDK's own test double; the store is real. */
import {
  generateText,
  type LanguageModelMiddleware,
  type ModelMessage,
  stepCountIs,
  streamText,
  wrapLanguageModel,
} from 'ai'
import { MockLanguageModelV3, simulateReadableStream } from 'ai/test'
import { describe, expect, test } from 'vitest'
import {
  MEMORY_INSTRUCTIONS,
  type MemoryMiddlewareOptions,
  memoryMiddleware,
  memoryTools,
} from '../../src/adapters/ai/memory-ai.ts'
import type { NamespaceView } from '../../src/index.ts'
import { describeMainPair, openInMemory, shareStore } from '../flow/stores.ts'

type Generated = Awaited<ReturnType<MockLanguageModelV3['doGenerate']>>
type Prompt = MockLanguageModelV3['doGenerateCalls'][number]['prompt']

const usage: Generated['usage'] = {
  inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 1, text: 1, reasoning: 0 },
}

function answering(text: string, unified: Generated['finishReason']['unified'] = 'stop'): Generated {
  return { content: [{ type: 'text', text }], finishReason: { unified, raw: undefined }, usage, warnings: [] }
}

function calling(toolName: string, input: object): Generated {
  const call = { type: 'tool-call', toolCallId: toolName, toolName, input: JSON.stringify(input) } as const
  return { content: [call], finishReason: { unified: 'tool-calls', raw: undefined }, usage, warnings: [] }
}

/** What a model was told, as text. */
function said(prompt: Prompt): string {
  return prompt.map(({ role, content }) => `${role}: ${JSON.stringify(content)}`).join('\n')
}

/** A model that answers so, each time. */
const saying = (text: string) => new MockLanguageModelV3({ doGenerate: answering(text) })

describeMainPair('the tools of the AI SDK', (pair) => {
  const { view } = shareStore(pair)

  test('have a model remember, and another recall', async () => {
    const tools = memoryTools(view())
    const stopWhen = stepCountIs(3)
    const first = new MockLanguageModelV3({
      doGenerate: [calling('remember', { text: 'Ada cannot eat nuts', tags: ['ada'] }), answering('Noted.')],
    })
    const told = { system: MEMORY_INSTRUCTIONS, tools, stopWhen }
    expect((await generateText({ ...told, model: first, prompt: 'I cannot eat nuts' })).text).toBe('Noted.')
    const second = new MockLanguageModelV3({
      doGenerate: [calling('recall', { query: 'nuts' }), calling('get_memory', { id: 'diet' }), answering('No nuts.')],
    })
    const { steps, text } = await generateText({ ...told, model: second, prompt: 'What can I eat?' })
    expect(text).toBe('No nuts.')
    expect(steps[0]!.toolResults[0]!.output).toMatchObject({
      memories: [{ text: 'Ada cannot eat nuts', tags: ['ada'] }],
    })
    // What fails is told to the model, which goes on.
    expect(said(second.doGenerateCalls[2]!.prompt)).toMatch(/there is no memory \\+"diet\\+"/)
  })

  test('look alone where they are to', () => {
    expect(Object.keys(memoryTools(view(), { readOnly: true }))).toEqual(['recall', 'get_memory', 'list_memories'])
    expect(Object.keys(memoryTools(view()))).toHaveLength(6)
  })
})

describeMainPair('the middleware of the AI SDK', (pair) => {
  const { view } = shareStore(pair)
  const wrapped = (model: MockLanguageModelV3, own: NamespaceView, options?: MemoryMiddlewareOptions) =>
    wrapLanguageModel({ model, middleware: memoryMiddleware(own, options) satisfies LanguageModelMiddleware })

  test('remembers an exchange, and tells it in a later conversation, behind what the system says', async () => {
    const own = view()
    await generateText({ model: wrapped(saying('Noted.'), own), prompt: 'I cannot eat nuts' })
    const model = saying('No nuts.')
    await generateText({ model: wrapped(model, own), system: 'You cook.', prompt: 'Are there nuts?' })
    const [system, notes, user] = model.doGenerateCalls[0]!.prompt
    expect([system, user!.role]).toEqual([expect.objectContaining({ content: 'You cook.' }), 'user'])
    expect(notes).toMatchObject({
      role: 'system',
      content: expect.stringMatching(
        /never instructions\.\n\n\[\d{4}-\d\d-\d\d\] "User: I cannot eat nuts\\nAssistant: Noted\."$/,
      ),
    })
    await generateText({ model: wrapped(model, own, { role: 'user', remember: false }), prompt: 'Are there nuts?' })
    const [asUser, question] = model.doGenerateCalls[1]!.prompt
    expect([asUser!.role, JSON.stringify(asUser!.content)]).toEqual(['user', expect.stringContaining('cannot eat')])
    expect(question!.content).toEqual([{ type: 'text', text: 'Are there nuts?' }])
    const { items } = await own.chunks.find({ orderBy: 'version' })
    expect(items.map(({ text }) => text)).toEqual([
      'User: I cannot eat nuts\nAssistant: Noted.',
      'User: Are there nuts?\nAssistant: No nuts.',
    ])
  })

  test('does not tell a model what it has in the prompt, nor anything where it knows nothing', async () => {
    const own = view()
    const model = saying('Yes.')
    const messages = [{ role: 'user', content: 'Is ice cold?' } as const]
    await generateText({ model: wrapped(model, own), messages })
    const more = [
      ...messages,
      { role: 'assistant', content: 'Yes.' },
      { role: 'user', content: 'Is ice water?' },
    ] as const
    await generateText({ model: wrapped(model, own), messages: [...more] })
    expect(model.doGenerateCalls.map(({ prompt }) => prompt.map(({ role }) => role))).toEqual([
      ['user'],
      ['user', 'assistant', 'user'],
    ])
  })

  test('nor what it has of an exchange with tools, or of a model that thought aloud', async () => {
    const own = view()
    await own.chunks.put({ text: 'User: How is ice?\nAssistant: Ice is cold.' })
    const model = saying('Ice.')
    const call = { toolCallId: '1', toolName: 'look' } as const
    const messages: ModelMessage[] = [
      { role: 'user', content: 'How is ice?' },
      { role: 'assistant', content: [{ type: 'tool-call', ...call, input: {} }] },
      { role: 'tool', content: [{ type: 'tool-result', ...call, output: { type: 'text', value: 'cold' } }] },
      {
        role: 'assistant',
        content: [
          { type: 'reasoning', text: 'They ask of ice.' },
          { type: 'text', text: 'Ice is cold.' },
        ],
      },
      { role: 'user', content: 'What is cold ice?' },
    ]
    await generateText({ model: wrapped(model, own), messages })
    expect(model.doGenerateCalls[0]!.prompt.map(({ role }) => role)).not.toContain('system')
  })

  test('takes what no text of an entry may hold, a pair cut by its bounds, and a long conversation', async () => {
    const own = view()
    const model = saying('Half \ud83d of \0')
    await generateText({ model: wrapped(model, own), prompt: `\0${'x'.repeat(1_998)}\u{1f600}` })
    const [item] = (await own.chunks.find()).items
    expect(item!.text).toBe(`User: \uFFFD${'x'.repeat(1_998)}\u{1f600}\nAssistant: Half \uFFFD of \uFFFD`)
    await own.chunks.put({ text: 'Ice floats' })
    const said = Array.from({ length: 1_000 }, (_, nth): ModelMessage[] => [
      { role: 'user', content: `${nth}` },
      { role: 'assistant', content: 'Yes.' },
    ]).flat()
    await generateText({ model: wrapped(model, own), messages: [...said, { role: 'user', content: 'ice' }] })
    expect(JSON.stringify(model.doGenerateCalls[1]!.prompt)).toContain('Ice floats')
  })

  test('waits for the answer behind tools, and keeps none that was cut off by a filter', async () => {
    const own = view()
    const model = new MockLanguageModelV3({ doGenerate: [calling('recall', { query: 'ice' }), answering('Cold.')] })
    const tools = memoryTools(own)
    await generateText({ model: wrapped(model, own), prompt: 'How is ice?', tools, stopWhen: stepCountIs(2) })
    const filtered = new MockLanguageModelV3({ doGenerate: answering('…', 'content-filter') })
    await generateText({ model: wrapped(filtered, own), prompt: 'And fire?' })
    expect((await own.chunks.find()).items.map(({ text }) => text)).toEqual(['User: How is ice?\nAssistant: Cold.'])
  })

  test('remembers what was streamed once the stream has ended', async () => {
    const own = view()
    const finishReason = { unified: 'stop', raw: undefined } as const
    const chunks = [
      { type: 'text-start', id: '1' } as const,
      ...['Ice ', 'floats.'].map((delta) => ({ type: 'text-delta', id: '1', delta }) as const),
      { type: 'text-end', id: '1' } as const,
      { type: 'finish', finishReason, usage } as const,
    ]
    const model = new MockLanguageModelV3({ doStream: async () => ({ stream: simulateReadableStream({ chunks }) }) })
    const { textStream } = streamText({ model: wrapped(model, own), prompt: 'What floats?' })
    let text = ''
    for await (const part of textStream) text += part
    expect(text).toBe('Ice floats.')
    expect((await own.chunks.find()).items.map((item) => item.text)).toEqual([
      'User: What floats?\nAssistant: Ice floats.',
    ])
  })

  test('keeps what it is told to keep, for as long as it is told, and recalls no more than that', async () => {
    const own = view()
    const remember = ({ user }: { user: string }) => [user, user.toUpperCase()]
    const options = { remember, ttl: '1h', limit: 0 } as const
    const model = saying('Yes.')
    for (const prompt of ['ice', 'ice']) await generateText({ model: wrapped(model, own, options), prompt })
    expect(model.doGenerateCalls[1]!.prompt).toHaveLength(1)
    const { items } = await own.chunks.find()
    expect(items.map((item) => item.text).sort()).toEqual(['ICE', 'ICE', 'ice', 'ice'])
    for (const { createdAt, expiresAt } of items) expect(expiresAt!.getTime() - createdAt.getTime()).toBe(3_600_000)
    await generateText({ model: wrapped(model, own, { remember: false, limit: 1 }), prompt: 'ice' })
    expect(model.doGenerateCalls[2]!.prompt).toHaveLength(2)
    expect(await own.chunks.count()).toBe(4)
  })
})

describe('the middleware', () => {
  test('tells who listens what the memory fails with, and else the caller', async () => {
    const store = await openInMemory()
    await store.close()
    const told: unknown[] = []
    const middleware = memoryMiddleware(store, { onError: (error) => told.push(error) })
    const { text } = await generateText({
      model: wrapLanguageModel({ model: saying('Yes.'), middleware }),
      prompt: 'ice',
    })
    expect(text).toBe('Yes.')
    expect(told).toEqual(Array(2).fill(expect.objectContaining({ code: 'ERR_CLOSED' })))
    const strict = wrapLanguageModel({ model: saying('Yes.'), middleware: memoryMiddleware(store) })
    await expect(generateText({ model: strict, prompt: 'ice', maxRetries: 0 })).rejects.toThrow(/closed/)
  })

  test('and the tools refuse what is no option and no store', () => {
    const refused = (option: string) => expect.objectContaining({ code: 'ERR_INVALID_OPTIONS', details: { option } })
    const store = { chunks: {} } as never
    expect(() => memoryTools({} as never)).toThrow(refused('store'))
    expect(() => memoryTools(store, { limit: 1 } as never)).toThrow(refused('limit'))
    expect(() => memoryMiddleware({} as never)).toThrow(refused('store'))
    for (const wrong of [
      { limit: 0.5 },
      { remember: true },
      { role: 'tool' },
      { onError: 'log' },
      { ttl: 'long' },
      { readOnly: true },
    ])
      expect(() => memoryMiddleware(store, wrong as never)).toThrow(refused(Object.keys(wrong)[0]!))
  })
})
