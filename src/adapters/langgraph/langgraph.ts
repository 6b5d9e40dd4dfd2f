/** Exports what `thermocline/langgraph` has: a checkpointer and a memory for LangGraph, over a store of thermocline. */
export type { EmbeddingModel, EmbedItems, ItemIndex } from './item-vectors.ts'
export type { Pruned } from './prune-checkpoints.ts'
export { type PruneOptions, type SaverOptions, ThermoclineSaver } from './thermocline-saver.ts'
export { type StoreOptions, ThermoclineStore } from './thermocline-store.ts'
