// The public types, rolled up. `npm run api` writes this file; do not edit it.

import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';

import { EmbedTexts, MemoryStore, NamespaceView } from 'thermocline';

interface MemoryServerOptions extends MemoryToolOptions {
    readonly name?: string | undefined;
    readonly version?: string | undefined;
    readonly instructions?: string | undefined;
}

interface MemoryToolOptions {
    readonly embed?: EmbedTexts | undefined;
    readonly readOnly?: boolean | undefined;
}

declare function createMemoryServer(store: MemoryStore | NamespaceView, options?: MemoryServerOptions): McpServer;

export { createMemoryServer };

export type { MemoryServerOptions };
