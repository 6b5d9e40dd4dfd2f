-- What drizzle-kit cannot express. Vectors do not compress: EXTERNAL saves the attempt.
ALTER TABLE "thermocline"."memory_entries" ALTER COLUMN "embedding" SET STORAGE EXTERNAL;
--> statement-breakpoint
ALTER TABLE "thermocline"."entry_staging" ALTER COLUMN "embedding" SET STORAGE EXTERNAL;
--> statement-breakpoint
-- A crash may empty it: every row is still in a log.
ALTER TABLE "thermocline"."entry_staging" SET UNLOGGED;
--> statement-breakpoint
INSERT INTO "thermocline"."store_identity" DEFAULT VALUES;
