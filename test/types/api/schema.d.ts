// The public types, rolled up. `npm run api` writes this file; do not edit it.

import * as drizzle_orm from 'drizzle-orm';

import * as drizzle_orm_pg_core from 'drizzle-orm/pg-core';

declare const SCHEMA_NAME = "thermocline";

declare const acceptedLosses: drizzle_orm_pg_core.PgTableWithColumns<{
    name: "accepted_losses";
    schema: "thermocline";
    columns: {
        walId: drizzle_orm_pg_core.PgColumn<{ name: "wal_id"; tableName: "accepted_losses"; dataType: "string"; columnType: "PgUUID"; data: string; driverParam: string; notNull: true; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        epoch: drizzle_orm_pg_core.PgColumn<{ name: "epoch"; tableName: "accepted_losses"; dataType: "number"; columnType: "PgBigInt53"; data: number; driverParam: string | number; notNull: true; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        firstSequence: drizzle_orm_pg_core.PgColumn<{ name: "first_sequence"; tableName: "accepted_losses"; dataType: "number"; columnType: "PgBigInt53"; data: number; driverParam: string | number; notNull: true; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        lastSequence: drizzle_orm_pg_core.PgColumn<{ name: "last_sequence"; tableName: "accepted_losses"; dataType: "number"; columnType: "PgBigInt53"; data: number; driverParam: string | number; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        reason: drizzle_orm_pg_core.PgColumn<{ name: "reason"; tableName: "accepted_losses"; dataType: "string"; columnType: "PgText"; data: string; driverParam: string; notNull: true; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: [string, ...string[]]; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        acceptedAt: drizzle_orm_pg_core.PgColumn<{ name: string; tableName: "accepted_losses"; dataType: "date"; columnType: "PgTimestamp"; data: Date; driverParam: string; notNull: true; hasDefault: true; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
    };
    dialect: 'pg';
}>;

declare const deadLetters: drizzle_orm_pg_core.PgTableWithColumns<{
    name: "dead_letters";
    schema: "thermocline";
    columns: {
        digest: drizzle_orm_pg_core.PgColumn<{ name: "digest"; tableName: "dead_letters"; dataType: "custom"; columnType: "PgCustomColumn"; data: Uint8Array<ArrayBufferLike>; driverParam: unknown; notNull: true; hasDefault: false; isPrimaryKey: true; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, { pgColumnBuilderBrand: 'PgCustomColumnBuilderBrand'; }>;
        reason: drizzle_orm_pg_core.PgColumn<{ name: "reason"; tableName: "dead_letters"; dataType: "string"; columnType: "PgText"; data: string; driverParam: string; notNull: true; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: [string, ...string[]]; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        walId: drizzle_orm_pg_core.PgColumn<{ name: "wal_id"; tableName: "dead_letters"; dataType: "string"; columnType: "PgUUID"; data: string; driverParam: string; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        record: drizzle_orm_pg_core.PgColumn<{ name: "record"; tableName: "dead_letters"; dataType: "custom"; columnType: "PgCustomColumn"; data: Uint8Array<ArrayBufferLike>; driverParam: unknown; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, { pgColumnBuilderBrand: 'PgCustomColumnBuilderBrand'; }>;
        fields: drizzle_orm_pg_core.PgColumn<{ name: "fields"; tableName: "dead_letters"; dataType: "json"; columnType: "PgJsonb"; data: unknown; driverParam: unknown; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        recordedAt: drizzle_orm_pg_core.PgColumn<{ name: string; tableName: "dead_letters"; dataType: "date"; columnType: "PgTimestamp"; data: Date; driverParam: string; notNull: true; hasDefault: true; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
    };
    dialect: 'pg';
}>;

declare const embeddingModels: drizzle_orm_pg_core.PgTableWithColumns<{
    name: "embedding_models";
    schema: "thermocline";
    columns: {
        model: drizzle_orm_pg_core.PgColumn<{ name: "model"; tableName: "embedding_models"; dataType: "custom"; columnType: "PgCustomColumn"; data: string; driverParam: unknown; notNull: true; hasDefault: false; isPrimaryKey: true; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, { pgColumnBuilderBrand: 'PgCustomColumnBuilderBrand'; }>;
        dimensions: drizzle_orm_pg_core.PgColumn<{ name: "dimensions"; tableName: "embedding_models"; dataType: "number"; columnType: "PgInteger"; data: number; driverParam: string | number; notNull: true; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        registeredAt: drizzle_orm_pg_core.PgColumn<{ name: string; tableName: "embedding_models"; dataType: "date"; columnType: "PgTimestamp"; data: Date; driverParam: string; notNull: true; hasDefault: true; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
    };
    dialect: 'pg';
}>;

declare const entryAccess: drizzle_orm_pg_core.PgTableWithColumns<{
    name: "entry_access";
    schema: "thermocline";
    columns: {
        namespace: drizzle_orm_pg_core.PgColumn<{ name: "namespace"; tableName: "entry_access"; dataType: "custom"; columnType: "PgCustomColumn"; data: string; driverParam: unknown; notNull: true; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, { pgColumnBuilderBrand: 'PgCustomColumnBuilderBrand'; }>;
        id: drizzle_orm_pg_core.PgColumn<{ name: "id"; tableName: "entry_access"; dataType: "string"; columnType: "PgUUID"; data: string; driverParam: string; notNull: true; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        lastAccessedAt: drizzle_orm_pg_core.PgColumn<{ name: string; tableName: "entry_access"; dataType: "date"; columnType: "PgTimestamp"; data: Date; driverParam: string; notNull: true; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        accessCount: drizzle_orm_pg_core.PgColumn<{ name: "access_count"; tableName: "entry_access"; dataType: "number"; columnType: "PgBigInt53"; data: number; driverParam: string | number; notNull: true; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
    };
    dialect: 'pg';
}>;

declare const entryCounts: drizzle_orm_pg_core.PgTableWithColumns<{
    name: "entry_counts";
    schema: "thermocline";
    columns: {
        slot: drizzle_orm_pg_core.PgColumn<{ name: "slot"; tableName: "entry_counts"; dataType: "number"; columnType: "PgInteger"; data: number; driverParam: string | number; notNull: true; hasDefault: false; isPrimaryKey: true; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        entries: drizzle_orm_pg_core.PgColumn<{ name: "entries"; tableName: "entry_counts"; dataType: "number"; columnType: "PgBigInt53"; data: number; driverParam: string | number; notNull: true; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        tombstones: drizzle_orm_pg_core.PgColumn<{ name: "tombstones"; tableName: "entry_counts"; dataType: "number"; columnType: "PgBigInt53"; data: number; driverParam: string | number; notNull: true; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        unindexed: drizzle_orm_pg_core.PgColumn<{ name: "unindexed"; tableName: "entry_counts"; dataType: "number"; columnType: "PgBigInt53"; data: number; driverParam: string | number; notNull: true; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
    };
    dialect: 'pg';
}>;

declare const entryStaging: drizzle_orm_pg_core.PgTableWithColumns<{
    name: "entry_staging";
    schema: "thermocline";
    columns: {
        namespace: drizzle_orm_pg_core.PgColumn<{ name: "namespace"; tableName: "entry_staging"; dataType: "custom"; columnType: "PgCustomColumn"; data: string; driverParam: unknown; notNull: true; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, { pgColumnBuilderBrand: 'PgCustomColumnBuilderBrand'; }>;
        id: drizzle_orm_pg_core.PgColumn<{ name: "id"; tableName: "entry_staging"; dataType: "string"; columnType: "PgUUID"; data: string; driverParam: string; notNull: true; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        key: drizzle_orm_pg_core.PgColumn<{ name: "key"; tableName: "entry_staging"; dataType: "custom"; columnType: "PgCustomColumn"; data: string; driverParam: unknown; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, { pgColumnBuilderBrand: 'PgCustomColumnBuilderBrand'; }>;
        version: drizzle_orm_pg_core.PgColumn<{ name: "version"; tableName: "entry_staging"; dataType: "custom"; columnType: "PgCustomColumn"; data: string; driverParam: unknown; notNull: true; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, { pgColumnBuilderBrand: 'PgCustomColumnBuilderBrand'; }>;
        kind: drizzle_orm_pg_core.PgColumn<{ name: "kind"; tableName: "entry_staging"; dataType: "custom"; columnType: "PgCustomColumn"; data: string; driverParam: unknown; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, { pgColumnBuilderBrand: 'PgCustomColumnBuilderBrand'; }>;
        text: drizzle_orm_pg_core.PgColumn<{ name: "text"; tableName: "entry_staging"; dataType: "custom"; columnType: "PgCustomColumn"; data: string; driverParam: unknown; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, { pgColumnBuilderBrand: 'PgCustomColumnBuilderBrand'; }>;
        documentId: drizzle_orm_pg_core.PgColumn<{ name: "document_id"; tableName: "entry_staging"; dataType: "custom"; columnType: "PgCustomColumn"; data: string; driverParam: unknown; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, { pgColumnBuilderBrand: 'PgCustomColumnBuilderBrand'; }>;
        position: drizzle_orm_pg_core.PgColumn<{ name: "position"; tableName: "entry_staging"; dataType: "number"; columnType: "PgInteger"; data: number; driverParam: string | number; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        level: drizzle_orm_pg_core.PgColumn<{ name: "level"; tableName: "entry_staging"; dataType: "number"; columnType: "PgInteger"; data: number; driverParam: string | number; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        children: drizzle_orm_pg_core.PgColumn<{ name: "children"; tableName: "entry_staging"; dataType: "array"; columnType: "PgArray"; data: string[]; driverParam: string | string[]; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: drizzle_orm.Column<{ name: "children"; tableName: "entry_staging"; dataType: "string"; columnType: "PgUUID"; data: string; driverParam: string; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
            identity: undefined;
            generated: undefined;
        }, {}, {
            baseBuilder: drizzle_orm_pg_core.PgColumnBuilder<{
                name: "children";
                dataType: 'string';
                columnType: 'PgUUID';
                data: string;
                driverParam: string;
                enumValues: undefined;
            }, {}, {}, drizzle_orm.ColumnBuilderExtraConfig>;
            size: undefined;
        }>;
        childVersions: drizzle_orm_pg_core.PgColumn<{ name: "child_versions"; tableName: "entry_staging"; dataType: "array"; columnType: "PgArray"; data: string[]; driverParam: string | string[]; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: [string, ...string[]]; baseColumn: drizzle_orm.Column<{ name: "child_versions"; tableName: "entry_staging"; dataType: "string"; columnType: "PgText"; data: string; driverParam: string; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: [string, ...string[]]; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
            identity: undefined;
            generated: undefined;
        }, {}, {
            baseBuilder: drizzle_orm_pg_core.PgColumnBuilder<{
                name: "child_versions";
                dataType: 'string';
                columnType: 'PgText';
                data: string;
                enumValues: [string, ...string[]];
                driverParam: string;
            }, {}, {}, drizzle_orm.ColumnBuilderExtraConfig>;
            size: undefined;
        }>;
        metadata: drizzle_orm_pg_core.PgColumn<{ name: "metadata"; tableName: "entry_staging"; dataType: "json"; columnType: "PgJsonb"; data: unknown; driverParam: unknown; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        embedding: drizzle_orm_pg_core.PgColumn<{ name: "embedding"; tableName: "entry_staging"; dataType: "array"; columnType: "PgArray"; data: number[]; driverParam: string | (string | number)[]; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: drizzle_orm.Column<{ name: "embedding"; tableName: "entry_staging"; dataType: "number"; columnType: "PgReal"; data: number; driverParam: string | number; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
            identity: undefined;
            generated: undefined;
        }, {}, {
            baseBuilder: drizzle_orm_pg_core.PgColumnBuilder<{
                name: "embedding";
                dataType: 'number';
                columnType: 'PgReal';
                data: number;
                driverParam: string | number;
                enumValues: undefined;
            }, {}, {}, drizzle_orm.ColumnBuilderExtraConfig>;
            size: undefined;
        }>;
        rounded: drizzle_orm_pg_core.PgColumn<{ name: "rounded"; tableName: "entry_staging"; dataType: "array"; columnType: "PgArray"; data: number[]; driverParam: string | (string | number)[]; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: drizzle_orm.Column<{ name: "rounded"; tableName: "entry_staging"; dataType: "number"; columnType: "PgSmallInt"; data: number; driverParam: string | number; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
            identity: undefined;
            generated: undefined;
        }, {}, {
            baseBuilder: drizzle_orm_pg_core.PgColumnBuilder<{
                name: "rounded";
                dataType: 'number';
                columnType: 'PgSmallInt';
                data: number;
                driverParam: number | string;
                enumValues: undefined;
            }, {}, {}, drizzle_orm.ColumnBuilderExtraConfig>;
            size: undefined;
        }>;
        roundedScale: drizzle_orm_pg_core.PgColumn<{ name: "rounded_scale"; tableName: "entry_staging"; dataType: "number"; columnType: "PgReal"; data: number; driverParam: string | number; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        roundedDimension: drizzle_orm_pg_core.PgColumn<{ name: "rounded_dimension"; tableName: "entry_staging"; dataType: "number"; columnType: "PgInteger"; data: number; driverParam: string | number; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        roundedVersion: drizzle_orm_pg_core.PgColumn<{ name: "rounded_version"; tableName: "entry_staging"; dataType: "custom"; columnType: "PgCustomColumn"; data: string; driverParam: unknown; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, { pgColumnBuilderBrand: 'PgCustomColumnBuilderBrand'; }>;
        embeddingModel: drizzle_orm_pg_core.PgColumn<{ name: "embedding_model"; tableName: "entry_staging"; dataType: "custom"; columnType: "PgCustomColumn"; data: string; driverParam: unknown; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, { pgColumnBuilderBrand: 'PgCustomColumnBuilderBrand'; }>;
        bytes: drizzle_orm_pg_core.PgColumn<{ name: "bytes"; tableName: "entry_staging"; dataType: "custom"; columnType: "PgCustomColumn"; data: Uint8Array<ArrayBufferLike>; driverParam: unknown; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, { pgColumnBuilderBrand: 'PgCustomColumnBuilderBrand'; }>;
        contentType: drizzle_orm_pg_core.PgColumn<{ name: "content_type"; tableName: "entry_staging"; dataType: "custom"; columnType: "PgCustomColumn"; data: string; driverParam: unknown; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, { pgColumnBuilderBrand: 'PgCustomColumnBuilderBrand'; }>;
        createdAt: drizzle_orm_pg_core.PgColumn<{ name: string; tableName: "entry_staging"; dataType: "date"; columnType: "PgTimestamp"; data: Date; driverParam: string; notNull: true; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        updatedAt: drizzle_orm_pg_core.PgColumn<{ name: string; tableName: "entry_staging"; dataType: "date"; columnType: "PgTimestamp"; data: Date; driverParam: string; notNull: true; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        expiresAt: drizzle_orm_pg_core.PgColumn<{ name: string; tableName: "entry_staging"; dataType: "date"; columnType: "PgTimestamp"; data: Date; driverParam: string; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        slidingTtl: drizzle_orm_pg_core.PgColumn<{ name: "sliding_ttl"; tableName: "entry_staging"; dataType: "number"; columnType: "PgBigInt53"; data: number; driverParam: string | number; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        slidingVersion: drizzle_orm_pg_core.PgColumn<{ name: "sliding_version"; tableName: "entry_staging"; dataType: "custom"; columnType: "PgCustomColumn"; data: string; driverParam: unknown; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, { pgColumnBuilderBrand: 'PgCustomColumnBuilderBrand'; }>;
        deletedAt: drizzle_orm_pg_core.PgColumn<{ name: string; tableName: "entry_staging"; dataType: "date"; columnType: "PgTimestamp"; data: Date; driverParam: string; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        metadataOrder: drizzle_orm_pg_core.PgColumn<{ name: "metadata_order"; tableName: "entry_staging"; dataType: "string"; columnType: "PgText"; data: string; driverParam: string; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: [string, ...string[]]; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        batchId: drizzle_orm_pg_core.PgColumn<{ name: "batch_id"; tableName: "entry_staging"; dataType: "string"; columnType: "PgUUID"; data: string; driverParam: string; notNull: true; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        stagedAt: drizzle_orm_pg_core.PgColumn<{ name: string; tableName: "entry_staging"; dataType: "date"; columnType: "PgTimestamp"; data: Date; driverParam: string; notNull: true; hasDefault: true; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        hotGeneration: drizzle_orm_pg_core.PgColumn<{ name: "hot_generation"; tableName: "entry_staging"; dataType: "number"; columnType: "PgBigInt53"; data: number; driverParam: string | number; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
    };
    dialect: 'pg';
}>;

declare const hotGenerations: drizzle_orm_pg_core.PgTableWithColumns<{
    name: "hot_generations";
    schema: "thermocline";
    columns: {
        number: drizzle_orm_pg_core.PgColumn<{ name: "number"; tableName: "hot_generations"; dataType: "number"; columnType: "PgBigInt53"; data: number; driverParam: string | number; notNull: true; hasDefault: false; isPrimaryKey: true; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        id: drizzle_orm_pg_core.PgColumn<{ name: "id"; tableName: "hot_generations"; dataType: "string"; columnType: "PgText"; data: string; driverParam: string; notNull: true; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: [string, ...string[]]; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        isPrivate: drizzle_orm_pg_core.PgColumn<{ name: "is_private"; tableName: "hot_generations"; dataType: "boolean"; columnType: "PgBoolean"; data: boolean; driverParam: boolean; notNull: true; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        enteredAt: drizzle_orm_pg_core.PgColumn<{ name: string; tableName: "hot_generations"; dataType: "date"; columnType: "PgTimestamp"; data: Date; driverParam: string; notNull: true; hasDefault: true; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
    };
    dialect: 'pg';
}>;

declare const hotMisses: drizzle_orm_pg_core.PgTableWithColumns<{
    name: "hot_misses";
    schema: "thermocline";
    columns: {
        namespace: drizzle_orm_pg_core.PgColumn<{ name: "namespace"; tableName: "hot_misses"; dataType: "custom"; columnType: "PgCustomColumn"; data: string; driverParam: unknown; notNull: true; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, { pgColumnBuilderBrand: 'PgCustomColumnBuilderBrand'; }>;
        id: drizzle_orm_pg_core.PgColumn<{ name: "id"; tableName: "hot_misses"; dataType: "string"; columnType: "PgUUID"; data: string; driverParam: string; notNull: true; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        version: drizzle_orm_pg_core.PgColumn<{ name: "version"; tableName: "hot_misses"; dataType: "custom"; columnType: "PgCustomColumn"; data: string; driverParam: unknown; notNull: true; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, { pgColumnBuilderBrand: 'PgCustomColumnBuilderBrand'; }>;
    };
    dialect: 'pg';
}>;

declare const idempotencyKeys: drizzle_orm_pg_core.PgTableWithColumns<{
    name: "idempotency_keys";
    schema: "thermocline";
    columns: {
        namespace: drizzle_orm_pg_core.PgColumn<{ name: "namespace"; tableName: "idempotency_keys"; dataType: "custom"; columnType: "PgCustomColumn"; data: string; driverParam: unknown; notNull: true; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, { pgColumnBuilderBrand: 'PgCustomColumnBuilderBrand'; }>;
        key: drizzle_orm_pg_core.PgColumn<{ name: "key"; tableName: "idempotency_keys"; dataType: "custom"; columnType: "PgCustomColumn"; data: string; driverParam: unknown; notNull: true; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, { pgColumnBuilderBrand: 'PgCustomColumnBuilderBrand'; }>;
        digest: drizzle_orm_pg_core.PgColumn<{ name: "digest"; tableName: "idempotency_keys"; dataType: "custom"; columnType: "PgCustomColumn"; data: Uint8Array<ArrayBufferLike>; driverParam: unknown; notNull: true; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, { pgColumnBuilderBrand: 'PgCustomColumnBuilderBrand'; }>;
        ids: drizzle_orm_pg_core.PgColumn<{ name: "ids"; tableName: "idempotency_keys"; dataType: "array"; columnType: "PgArray"; data: string[]; driverParam: string | string[]; notNull: true; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: drizzle_orm.Column<{ name: "ids"; tableName: "idempotency_keys"; dataType: "string"; columnType: "PgUUID"; data: string; driverParam: string; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
            identity: undefined;
            generated: undefined;
        }, {}, {
            baseBuilder: drizzle_orm_pg_core.PgColumnBuilder<{
                name: "ids";
                dataType: 'string';
                columnType: 'PgUUID';
                data: string;
                driverParam: string;
                enumValues: undefined;
            }, {}, {}, drizzle_orm.ColumnBuilderExtraConfig>;
            size: undefined;
        }>;
        versions: drizzle_orm_pg_core.PgColumn<{ name: "versions"; tableName: "idempotency_keys"; dataType: "array"; columnType: "PgArray"; data: string[]; driverParam: string | string[]; notNull: true; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: [string, ...string[]]; baseColumn: drizzle_orm.Column<{ name: "versions"; tableName: "idempotency_keys"; dataType: "string"; columnType: "PgText"; data: string; driverParam: string; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: [string, ...string[]]; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
            identity: undefined;
            generated: undefined;
        }, {}, {
            baseBuilder: drizzle_orm_pg_core.PgColumnBuilder<{
                name: "versions";
                dataType: 'string';
                columnType: 'PgText';
                data: string;
                enumValues: [string, ...string[]];
                driverParam: string;
            }, {}, {}, drizzle_orm.ColumnBuilderExtraConfig>;
            size: undefined;
        }>;
        createdAt: drizzle_orm_pg_core.PgColumn<{ name: string; tableName: "idempotency_keys"; dataType: "date"; columnType: "PgTimestamp"; data: Date; driverParam: string; notNull: true; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
    };
    dialect: 'pg';
}>;

declare const leases: drizzle_orm_pg_core.PgTableWithColumns<{
    name: "leases";
    schema: "thermocline";
    columns: {
        name: drizzle_orm_pg_core.PgColumn<{ name: "name"; tableName: "leases"; dataType: "string"; columnType: "PgText"; data: string; driverParam: string; notNull: true; hasDefault: false; isPrimaryKey: true; isAutoincrement: false; hasRuntimeDefault: false; enumValues: [string, ...string[]]; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        holder: drizzle_orm_pg_core.PgColumn<{ name: "holder"; tableName: "leases"; dataType: "string"; columnType: "PgUUID"; data: string; driverParam: string; notNull: true; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        expiresAt: drizzle_orm_pg_core.PgColumn<{ name: string; tableName: "leases"; dataType: "date"; columnType: "PgTimestamp"; data: Date; driverParam: string; notNull: true; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
    };
    dialect: 'pg';
}>;

declare const liveEntries: drizzle_orm_pg_core.PgViewWithSelection<"live_entries", false, {
    namespace: drizzle_orm_pg_core.PgColumn<{ name: "namespace"; tableName: "live_entries"; dataType: "custom"; columnType: "PgCustomColumn"; data: string; driverParam: unknown; notNull: true; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
    id: drizzle_orm_pg_core.PgColumn<{ name: "id"; tableName: "live_entries"; dataType: "string"; columnType: "PgUUID"; data: string; driverParam: string; notNull: true; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
    key: drizzle_orm_pg_core.PgColumn<{ name: "key"; tableName: "live_entries"; dataType: "custom"; columnType: "PgCustomColumn"; data: string; driverParam: unknown; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
    version: drizzle_orm_pg_core.PgColumn<{ name: "version"; tableName: "live_entries"; dataType: "custom"; columnType: "PgCustomColumn"; data: string; driverParam: unknown; notNull: true; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
    kind: drizzle_orm_pg_core.PgColumn<{ name: "kind"; tableName: "live_entries"; dataType: "custom"; columnType: "PgCustomColumn"; data: string; driverParam: unknown; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
    text: drizzle_orm_pg_core.PgColumn<{ name: "text"; tableName: "live_entries"; dataType: "custom"; columnType: "PgCustomColumn"; data: string; driverParam: unknown; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
    documentId: drizzle_orm_pg_core.PgColumn<{ name: "document_id"; tableName: "live_entries"; dataType: "custom"; columnType: "PgCustomColumn"; data: string; driverParam: unknown; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
    position: drizzle_orm_pg_core.PgColumn<{ name: "position"; tableName: "live_entries"; dataType: "number"; columnType: "PgInteger"; data: number; driverParam: string | number; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
    level: drizzle_orm_pg_core.PgColumn<{ name: "level"; tableName: "live_entries"; dataType: "number"; columnType: "PgInteger"; data: number; driverParam: string | number; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
    children: drizzle_orm_pg_core.PgColumn<{ name: "children"; tableName: "live_entries"; dataType: "array"; columnType: "PgArray"; data: string[]; driverParam: string | string[]; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: drizzle_orm.Column<{ name: "children"; tableName: "live_entries"; dataType: "string"; columnType: "PgUUID"; data: string; driverParam: string; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        identity: undefined;
        generated: undefined;
    }, {}, {}>;
    metadata: drizzle_orm_pg_core.PgColumn<{ name: "metadata"; tableName: "live_entries"; dataType: "json"; columnType: "PgJsonb"; data: unknown; driverParam: unknown; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
    embeddingModel: drizzle_orm_pg_core.PgColumn<{ name: "embedding_model"; tableName: "live_entries"; dataType: "custom"; columnType: "PgCustomColumn"; data: string; driverParam: unknown; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
    createdAt: drizzle_orm_pg_core.PgColumn<{ name: string; tableName: "live_entries"; dataType: "date"; columnType: "PgTimestamp"; data: Date; driverParam: string; notNull: true; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
    updatedAt: drizzle_orm_pg_core.PgColumn<{ name: string; tableName: "live_entries"; dataType: "date"; columnType: "PgTimestamp"; data: Date; driverParam: string; notNull: true; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
    expiresAt: drizzle_orm_pg_core.PgColumn<{ name: string; tableName: "live_entries"; dataType: "date"; columnType: "PgTimestamp"; data: Date; driverParam: string; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
    deletedAt: drizzle_orm_pg_core.PgColumn<{ name: string; tableName: "live_entries"; dataType: "date"; columnType: "PgTimestamp"; data: Date; driverParam: string; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
    indexed: drizzle_orm_pg_core.PgColumn<{ name: "indexed"; tableName: "live_entries"; dataType: "boolean"; columnType: "PgBoolean"; data: boolean; driverParam: boolean; notNull: false; hasDefault: true; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
    embedding: drizzle_orm.SQL.Aliased<number[] | null>;
}>;

declare const memoryEntries: drizzle_orm_pg_core.PgTableWithColumns<{
    name: "memory_entries";
    schema: "thermocline";
    columns: {
        namespace: drizzle_orm_pg_core.PgColumn<{ name: "namespace"; tableName: "memory_entries"; dataType: "custom"; columnType: "PgCustomColumn"; data: string; driverParam: unknown; notNull: true; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, { pgColumnBuilderBrand: 'PgCustomColumnBuilderBrand'; }>;
        id: drizzle_orm_pg_core.PgColumn<{ name: "id"; tableName: "memory_entries"; dataType: "string"; columnType: "PgUUID"; data: string; driverParam: string; notNull: true; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        key: drizzle_orm_pg_core.PgColumn<{ name: "key"; tableName: "memory_entries"; dataType: "custom"; columnType: "PgCustomColumn"; data: string; driverParam: unknown; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, { pgColumnBuilderBrand: 'PgCustomColumnBuilderBrand'; }>;
        version: drizzle_orm_pg_core.PgColumn<{ name: "version"; tableName: "memory_entries"; dataType: "custom"; columnType: "PgCustomColumn"; data: string; driverParam: unknown; notNull: true; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, { pgColumnBuilderBrand: 'PgCustomColumnBuilderBrand'; }>;
        kind: drizzle_orm_pg_core.PgColumn<{ name: "kind"; tableName: "memory_entries"; dataType: "custom"; columnType: "PgCustomColumn"; data: string; driverParam: unknown; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, { pgColumnBuilderBrand: 'PgCustomColumnBuilderBrand'; }>;
        text: drizzle_orm_pg_core.PgColumn<{ name: "text"; tableName: "memory_entries"; dataType: "custom"; columnType: "PgCustomColumn"; data: string; driverParam: unknown; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, { pgColumnBuilderBrand: 'PgCustomColumnBuilderBrand'; }>;
        documentId: drizzle_orm_pg_core.PgColumn<{ name: "document_id"; tableName: "memory_entries"; dataType: "custom"; columnType: "PgCustomColumn"; data: string; driverParam: unknown; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, { pgColumnBuilderBrand: 'PgCustomColumnBuilderBrand'; }>;
        position: drizzle_orm_pg_core.PgColumn<{ name: "position"; tableName: "memory_entries"; dataType: "number"; columnType: "PgInteger"; data: number; driverParam: string | number; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        level: drizzle_orm_pg_core.PgColumn<{ name: "level"; tableName: "memory_entries"; dataType: "number"; columnType: "PgInteger"; data: number; driverParam: string | number; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        children: drizzle_orm_pg_core.PgColumn<{ name: "children"; tableName: "memory_entries"; dataType: "array"; columnType: "PgArray"; data: string[]; driverParam: string | string[]; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: drizzle_orm.Column<{ name: "children"; tableName: "memory_entries"; dataType: "string"; columnType: "PgUUID"; data: string; driverParam: string; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
            identity: undefined;
            generated: undefined;
        }, {}, {
            baseBuilder: drizzle_orm_pg_core.PgColumnBuilder<{
                name: "children";
                dataType: 'string';
                columnType: 'PgUUID';
                data: string;
                driverParam: string;
                enumValues: undefined;
            }, {}, {}, drizzle_orm.ColumnBuilderExtraConfig>;
            size: undefined;
        }>;
        childVersions: drizzle_orm_pg_core.PgColumn<{ name: "child_versions"; tableName: "memory_entries"; dataType: "array"; columnType: "PgArray"; data: string[]; driverParam: string | string[]; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: [string, ...string[]]; baseColumn: drizzle_orm.Column<{ name: "child_versions"; tableName: "memory_entries"; dataType: "string"; columnType: "PgText"; data: string; driverParam: string; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: [string, ...string[]]; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
            identity: undefined;
            generated: undefined;
        }, {}, {
            baseBuilder: drizzle_orm_pg_core.PgColumnBuilder<{
                name: "child_versions";
                dataType: 'string';
                columnType: 'PgText';
                data: string;
                enumValues: [string, ...string[]];
                driverParam: string;
            }, {}, {}, drizzle_orm.ColumnBuilderExtraConfig>;
            size: undefined;
        }>;
        metadata: drizzle_orm_pg_core.PgColumn<{ name: "metadata"; tableName: "memory_entries"; dataType: "json"; columnType: "PgJsonb"; data: unknown; driverParam: unknown; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        embedding: drizzle_orm_pg_core.PgColumn<{ name: "embedding"; tableName: "memory_entries"; dataType: "array"; columnType: "PgArray"; data: number[]; driverParam: string | (string | number)[]; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: drizzle_orm.Column<{ name: "embedding"; tableName: "memory_entries"; dataType: "number"; columnType: "PgReal"; data: number; driverParam: string | number; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
            identity: undefined;
            generated: undefined;
        }, {}, {
            baseBuilder: drizzle_orm_pg_core.PgColumnBuilder<{
                name: "embedding";
                dataType: 'number';
                columnType: 'PgReal';
                data: number;
                driverParam: string | number;
                enumValues: undefined;
            }, {}, {}, drizzle_orm.ColumnBuilderExtraConfig>;
            size: undefined;
        }>;
        rounded: drizzle_orm_pg_core.PgColumn<{ name: "rounded"; tableName: "memory_entries"; dataType: "array"; columnType: "PgArray"; data: number[]; driverParam: string | (string | number)[]; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: drizzle_orm.Column<{ name: "rounded"; tableName: "memory_entries"; dataType: "number"; columnType: "PgSmallInt"; data: number; driverParam: string | number; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
            identity: undefined;
            generated: undefined;
        }, {}, {
            baseBuilder: drizzle_orm_pg_core.PgColumnBuilder<{
                name: "rounded";
                dataType: 'number';
                columnType: 'PgSmallInt';
                data: number;
                driverParam: number | string;
                enumValues: undefined;
            }, {}, {}, drizzle_orm.ColumnBuilderExtraConfig>;
            size: undefined;
        }>;
        roundedScale: drizzle_orm_pg_core.PgColumn<{ name: "rounded_scale"; tableName: "memory_entries"; dataType: "number"; columnType: "PgReal"; data: number; driverParam: string | number; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        roundedDimension: drizzle_orm_pg_core.PgColumn<{ name: "rounded_dimension"; tableName: "memory_entries"; dataType: "number"; columnType: "PgInteger"; data: number; driverParam: string | number; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        roundedVersion: drizzle_orm_pg_core.PgColumn<{ name: "rounded_version"; tableName: "memory_entries"; dataType: "custom"; columnType: "PgCustomColumn"; data: string; driverParam: unknown; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, { pgColumnBuilderBrand: 'PgCustomColumnBuilderBrand'; }>;
        embeddingModel: drizzle_orm_pg_core.PgColumn<{ name: "embedding_model"; tableName: "memory_entries"; dataType: "custom"; columnType: "PgCustomColumn"; data: string; driverParam: unknown; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, { pgColumnBuilderBrand: 'PgCustomColumnBuilderBrand'; }>;
        bytes: drizzle_orm_pg_core.PgColumn<{ name: "bytes"; tableName: "memory_entries"; dataType: "custom"; columnType: "PgCustomColumn"; data: Uint8Array<ArrayBufferLike>; driverParam: unknown; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, { pgColumnBuilderBrand: 'PgCustomColumnBuilderBrand'; }>;
        contentType: drizzle_orm_pg_core.PgColumn<{ name: "content_type"; tableName: "memory_entries"; dataType: "custom"; columnType: "PgCustomColumn"; data: string; driverParam: unknown; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, { pgColumnBuilderBrand: 'PgCustomColumnBuilderBrand'; }>;
        createdAt: drizzle_orm_pg_core.PgColumn<{ name: string; tableName: "memory_entries"; dataType: "date"; columnType: "PgTimestamp"; data: Date; driverParam: string; notNull: true; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        updatedAt: drizzle_orm_pg_core.PgColumn<{ name: string; tableName: "memory_entries"; dataType: "date"; columnType: "PgTimestamp"; data: Date; driverParam: string; notNull: true; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        expiresAt: drizzle_orm_pg_core.PgColumn<{ name: string; tableName: "memory_entries"; dataType: "date"; columnType: "PgTimestamp"; data: Date; driverParam: string; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        slidingTtl: drizzle_orm_pg_core.PgColumn<{ name: "sliding_ttl"; tableName: "memory_entries"; dataType: "number"; columnType: "PgBigInt53"; data: number; driverParam: string | number; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        slidingVersion: drizzle_orm_pg_core.PgColumn<{ name: "sliding_version"; tableName: "memory_entries"; dataType: "custom"; columnType: "PgCustomColumn"; data: string; driverParam: unknown; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, { pgColumnBuilderBrand: 'PgCustomColumnBuilderBrand'; }>;
        deletedAt: drizzle_orm_pg_core.PgColumn<{ name: string; tableName: "memory_entries"; dataType: "date"; columnType: "PgTimestamp"; data: Date; driverParam: string; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        metadataOrder: drizzle_orm_pg_core.PgColumn<{ name: "metadata_order"; tableName: "memory_entries"; dataType: "string"; columnType: "PgText"; data: string; driverParam: string; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: [string, ...string[]]; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        indexed: drizzle_orm_pg_core.PgColumn<{ name: "indexed"; tableName: "memory_entries"; dataType: "boolean"; columnType: "PgBoolean"; data: boolean; driverParam: boolean; notNull: false; hasDefault: true; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
    };
    dialect: 'pg';
}>;

declare const namespaceCounts: drizzle_orm_pg_core.PgTableWithColumns<{
    name: "namespace_counts";
    schema: "thermocline";
    columns: {
        segments: drizzle_orm_pg_core.PgColumn<{ name: "segments"; tableName: "namespace_counts"; dataType: "custom"; columnType: "PgCustomColumn"; data: string[]; driverParam: unknown; notNull: true; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, { pgColumnBuilderBrand: 'PgCustomColumnBuilderBrand'; }>;
        slot: drizzle_orm_pg_core.PgColumn<{ name: "slot"; tableName: "namespace_counts"; dataType: "number"; columnType: "PgInteger"; data: number; driverParam: string | number; notNull: true; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        entries: drizzle_orm_pg_core.PgColumn<{ name: "entries"; tableName: "namespace_counts"; dataType: "number"; columnType: "PgBigInt53"; data: number; driverParam: string | number; notNull: true; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
    };
    dialect: 'pg';
}>;

declare const pins: drizzle_orm_pg_core.PgTableWithColumns<{
    name: "pins";
    schema: "thermocline";
    columns: {
        namespace: drizzle_orm_pg_core.PgColumn<{ name: "namespace"; tableName: "pins"; dataType: "custom"; columnType: "PgCustomColumn"; data: string; driverParam: unknown; notNull: true; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, { pgColumnBuilderBrand: 'PgCustomColumnBuilderBrand'; }>;
        id: drizzle_orm_pg_core.PgColumn<{ name: "id"; tableName: "pins"; dataType: "string"; columnType: "PgUUID"; data: string; driverParam: string; notNull: true; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        bytes: drizzle_orm_pg_core.PgColumn<{ name: "bytes"; tableName: "pins"; dataType: "number"; columnType: "PgBigInt53"; data: number; driverParam: string | number; notNull: true; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        pinnedAt: drizzle_orm_pg_core.PgColumn<{ name: string; tableName: "pins"; dataType: "date"; columnType: "PgTimestamp"; data: Date; driverParam: string; notNull: true; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
    };
    dialect: 'pg';
}>;

declare const storeIdentity: drizzle_orm_pg_core.PgTableWithColumns<{
    name: "store_identity";
    schema: "thermocline";
    columns: {
        singleton: drizzle_orm_pg_core.PgColumn<{ name: "singleton"; tableName: "store_identity"; dataType: "boolean"; columnType: "PgBoolean"; data: boolean; driverParam: boolean; notNull: true; hasDefault: true; isPrimaryKey: true; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        storeId: drizzle_orm_pg_core.PgColumn<{ name: "store_id"; tableName: "store_identity"; dataType: "string"; columnType: "PgUUID"; data: string; driverParam: string; notNull: true; hasDefault: true; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        collectedVersion: drizzle_orm_pg_core.PgColumn<{ name: "collected_version"; tableName: "store_identity"; dataType: "custom"; columnType: "PgCustomColumn"; data: string; driverParam: unknown; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, { pgColumnBuilderBrand: 'PgCustomColumnBuilderBrand'; }>;
        hotGenerationId: drizzle_orm_pg_core.PgColumn<{ name: "hot_generation_id"; tableName: "store_identity"; dataType: "string"; columnType: "PgText"; data: string; driverParam: string; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: [string, ...string[]]; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        hotGeneration: drizzle_orm_pg_core.PgColumn<{ name: "hot_generation"; tableName: "store_identity"; dataType: "number"; columnType: "PgBigInt53"; data: number; driverParam: string | number; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        createdAt: drizzle_orm_pg_core.PgColumn<{ name: string; tableName: "store_identity"; dataType: "date"; columnType: "PgTimestamp"; data: Date; driverParam: string; notNull: true; hasDefault: true; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
    };
    dialect: 'pg';
}>;

declare const syncRuns: drizzle_orm_pg_core.PgTableWithColumns<{
    name: "sync_runs";
    schema: "thermocline";
    columns: {
        id: drizzle_orm_pg_core.PgColumn<{ name: "id"; tableName: "sync_runs"; dataType: "number"; columnType: "PgBigSerial53"; data: number; driverParam: number; notNull: true; hasDefault: true; isPrimaryKey: true; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        startedAt: drizzle_orm_pg_core.PgColumn<{ name: string; tableName: "sync_runs"; dataType: "date"; columnType: "PgTimestamp"; data: Date; driverParam: string; notNull: true; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        durationMs: drizzle_orm_pg_core.PgColumn<{ name: "duration_ms"; tableName: "sync_runs"; dataType: "number"; columnType: "PgBigInt53"; data: number; driverParam: string | number; notNull: true; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        synced: drizzle_orm_pg_core.PgColumn<{ name: "synced"; tableName: "sync_runs"; dataType: "number"; columnType: "PgBigInt53"; data: number; driverParam: string | number; notNull: true; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        skipped: drizzle_orm_pg_core.PgColumn<{ name: "skipped"; tableName: "sync_runs"; dataType: "number"; columnType: "PgBigInt53"; data: number; driverParam: string | number; notNull: true; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        errors: drizzle_orm_pg_core.PgColumn<{ name: "errors"; tableName: "sync_runs"; dataType: "number"; columnType: "PgBigInt53"; data: number; driverParam: string | number; notNull: true; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        bytes: drizzle_orm_pg_core.PgColumn<{ name: "bytes"; tableName: "sync_runs"; dataType: "number"; columnType: "PgBigInt53"; data: number; driverParam: string | number; notNull: true; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
    };
    dialect: 'pg';
}>;

declare const thermocline: drizzle_orm_pg_core.PgSchema<"thermocline">;

declare const walCheckpoints: drizzle_orm_pg_core.PgTableWithColumns<{
    name: "wal_checkpoints";
    schema: "thermocline";
    columns: {
        walId: drizzle_orm_pg_core.PgColumn<{ name: "wal_id"; tableName: "wal_checkpoints"; dataType: "string"; columnType: "PgUUID"; data: string; driverParam: string; notNull: true; hasDefault: false; isPrimaryKey: true; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        epoch: drizzle_orm_pg_core.PgColumn<{ name: "epoch"; tableName: "wal_checkpoints"; dataType: "number"; columnType: "PgBigInt53"; data: number; driverParam: string | number; notNull: true; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        sequence: drizzle_orm_pg_core.PgColumn<{ name: "sequence"; tableName: "wal_checkpoints"; dataType: "number"; columnType: "PgBigInt53"; data: number; driverParam: string | number; notNull: true; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        shippedVersion: drizzle_orm_pg_core.PgColumn<{ name: "shipped_version"; tableName: "wal_checkpoints"; dataType: "custom"; columnType: "PgCustomColumn"; data: string; driverParam: unknown; notNull: true; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, { pgColumnBuilderBrand: 'PgCustomColumnBuilderBrand'; }>;
        heartbeatAt: drizzle_orm_pg_core.PgColumn<{ name: string; tableName: "wal_checkpoints"; dataType: "date"; columnType: "PgTimestamp"; data: Date; driverParam: string; notNull: true; hasDefault: true; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        registeredAt: drizzle_orm_pg_core.PgColumn<{ name: string; tableName: "wal_checkpoints"; dataType: "date"; columnType: "PgTimestamp"; data: Date; driverParam: string; notNull: true; hasDefault: true; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        place: drizzle_orm_pg_core.PgColumn<{ name: "place"; tableName: "wal_checkpoints"; dataType: "string"; columnType: "PgText"; data: string; driverParam: string; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: [string, ...string[]]; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        cutAsked: drizzle_orm_pg_core.PgColumn<{ name: "cut_asked"; tableName: "wal_checkpoints"; dataType: "string"; columnType: "PgUUID"; data: string; driverParam: string; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
        cutDone: drizzle_orm_pg_core.PgColumn<{ name: "cut_done"; tableName: "wal_checkpoints"; dataType: "string"; columnType: "PgUUID"; data: string; driverParam: string; notNull: false; hasDefault: false; isPrimaryKey: false; isAutoincrement: false; hasRuntimeDefault: false; enumValues: undefined; baseColumn: never; identity: undefined; generated: undefined; }, {}, {}>;
    };
    dialect: 'pg';
}>;

export { SCHEMA_NAME, acceptedLosses, deadLetters, embeddingModels, entryAccess, entryCounts, entryStaging, hotGenerations, hotMisses, idempotencyKeys, leases, liveEntries, memoryEntries, namespaceCounts, pins, storeIdentity, syncRuns, thermocline, walCheckpoints };
