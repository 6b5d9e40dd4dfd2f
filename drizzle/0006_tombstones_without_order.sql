-- A process of a version that does not know metadata_order replaces an entry by its tombstone and leaves that column as it
-- was: the names of its metadata, which are content. The condition is all that other rows pay.
CREATE FUNCTION "thermocline"."forget_metadata_order"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.metadata_order := NULL;
  RETURN NEW;
END
$$;
--> statement-breakpoint
CREATE TRIGGER "memory_entries_without_order" BEFORE INSERT OR UPDATE ON "thermocline"."memory_entries"
  FOR EACH ROW WHEN (NEW.deleted_at IS NOT NULL AND NEW.metadata_order IS NOT NULL)
  EXECUTE FUNCTION "thermocline"."forget_metadata_order"();
--> statement-breakpoint
-- The trigger keeps writers out until this is committed.
UPDATE "thermocline"."memory_entries" SET metadata_order = NULL WHERE deleted_at IS NOT NULL AND metadata_order IS NOT NULL;
