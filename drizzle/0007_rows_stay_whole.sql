-- A row of more than 2 KB would have its embedding in another table, where finding it costs a comparison three pages more
-- than comparing, and writing it twice as much as the row. Up to half a page stays together. It holds for rows written
-- from now on.
ALTER TABLE "thermocline"."memory_entries" SET (toast_tuple_target = 4080);
--> statement-breakpoint
-- What is only written, read and deleted as a whole stays together as far as a page holds it.
ALTER TABLE "thermocline"."entry_staging" SET (toast_tuple_target = 8160);
