-- An ANALYZE that finds no row leaves the statistics of before, and these tables are empty most of the time: what was erased
-- from them would stay there. Every statement reads them by an index, or whole.
DO $$
DECLARE
  given record;
BEGIN
  FOR given IN
    SELECT attrelid::regclass AS of, attname FROM pg_attribute
    WHERE attnum > 0 AND NOT attisdropped AND (
      (attrelid = 'thermocline.entry_staging'::regclass AND attname <> 'batch_id')
      OR (attrelid = 'thermocline.dead_letters'::regclass AND attname IN ('record', 'fields'))
      OR (attrelid = 'thermocline.idempotency_keys'::regclass AND attname IN ('key', 'digest')))
  LOOP
    EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET STATISTICS 0', given.of, given.attname);
  END LOOP;
END
$$;--> statement-breakpoint
ALTER TABLE "thermocline"."wal_checkpoints" ADD COLUMN "cut_asked" uuid;--> statement-breakpoint
ALTER TABLE "thermocline"."wal_checkpoints" ADD COLUMN "cut_done" uuid;
