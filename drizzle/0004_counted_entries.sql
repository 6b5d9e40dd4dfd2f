-- Counts of memory_entries, kept by whoever writes: one statement, one change of one row, which is the last lock it takes.
CREATE FUNCTION "thermocline"."count_entries"() RETURNS trigger LANGUAGE plpgsql
-- A role that may write entries need not be given more for this.
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  entries_change bigint := 0;
  tombstones_change bigint := 0;
  unindexed_change bigint := 0;
  change record;
BEGIN
  IF TG_OP <> 'DELETE' THEN
    SELECT count(*) FILTER (WHERE deleted_at IS NULL) AS entries, count(*) FILTER (WHERE deleted_at IS NOT NULL) AS tombstones,
      count(*) FILTER (WHERE embedding IS NOT NULL AND indexed IS NOT TRUE) AS unindexed INTO change FROM added;
    entries_change := change.entries;
    tombstones_change := change.tombstones;
    unindexed_change := change.unindexed;
  END IF;
  IF TG_OP <> 'INSERT' THEN
    SELECT count(*) FILTER (WHERE deleted_at IS NULL) AS entries, count(*) FILTER (WHERE deleted_at IS NOT NULL) AS tombstones,
      count(*) FILTER (WHERE embedding IS NOT NULL AND indexed IS NOT TRUE) AS unindexed INTO change FROM removed;
    entries_change := entries_change - change.entries;
    tombstones_change := tombstones_change - change.tombstones;
    unindexed_change := unindexed_change - change.unindexed;
  END IF;
  IF entries_change <> 0 OR tombstones_change <> 0 OR unindexed_change <> 0 THEN
    INSERT INTO thermocline.entry_counts (slot, entries, tombstones, unindexed)
    VALUES (pg_backend_pid() % 64, entries_change, tombstones_change, unindexed_change)
    ON CONFLICT (slot) DO UPDATE SET entries = entry_counts.entries + excluded.entries,
      tombstones = entry_counts.tombstones + excluded.tombstones,
      unindexed = entry_counts.unindexed + excluded.unindexed;
  END IF;
  RETURN NULL;
END
$$;
--> statement-breakpoint
CREATE TRIGGER "memory_entries_inserted" AFTER INSERT ON "thermocline"."memory_entries"
  REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION "thermocline"."count_entries"();
--> statement-breakpoint
CREATE TRIGGER "memory_entries_updated" AFTER UPDATE ON "thermocline"."memory_entries"
  REFERENCING OLD TABLE AS removed NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION "thermocline"."count_entries"();
--> statement-breakpoint
CREATE TRIGGER "memory_entries_deleted" AFTER DELETE ON "thermocline"."memory_entries"
  REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION "thermocline"."count_entries"();
--> statement-breakpoint
-- The triggers keep writers out until this is committed.
INSERT INTO "thermocline"."entry_counts" (slot, entries, tombstones, unindexed)
SELECT 0, count(*) FILTER (WHERE deleted_at IS NULL), count(*) FILTER (WHERE deleted_at IS NOT NULL),
  count(*) FILTER (WHERE embedding IS NOT NULL AND indexed IS NOT TRUE) FROM "thermocline"."memory_entries";
--> statement-breakpoint
CREATE FUNCTION "thermocline"."forget_counts"() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  DELETE FROM thermocline.entry_counts;
  RETURN NULL;
END
$$;
--> statement-breakpoint
CREATE TRIGGER "memory_entries_truncated" AFTER TRUNCATE ON "thermocline"."memory_entries"
  FOR EACH STATEMENT EXECUTE FUNCTION "thermocline"."forget_counts"();
--> statement-breakpoint
-- Whoever reads entries reads these: roles that were granted every table before this one was there. USAGE of the schema guards it.
GRANT SELECT ON "thermocline"."entry_counts" TO PUBLIC;
