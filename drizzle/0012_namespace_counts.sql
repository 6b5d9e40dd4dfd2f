CREATE TABLE "thermocline"."namespace_counts" (
	"segments" text[] COLLATE "C" NOT NULL,
	"slot" integer NOT NULL,
	"entries" bigint NOT NULL,
	CONSTRAINT "namespace_counts_segments_slot_pk" PRIMARY KEY("segments","slot")
);
--> statement-breakpoint
-- Who writes now is waited for, and who comes waits, until this is committed: nobody is counted by the function of before.
LOCK TABLE "thermocline"."memory_entries" IN SHARE ROW EXCLUSIVE MODE;
--> statement-breakpoint
-- Counts of memory_entries and of each namespace, kept by whoever writes. Triggers of a statement run at its end, so that
-- these locks are its last. The row of the slot in entry_counts is the first of them, also where it does not change: whoever
-- has it has the rows of the slot in namespace_counts for itself, in whatever order it comes to them. Only the sweep takes
-- such rows away, and it waits for none of them.
CREATE OR REPLACE FUNCTION "thermocline"."count_entries"() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  own_slot integer := pg_backend_pid() % 64;
  entries_change bigint := 0;
  tombstones_change bigint := 0;
  unindexed_change bigint := 0;
  change record;
  names text[];
  changes bigint[];
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
  IF TG_OP = 'INSERT' THEN
    SELECT array_agg(c.namespace), array_agg(c.entries) INTO names, changes FROM (
      SELECT namespace, count(*) AS entries FROM added WHERE deleted_at IS NULL GROUP BY namespace
    ) c;
  ELSIF TG_OP = 'DELETE' THEN
    SELECT array_agg(c.namespace), array_agg(c.entries) INTO names, changes FROM (
      SELECT namespace, -count(*) AS entries FROM removed WHERE deleted_at IS NULL GROUP BY namespace
    ) c;
  ELSE
    SELECT array_agg(c.namespace), array_agg(c.entries) INTO names, changes FROM (
      SELECT namespace, sum(one) AS entries FROM (
        SELECT namespace, 1 AS one FROM added WHERE deleted_at IS NULL
        UNION ALL SELECT namespace, -1 FROM removed WHERE deleted_at IS NULL
      ) row GROUP BY namespace HAVING sum(one) <> 0
    ) c;
  END IF;
  IF entries_change <> 0 OR tombstones_change <> 0 OR unindexed_change <> 0 OR names IS NOT NULL THEN
    INSERT INTO thermocline.entry_counts (slot, entries, tombstones, unindexed)
    VALUES (own_slot, entries_change, tombstones_change, unindexed_change)
    ON CONFLICT (slot) DO UPDATE SET entries = entry_counts.entries + excluded.entries,
      tombstones = entry_counts.tombstones + excluded.tombstones,
      unindexed = entry_counts.unindexed + excluded.unindexed;
  END IF;
  IF names IS NOT NULL THEN
    INSERT INTO thermocline.namespace_counts (segments, slot, entries)
    SELECT string_to_array(c.name, '/'), own_slot, c.entries FROM unnest(names, changes) AS c (name, entries)
    ON CONFLICT (segments, slot) DO UPDATE SET entries = namespace_counts.entries + excluded.entries;
  END IF;
  RETURN NULL;
END
$$;
--> statement-breakpoint
-- The lock waits for a sweep that is moving counts, which would bring back what is removed here.
CREATE OR REPLACE FUNCTION "thermocline"."forget_counts"() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  LOCK TABLE thermocline.namespace_counts IN EXCLUSIVE MODE;
  DELETE FROM thermocline.entry_counts;
  DELETE FROM thermocline.namespace_counts;
  RETURN NULL;
END
$$;
--> statement-breakpoint
INSERT INTO "thermocline"."namespace_counts" (segments, slot, entries)
SELECT string_to_array(namespace, '/'), -1, count(*) FROM "thermocline"."memory_entries" WHERE deleted_at IS NULL GROUP BY namespace;
--> statement-breakpoint
-- Names of namespaces are content: they are for the roles that may read entries, and who may write those may sweep these.
DO $$
DECLARE
  granted record;
BEGIN
  FOR granted IN
    SELECT a.grantee, a.privilege_type FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) a
    WHERE c.oid = 'thermocline.memory_entries'::regclass AND a.grantee <> c.relowner
      AND a.privilege_type IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
  LOOP
    EXECUTE format('GRANT %s ON thermocline.namespace_counts TO %s', granted.privilege_type,
      CASE WHEN granted.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(granted.grantee)) END);
  END LOOP;
END
$$;
