// The public types, rolled up. `npm run api` writes this file; do not edit it.

import { RunnableConfig } from '@langchain/core/runnables';

import { SerializerProtocol, BaseCheckpointSaver, CheckpointTuple, CheckpointListOptions, Checkpoint, CheckpointMetadata, ChannelVersions, PendingWrite, DeltaChannelHistory, BaseStore, Operation, OperationResults } from '@langchain/langgraph-checkpoint';

import { Duration, MemoryStore, NamespaceView, Durability } from 'thermocline';

type EmbedItems = (texts: string[]) => Promise<Vector[]> | Vector[];

interface EmbeddingModel {
    embedDocuments(texts: string[]): Promise<Vector[]>;
    embedQuery(text: string): Promise<Vector>;
}

interface ItemIndex {
    readonly dims: number;
    readonly embed?: EmbedItems | undefined;
    readonly embeddings?: EmbeddingModel | undefined;
    readonly fields?: readonly string[] | undefined;
}

interface PruneOptions {
    readonly keepLatest: number;
    readonly threadId?: string | undefined;
    readonly dryRun?: boolean | undefined;
}

interface Pruned {
    readonly threads: number;
    readonly checkpoints: number;
    readonly values: number;
    readonly writes: number;
}

interface SaverOptions {
    readonly ttl?: Duration | undefined;
    readonly serde?: SerializerProtocol | undefined;
}

interface StoreOptions {
    readonly index?: ItemIndex | undefined;
    readonly ttl?: Duration | undefined;
    readonly refreshOnRead?: boolean | undefined;
    readonly durability?: Durability | undefined;
}

declare class ThermoclineSaver extends BaseCheckpointSaver {
    #private;
    constructor(store: MemoryStore | NamespaceView, options?: SaverOptions);
    getTuple(config: RunnableConfig): Promise<CheckpointTuple | undefined>;
    list(config: RunnableConfig, options?: CheckpointListOptions): AsyncGenerator<CheckpointTuple>;
    put(config: RunnableConfig, checkpoint: Checkpoint, metadata: CheckpointMetadata, newVersions: ChannelVersions): Promise<RunnableConfig>;
    putWrites(config: RunnableConfig, writes: PendingWrite[], taskId: string, taskPath?: string): Promise<void>;
    deleteThread(threadId: string): Promise<void>;
    getDeltaChannelHistory(options: {
        config: RunnableConfig;
        channels: string[];
    }): Promise<Record<string, DeltaChannelHistory>>;
    prune(options: PruneOptions): Promise<Pruned>;
    getNextVersion(current: number | undefined): number;
}

declare class ThermoclineStore extends BaseStore {
    #private;
    constructor(store: MemoryStore | NamespaceView, options?: StoreOptions);
    batch<Op extends Operation[]>(operations: Op): Promise<OperationResults<Op>>;
}

type Vector = readonly number[];

export { ThermoclineSaver, ThermoclineStore };

export type { EmbedItems, EmbeddingModel, ItemIndex, PruneOptions, Pruned, SaverOptions, StoreOptions };
