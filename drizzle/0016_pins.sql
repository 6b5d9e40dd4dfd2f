CREATE TABLE "thermocline"."pins" (
	"namespace" text COLLATE "C" NOT NULL,
	"id" uuid NOT NULL,
	"bytes" bigint NOT NULL,
	"pinned_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "pins_namespace_id_pk" PRIMARY KEY("namespace","id")
);
--> statement-breakpoint
-- A pin goes in the statement that makes a tombstone of its entry, whoever runs it: also a process of a version that knows
-- of no pins. The condition is all that other rows pay. Who pins holds the lock of the entry, so this finds every pin.
CREATE FUNCTION "thermocline"."forget_pin"() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  DELETE FROM thermocline.pins WHERE namespace = OLD.namespace AND id = OLD.id;
  RETURN NULL;
END
$$;
--> statement-breakpoint
CREATE TRIGGER "memory_entries_forget_pin" AFTER UPDATE ON "thermocline"."memory_entries"
  FOR EACH ROW WHEN (OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL)
  EXECUTE FUNCTION "thermocline"."forget_pin"();
--> statement-breakpoint
-- Whoever writes entries pins them, and takes and forgets idempotency keys: roles that were granted every table before
-- these were there.
DO $$
DECLARE
  granted record;
BEGIN
  FOR granted IN
    SELECT a.grantee, a.privilege_type, t.name FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) a
    CROSS JOIN (VALUES ('pins'), ('idempotency_keys')) t (name)
    WHERE c.oid = 'thermocline.memory_entries'::regclass AND a.grantee <> c.relowner
      AND a.privilege_type IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
  LOOP
    EXECUTE format('GRANT %s ON thermocline.%I TO %s', granted.privilege_type, granted.name,
      CASE WHEN granted.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(granted.grantee)) END);
  END LOOP;
END
$$;
