CREATE SCHEMA IF NOT EXISTS "thermocline";
--> statement-breakpoint
CREATE TABLE "thermocline"."dead_letters" (
	"digest" "bytea" PRIMARY KEY NOT NULL,
	"reason" text NOT NULL,
	"wal_id" uuid,
	"record" "bytea",
	"fields" jsonb,
	"recorded_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "thermocline"."entry_access" (
	"namespace" text COLLATE "C" NOT NULL,
	"id" uuid NOT NULL,
	"last_accessed_at" timestamp (3) with time zone NOT NULL,
	"access_count" bigint NOT NULL,
	CONSTRAINT "entry_access_namespace_id_pk" PRIMARY KEY("namespace","id")
);
--> statement-breakpoint
CREATE TABLE "thermocline"."entry_staging" (
	"batch_id" uuid NOT NULL,
	"staged_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"namespace" text COLLATE "C" NOT NULL,
	"id" uuid NOT NULL,
	"key" text COLLATE "C",
	"version" text COLLATE "C" NOT NULL,
	"kind" text COLLATE "C",
	"text" text COLLATE "C",
	"document_id" text COLLATE "C",
	"position" integer,
	"level" integer,
	"children" uuid[],
	"metadata" jsonb,
	"embedding" real[],
	"embedding_model" text COLLATE "C",
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	"expires_at" timestamp (3) with time zone,
	"deleted_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "thermocline"."leases" (
	"name" text PRIMARY KEY NOT NULL,
	"holder" uuid NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "thermocline"."memory_entries" (
	"namespace" text COLLATE "C" NOT NULL,
	"id" uuid NOT NULL,
	"key" text COLLATE "C",
	"version" text COLLATE "C" NOT NULL,
	"kind" text COLLATE "C",
	"text" text COLLATE "C",
	"document_id" text COLLATE "C",
	"position" integer,
	"level" integer,
	"children" uuid[],
	"metadata" jsonb,
	"embedding" real[],
	"embedding_model" text COLLATE "C",
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	"expires_at" timestamp (3) with time zone,
	"deleted_at" timestamp (3) with time zone,
	"indexed" boolean DEFAULT false,
	CONSTRAINT "memory_entries_namespace_id_pk" PRIMARY KEY("namespace","id"),
	CONSTRAINT "memory_entries_shape" CHECK (CASE kind
        WHEN 'embedding' THEN embedding IS NOT NULL AND num_nonnulls(text, document_id, position, level, children) = 0
        WHEN 'chunk' THEN text IS NOT NULL AND num_nonnulls(level, children) = 0
        WHEN 'metadata' THEN metadata IS NOT NULL AND num_nonnulls(text, document_id, position, level, children, embedding) = 0
        WHEN 'raptor' THEN num_nonnulls(text, level, children) = 3 AND num_nonnulls(document_id, position) = 0
        ELSE kind IS NULL AND num_nonnulls(text, document_id, position, level, children, metadata, embedding, embedding_model, expires_at) = 0
      END),
	CONSTRAINT "memory_entries_tombstone" CHECK ((kind IS NULL) = (deleted_at IS NOT NULL)),
	CONSTRAINT "memory_entries_version" CHECK (version ~ '^[0-9a-f]{24}$'),
	CONSTRAINT "memory_entries_numbers" CHECK (position >= 0 AND level >= 0),
	CONSTRAINT "memory_entries_embedding" CHECK (cardinality(embedding) > 0)
);
--> statement-breakpoint
CREATE TABLE "thermocline"."store_identity" (
	"singleton" boolean PRIMARY KEY DEFAULT true NOT NULL,
	"store_id" uuid DEFAULT gen_random_uuid() NOT NULL,
	"collected_version" text COLLATE "C",
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "store_identity_single" CHECK (singleton)
);
--> statement-breakpoint
CREATE TABLE "thermocline"."sync_runs" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"started_at" timestamp (3) with time zone NOT NULL,
	"duration_ms" bigint NOT NULL,
	"synced" bigint NOT NULL,
	"skipped" bigint NOT NULL,
	"errors" bigint NOT NULL,
	"bytes" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "thermocline"."wal_checkpoints" (
	"wal_id" uuid PRIMARY KEY NOT NULL,
	"epoch" bigint NOT NULL,
	"sequence" bigint NOT NULL,
	"shipped_version" text COLLATE "C" NOT NULL,
	"heartbeat_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"registered_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE INDEX "memory_entries_version" ON "thermocline"."memory_entries" USING btree ("version");--> statement-breakpoint
CREATE INDEX "memory_entries_document" ON "thermocline"."memory_entries" USING btree ("namespace","document_id","position") WHERE document_id IS NOT NULL;--> statement-breakpoint
CREATE INDEX "memory_entries_unindexed" ON "thermocline"."memory_entries" USING btree (cardinality(embedding),"version") WHERE embedding IS NOT NULL AND indexed IS NOT TRUE;--> statement-breakpoint
CREATE INDEX "memory_entries_expiring" ON "thermocline"."memory_entries" USING btree ("expires_at") WHERE expires_at IS NOT NULL;--> statement-breakpoint
CREATE INDEX "memory_entries_tombstones" ON "thermocline"."memory_entries" USING btree ("deleted_at") WHERE deleted_at IS NOT NULL;--> statement-breakpoint
CREATE VIEW "thermocline"."live_entries" AS (select "namespace", "id", "key", "version", "kind", "text", "document_id", "position", "level", "children", "metadata", "embedding", "embedding_model", "created_at", "updated_at", "expires_at", "deleted_at", "indexed" from "thermocline"."memory_entries" where "thermocline"."memory_entries"."deleted_at" is null AND ("thermocline"."memory_entries"."expires_at" IS NULL OR "thermocline"."memory_entries"."expires_at" > now()));