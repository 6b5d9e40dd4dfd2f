/**
 * Goes on with a graph that asks a person in every round, from wherever it was left, until it is done or killed. Each
 * line on stdout is what a node has written, after it was stored; the last is `done`. Arguments: options of the store
 * as JSON, `run`, or `travel` where it is to go back and on from there another way, and after how many lines it goes on
 * no more and waits to be killed, if it is to.
 */
import { once } from 'node:events'
import { Command } from '@langchain/langgraph'
import { ThermoclineSaver } from '../../../src/adapters/langgraph/langgraph.ts'
import { openMemoryStore } from '../../../src/index.ts'
import { say } from '../../../src/testkit/crash/say.ts'
import { answerTo, OTHERWISE, ROUND_OF_FORK, roundsGraph, THREAD } from './rounds-graph.ts'

const [options, what, most] = process.argv.slice(2) as [string, string, string?]
let said = 0
await using store = await openMemoryStore({ checkpoint: { every: 40 }, ...JSON.parse(options) })
const graph = roundsGraph(new ThermoclineSaver(store))

async function goBack(): Promise<void> {
  for await (const { config, next, values } of graph.getStateHistory(THREAD))
    if (next[0] === 'ask' && values.round === ROUND_OF_FORK) {
      await graph.updateState(config, { notes: [OTHERWISE] }, 'plan')
      return
    }
  throw new Error('there is no such moment')
}

async function goOn(input: Parameters<typeof graph.stream>[0]): Promise<void> {
  for await (const update of await graph.stream(input, { ...THREAD, streamMode: 'updates', durability: 'sync' })) {
    say(Object.keys(update)[0]!)
    // It is open for as long as the test reads.
    if (++said === Number(most)) await once(process.stdin.resume(), 'end')
  }
}

for (;;) {
  const { values, next, tasks } = await graph.getState(THREAD)
  const isNew = values.notes === undefined || values.notes.length === 0
  if (isNew && next.length === 0) await goOn({ notes: [], round: 0 })
  else if (what === 'travel' && !values.notes.includes(OTHERWISE)) await goBack()
  else if (next.length === 0) break
  else {
    const asked = tasks.flatMap(({ interrupts }) => interrupts)
    await goOn(asked.length === 0 ? null : new Command({ resume: answerTo(asked[0]!.value as string) }))
  }
}
say('done')
