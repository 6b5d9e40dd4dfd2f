/**
 * An agent of LangGraph that remembers a person across threads: what it is told to remember it keeps in the memory,
 * what it is asked it looks up there, and each thread goes on where it ended. `reply` stands for a model. A program
 * of yours imports `thermocline` and `thermocline/langgraph`.
 */
import { AIMessage, HumanMessage } from '@langchain/core/messages'
import { END, type LangGraphRunnableConfig, MessagesAnnotation, START, StateGraph } from '@langchain/langgraph'
import { ThermoclineSaver, ThermoclineStore } from '../../src/adapters/langgraph/langgraph.ts'
import { type MemoryStoreOptions, openMemoryStore } from '../../src/index.ts'

/** Stands for an embedding model: how often each of a few words is in a text. */
const WORDS = ['nut', 'eat', 'lisbon', 'move', 'tea']
const embed = async (texts: string[]) =>
  texts.map((text) => WORDS.map((word) => text.toLowerCase().split(word).length - 0.99))

/** Stands for a model: it knows what was said in the thread, and what the memory found. */
function reply(said: string, turns: number, found: readonly string[]): string {
  if (/^remember/i.test(said)) return 'I will.'
  return `(${turns} turns) ${found.length === 0 ? 'I do not know.' : `You told me: ${found.join('; ')}`}`
}

async function answer({ messages }: typeof MessagesAnnotation.State, { store, configurable }: LangGraphRunnableConfig) {
  const said = messages.at(-1)!.text
  const memories = ['person', configurable!.person as string]
  const [, told] = /^remember:? (.+)/i.exec(said) ?? []
  if (told !== undefined) await store!.put(memories, told, { text: told })
  const found = await store!.search(memories, { query: said, limit: 1 })
  const texts = found.map(({ value }) => value.text as string)
  return { messages: [new AIMessage(reply(said, messages.length, texts))] }
}

/** Opens a store, talks in two threads, and answers what the agent said. */
export async function talk(options: MemoryStoreOptions): Promise<string[]> {
  await using store = await openMemoryStore(options)
  const agent = new StateGraph(MessagesAnnotation)
    .addNode('answer', answer)
    .addEdge(START, 'answer')
    .addEdge('answer', END)
    .compile({
      checkpointer: new ThermoclineSaver(store, { ttl: '30d' }),
      store: new ThermoclineStore(store, { index: { dims: WORDS.length, embed, fields: ['text'] } }),
    })
  const say = async (thread: string, person: string, text: string) => {
    const config = { configurable: { thread_id: thread, person } }
    const { messages } = await agent.invoke({ messages: [new HumanMessage(text)] }, config)
    return messages.at(-1)!.text
  }
  return [
    await say('monday', 'ada', 'Remember: I cannot eat nuts'),
    await say('monday', 'ada', 'Remember: I move to Lisbon in May'),
    await say('friday', 'ada', 'What should I eat?'),
    await say('monday', 'ada', 'When do I move?'),
    await say('friday', 'bob', 'What should I eat?'),
  ]
}
