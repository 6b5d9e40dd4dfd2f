ALTER TABLE "thermocline"."entry_staging" ADD COLUMN "sliding_ttl" bigint;--> statement-breakpoint
ALTER TABLE "thermocline"."memory_entries" ADD COLUMN "sliding_ttl" bigint;--> statement-breakpoint
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
