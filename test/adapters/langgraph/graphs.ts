/** Graphs of LangGraph that need no model, for tests of what keeps their state. */
import {
  Annotation,
  type BaseCheckpointSaver,
  DeltaValue,
  END,
  interrupt,
  START,
  StateGraph,
  StateSchema,
} from '@langchain/langgraph'
import { z } from 'zod'

const Notes = Annotation.Root({
  notes: Annotation<string[]>({ reducer: (all, more) => all.concat(more), default: () => [] }),
  title: Annotation<string>(),
})

/** Notes what it was told, then what each of two nodes says. `title` is written once. */
export function notingGraph(checkpointer: BaseCheckpointSaver) {
  return new StateGraph(Notes)
    .addNode('first', ({ notes }) => ({ notes: [`first after ${notes.at(-1)}`] }))
    .addNode('second', ({ notes }) => ({ notes: [`second after ${notes.at(-1)}`] }))
    .addEdge(START, 'first')
    .addEdge('first', 'second')
    .addEdge('second', END)
    .compile({ checkpointer })
}

/** Asks a person before it goes on. */
export function askingGraph(checkpointer: BaseCheckpointSaver) {
  return new StateGraph(Notes)
    .addNode('ask', () => ({ notes: [`answer: ${interrupt('Go on?')}`] }))
    .addEdge(START, 'ask')
    .addEdge('ask', END)
    .compile({ checkpointer })
}

const Differences = new StateSchema({
  lines: new DeltaValue(
    z.array(z.string()).default(() => []),
    {
      inputSchema: z.array(z.string()),
      reducer: (all: string[], more: string[][]) => all.concat(...more),
      snapshotFrequency: 3,
    },
  ),
})

/** Stores what each step adds, and all of it after every third. */
export function differencesGraph(checkpointer: BaseCheckpointSaver) {
  return new StateGraph(Differences)
    .addNode('count', ({ lines }) => ({ lines: [`line ${lines.length}`] }))
    .addEdge(START, 'count')
    .addEdge('count', END)
    .compile({ checkpointer })
}
