// The public types, rolled up. `npm run api` writes this file; do not edit it.

import { MemoryStore } from 'thermocline';

import { IncomingMessage, ServerResponse } from 'node:http';

type NodeListener = (request: IncomingMessage, response: ServerResponse) => void;

type StudioHandler = (request: Request) => Promise<Response>;

interface StudioOptions {
    readonly token: string;
    readonly write?: boolean | undefined;
    readonly basePath?: string | undefined;
    readonly hosts?: readonly string[] | undefined;
}

declare function studio(store: MemoryStore, options: StudioOptions): StudioHandler;

declare function toNodeListener(handler: (request: Request) => Promise<Response>, onError?: (error: unknown) => void): NodeListener;

export { studio, toNodeListener };

export type { NodeListener, StudioHandler, StudioOptions };
