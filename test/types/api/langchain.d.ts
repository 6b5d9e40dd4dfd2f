// The public types, rolled up. `npm run api` writes this file; do not edit it.

import { Where, MemoryStore, NamespaceView, Duration, Durability, Metric } from 'thermocline';

import { BaseStore } from '@langchain/core/stores';

import { BaseCache } from '@langchain/core/caches';

import { Generation } from '@langchain/core/outputs';

import { BaseListChatMessageHistory } from '@langchain/core/chat_history';

import { BaseMessage } from '@langchain/core/messages';

import { RecordManager, UpdateOptions, ListKeyOptions } from '@langchain/core/indexing';

import { DocumentInterface, Document } from '@langchain/core/documents';

import { EmbeddingsInterface } from '@langchain/core/embeddings';

import { VectorStore, MaxMarginalRelevanceSearchOptions } from '@langchain/core/vectorstores';

interface AddOptions {
    readonly ids?: readonly string[] | undefined;
}

interface ByteStoreOptions extends KeptIn {
    readonly ttl?: Duration | undefined;
    readonly durability?: Durability | undefined;
}

interface CacheOptions extends KeptIn {
    readonly ttl?: Duration | undefined;
}

interface ChatMessageHistoryOptions extends KeptIn {
    readonly sessionId: string;
    readonly ttl?: Duration | undefined;
    readonly durability?: Durability | undefined;
}

interface DeleteOptions {
    readonly ids?: readonly string[] | undefined;
    readonly filter?: DocumentFilter | undefined;
    readonly all?: boolean | undefined;
}

interface DocumentFilter {
    readonly and?: readonly DocumentFilter[] | undefined;
    readonly or?: readonly DocumentFilter[] | undefined;
    readonly not?: DocumentFilter | undefined;
    readonly where?: Where<'chunk'> | undefined;
    readonly [member: string]: Scalar | MemberFilter | DocumentFilter | readonly DocumentFilter[] | Where | undefined;
}

interface KeptIn {
    readonly store: MemoryStore | NamespaceView;
    readonly namespace?: string | readonly string[] | undefined;
}

interface MemberFilter {
    readonly in?: readonly Scalar[] | undefined;
    readonly notIn?: readonly Scalar[] | undefined;
    readonly neq?: Scalar | undefined;
    readonly gt?: string | number | undefined;
    readonly gte?: string | number | undefined;
    readonly lt?: string | number | undefined;
    readonly lte?: string | number | undefined;
    readonly arrayContains?: readonly Scalar[] | undefined;
}

type RecordManagerOptions = KeptIn;

type Scalar = string | number | boolean | null;

type SearchBy = 'vector' | 'text' | 'both';

declare class ThermoclineByteStore extends BaseStore<string, Uint8Array> {
    #private;
    lc_namespace: string[];
    constructor(options: ByteStoreOptions);
    mget(keys: string[]): Promise<(Uint8Array | undefined)[]>;
    mset(keyValuePairs: [string, Uint8Array][]): Promise<void>;
    mdelete(keys: string[]): Promise<void>;
    yieldKeys(prefix?: string): AsyncGenerator<string>;
}

declare class ThermoclineCache extends BaseCache {
    #private;
    constructor(options: CacheOptions);
    lookup(prompt: string, llmKey: string): Promise<Generation[] | null>;
    update(prompt: string, llmKey: string, value: Generation[]): Promise<void>;
}

declare class ThermoclineChatMessageHistory extends BaseListChatMessageHistory {
    #private;
    lc_namespace: string[];
    constructor(options: ChatMessageHistoryOptions);
    getMessages(): Promise<BaseMessage[]>;
    addMessage(message: BaseMessage): Promise<void>;
    addMessages(messages: BaseMessage[]): Promise<void>;
    clear(): Promise<void>;
}

declare class ThermoclineRecordManager extends RecordManager {
    #private;
    lc_namespace: string[];
    constructor(options: RecordManagerOptions);
    createSchema(): Promise<void>;
    getTime(): Promise<number>;
    update(keys: string[], options?: UpdateOptions): Promise<void>;
    exists(keys: string[]): Promise<boolean[]>;
    listKeys(options?: ListKeyOptions): Promise<string[]>;
    deleteKeys(keys: string[]): Promise<void>;
}

declare class ThermoclineVectorStore extends VectorStore {
    #private;
    FilterType: DocumentFilter;
    constructor(embeddings: EmbeddingsInterface, options: VectorStoreOptions);
    _vectorstoreType(): string;
    addDocuments(documents: DocumentInterface[], options?: AddOptions): Promise<string[]>;
    addVectors(vectors: number[][], documents: DocumentInterface[], options?: AddOptions): Promise<string[]>;
    delete(options: DeleteOptions): Promise<void>;
    similaritySearchVectorWithScore(query: number[], k: number, filter?: DocumentFilter): Promise<[Document, number][]>;
    similaritySearch(query: string, k?: number, filter?: DocumentFilter): Promise<Document[]>;
    similaritySearchWithScore(query: string, k?: number, filter?: DocumentFilter): Promise<[Document, number][]>;
    maxMarginalRelevanceSearch(query: string, { k, fetchK, lambda, filter }: MaxMarginalRelevanceSearchOptions<DocumentFilter>): Promise<Document[]>;
    static fromTexts(texts: string[], metadatas: object[] | object, embeddings: EmbeddingsInterface, options: VectorStoreOptions): Promise<ThermoclineVectorStore>;
    static fromDocuments(documents: DocumentInterface[], embeddings: EmbeddingsInterface, options: VectorStoreOptions): Promise<ThermoclineVectorStore>;
    static fromExistingIndex(embeddings: EmbeddingsInterface, options: VectorStoreOptions): Promise<ThermoclineVectorStore>;
}

interface VectorStoreOptions extends KeptIn {
    readonly by?: SearchBy | undefined;
    readonly metric?: Metric | undefined;
    readonly minScore?: number | undefined;
    readonly ttl?: Duration | undefined;
    readonly durability?: Durability | undefined;
}

export { ThermoclineByteStore, ThermoclineCache, ThermoclineChatMessageHistory, ThermoclineRecordManager, ThermoclineVectorStore };

export type { AddOptions, ByteStoreOptions, CacheOptions, ChatMessageHistoryOptions, DeleteOptions, DocumentFilter, KeptIn, MemberFilter, RecordManagerOptions, SearchBy, VectorStoreOptions };
