ALTER TABLE "thermocline"."entry_staging" ADD COLUMN "sliding_version" text COLLATE "C";--> statement-breakpoint
ALTER TABLE "thermocline"."memory_entries" ADD COLUMN "sliding_version" text COLLATE "C";--> statement-breakpoint
UPDATE "thermocline"."memory_entries" SET sliding_version = version WHERE sliding_ttl IS NOT NULL AND expires_at IS NOT NULL;--> statement-breakpoint
-- A process of a version that does not know sliding entries replaces one of them, and leaves its columns as they were: what it
-- puts expires at a fixed time, as it says. The condition is all that other rows pay.
CREATE OR REPLACE FUNCTION "thermocline"."forget_sliding_ttl"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.sliding_ttl := NULL;
  NEW.sliding_version := NULL;
  RETURN NEW;
END
$$;
--> statement-breakpoint
CREATE OR REPLACE TRIGGER "memory_entries_without_sliding_ttl" BEFORE INSERT OR UPDATE ON "thermocline"."memory_entries"
  FOR EACH ROW WHEN (NEW.sliding_ttl IS NOT NULL
    AND (NEW.expires_at IS NULL OR NEW.sliding_version IS DISTINCT FROM NEW.version))
  EXECUTE FUNCTION "thermocline"."forget_sliding_ttl"();
