CREATE TABLE "thermocline"."accepted_losses" (
	"wal_id" uuid NOT NULL,
	"epoch" bigint NOT NULL,
	"first_sequence" bigint NOT NULL,
	"last_sequence" bigint,
	"reason" text NOT NULL,
	"accepted_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "accepted_losses_wal_id_first_sequence_pk" PRIMARY KEY("wal_id","first_sequence")
);
--> statement-breakpoint
CREATE TABLE "thermocline"."hot_generations" (
	"number" bigint PRIMARY KEY NOT NULL,
	"id" text NOT NULL,
	"is_private" boolean NOT NULL,
	"entered_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "thermocline"."hot_misses" (
	"namespace" text COLLATE "C" NOT NULL,
	"id" uuid NOT NULL,
	"version" text COLLATE "C" NOT NULL,
	CONSTRAINT "hot_misses_namespace_id_pk" PRIMARY KEY("namespace","id")
);
--> statement-breakpoint
ALTER TABLE "thermocline"."entry_staging" ADD COLUMN "hot_generation" bigint;--> statement-breakpoint
ALTER TABLE "thermocline"."store_identity" ADD COLUMN "hot_generation_id" text;--> statement-breakpoint
ALTER TABLE "thermocline"."store_identity" ADD COLUMN "hot_generation" bigint;--> statement-breakpoint
ALTER TABLE "thermocline"."wal_checkpoints" ADD COLUMN "place" text;