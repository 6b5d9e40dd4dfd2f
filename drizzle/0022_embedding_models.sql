CREATE TABLE "thermocline"."embedding_models" (
	"model" text COLLATE "C" PRIMARY KEY NOT NULL,
	"dimensions" integer NOT NULL,
	"registered_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "embedding_models_dimensions" CHECK (dimensions > 0)
);
--> statement-breakpoint
CREATE INDEX "memory_entries_unembedded" ON "thermocline"."memory_entries" USING btree ("embedding_model","version") WHERE embedding_model IS NOT NULL AND text IS NOT NULL AND embedding IS NULL AND rounded IS NULL;