// The public types, rolled up. `npm run api` writes this file; do not edit it.

import { SessionHistoryTransactionAwareSession, SessionHistoryRewriteAwareSession, AgentInputItem, SessionHistoryTransactionArgs, SessionHistoryRewriteArgs } from '@openai/agents-core';

import { Duration, MemoryStore, NamespaceView } from 'thermocline';

interface SessionOptions {
    readonly sessionId?: string | undefined;
    readonly ttl?: Duration | undefined;
}

declare class ThermoclineSession implements SessionHistoryTransactionAwareSession, SessionHistoryRewriteAwareSession {
    #private;
    constructor(store: MemoryStore | NamespaceView, options?: SessionOptions);
    getSessionId(): Promise<string>;
    getItems(limit?: number): Promise<AgentInputItem[]>;
    addItems(items: AgentInputItem[]): Promise<void>;
    popItem(): Promise<AgentInputItem | undefined>;
    clearSession(): Promise<void>;
    replaceHistoryWithCompaction(items: AgentInputItem[]): Promise<void>;
    applyHistoryTransaction({ operationId, transaction: asked }: SessionHistoryTransactionArgs): Promise<void>;
    applyHistoryMutations(given: SessionHistoryRewriteArgs): Promise<void>;
}

export { ThermoclineSession };

export type { SessionOptions };
