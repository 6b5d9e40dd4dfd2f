-- Apart from the migration before, whose locks keep readers out: here only writers wait until the table was read twice.
CREATE INDEX "memory_entries_rounded" ON "thermocline"."memory_entries" USING btree ("rounded_dimension") WHERE rounded IS NOT NULL;--> statement-breakpoint
-- In the place of the one of before, which has full vectors alone.
CREATE INDEX "memory_entries_unindexed_any" ON "thermocline"."memory_entries" USING btree (coalesce(cardinality(embedding), rounded_dimension),"version") WHERE (embedding IS NOT NULL OR rounded IS NOT NULL) AND indexed IS NOT TRUE;--> statement-breakpoint
DROP INDEX "thermocline"."memory_entries_unindexed";--> statement-breakpoint
ALTER INDEX "thermocline"."memory_entries_unindexed_any" RENAME TO "memory_entries_unindexed";
