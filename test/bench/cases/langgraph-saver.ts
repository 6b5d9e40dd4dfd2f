import { emptyCheckpoint, uuid6 } from '@langchain/langgraph-checkpoint'
import type { BenchCase } from '../harness/bench-case.ts'
import { chunk } from '../harness/entries.ts'
import { load } from '../harness/load.ts'
import type { LangGraphSaver } from '../peers.ts'

const THREADS = 16
const METADATA = { source: 'loop' as const, step: 0, parents: {} }

export default {
  title: 'a step of a LangGraph thread: the newest checkpoint read, and the next put',
  servers: ['redis', 'postgres'],
  peers: ['@langchain/langgraph-checkpoint-postgres'],
  rows: [
    { figure: 'perSecond', unit: '/s', reference: { subject: 'LangGraph PostgresSaver' } },
    { title: 'a call', figure: 'p50', unit: 'ms', reference: { subject: 'LangGraph PostgresSaver' } },
  ],
  async setUp(bench) {
    type Adapter = typeof import('../../../src/adapters/langgraph/langgraph.ts')
    const { ThermoclineSaver } = await bench.module<Adapter>('adapters/langgraph/langgraph')
    const ours = new ThermoclineSaver(await bench.openServerStore())
    const postgres = await bench.peers.langGraphSaver(await bench.database())
    bench.defer(() => postgres.end())
    return {
      thermocline: () => stepThreads(ours as LangGraphSaver),
      'LangGraph PostgresSaver': () => stepThreads(postgres),
    }
  },
} satisfies BenchCase

/** Side by side, in as many threads as there are callers. */
function stepThreads(saver: LangGraphSaver) {
  return load((nth) => step(saver, nth), { callers: THREADS })
}

/** Of its channels one has changed. */
async function step(saver: LangGraphSaver, nth: number): Promise<void> {
  const thread = { thread_id: `thread-${nth % THREADS}`, checkpoint_ns: '' }
  const last = await saver.getTuple({ configurable: thread })
  const before = last?.checkpoint.channel_versions as { messages: number; topic: number } | undefined
  const topic = before?.topic ?? saver.getNextVersion(undefined)
  const versions = { messages: saver.getNextVersion(before?.messages), topic }
  const messages = Array.from({ length: 8 }, (_, i) => chunk(nth + i).text)
  const checkpoint = {
    ...emptyCheckpoint(),
    id: uuid6(nth % 1_000),
    channel_values: { messages, topic: chunk(nth % THREADS).text },
    channel_versions: versions,
  }
  const changed = last === undefined ? versions : { messages: versions.messages }
  await saver.put(last?.config ?? { configurable: thread }, checkpoint, METADATA, changed)
}
