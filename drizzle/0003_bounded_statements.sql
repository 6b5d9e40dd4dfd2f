CREATE TABLE "thermocline"."entry_counts" (
	"slot" integer PRIMARY KEY NOT NULL,
	"entries" bigint NOT NULL,
	"tombstones" bigint NOT NULL,
	"unindexed" bigint NOT NULL
);
--> statement-breakpoint
CREATE INDEX "entry_staging_batch" ON "thermocline"."entry_staging" USING btree ("batch_id");