ALTER TABLE "thermocline"."entry_staging" ADD COLUMN "bytes" "bytea";--> statement-breakpoint
ALTER TABLE "thermocline"."entry_staging" ADD COLUMN "content_type" text COLLATE "C";--> statement-breakpoint
-- NOT VALID: what is there met the former constraint, and reading all of it would keep everybody waiting.
ALTER TABLE "thermocline"."memory_entries" DROP CONSTRAINT "memory_entries_shape";--> statement-breakpoint
ALTER TABLE "thermocline"."memory_entries" ADD COLUMN "bytes" "bytea";--> statement-breakpoint
ALTER TABLE "thermocline"."memory_entries" ADD COLUMN "content_type" text COLLATE "C";--> statement-breakpoint
ALTER TABLE "thermocline"."memory_entries" ADD CONSTRAINT "memory_entries_shape" CHECK (CASE kind
        WHEN 'embedding' THEN embedding IS NOT NULL
          AND num_nonnulls(text, document_id, position, level, children, bytes, content_type) = 0
        WHEN 'chunk' THEN text IS NOT NULL AND num_nonnulls(level, children, bytes, content_type) = 0
        WHEN 'metadata' THEN metadata IS NOT NULL
          AND num_nonnulls(text, document_id, position, level, children, embedding, bytes, content_type) = 0
        WHEN 'raptor' THEN num_nonnulls(text, level, children) = 3
          AND num_nonnulls(document_id, position, bytes, content_type) = 0
        WHEN 'blob' THEN bytes IS NOT NULL
          AND num_nonnulls(text, document_id, position, level, children, embedding) = 0
        ELSE kind IS NULL AND num_nonnulls(text, document_id, position, level, children, metadata, embedding, embedding_model, bytes, content_type, expires_at) = 0
      END) NOT VALID;--> statement-breakpoint
-- A process of a version that does not know blobs replaces one by its tombstone, or by an entry of another kind, and leaves
-- these columns as they were: content of what is gone, which the constraint would refuse. The condition is all that other
-- rows pay.
CREATE FUNCTION "thermocline"."forget_bytes"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.bytes := NULL;
  NEW.content_type := NULL;
  RETURN NEW;
END
$$;
--> statement-breakpoint
CREATE TRIGGER "memory_entries_without_bytes" BEFORE INSERT OR UPDATE ON "thermocline"."memory_entries"
  FOR EACH ROW WHEN (NEW.kind IS DISTINCT FROM 'blob' AND (NEW.bytes IS NOT NULL OR NEW.content_type IS NOT NULL))
  EXECUTE FUNCTION "thermocline"."forget_bytes"();
