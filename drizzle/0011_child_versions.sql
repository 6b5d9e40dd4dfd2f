ALTER TABLE "thermocline"."entry_staging" ADD COLUMN "child_versions" text[];--> statement-breakpoint
-- NOT VALID: what is there met the former constraint, and reading all of it would keep everybody waiting.
ALTER TABLE "thermocline"."memory_entries" DROP CONSTRAINT "memory_entries_shape";--> statement-breakpoint
ALTER TABLE "thermocline"."memory_entries" ADD COLUMN "child_versions" text[];--> statement-breakpoint
ALTER TABLE "thermocline"."memory_entries" ADD CONSTRAINT "memory_entries_shape" CHECK (CASE kind
        WHEN 'embedding' THEN embedding IS NOT NULL
          AND num_nonnulls(text, document_id, position, level, children, child_versions, bytes, content_type) = 0
        WHEN 'chunk' THEN text IS NOT NULL AND num_nonnulls(level, children, child_versions, bytes, content_type) = 0
        WHEN 'metadata' THEN metadata IS NOT NULL AND num_nonnulls(
          text, document_id, position, level, children, child_versions, embedding, bytes, content_type) = 0
        WHEN 'raptor' THEN num_nonnulls(text, level, children) = 3
          AND num_nonnulls(document_id, position, bytes, content_type) = 0
        WHEN 'blob' THEN bytes IS NOT NULL
          AND num_nonnulls(text, document_id, position, level, children, child_versions, embedding) = 0
        ELSE kind IS NULL AND num_nonnulls(text, document_id, position, level, children, child_versions, metadata, embedding, embedding_model, bytes, content_type, expires_at) = 0
      END) NOT VALID;--> statement-breakpoint
-- A process of a version that does not know the column replaces a node by its tombstone, or by an entry of another kind, and
-- leaves it as it was: the constraint would refuse that. Where it puts the node itself again, the column tells of the put
-- before, by which the node may be called stale until it is put by a process that knows it. The condition is all that other
-- rows pay.
CREATE FUNCTION "thermocline"."forget_child_versions"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.child_versions := NULL;
  RETURN NEW;
END
$$;
--> statement-breakpoint
CREATE TRIGGER "memory_entries_without_child_versions" BEFORE INSERT OR UPDATE ON "thermocline"."memory_entries"
  FOR EACH ROW WHEN (NEW.kind IS DISTINCT FROM 'raptor' AND NEW.child_versions IS NOT NULL)
  EXECUTE FUNCTION "thermocline"."forget_child_versions"();