/** Exports what `thermocline/langchain` has: classes for LangChain that keep what they are given in a store. */
export type { DocumentFilter, MemberFilter } from './document-filter.ts'
export type { KeptIn } from './kept-in.ts'
export { type ByteStoreOptions, ThermoclineByteStore } from './thermocline-byte-store.ts'
export { type CacheOptions, ThermoclineCache } from './thermocline-cache.ts'
export {
  type ChatMessageHistoryOptions,
  ThermoclineChatMessageHistory,
} from './thermocline-chat-message-history.ts'
export { type RecordManagerOptions, ThermoclineRecordManager } from './thermocline-record-manager.ts'
export {
  type AddOptions,
  type DeleteOptions,
  type SearchBy,
  ThermoclineVectorStore,
  type VectorStoreOptions,
} from './thermocline-vector-store.ts'
