-- Embeddings may be rounded: see src/entry/rounded-vector.ts. What is there stays as it is.
ALTER TABLE "thermocline"."entry_staging" ADD COLUMN "rounded" smallint[];--> statement-breakpoint
ALTER TABLE "thermocline"."entry_staging" ADD COLUMN "rounded_scale" real;--> statement-breakpoint
ALTER TABLE "thermocline"."entry_staging" ADD COLUMN "rounded_dimension" integer;--> statement-breakpoint
ALTER TABLE "thermocline"."entry_staging" ADD COLUMN "rounded_version" text COLLATE "C";--> statement-breakpoint
ALTER TABLE "thermocline"."entry_staging" ALTER COLUMN "rounded" SET STORAGE EXTERNAL;--> statement-breakpoint
ALTER TABLE "thermocline"."memory_entries" ADD COLUMN "rounded" smallint[];--> statement-breakpoint
ALTER TABLE "thermocline"."memory_entries" ADD COLUMN "rounded_scale" real;--> statement-breakpoint
ALTER TABLE "thermocline"."memory_entries" ADD COLUMN "rounded_dimension" integer;--> statement-breakpoint
ALTER TABLE "thermocline"."memory_entries" ADD COLUMN "rounded_version" text COLLATE "C";--> statement-breakpoint
ALTER TABLE "thermocline"."memory_entries" ALTER COLUMN "rounded" SET STORAGE EXTERNAL;--> statement-breakpoint
-- NOT VALID: what is there met the former constraint, and reading all of it would keep everybody waiting.
ALTER TABLE "thermocline"."memory_entries" DROP CONSTRAINT "memory_entries_shape";--> statement-breakpoint
ALTER TABLE "thermocline"."memory_entries" ADD CONSTRAINT "memory_entries_shape" CHECK (CASE kind
        WHEN 'embedding' THEN num_nonnulls(embedding, rounded) = 1
          AND num_nonnulls(text, document_id, position, level, children, child_versions, bytes, content_type) = 0
        WHEN 'chunk' THEN text IS NOT NULL AND num_nonnulls(level, children, child_versions, bytes, content_type) = 0
        WHEN 'metadata' THEN metadata IS NOT NULL AND num_nonnulls(
          text, document_id, position, level, children, child_versions, embedding, rounded, bytes, content_type) = 0
        WHEN 'raptor' THEN num_nonnulls(text, level, children) = 3
          AND num_nonnulls(document_id, position, bytes, content_type) = 0
        WHEN 'blob' THEN bytes IS NOT NULL
          AND num_nonnulls(text, document_id, position, level, children, child_versions, embedding, rounded) = 0
        ELSE kind IS NULL AND num_nonnulls(text, document_id, position, level, children, child_versions, metadata, embedding, rounded, embedding_model, bytes, content_type, expires_at) = 0
      END) NOT VALID;--> statement-breakpoint
ALTER TABLE "thermocline"."memory_entries" ADD CONSTRAINT "memory_entries_rounded" CHECK (CASE WHEN rounded IS NULL THEN num_nonnulls(rounded_scale, rounded_dimension, rounded_version) = 0
        ELSE embedding IS NULL AND num_nonnulls(rounded_scale, rounded_dimension, rounded_version) = 3
          AND rounded_scale > 0 AND rounded_version = version
          AND cardinality(rounded) > 0 AND cardinality(rounded) IN (rounded_dimension, (rounded_dimension + 1) / 2)
      END) NOT VALID;--> statement-breakpoint
-- A process of a version that does not know these columns replaces an entry whose embedding is rounded, or empties one that
-- has expired and keeps its version, and leaves them as they were. The condition is all that other rows pay.
CREATE FUNCTION "thermocline"."forget_rounded"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.rounded := NULL;
  NEW.rounded_scale := NULL;
  NEW.rounded_dimension := NULL;
  NEW.rounded_version := NULL;
  RETURN NEW;
END
$$;
--> statement-breakpoint
CREATE TRIGGER "memory_entries_without_rounded" BEFORE INSERT OR UPDATE ON "thermocline"."memory_entries"
  FOR EACH ROW WHEN (NEW.rounded IS NOT NULL AND (NEW.kind IS NULL OR NEW.rounded_version IS DISTINCT FROM NEW.version))
  EXECUTE FUNCTION "thermocline"."forget_rounded"();
--> statement-breakpoint
-- The vector of a rounded one, as the store reads it: each component a number of steps, or two in one, of which the second is
-- a multiple of 256.
CREATE FUNCTION "thermocline"."widened"(rounded smallint[], scale real, dimension integer) RETURNS real[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT CASE WHEN cardinality(rounded) = dimension
    THEN ARRAY(SELECT steps::real * scale FROM unnest(rounded) WITH ORDINALITY AS u (steps, nth) ORDER BY nth)
    ELSE (
      ARRAY(SELECT (pair - ((pair + 128) >> 8) * 256)::real * scale
        FROM unnest(rounded::integer[]) WITH ORDINALITY AS u (pair, nth) ORDER BY nth)
      || ARRAY(SELECT ((pair + 128) >> 8)::real * scale
        FROM unnest(rounded::integer[]) WITH ORDINALITY AS u (pair, nth) ORDER BY nth)
    )[1:dimension] END
$$;
--> statement-breakpoint
CREATE OR REPLACE VIEW "thermocline"."live_entries" AS (select "namespace", "id", "key", "version", "kind", "text", "document_id", "position", "level", "children", "metadata", coalesce(embedding, thermocline.widened(rounded, rounded_scale, rounded_dimension)) as "embedding", "embedding_model", "created_at", "updated_at", "expires_at", "deleted_at", "indexed" from "thermocline"."memory_entries" where "thermocline"."memory_entries"."deleted_at" is null AND ("thermocline"."memory_entries"."expires_at" IS NULL OR "thermocline"."memory_entries"."expires_at" > now()));
--> statement-breakpoint
-- Who writes now is waited for, and who comes waits, until this is committed: nobody is counted by the function of before.
LOCK TABLE "thermocline"."memory_entries" IN SHARE ROW EXCLUSIVE MODE;
--> statement-breakpoint
-- As it was, and rounded embeddings that no vector index holds are counted with the others.
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
      count(*) FILTER (WHERE (embedding IS NOT NULL OR rounded IS NOT NULL) AND indexed IS NOT TRUE) AS unindexed INTO change FROM added;
    entries_change := change.entries;
    tombstones_change := change.tombstones;
    unindexed_change := change.unindexed;
  END IF;
  IF TG_OP <> 'INSERT' THEN
    SELECT count(*) FILTER (WHERE deleted_at IS NULL) AS entries, count(*) FILTER (WHERE deleted_at IS NOT NULL) AS tombstones,
      count(*) FILTER (WHERE (embedding IS NOT NULL OR rounded IS NOT NULL) AND indexed IS NOT TRUE) AS unindexed INTO change FROM removed;
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
-- The text of a row that is too long for a page is compressed: some times as fast where the server was built with lz4.
DO $$
BEGIN
  ALTER TABLE "thermocline"."memory_entries" ALTER COLUMN "text" SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
  NULL;
END
$$;
