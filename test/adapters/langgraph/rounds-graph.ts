/** A graph that asks in each of several rounds, and what it has noted in the end. */
import { Annotation, type BaseCheckpointSaver, END, interrupt, START, StateGraph } from '@langchain/langgraph'

export const THREAD = { configurable: { thread_id: 'a' } }
/** What is noted where somebody went back, in the round of that, before it was asked. */
export const OTHERWISE = 'otherwise'
export const ROUND_OF_FORK = 1
const ROUNDS = 4

const Rounds = Annotation.Root({
  notes: Annotation<string[]>({ reducer: (all, more) => all.concat(more), default: () => [] }),
  round: Annotation<number>(),
})

const question = (round: number): string => `Go on with ${round}?`
export const answerTo = (asked: string): string => `yes to ${asked}`

export function roundsGraph(checkpointer: BaseCheckpointSaver) {
  return new StateGraph(Rounds)
    .addNode('plan', ({ round }) => ({ notes: [`plan ${round}`] }))
    .addNode('ask', ({ round }) => ({ notes: [interrupt<string, string>(question(round))] }))
    .addNode('act', ({ round }) => ({ notes: [`act ${round}`], round: round + 1 }))
    .addEdge(START, 'plan')
    .addEdge('plan', 'ask')
    .addEdge('ask', 'act')
    .addConditionalEdges('act', ({ round }) => (round < ROUNDS ? 'plan' : END), ['plan', END])
    .compile({ checkpointer })
}

/** @param isForked by somebody who went back. */
export function notesInTheEnd(isForked: boolean): string[] {
  return Array.from({ length: ROUNDS }, (_, round) => [
    `plan ${round}`,
    ...(isForked && round === ROUND_OF_FORK ? [OTHERWISE] : []),
    answerTo(question(round)),
    `act ${round}`,
  ]).flat()
}
