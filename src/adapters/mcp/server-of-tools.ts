/** Makes a server of MCP of the tools that a model has, whoever's store they are about. */
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { type MemoryTool, TOOL_INSTRUCTIONS } from '../memory-tools/memory-tools.ts'

/** How a server presents itself. */
export interface Presented {
  readonly name?: string | undefined
  readonly version?: string | undefined
  readonly instructions?: string | undefined
}

export function serverOf(tools: readonly MemoryTool[], presented: Presented = {}): McpServer {
  const { name = 'thermocline', version = '1', instructions = TOOL_INSTRUCTIONS } = presented
  const server = new McpServer({ name, version }, { instructions })
  for (const tool of tools) register(server, tool)
  return server
}

function register(server: McpServer, { name, title, description, input, effect, run }: MemoryTool): void {
  const annotations = {
    ...{ title, readOnlyHint: effect === 'looks', openWorldHint: false },
    ...(effect === 'looks' ? {} : { destructiveHint: effect === 'changes' }),
  }
  server.registerTool(name, { title, description, inputSchema: input, annotations }, async (given, { signal }) => ({
    content: [{ type: 'text' as const, text: JSON.stringify(await run(given, signal)) }],
  }))
}
