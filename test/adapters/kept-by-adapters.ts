/**
 * What each adapter is asked to keep by a process that is killed: calls that are told by their number what they do, so
 * that a reader knows what they made of what was there.
 */
import type { SessionStoreEntry } from '@anthropic-ai/claude-agent-sdk'
import { HumanMessage } from '@langchain/core/messages'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'
import type { AgentInputItem } from '@openai/agents-core'
import { Keyv } from 'keyv'
import { ThermoclineMemoryTool } from '../../src/adapters/anthropic/memory-tool.ts'
import { ThermoclineSessionStore } from '../../src/adapters/claude/thermocline-session-store.ts'
import { KeyvThermocline } from '../../src/adapters/keyv/keyv-thermocline.ts'
import {
  ThermoclineByteStore,
  ThermoclineChatMessageHistory,
  ThermoclineRecordManager,
  ThermoclineVectorStore,
} from '../../src/adapters/langchain/langchain.ts'
import { ThermoclineStore } from '../../src/adapters/langgraph/langgraph.ts'
import { createMemoryServer } from '../../src/adapters/mcp/memory-server.ts'
import { ThermoclineSession } from '../../src/adapters/openai-agents/thermocline-session.ts'
import type { NamespaceView } from '../../src/index.ts'

/** What is there, by names. */
export type State = Readonly<Record<string, unknown>>

export interface Keeper {
  call(n: number): Promise<unknown>
  found(): Promise<State>
}

export interface Kept {
  readonly name: string
  /** Whether all of a call is there or none. Of the others each member of the state is for itself. */
  readonly isWhole: boolean
  open(view: NamespaceView): Keeper | Promise<Keeper>
  /** What the nth call makes of what is there. */
  after(state: State, n: number): State
}

/** All are called at the same time, on a machine that may be busy. */
export const PATIENT = { cold: 300_000, search: 300_000 } as const

const three = (n: number): string[] => [0, 1, 2].map((i) => `${n}.${i}`)
/** Long enough that a write is cut by a kill now and then. */
const long = (text: string): string => `${text} `.repeat(500)
const put = (state: State, keys: readonly string[], toValue: (key: string) => unknown): State => ({
  ...state,
  ...Object.fromEntries(keys.map((key) => [key, toValue(key)])),
})
const without = (state: State, isGone: (key: string) => boolean): State =>
  Object.fromEntries(Object.entries(state).filter(([key]) => !isGone(key)))
const of = (n: number) => (key: string) => key.startsWith(`${n}.`)

const embeddings = {
  embedQuery: async (text: string) => [text.length, 1],
  embedDocuments: async (texts: string[]) => texts.map(({ length }) => [length, 1]),
}

/** Replaces one, adds three; deletes those before by their ids, or by a filter. */
const vectorStore: Kept = {
  name: 'vector store',
  isWhole: false,
  open(store) {
    const vectors = new ThermoclineVectorStore(embeddings, { store })
    return {
      async call(n) {
        if (n % 4 === 3) return vectors.delete({ ids: three(n - 1) })
        if (n % 4 === 0) return vectors.delete({ filter: { n: n - 3 } })
        const ids = [...three(n), 'same']
        const documents = ids.map((id) => ({ pageContent: long(`${id} of ${n}`), metadata: { n } }))
        return vectors.addDocuments(documents, { ids })
      },
      async found() {
        const documents = await vectors.similaritySearch('any', 1_000)
        return Object.fromEntries(documents.map(({ id, pageContent }) => [id!, pageContent]))
      },
    }
  },
  after(state, n) {
    if (n % 4 === 3) return without(state, of(n - 1))
    if (n % 4 === 0) return without(state, of(n - 3))
    return put(state, [...three(n), 'same'], (id) => long(`${id} of ${n}`))
  },
}

const recordManager: Kept = {
  name: 'record manager',
  isWhole: false,
  open(store) {
    const records = new ThermoclineRecordManager({ store })
    return {
      call: (n) => (n % 3 === 0 ? records.deleteKeys(three(n - 1)) : records.update(three(n), { groupIds: three(n) })),
      found: async () => Object.fromEntries((await records.listKeys()).map((key) => [key, true])),
    }
  },
  after: (state, n) => (n % 3 === 0 ? without(state, of(n - 1)) : put(state, three(n), () => true)),
}

const byteStore: Kept = {
  name: 'byte store',
  isWhole: false,
  open(store) {
    const bytes = new ThermoclineByteStore({ store })
    return {
      call: (n) =>
        n % 3 === 0 ? bytes.mdelete(three(n - 1)) : bytes.mset(three(n).map((key) => [key, Buffer.from(long(key))])),
      async found() {
        const keys: string[] = []
        for await (const key of bytes.yieldKeys()) keys.push(key)
        const values = await bytes.mget(keys)
        return Object.fromEntries(keys.map((key, i) => [key, Buffer.from(values[i]!).toString()]))
      },
    }
  },
  after: (state, n) => (n % 3 === 0 ? without(state, of(n - 1)) : put(state, three(n), long)),
}

const chatHistory: Kept = {
  name: 'chat history',
  isWhole: false,
  open(store) {
    const chat = new ThermoclineChatMessageHistory({ store, sessionId: 'a' })
    return {
      call: (n) => (n % 10 === 0 ? chat.clear() : chat.addMessages(three(n).map((text) => new HumanMessage(text)))),
      found: async () => Object.fromEntries((await chat.getMessages()).map(({ text }) => [text, true])),
    }
  },
  after: (state, n) => (n % 10 === 0 ? {} : put(state, three(n), () => true)),
}

const keyv: Kept = {
  name: 'keyv',
  isWhole: false,
  open(view) {
    const keyv = new Keyv({ store: new KeyvThermocline(view), namespace: 'a' })
    return {
      async call(n) {
        if (n % 10 === 0) return keyv.clear()
        if (n % 5 === 0) return keyv.delete(three(n - 1))
        if (n % 5 === 1) return keyv.set('same', n)
        return keyv.setMany(three(n).map((key) => ({ key, value: long(key) })))
      },
      async found() {
        const pairs: (readonly [string, unknown])[] = []
        for await (const [key, value] of keyv.iterator!(undefined)) pairs.push([key, value])
        return Object.fromEntries(pairs)
      },
    }
  },
  after(state, n) {
    if (n % 10 === 0) return {}
    if (n % 5 === 0) return without(state, of(n - 1))
    return n % 5 === 1 ? { ...state, same: n } : put(state, three(n), long)
  },
}

/** Three items of one namespace, with vectors, and one of them deleted together with a put. */
const langgraphStore: Kept = {
  name: 'store of langgraph',
  isWhole: true,
  open(view) {
    const index = { dims: 2, embeddings, fields: ['text'] }
    const store = new ThermoclineStore(view, { index })
    const operation = (n: number, key: string, value: object | null) =>
      store.batch([
        ...three(n).map((one) => ({ namespace: ['a'], key: one, value: { text: long(one) } })),
        { namespace: ['a'], key, value: value as Record<string, unknown> | null },
      ])
    return {
      call: (n) => operation(n, n % 3 === 0 ? `${n - 1}.1` : 'same', n % 3 === 0 ? null : { text: `of ${n}` }),
      async found() {
        const items = await store.search(['a'], { limit: 1_000 })
        return Object.fromEntries(items.map(({ key, value }) => [key, value.text]))
      },
    }
  },
  after(state, n) {
    const more = put(state, three(n), long)
    return n % 3 === 0 ? without(more, (key) => key === `${n - 1}.1`) : { ...more, same: `of ${n}` }
  },
}

const textsOf = (state: State): string[] => (state.items as string[] | undefined) ?? []

const openaiSession: Kept = {
  name: 'openai session',
  isWhole: true,
  open(view) {
    const session = new ThermoclineSession(view, { sessionId: 'a' })
    const said = (text: string): AgentInputItem => ({ type: 'message', role: 'user', content: text })
    return {
      call(n) {
        if (n % 10 === 0) return session.clearSession()
        if (n % 5 === 0) return session.popItem()
        if (n % 5 === 1) return session.replaceHistoryWithCompaction(three(n).map(said))
        if (n % 5 !== 2) return session.addItems(three(n).map(said))
        const transaction = { type: 'append_items', items: three(n).map(said) } as const
        return session.applyHistoryTransaction({ operationId: `${n}`, transaction })
      },
      async found() {
        const items = await session.getItems()
        return { items: items.map((item) => (item as { content: string }).content) }
      },
    }
  },
  after(state, n) {
    if (n % 10 === 0) return { items: [] }
    if (n % 5 === 0) return { items: textsOf(state).slice(0, -1) }
    return { items: n % 5 === 1 ? three(n) : [...textsOf(state), ...three(n)] }
  },
}

const claudeSession: Kept = {
  name: 'claude session',
  isWhole: true,
  open(view) {
    const sessions = new ThermoclineSessionStore(view)
    const key = { projectKey: 'p', sessionId: 's' }
    const entries = (n: number) => three(n).map((uuid) => ({ type: 'user', uuid }) as SessionStoreEntry)
    return {
      call: (n) => (n % 10 === 0 ? sessions.delete(key) : sessions.append(key, entries(n))),
      found: async () => ({ items: ((await sessions.load(key)) ?? []).map(({ uuid }) => uuid) }),
    }
  },
  after: (state, n) => (n % 10 === 0 ? { items: [] } : { items: [...textsOf(state), ...three(n)] }),
}

/** Makes a file in a directory of its own, changes it, has the directory moved, and deletes one. */
const memoryTool: Kept = {
  name: 'memory tool',
  isWhole: true,
  open(view) {
    const tool = new ThermoclineMemoryTool(view)
    const at = (n: number, name = '') => `/memories/${n}${name}`
    const make = (n: number, name: string) =>
      tool.create({ command: 'create', path: at(n, `/${name}`), file_text: `${n} ${name}` })
    return {
      async call(n) {
        if (n % 5 === 1) return make(n, 'a')
        if (n % 5 === 2) return make(n - 1, 'b')
        if (n % 5 === 3)
          return tool.str_replace({ command: 'str_replace', path: at(n - 2, '/a'), old_str: 'a', new_str: 'A' })
        if (n % 5 === 4) return tool.rename({ command: 'rename', old_path: at(n - 3), new_path: at(n) })
        return tool.delete({ command: 'delete', path: n % 10 === 0 ? at(n - 1) : at(n - 1, '/b') })
      },
      async found() {
        const files: [string, string][] = []
        for await (const { key, text } of view.chunks.findAll()) files.push([key!, text])
        return Object.fromEntries(files)
      },
    }
  },
  after(state, n) {
    const at = (number: number, name: string) => `/memories/${number}/${name}`
    if (n % 5 === 1) return { ...state, [at(n, 'a')]: `${n} a` }
    if (n % 5 === 2) return { ...state, [at(n - 1, 'b')]: `${n - 1} b` }
    if (n % 5 === 3) return { ...state, [at(n - 2, 'a')]: `${n - 2} A` }
    const isBelow = (number: number) => (key: string) => key.startsWith(at(number, ''))
    if (n % 5 === 0) return without(state, n % 10 === 0 ? isBelow(n - 1) : (key) => key === at(n - 1, 'b'))
    return { ...without(state, isBelow(n - 3)), [at(n, 'a')]: `${n - 3} A`, [at(n, 'b')]: `${n - 3} b` }
  },
}

const mcp: Kept = {
  name: 'mcp',
  isWhole: true,
  async open(view) {
    const server = createMemoryServer(view)
    const client = new Client({ name: 'test', version: '1' })
    const [ours, theirs] = InMemoryTransport.createLinkedPair()
    await server.connect(ours)
    await client.connect(theirs)
    const ask = async (name: string, given: Record<string, unknown>) => {
      const answer = await client.callTool({ name, arguments: given })
      if (answer.isError) throw new Error(JSON.stringify(answer.content))
    }
    return {
      call(n) {
        if (n % 3 === 1) return ask('remember', { key: `m${n}`, text: `of ${n}`, tags: ['a'] })
        if (n % 3 === 2) return ask('update_memory', { id: `m${n - 1}`, text: `of ${n}`, tags: [`${n}`] })
        return n % 6 === 0 ? ask('forget', { id: `m${n - 2}` }) : ask('remember', { key: 'same', text: `of ${n}` })
      },
      async found() {
        const memories: [string, unknown][] = []
        for await (const { key, text, metadata } of view.chunks.findAll())
          memories.push([key!, [text, metadata?.tags ?? null]])
        return Object.fromEntries(memories)
      },
    }
  },
  after(state, n) {
    if (n % 3 === 1) return { ...state, [`m${n}`]: [`of ${n}`, ['a']] }
    if (n % 3 === 2) return { ...state, [`m${n - 1}`]: [`of ${n}`, [`${n}`]] }
    return n % 6 === 0 ? without(state, (key) => key === `m${n - 2}`) : { ...state, same: [`of ${n}`, null] }
  },
}

export const KEPT: readonly Kept[] = [
  ...[vectorStore, recordManager, byteStore, chatHistory, keyv],
  ...[langgraphStore, openaiSession, claudeSession, memoryTool, mcp],
]
