// The public types, rolled up. `npm run api` writes this file; do not edit it.

import { LanguageModelMiddleware, Tool } from 'ai';

import { EmbedTexts, Duration, MemoryStore, NamespaceView } from 'thermocline';

interface Exchange {
    readonly user: string;
    readonly assistant: string;
}

declare const MEMORY_INSTRUCTIONS: string;

interface MemoryMiddlewareOptions extends Pick<MemoryToolOptions, 'embed'> {
    readonly limit?: number | undefined;
    readonly role?: 'system' | 'user' | undefined;
    readonly remember?: false | ((exchange: Exchange) => readonly string[] | Promise<readonly string[]>) | undefined;
    readonly ttl?: Duration | undefined;
    readonly onError?: ((error: unknown) => void) | undefined;
}

interface MemoryToolOptions {
    readonly embed?: EmbedTexts | undefined;
    readonly readOnly?: boolean | undefined;
}

declare function memoryMiddleware(store: MemoryStore | NamespaceView, options?: MemoryMiddlewareOptions): LanguageModelMiddleware;

declare function memoryTools(store: MemoryStore | NamespaceView, options?: MemoryToolOptions): Record<string, Tool<object, object>>;

export { MEMORY_INSTRUCTIONS, memoryMiddleware, memoryTools };

export type { Exchange, MemoryMiddlewareOptions, MemoryToolOptions };
