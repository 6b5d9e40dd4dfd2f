/**
 * `thermocline/mcp`: a server of the Model Context Protocol by which a model keeps memories in a store. Its tools are
 * those of adapters/memory-tools; over which transport it is reached is the caller's to say.
 */
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { defineCall, nonEmptyText, type RulesOf } from '../../call-options.ts'
import type { MemoryStore, NamespaceView } from '../../index.ts'
import { checkStore } from '../in-common/check-store.ts'
import { memoryToolsOf } from '../memory-tools/memory-tools.ts'
import { type MemoryToolOptions, TOOL_RULES } from '../memory-tools/tool-options.ts'
import { serverOf } from './server-of-tools.ts'

export interface MemoryServerOptions extends MemoryToolOptions {
  /** Name by which the server presents itself. @default 'thermocline' */
  readonly name?: string | undefined
  /** Version that it tells. @default '1' */
  readonly version?: string | undefined
  /** What it tells a model about when to use its tools. @default sentences that fit most agents */
  readonly instructions?: string | undefined
}

const checkOptions = defineCall('createMemoryServer', {
  ...{ ...TOOL_RULES, name: nonEmptyText, version: nonEmptyText, instructions: nonEmptyText },
} satisfies RulesOf<MemoryServerOptions>)

/**
 * Returns a server that is not connected: `await server.connect(transport)`. It is one for one connection. Closing it
 * leaves the store open. What fails is answered as an error of the tool, which says what to do. Throws
 * `ERR_INVALID_OPTIONS`.
 *
 * @param store or a view of one, whose chunks are the memories.
 */
export function createMemoryServer(store: MemoryStore | NamespaceView, options?: MemoryServerOptions): McpServer {
  checkStore('createMemoryServer', store)
  const { embed, readOnly, ...presented } = checkOptions(options)
  return serverOf(memoryToolsOf(store, { embed, readOnly }), presented)
}
