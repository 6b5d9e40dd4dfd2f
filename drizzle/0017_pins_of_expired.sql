-- A pin goes as well where what has expired is put anew before a sweep made a tombstone of it: whoever read in between
-- found nothing.
CREATE OR REPLACE TRIGGER "memory_entries_forget_pin" AFTER UPDATE ON "thermocline"."memory_entries"
  FOR EACH ROW WHEN (OLD.deleted_at IS NULL
    AND (NEW.deleted_at IS NOT NULL OR (OLD.expires_at <= NEW.updated_at AND OLD.version <> NEW.version)))
  EXECUTE FUNCTION "thermocline"."forget_pin"();
