/**
 * `thermocline/ai`: memory for models of the AI SDK, as tools that a model calls ({@link memoryTools}) or as a
 * middleware around it (memory-middleware.ts). The tools are those of adapters/memory-tools.
 */
import type { Tool } from 'ai'
import { defineCall } from '../../call-options.ts'
import type { MemoryStore, NamespaceView } from '../../index.ts'
import { checkStore } from '../in-common/check-store.ts'
import { type MemoryTool, memoryToolsOf, TOOL_INSTRUCTIONS } from '../memory-tools/memory-tools.ts'
import { type MemoryToolOptions, TOOL_RULES } from '../memory-tools/tool-options.ts'

export type { Exchange, MemoryMiddlewareOptions } from './memory-middleware.ts'
export { memoryMiddleware } from './memory-middleware.ts'
export type { MemoryToolOptions }

/** Tells a model when to use the tools: for its `system` prompt. */
export const MEMORY_INSTRUCTIONS: string = TOOL_INSTRUCTIONS

const checkOptions = defineCall('memoryTools', TOOL_RULES)

/**
 * Returns tools for `generateText`, `streamText` and agents: `recall`, `get_memory`, `list_memories`, and unless it is
 * `readOnly` `remember`, `update_memory` and `forget`. One that fails throws what the model is to be told, which the
 * SDK hands on to it; the error of the store is the `cause`. Throws `ERR_INVALID_OPTIONS`.
 *
 * @param store or a view of one, whose chunks are the memories.
 */
export function memoryTools(
  store: MemoryStore | NamespaceView,
  options?: MemoryToolOptions,
): Record<string, Tool<object, object>> {
  checkStore('memoryTools', store)
  return Object.fromEntries(memoryToolsOf(store, checkOptions(options)).map((tool) => [tool.name, toolOfSdk(tool)]))
}

function toolOfSdk({ title, description, input, run }: MemoryTool): Tool<object, object> {
  return {
    ...{ title, description, inputSchema: input },
    execute: (given: object, { abortSignal }: { readonly abortSignal?: AbortSignal }) => run(given, abortSignal),
  }
}
