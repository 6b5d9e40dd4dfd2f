CREATE TABLE "thermocline"."idempotency_keys" (
	"namespace" text COLLATE "C" NOT NULL,
	"key" text COLLATE "C" NOT NULL,
	"digest" "bytea" NOT NULL,
	"ids" uuid[] NOT NULL,
	"versions" text[] NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "idempotency_keys_namespace_key_pk" PRIMARY KEY("namespace","key")
);
--> statement-breakpoint
CREATE INDEX "idempotency_keys_age" ON "thermocline"."idempotency_keys" USING btree ("created_at");