-- Postgres compresses no value of a row that is shorter than `toast_tuple_target`, which for entries is half a page, so that
-- embeddings stay beside them. But what comes compressed from another table stays so. Here, on the way of every write, the
-- values of a row of more than 2 KB are compressed, and none leaves it that a page holds: all have to be MAIN for that, as
-- values of another kind leave before any of MAIN is compressed. Where the server was built without lz4 all stays as it was:
-- the method of before takes longer than it saves.
DO $$
BEGIN
  ALTER TABLE "thermocline"."entry_staging"
    ALTER COLUMN "text" SET COMPRESSION lz4, ALTER COLUMN "text" SET STORAGE MAIN,
    ALTER COLUMN "metadata" SET COMPRESSION lz4, ALTER COLUMN "metadata" SET STORAGE MAIN,
    ALTER COLUMN "embedding" SET COMPRESSION lz4, ALTER COLUMN "embedding" SET STORAGE MAIN,
    ALTER COLUMN "rounded" SET COMPRESSION lz4, ALTER COLUMN "rounded" SET STORAGE MAIN,
    ALTER COLUMN "bytes" SET COMPRESSION lz4, ALTER COLUMN "bytes" SET STORAGE MAIN,
    ALTER COLUMN "children" SET COMPRESSION lz4, ALTER COLUMN "children" SET STORAGE MAIN,
    ALTER COLUMN "child_versions" SET COMPRESSION lz4, ALTER COLUMN "child_versions" SET STORAGE MAIN,
    ALTER COLUMN "metadata_order" SET COMPRESSION lz4, ALTER COLUMN "metadata_order" SET STORAGE MAIN,
    ALTER COLUMN "namespace" SET STORAGE MAIN, ALTER COLUMN "key" SET STORAGE MAIN,
    ALTER COLUMN "version" SET STORAGE MAIN, ALTER COLUMN "kind" SET STORAGE MAIN,
    ALTER COLUMN "document_id" SET STORAGE MAIN, ALTER COLUMN "rounded_version" SET STORAGE MAIN,
    ALTER COLUMN "embedding_model" SET STORAGE MAIN, ALTER COLUMN "content_type" SET STORAGE MAIN,
    ALTER COLUMN "sliding_version" SET STORAGE MAIN;
  ALTER TABLE "thermocline"."entry_staging" SET (toast_tuple_target = 2032);
EXCEPTION WHEN feature_not_supported THEN
  NULL;
END
$$;
