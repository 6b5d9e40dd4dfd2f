/** The stores of bytes, chats and answers under LangChain's own classes, which is what they are for. */
import { CacheBackedEmbeddings } from '@langchain/classic/embeddings/cache_backed'
import { MultiVectorRetriever } from '@langchain/classic/retrievers/multi_vector'
import { ParentDocumentRetriever } from '@langchain/classic/retrievers/parent_document'
import { RecursiveCharacterTextSplitter } from '@langchain/classic/text_splitter'
import { Document } from '@langchain/core/documents'
import { AIMessage, HumanMessage } from '@langchain/core/messages'
import { ChatPromptTemplate, MessagesPlaceholder } from '@langchain/core/prompts'
import { RunnableWithMessageHistory } from '@langchain/core/runnables'
import { FakeListChatModel, SyntheticEmbeddings } from '@langchain/core/utils/testing'
import { describe, expect, test } from 'vitest'
import {
  ThermoclineByteStore,
  ThermoclineCache,
  ThermoclineChatMessageHistory,
  ThermoclineVectorStore,
} from '../../../src/adapters/langchain/langchain.ts'
import { openMemoryStore } from '../../../src/index.ts'
import { describeMainPair, describeWithServers, openInMemory, QUIET, shareStore } from '../../flow/stores.ts'

/** Counts what it is asked for. */
class CountedEmbeddings extends SyntheticEmbeddings {
  embedded = 0

  override async embedDocuments(texts: string[]): Promise<number[][]> {
    this.embedded += texts.length
    return super.embedDocuments(texts)
  }
}

async function allOf(keys: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = []
  for await (const key of keys) all.push(key)
  return all
}

describeMainPair('in LangChain', (pair) => {
  const { view, clock } = shareStore(pair)

  test('a cache of embeddings asks the model for each text once', async () => {
    const store = view()
    const model = new CountedEmbeddings({ vectorSize: 8 })
    const cached = () =>
      CacheBackedEmbeddings.fromBytesStore(model, new ThermoclineByteStore({ store }), { namespace: 'm:' })
    const first = await cached().embedDocuments(['ice', 'fire'])
    expect(await cached().embedDocuments(['fire', 'ice', 'wind'])).toEqual([first[1], first[0], expect.any(Array)])
    expect(model.embedded).toBe(3)
    const keys = await allOf(new ThermoclineByteStore({ store }).yieldKeys('m:'))
    expect(keys).toHaveLength(3)
  })

  test('a retriever of parents finds documents by their parts, also in a later process', async () => {
    const store = view()
    const open = () =>
      new MultiVectorRetriever({
        vectorstore: new ThermoclineVectorStore(new SyntheticEmbeddings({ vectorSize: 16 }), { store }),
        byteStore: new ThermoclineByteStore({ store }),
        ...{ idKey: 'doc_id', childK: 1, parentK: 5 },
      })
    const { vectorstore, docstore } = open()
    const parents = ['On ice. Ice floats.', 'On water. Warm water rises.']
    await docstore.mset(parents.map((pageContent, n) => [`${n}`, new Document({ pageContent, metadata: { n } })]))
    const parts = parents.flatMap((whole, n) =>
      whole.split('. ').map((pageContent) => new Document({ pageContent, metadata: { doc_id: `${n}` } })),
    )
    await vectorstore.addDocuments(parts)
    expect(await open().invoke('Warm water rises.')).toEqual([
      expect.objectContaining({ pageContent: parents[1], metadata: { n: 1 } }),
    ])
  })

  test('a retriever of whole documents keeps them, and finds them by what it cut them into', async () => {
    const store = view()
    const retriever = new ParentDocumentRetriever({
      vectorstore: new ThermoclineVectorStore(new SyntheticEmbeddings({ vectorSize: 16 }), { store }),
      byteStore: new ThermoclineByteStore({ store }),
      childSplitter: new RecursiveCharacterTextSplitter({ chunkSize: 20, chunkOverlap: 0 }),
      childK: 1,
    })
    const pageContent = 'Warm water rises. Cold water sinks. Ice floats.'
    await retriever.addDocuments([new Document({ pageContent, metadata: { source: 'water.md' } })])
    const [found] = await retriever.invoke('Ice floats.')
    expect(found).toMatchObject({ pageContent, metadata: { source: 'water.md' } })
    expect(await store.namespace('langchain', 'documents').count()).toBeGreaterThan(2)
  })

  test('a chain goes on where its session ended', async () => {
    const store = view()
    const model = new FakeListChatModel({ responses: ['Noted.', 'Rice.'] })
    const prompt = ChatPromptTemplate.fromMessages([new MessagesPlaceholder('history'), ['human', '{said}']])
    const histories = (sessionId: string) => new ThermoclineChatMessageHistory({ store, sessionId })
    const chain = new RunnableWithMessageHistory({
      runnable: prompt.pipe(model),
      getMessageHistory: histories,
      ...{ inputMessagesKey: 'said', historyMessagesKey: 'history' },
    })
    const config = { configurable: { sessionId: 'lunch' } }
    await chain.invoke({ said: 'I cannot eat nuts' }, config)
    await chain.invoke({ said: 'What should I eat?' }, config)
    const said = (await histories('lunch').getMessages()).map((message) => `${message.type}: ${message.text}`)
    expect(said).toEqual(['human: I cannot eat nuts', 'ai: Noted.', 'human: What should I eat?', 'ai: Rice.'])
    expect(await histories('dinner').getMessages()).toEqual([])
    const chats = store.namespace('langchain', 'chats').chunks
    const { hits } = await chats.search({ text: 'nuts' })
    expect(hits.map(({ entry }) => [entry.documentId, entry.text])).toEqual([['lunch', 'I cannot eat nuts']])
  })

  test('a model is asked once while its answer is kept', async () => {
    const store = view()
    const ask = async () => {
      const cache = new ThermoclineCache({ store, ttl: '10m' })
      const model = new FakeListChatModel({ responses: ['one', 'two'], cache })
      const answers = [await model.invoke('What?'), await model.invoke('What?')]
      return answers.map(({ text }) => text)
    }
    expect(await ask()).toEqual(['one', 'one'])
    clock.advance(9 * 60_000)
    const other = new FakeListChatModel({ responses: ['three'], cache: new ThermoclineCache({ store }) })
    expect((await other.invoke('What?')).text).toBe('one')
    clock.advance(61_000)
    expect((await other.invoke('What?')).text).toBe('three')
  })

  test('a cache keeps all that a model said of its answer', async () => {
    const cache = new ThermoclineCache({ store: view() })
    const answers = [{ text: 'one', generationInfo: { finish_reason: 'stop' } }, { text: 'half \ud83d\0' }]
    await cache.update('What?', 'model', answers)
    expect(await cache.lookup('What?', 'model')).toEqual(answers)
    expect(await cache.lookup('What?', 'another')).toBeNull()
  })

  test('bytes and messages go when their time is over', async () => {
    const store = view()
    const bytes = new ThermoclineByteStore({ store, ttl: '10m', durability: 'cold' })
    const history = new ThermoclineChatMessageHistory({ store, sessionId: 's', ttl: '10m', durability: 'wal' })
    await bytes.mset([['a', new Uint8Array([1])]])
    await history.addMessages([new HumanMessage('first')])
    clock.advance(6 * 60_000)
    await history.addMessages([new AIMessage('second')])
    expect(await bytes.mget(['a'])).toEqual([new Uint8Array([1])])
    clock.advance(5 * 60_000)
    expect(await bytes.mget(['a'])).toEqual([undefined])
    expect((await history.getMessages()).map(({ text }) => text)).toEqual(['second'])
  })
})

describeWithServers('chats of two processes', (servers) => {
  test('have at once what the other has said, in order', async () => {
    const options = { ...(await servers.shared()), ...QUIET }
    await using mine = await openMemoryStore({ ...options, dir: await servers.folder() })
    await using yours = await openMemoryStore({ ...options, dir: await servers.folder() })
    const [one, other] = [mine, yours].map((store) => new ThermoclineChatMessageHistory({ store, sessionId: 's' }))
    const said: string[] = []
    for (let turn = 0; turn < 6; turn++) {
      said.push(`turn ${turn}`)
      await [one, other][turn % 2]!.addUserMessage(said.at(-1)!)
      const read = await [other, one][turn % 2]!.getMessages()
      expect(read.map(({ text }) => text)).toEqual(said)
    }
    await one!.clear()
    expect(await other!.getMessages()).toEqual([])
  })
})

describe('what stores for LangChain are given', () => {
  test('is refused by name where it is wrong', async () => {
    await using store = await openInMemory()
    expect(() => new ThermoclineByteStore({ store, ttl: '-1s' })).toThrow('option `ttl`')
    expect(() => new ThermoclineByteStore({ store, sliding: true } as never)).toThrow('has no option `sliding`')
    expect(() => new ThermoclineCache({ store, ttl: Infinity })).toThrow('option `ttl`')
    expect(() => new ThermoclineCache({} as never)).toThrow('needs a store')
    expect(() => new ThermoclineChatMessageHistory({ store } as never)).toThrow('needs the option `sessionId`')
    expect(() => new ThermoclineChatMessageHistory({ store, sessionId: '' })).toThrow('option `sessionId`')
    const bytes = new ThermoclineByteStore({ store })
    await expect(bytes.mset([['', new Uint8Array()]])).rejects.toMatchObject({ code: 'ERR_INVALID_ENTRY' })
    await expect(bytes.mget(['x'.repeat(513)])).rejects.toMatchObject({ code: 'ERR_INVALID_ENTRY' })
  })
})
