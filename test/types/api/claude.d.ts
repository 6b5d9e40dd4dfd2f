// The public types, rolled up. `npm run api` writes this file; do not edit it.

import { foldSessionSummary, SessionStore, SessionSummaryEntry, SessionKey, SessionStoreEntry } from '@anthropic-ai/claude-agent-sdk';

import { Duration, MemoryStore, NamespaceView } from 'thermocline';

interface SessionStoreOptions {
    readonly foldSummary?: typeof foldSessionSummary | undefined;
    readonly ttl?: Duration | undefined;
}

declare class ThermoclineSessionStore implements SessionStore {
    #private;
    readonly listSessionSummaries?: (projectKey: string) => Promise<SessionSummaryEntry[]>;
    constructor(store: MemoryStore | NamespaceView, options?: SessionStoreOptions);
    append(key: SessionKey, entries: SessionStoreEntry[]): Promise<void>;
    load(key: SessionKey): Promise<SessionStoreEntry[] | null>;
    listSessions(projectKey: string): Promise<{
        sessionId: string;
        mtime: number;
    }[]>;
    listSubkeys({ projectKey, sessionId }: Pick<SessionKey, 'projectKey' | 'sessionId'>): Promise<string[]>;
    delete(key: SessionKey): Promise<void>;
}

export { ThermoclineSessionStore };

export type { SessionStoreOptions };
