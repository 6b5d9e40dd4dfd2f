CREATE TABLE "thermocline"."idempotency_keys" (
	"namespace" text COLLATE "C" NOT NULL,
	"key" text COLLATE "C" NOT NULL,
	"digest" "bytea" NOT NULL,
	"ids" uuid[] NOT NULL,
	"versions" text[] NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "idempotency_keys_namespace_key_pk" PRIMARY KEY("namespace","key")
);
--> statement-breakpoint
CREATE TABLE "thermocline"."pinned_entries" (
	"namespace" text COLLATE "C" NOT NULL,
	"id" uuid NOT NULL,
	"bytes" bigint NOT NULL,
	"pinned_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "pinned_entries_namespace_id_pk" PRIMARY KEY("namespace","id")
);
--> statement-breakpoint
ALTER TABLE "thermocline"."entry_staging" ADD COLUMN "sliding_ttl" bigint;--> statement-breakpoint
ALTER TABLE "thermocline"."memory_entries" ADD COLUMN "sliding_ttl" bigint;--> statement-breakpoint
CREATE INDEX "idempotency_keys_age" ON "thermocline"."idempotency_keys" USING btree ("created_at");--> statement-breakpoint
-- NOT VALID: every row lacks the column, and reading all of them would keep everybody waiting.
ALTER TABLE "thermocline"."memory_entries" ADD CONSTRAINT "memory_entries_sliding" CHECK (sliding_ttl IS NULL OR (sliding_ttl > 0 AND expires_at IS NOT NULL)) NOT VALID;--> statement-breakpoint
-- A process of a version that does not know the column replaces an entry, or makes a tombstone of it, and leaves it as it
-- was: what expires no more does not slide either. The condition is all that other rows pay.
CREATE FUNCTION "thermocline"."forget_sliding_ttl"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.sliding_ttl := NULL;
  RETURN NEW;
END
$$;
--> statement-breakpoint
CREATE TRIGGER "memory_entries_without_sliding_ttl" BEFORE INSERT OR UPDATE ON "thermocline"."memory_entries"
  FOR EACH ROW WHEN (NEW.expires_at IS NULL AND NEW.sliding_ttl IS NOT NULL)
  EXECUTE FUNCTION "thermocline"."forget_sliding_ttl"();
