/** Exports what `thermocline/langgraph` has: a checkpointer for LangGraph, over a store of thermocline. */
export type { Pruned } from './prune-checkpoints.ts'
export { type PruneOptions, type SaverOptions, ThermoclineSaver } from './thermocline-saver.ts'
