ALTER TABLE "thermocline"."entry_staging" ADD COLUMN "metadata_order" text;--> statement-breakpoint
ALTER TABLE "thermocline"."memory_entries" ADD COLUMN "metadata_order" text;