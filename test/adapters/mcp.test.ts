/**
 * `thermocline/mcp` asked by the SDK's own client: what the tools do, and what a model is told. The command is in
 * test/cli/mcp.test.ts.
 */
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createMemoryServer, type MemoryServerOptions } from '../../src/adapters/mcp/memory-server.ts'
import type { MemoryStore, NamespaceView } from '../../src/index.ts'
import { describeMainPair, openInMemory, shareStore } from '../flow/stores.ts'

/** Stands for a model: what is about food is one way, all else another. */
const embed = async (texts: string[]) => texts.map((text) => (/eat|nut|food|allerg/i.test(text) ? [1, 0.1] : [0.1, 1]))

interface Shown {
  readonly id: string
  readonly text: string
  readonly [field: string]: unknown
}

/** Asks a server of these memories, and answers what its text says as JSON. */
async function clientOf(store: MemoryStore | NamespaceView, options?: MemoryServerOptions) {
  const server = createMemoryServer(store, options)
  const client = new Client({ name: 'test', version: '1' })
  const [ours, theirs] = InMemoryTransport.createLinkedPair()
  await server.connect(ours)
  await client.connect(theirs)
  onTestFinished(() => client.close())
  const ask = async (name: string, given: object = {}) => {
    const { content, isError } = (await client.callTool({ name, arguments: { ...given } })) as CallToolResult
    const [said] = content
    return { isError: isError === true, said: said?.type === 'text' ? said.text : '' }
  }
  const call = async <T = Shown>(name: string, given?: object): Promise<T> => {
    const { isError, said } = await ask(name, given)
    expect(isError, said).toBe(false)
    return JSON.parse(said) as T
  }
  const texts = async (name: string, given: object = {}): Promise<string[]> =>
    (await call<{ memories: Shown[] }>(name, given)).memories.map(({ text }) => text)
  return { client, ask, call, texts }
}

describeMainPair('the memory of a model', (pair) => {
  const { store, view } = shareStore(pair)

  test('keeps a fact, and finds it by its words, all of them before some', async () => {
    const own = view()
    const { call, texts } = await clientOf(own)
    await call('remember', { text: 'Ada cannot eat nuts', tags: ['ada', 'food'] })
    await call('remember', { text: 'Bob eats nuts and cannot stand tea', tags: ['bob', 'food'] })
    await call('remember', { text: 'Ada moves to Lisbon in May', tags: ['ada'] })
    expect(await texts('recall', { query: 'lisbon' })).toEqual(['Ada moves to Lisbon in May'])
    expect((await texts('recall', { query: 'tea nuts' }))[0]).toBe('Bob eats nuts and cannot stand tea')
    expect(await texts('recall', { query: 'What can Ada eat?' })).toContain('Ada cannot eat nuts')
    expect(await texts('recall', { query: 'nuts', tags: ['food', 'ada'] })).toEqual(['Ada cannot eat nuts'])
    expect(await texts('recall', { query: 'nuts or lisbon', limit: 1 })).toHaveLength(1)
    expect(await texts('recall', { query: '???' })).toEqual([])
    // As long as one may be; of its words only some are looked for.
    const long = Array.from({ length: 31 }, (_, nth) => `${nth}`.padEnd(124, 'x')).join(' ')
    expect(await texts('recall', { query: `lisbon ${long}`.padEnd(4_000, 'x') })).toEqual([
      'Ada moves to Lisbon in May',
    ])
  })

  test('shows of a memory what a model can use', async () => {
    const own = view()
    const { call } = await clientOf(own)
    const { id } = await call('remember', { text: 'Tea at five', key: 'tea', tags: ['habit'], lasts: '30d' })
    const { createdAt, expiresAt, ...rest } = await call('get_memory', { id: 'tea' })
    expect(rest).toEqual({ id, key: 'tea', text: 'Tea at five', tags: ['habit'] })
    expect(new Date(expiresAt as string).getTime() - new Date(createdAt as string).getTime()).toBe(30 * 86_400_000)
    const chunk = { text: 'x'.repeat(60_000), documentId: 'a.md', metadata: { page: 7 }, embedding: [1, 0] }
    const { id: long } = await own.chunks.put(chunk)
    expect(await call('get_memory', { id: long })).toMatchObject({
      ...{ more: 10_000, documentId: 'a.md', metadata: { page: 7 } },
    })
    const emoji = `${'x'.repeat(49_999)}\u{1f600}y`
    await own.chunks.update(long, { text: emoji })
    const part = await call('get_memory', { id: long })
    const end = await call('get_memory', { id: long, from: part.text.length })
    expect([part.more, end.more, part.text + end.text]).toEqual([3, undefined, emoji])
    await own.chunks.update(long, { text: chunk.text })
    const { memories } = await call<{ memories: Shown[] }>('list_memories')
    expect(memories.map(({ text, more }) => [text.length, more])).toEqual([
      [300, 59_700],
      [11, undefined],
    ])
    expect(JSON.stringify(memories)).not.toContain('embedding')
  })

  test('replaces what has the same key, changes text and tags apart, and forgets', async () => {
    const { call, texts, ask } = await clientOf(view())
    const first = await call('remember', { text: 'Ada eats meat', key: 'diet' })
    expect((await call('remember', { text: 'Ada eats no meat', key: 'diet' })).id).toBe(first.id)
    await call('update_memory', { id: 'diet', tags: ['ada'] })
    await call('update_memory', { id: first.id.toUpperCase(), text: 'Ada eats no fish' })
    expect(await call('get_memory', { id: 'diet' })).toMatchObject({ text: 'Ada eats no fish', tags: ['ada'] })
    expect(await call('forget', { id: 'diet' })).toEqual({ forgotten: 'diet' })
    expect(await texts('list_memories')).toEqual([])
    for (const name of ['get_memory', 'forget', 'update_memory'])
      expect(await ask(name, { id: 'diet', ...(name === 'update_memory' ? { text: 'x' } : {}) })).toEqual({
        isError: true,
        said: expect.stringMatching(/^there is no (such )?memory.*`recall`/i),
      })
  })

  test('lists page by page, the latest first', async () => {
    const { call } = await clientOf(view())
    for (const text of ['one', 'two', 'three']) await call('remember', { text, tags: ['n'] })
    type Page = { memories: Shown[]; nextCursor?: string }
    const page = await call<Page>('list_memories', { limit: 2, tags: ['n'] })
    const { nextCursor: cursor } = page
    const last = await call<Page>('list_memories', { limit: 2, tags: ['n'], cursor })
    expect([page, last].map(({ memories }) => memories.map(({ text }) => text))).toEqual([['three', 'two'], ['one']])
    expect(last.nextCursor).toBeUndefined()
  })

  test('finds by meaning where it is given how to embed, and what has no vector by its words', async () => {
    const own = view()
    await own.chunks.put({ text: 'The staff canteen closes at two' })
    const { call, texts } = await clientOf(own, { embed })
    await call('remember', { text: 'Ada is allergic to almonds', key: 'ada' })
    await call('remember', { text: 'Bob plays chess' })
    expect((await texts('recall', { query: 'food', limit: 1 }))[0]).toBe('Ada is allergic to almonds')
    expect(await texts('recall', { query: 'canteen', limit: 8 })).toContain('The staff canteen closes at two')
    await call('update_memory', { id: 'ada', text: 'Ada paints' })
    expect((await own.chunks.getByKey('ada'))!.embedding).toEqual(Float32Array.of(0.1, 1))
    const { call: callWithout } = await clientOf(own)
    await callWithout('update_memory', { id: 'ada', text: 'Ada eats almonds again' })
    expect((await own.chunks.getByKey('ada'))!.embedding).toBeUndefined()
  })

  test('that only looks has no other tools, and counts nothing as read', async () => {
    const own = view()
    const { id } = await own.chunks.put({ text: 'Ice floats' })
    const { client, call, texts, ask } = await clientOf(own, { readOnly: true })
    const { tools } = await client.listTools()
    expect(tools.map(({ name, annotations }) => [name, annotations?.readOnlyHint])).toEqual([
      ['recall', true],
      ['get_memory', true],
      ['list_memories', true],
    ])
    await texts('recall', { query: 'ice' })
    await call('get_memory', { id })
    await store().sync()
    expect((await own.chunks.peek(id))!.accessCount).toBe(0)
    await (await clientOf(own)).texts('recall', { query: 'ice' })
    await store().sync()
    expect((await own.chunks.peek(id))!.accessCount).toBe(1)
    expect(await ask('remember', { text: 'x' })).toMatchObject({ isError: true })
  })

  test('stays in its namespace', async () => {
    const { call, texts, ask } = await clientOf(view())
    const { id } = await call('remember', { text: 'Ice floats', key: 'ice' })
    const other = await clientOf(store().namespace('test', 'other'))
    expect(await other.texts('recall', { query: 'ice' })).toEqual([])
    expect((await other.ask('forget', { id })).isError).toBe(true)
    expect((await ask('get_memory', { id })).isError).toBe(false)
    expect(await texts('list_memories')).toEqual(['Ice floats'])
  })

  test('tells a model what to give in place of what it gave', async () => {
    const own = view()
    await own.metadata.put({ key: 'settings', metadata: { theme: 'dark' } })
    const { ask } = await clientOf(own)
    const told = async (name: string, given: object) => {
      const { isError, said } = await ask(name, given)
      return isError && said
    }
    expect(await told('remember', { text: 'x', lasts: 'a while' })).toMatch(/`ttl`.*Call again with that changed/s)
    expect(await told('remember', { text: 'x', key: '019a0000-0000-7000-8000-000000000000' })).toMatch(
      /looks like an id/,
    )
    expect(await told('remember', { text: 'x', importance: 3 })).toMatch(/importance/)
    expect(await told('remember', { text: 'x', key: 'settings' })).toMatch(/no memory has that key/)
    expect(await told('update_memory', { id: 'settings' })).toMatch(/say what changes/)
    expect(await told('list_memories', { cursor: 'nowhere' })).toMatch(/cursor.*Call again/s)
  })
})

describe('the tools', () => {
  test('say when they are to be used, and what each input is', async () => {
    const store = await openInMemory()
    const { client } = await clientOf(store, { name: 'ada', version: '2' })
    const { tools } = await client.listTools()
    for (const { description, inputSchema } of tools) {
      expect(description).toMatch(/Use it/)
      for (const input of Object.values(inputSchema.properties ?? {})) expect(input).toHaveProperty('description')
    }
    const [recall] = tools
    expect(recall!.inputSchema.properties).toMatchObject({ query: { maxLength: 4_000 } })
    expect(tools.filter(({ annotations }) => annotations?.destructiveHint).map(({ name }) => name)).toEqual([
      'update_memory',
      'forget',
    ])
    expect(client.getServerVersion()).toMatchObject({ name: 'ada', version: '2' })
    expect(client.getInstructions()).toMatch(/recall/)
    await store.close()
  })

  test('find by the model of a store that was opened with one', async () => {
    const model = { model: 'test', dimensions: 2, embedMany: embed }
    const store = await openInMemory({ embed: model })
    const { call, texts } = await clientOf(store)
    for (const text of ['Bob plays chess', 'Ada is allergic to almonds'])
      await call('remember', { text, key: text[0]! })
    expect((await texts('recall', { query: 'food', limit: 1 }))[0]).toBe('Ada is allergic to almonds')
    await call('update_memory', { id: 'B', text: 'Bob eats nuts' })
    expect((await store.chunks.getByKey('B'))!.embedding).toEqual(Float32Array.of(1, 0.1))
    await store.close()
  })

  test('say of a store that is closed, and of a model that fails, that the memory is to be left alone', async () => {
    const store = await openInMemory()
    const failing = async () => {
      throw new Error('the key is sk-123')
    }
    const { ask } = await clientOf(store, { embed: failing })
    expect(await ask('recall', { query: 'x' })).toEqual({
      isError: true,
      said: expect.stringMatching(/Go on without it/),
    })
    expect((await ask('recall', { query: 'x' })).said).not.toContain('sk-123')
    await store.close()
    const closed = await clientOf(store)
    expect((await closed.ask('recall', { query: 'x' })).said).toMatch(/ERR_CLOSED/)
  })

  test('refuse what is no option, no function and no store', () => {
    const refused = (option: string) => expect.objectContaining({ code: 'ERR_INVALID_OPTIONS', details: { option } })
    expect(() => createMemoryServer({} as never)).toThrow(refused('store'))
    const store = { chunks: {} } as never
    expect(() => createMemoryServer(store, { embed: 'model' } as never)).toThrow(refused('embed'))
    expect(() => createMemoryServer(store, { tools: [] } as never)).toThrow(refused('tools'))
  })
})
