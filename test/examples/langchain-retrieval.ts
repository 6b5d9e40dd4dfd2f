/**
 * Retrieval with LangChain over one store: documents are indexed so that a second run embeds only what changed, a
 * retriever finds them by meaning and by words, a chain answers from what it found, and remembers what was asked.
 * `reply` stands for a model. A program of yours imports `thermocline` and `thermocline/langchain`.
 */
import { CacheBackedEmbeddings } from '@langchain/classic/embeddings/cache_backed'
import { Document } from '@langchain/core/documents'
import { Embeddings } from '@langchain/core/embeddings'
import { index } from '@langchain/core/indexing'
import { AIMessage, type BaseMessage } from '@langchain/core/messages'
import { RunnableLambda, RunnableWithMessageHistory } from '@langchain/core/runnables'
import {
  ThermoclineByteStore,
  ThermoclineChatMessageHistory,
  ThermoclineRecordManager,
  ThermoclineVectorStore,
} from '../../src/adapters/langchain/langchain.ts'
import { type MemoryStoreOptions, openMemoryStore } from '../../src/index.ts'

/** Stands for an embedding model: how often each of a few words is in a text. */
const WORDS = ['ice', 'float', 'warm', 'lake', 'salt']

class WordEmbeddings extends Embeddings {
  embedded = 0

  async embedDocuments(texts: string[]): Promise<number[][]> {
    this.embedded += texts.length
    return texts.map((text) => WORDS.map((word) => text.toLowerCase().split(word).length - 0.99))
  }

  async embedQuery(text: string): Promise<number[]> {
    return (await this.embedDocuments([text]))[0]!
  }
}

/** Stands for a model: it quotes what was found, and knows how often it was asked. */
function reply(asked: number, found: readonly Document[]): AIMessage {
  const [best] = found
  return new AIMessage(
    `(${asked}) ${best === undefined ? 'I do not know.' : `${best.pageContent} [${best.metadata.source}]`}`,
  )
}

export interface Page {
  readonly source: string
  readonly texts: readonly string[]
}

interface Asked {
  readonly question: string
  /** What was said before, which LangChain puts in. */
  readonly history?: BaseMessage[]
}

/** Indexes pages, asks questions about them, and answers what the index did, what it embedded, and the replies. */
export async function ask(options: MemoryStoreOptions, pages: readonly Page[], questions: readonly string[]) {
  await using store = await openMemoryStore(options)
  const model = new WordEmbeddings({})
  const embeddings = CacheBackedEmbeddings.fromBytesStore(model, new ThermoclineByteStore({ store }))
  const vectorStore = new ThermoclineVectorStore(embeddings, { store, by: 'both' })
  const did = await index({
    docsSource: pages.flatMap(({ source, texts }) =>
      texts.map((pageContent) => new Document({ pageContent, metadata: { source } })),
    ),
    recordManager: new ThermoclineRecordManager({ store }),
    vectorStore,
    options: { cleanup: 'full', sourceIdKey: 'source' },
  })
  const { embedded } = model

  const retriever = vectorStore.asRetriever({ k: 1, filter: { source: { neq: 'drafts.md' } } })
  const answer = RunnableLambda.from(async ({ question, history = [] }: Asked) =>
    reply(history.length / 2 + 1, await retriever.invoke(question)),
  )
  const chain = new RunnableWithMessageHistory({
    runnable: answer,
    getMessageHistory: (sessionId: string) => new ThermoclineChatMessageHistory({ store, sessionId }),
    inputMessagesKey: 'question',
    historyMessagesKey: 'history',
  })
  const replies: string[] = []
  for (const question of questions)
    replies.push((await chain.invoke({ question }, { configurable: { sessionId: 'ada' } })).text)
  return { did, embedded, replies }
}
