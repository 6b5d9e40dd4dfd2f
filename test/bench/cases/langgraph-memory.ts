import type { BenchCase, Sample } from '../harness/bench-case.ts'
import { chunk } from '../harness/entries.ts'
import { load } from '../harness/load.ts'
import type { LangGraphStore } from '../peers.ts'

const ITEMS = 1_000
const LOAD = { callers: 16, ms: 700 }
const reference = { subject: 'LangGraph PostgresStore' }

export default {
  title: "LangGraph's memory: items put, read and searched by a filter, 16 callers",
  servers: ['redis', 'postgres'],
  peers: ['@langchain/langgraph-checkpoint-postgres'],
  rows: [
    { title: 'put', figure: 'puts', unit: '/s', reference },
    { title: 'get', figure: 'gets', unit: '/s', reference },
    { title: 'search by a filter', figure: 'searches', unit: '/s', reference },
  ],
  async setUp(bench) {
    type Adapter = typeof import('../../../src/adapters/langgraph/langgraph.ts')
    const { ThermoclineStore } = await bench.module<Adapter>('adapters/langgraph/langgraph')
    const ours = new ThermoclineStore(await bench.openServerStore())
    const postgres = await bench.peers.langGraphStore(await bench.database())
    bench.defer(() => postgres.stop())
    return { thermocline: () => use(ours), [reference.subject]: () => use(postgres) }
  },
} satisfies BenchCase

async function use(store: Pick<LangGraphStore, 'get' | 'put' | 'search'>): Promise<Sample> {
  const place = (nth: number): [string[], string] => [['person', `${nth % 20}`], `item ${nth % ITEMS}`]
  const put = (nth: number) => {
    const { text, metadata } = chunk(nth)
    return store.put(...place(nth), { text, ...metadata, mood: nth % 10 }, false)
  }
  const puts = (await load(put, LOAD)).figures
  const gets = (await load((nth) => store.get(...place(nth % puts.calls!)), LOAD)).figures
  const search = (nth: number) => store.search(['person', `${nth % 20}`], { filter: { mood: nth % 10 }, limit: 5 })
  const searches = (await load(search, LOAD)).figures
  return { figures: { puts: puts.perSecond!, gets: gets.perSecond!, searches: searches.perSecond! } }
}
