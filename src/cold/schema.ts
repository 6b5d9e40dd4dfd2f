/**
 * The tables of the cold tier. They live in the Postgres schema `thermocline`, with a migrations journal of their own,
 * so that an application's migrations and ours never see each other. Exported to users as `thermocline/schema` for
 * their own queries and joins: read {@link liveEntries} there, and write through the store only.
 *
 * Text compares by bytes (`COLLATE "C"`), so that order, ranges and versions agree with JavaScript and Redis.
 */
import { getTableColumns, isNull, sql } from 'drizzle-orm'
import {
  bigint,
  bigserial,
  boolean,
  check,
  customType,
  index,
  integer,
  jsonb,
  pgSchema,
  primaryKey,
  real,
  smallint,
  text,
  timestamp,
  uuid,
} from 'drizzle-orm/pg-core'
import { SCHEMA_NAME } from './schema-name.ts'

export { SCHEMA_NAME }

export const thermocline = pgSchema(SCHEMA_NAME)

const bytewise = customType<{ data: string }>({ dataType: () => 'text COLLATE "C"' })
const bytewiseTexts = customType<{ data: string[] }>({ dataType: () => 'text[] COLLATE "C"' })
const bytea = customType<{ data: Uint8Array }>({ dataType: () => 'bytea' })
const time = (name: string) => timestamp(name, { precision: 3, withTimezone: true })

/** What one version of an entry consists of; staging holds the same columns. */
const recordColumns = {
  namespace: bytewise('namespace').notNull(),
  id: uuid('id').notNull(),
  key: bytewise('key'),
  version: bytewise('version').notNull(),
  /** NULL on a tombstone. */
  kind: bytewise('kind'),
  text: bytewise('text'),
  documentId: bytewise('document_id'),
  position: integer('position'),
  level: integer('level'),
  children: uuid('children').array(),
  /** Of a node: see entry/record.ts. A trigger empties it where a process that does not know it leaves it. */
  childVersions: text('child_versions').array(),
  metadata: jsonb('metadata'),
  /**
   * `real[]` exists on every Postgres; vector indexes are built on a cast of it. NULL where the embedding is rounded,
   * which then is in the columns below (entry/rounded-vector.ts): no type of an extension, which could be dropped and
   * take the column with it.
   */
  embedding: real('embedding').array(),
  rounded: smallint('rounded').array(),
  roundedScale: real('rounded_scale'),
  roundedDimension: integer('rounded_dimension'),
  /**
   * The version whose embedding it is. A process of a version before these columns leaves them as the entry had them
   * that it replaces: a trigger empties them where the row has another version.
   */
  roundedVersion: bytewise('rounded_version'),
  embeddingModel: bytewise('embedding_model'),
  /** Of a blob, as `content_type`; a trigger empties both where a process that does not know them leaves them. */
  bytes: bytea('bytes'),
  contentType: bytewise('content_type'),
  createdAt: time('created_at').notNull(),
  updatedAt: time('updated_at').notNull(),
  /** Moved on by reads where `sliding_ttl` is there, under the same version. */
  expiresAt: time('expires_at'),
  /** Milliseconds: what a read that finds less than three quarters of it left sets the expiry to. */
  slidingTtl: bigint('sliding_ttl', { mode: 'number' }),
  /**
   * The version that slides; NULL elsewhere. A process of a version before these columns leaves both as the entry had
   * them that it replaces: a trigger empties them where the row has another version, or nothing is left to expire.
   */
  slidingVersion: bytewise('sliding_version'),
  /** Set on a tombstone, which keeps key and version and no content. */
  deletedAt: time('deleted_at'),
  /**
   * In which order metadata was given, where jsonb keeps another; NULL elsewhere. For the store alone. A process of a
   * version before this column leaves that of the entry it replaces: then readers get the members in some other order,
   * and names that are not there are passed over (entry/key-order.ts). No trigger can tell, since an entry may well be
   * replaced by one whose names are in the same order; that of a tombstone is removed by one.
   */
  metadataOrder: text('metadata_order'),
}

/** One table for every kind, so that one upsert serves a mixed batch and one lookup serves any entry. */
export const memoryEntries = thermocline.table(
  'memory_entries',
  {
    ...recordColumns,
    /** Whether vector indexes hold the row; NULL where they refused it, so that it is compared exactly for good. */
    indexed: boolean('indexed').default(false),
  },
  (entry) => [
    primaryKey({ columns: [entry.namespace, entry.id] }),
    check(
      'memory_entries_shape',
      sql`CASE kind
        WHEN 'embedding' THEN num_nonnulls(embedding, rounded) = 1
          AND num_nonnulls(text, document_id, position, level, children, child_versions, bytes, content_type) = 0
        WHEN 'chunk' THEN text IS NOT NULL AND num_nonnulls(level, children, child_versions, bytes, content_type) = 0
        WHEN 'metadata' THEN metadata IS NOT NULL AND num_nonnulls(
          text, document_id, position, level, children, child_versions, embedding, rounded, bytes, content_type) = 0
        WHEN 'raptor' THEN num_nonnulls(text, level, children) = 3
          AND num_nonnulls(document_id, position, bytes, content_type) = 0
        WHEN 'blob' THEN bytes IS NOT NULL
          AND num_nonnulls(text, document_id, position, level, children, child_versions, embedding, rounded) = 0
        ELSE kind IS NULL AND num_nonnulls(text, document_id, position, level, children, child_versions, metadata, embedding, rounded, embedding_model, bytes, content_type, expires_at) = 0
      END`,
    ),
    check('memory_entries_tombstone', sql`(kind IS NULL) = (deleted_at IS NOT NULL)`),
    check('memory_entries_version', sql`version ~ '^[0-9a-f]{24}$'`),
    check('memory_entries_numbers', sql`position >= 0 AND level >= 0`),
    check('memory_entries_embedding', sql`cardinality(embedding) > 0`),
    check(
      'memory_entries_rounded',
      sql`CASE WHEN rounded IS NULL THEN num_nonnulls(rounded_scale, rounded_dimension, rounded_version) = 0
        ELSE embedding IS NULL AND num_nonnulls(rounded_scale, rounded_dimension, rounded_version) = 3
          AND rounded_scale > 0 AND rounded_version = version
          AND cardinality(rounded) > 0 AND cardinality(rounded) IN (rounded_dimension, (rounded_dimension + 1) / 2)
      END`,
    ),
    check('memory_entries_sliding', sql`sliding_ttl IS NULL OR (sliding_ttl > 0 AND expires_at IS NOT NULL)`),
    index('memory_entries_version').on(entry.version),
    index('memory_entries_document')
      .on(entry.namespace, entry.documentId, entry.position)
      .where(sql`document_id IS NOT NULL`),
    index('memory_entries_unindexed')
      .on(sql`coalesce(cardinality(embedding), rounded_dimension)`, entry.version)
      .where(sql`(embedding IS NOT NULL OR rounded IS NOT NULL) AND indexed IS NOT TRUE`),
    index('memory_entries_rounded').on(entry.roundedDimension).where(sql`rounded IS NOT NULL`),
    index('memory_entries_expiring').on(entry.expiresAt).where(sql`expires_at IS NOT NULL`),
    // It knows containment alone, which equality of a member is as well.
    index('memory_entries_metadata').using('gin', entry.metadata.op('jsonb_path_ops')),
    // Nodes of trees alone: in the order of their levels, and by what they are parents of. What is put into the second
    // is there at once, since each step of a walk would look through a list of what is not.
    index('memory_entries_level')
      .on(entry.namespace, entry.level.desc().nullsLast(), entry.id)
      .where(sql`level IS NOT NULL`),
    index('memory_entries_children')
      .using('gin', entry.children)
      .with({ fastupdate: false })
      .where(sql`children IS NOT NULL`),
    // Few at most times: those that name the model of a vector which they do not have yet.
    index('memory_entries_unembedded')
      .on(entry.embeddingModel, entry.version)
      .where(sql`embedding_model IS NOT NULL AND text IS NOT NULL AND embedding IS NULL AND rounded IS NULL`),
    index('memory_entries_tombstones').on(entry.deletedAt).where(sql`deleted_at IS NOT NULL`),
  ],
)

/** Entries that can be read: no tombstone, nothing expired. Their embeddings as reads have them, rounded or not. */
export const liveEntries = thermocline.view('live_entries').as((query) =>
  query
    .select(shownColumns())
    .from(memoryEntries)
    .where(
      sql`${isNull(memoryEntries.deletedAt)} AND (${memoryEntries.expiresAt} IS NULL OR ${memoryEntries.expiresAt} > now())`,
    ),
)

/** The view keeps its columns: dropping it for another one would take views of users with it. */
function shownColumns() {
  const { metadataOrder, bytes, contentType, childVersions, slidingTtl, slidingVersion, ...others } =
    getTableColumns(memoryEntries)
  const { rounded, roundedScale, roundedDimension, roundedVersion, ...shown } = others
  const embedding = sql<
    number[] | null
  >`coalesce(embedding, thermocline.widened(rounded, rounded_scale, rounded_dimension))`
  return { ...shown, embedding: embedding.as('embedding') }
}

/** Where rows land by COPY before one statement takes them over. UNLOGGED and without constraints. */
export const entryStaging = thermocline.table(
  'entry_staging',
  {
    batchId: uuid('batch_id').notNull(),
    stagedAt: time('staged_at').notNull().defaultNow(),
    ...recordColumns,
    /** Number of the hot generation that is known to hold this version; NULL: none is. */
    hotGeneration: bigint('hot_generation', { mode: 'number' }),
  },
  (staged) => [index('entry_staging_batch').on(staged.batchId)],
)

/**
 * How many rows memory_entries has of each sort, as sums over all rows here. A trigger keeps them, whoever writes, and
 * each connection in a row of its own, so that writers do not wait for each other.
 */
export const entryCounts = thermocline.table('entry_counts', {
  slot: integer('slot').primaryKey(),
  /** No tombstones; expired entries count until the sweep has reached them. */
  entries: bigint('entries', { mode: 'number' }).notNull(),
  tombstones: bigint('tombstones', { mode: 'number' }).notNull(),
  /** With an embedding that the vector indexes do not hold. */
  unindexed: bigint('unindexed', { mode: 'number' }).notNull(),
})

/**
 * How many entries each namespace has, as sums over its rows here. As with {@link entryCounts} each connection that
 * writes has a row of its own; the sweep makes one of them again, in the slot -1, and removes it where it is 0. By
 * segments, so that a namespace stands right before all that is below it.
 */
export const namespaceCounts = thermocline.table(
  'namespace_counts',
  {
    /** Of the path of the namespace, escaped as there. */
    segments: bytewiseTexts('segments').notNull(),
    slot: integer('slot').notNull(),
    /** No tombstones; expired entries count until the sweep has reached them. */
    entries: bigint('entries', { mode: 'number' }).notNull(),
  },
  (counts) => [primaryKey({ columns: [counts.segments, counts.slot] })],
)

/** Reads of an entry, apart from it, so that counting one touches no index of the entry. */
export const entryAccess = thermocline.table(
  'entry_access',
  {
    namespace: bytewise('namespace').notNull(),
    id: uuid('id').notNull(),
    lastAccessedAt: time('last_accessed_at').notNull(),
    accessCount: bigint('access_count', { mode: 'number' }).notNull(),
  },
  (access) => [primaryKey({ columns: [access.namespace, access.id] })],
)

/** How far each log has been shipped; moved in the same transaction as its rows. */
export const walCheckpoints = thermocline.table('wal_checkpoints', {
  walId: uuid('wal_id').primaryKey(),
  /** Rises with each takeover; a ship under an older one is fenced. */
  epoch: bigint('epoch', { mode: 'number' }).notNull(),
  sequence: bigint('sequence', { mode: 'number' }).notNull(),
  /** Every write of the log at or below this version is in cold. */
  shippedVersion: bytewise('shipped_version').notNull(),
  heartbeatAt: time('heartbeat_at').notNull().defaultNow(),
  registeredAt: time('registered_at').notNull().defaultNow(),
  /** Host and folder of its files, for people. */
  place: text('place'),
  /** Drawn by whoever erased last: the owner lets go of every file from before (rule E5 of flow/README.md). */
  cutAsked: uuid('cut_asked'),
  /** The latest that was asked for when it had done so. */
  cutDone: uuid('cut_done'),
})

/** Acknowledged writes that could not be stored. Each stays until a person has it retried or dropped. */
export const deadLetters = thermocline.table('dead_letters', {
  /** SHA-256 of what is kept, so that the same write is kept once. */
  digest: bytea('digest').primaryKey(),
  /** SQLSTATE, `encoding`, or `below-horizon`. */
  reason: text('reason').notNull(),
  walId: uuid('wal_id'),
  /** The record as the log encodes it, where Postgres could not take its fields … */
  record: bytea('record'),
  /** … or its columns, where it could. */
  fields: jsonb('fields'),
  recordedAt: time('recorded_at').notNull().defaultNow(),
})

/** Models by which stores over this database make vectors, so that whoever comes with another one is told. */
export const embeddingModels = thermocline.table(
  'embedding_models',
  {
    model: bytewise('model').primaryKey(),
    dimensions: integer('dimensions').notNull(),
    registeredAt: time('registered_at').notNull().defaultNow(),
  },
  () => [check('embedding_models_dimensions', sql`dimensions > 0`)],
)

/** A single row. */
export const storeIdentity = thermocline.table(
  'store_identity',
  {
    singleton: boolean('singleton').primaryKey().default(true),
    /** Drawn by the first migration; hot keys start with it. */
    storeId: uuid('store_id').notNull().defaultRandom(),
    /** Highest version among collected tombstones: no missing row at or below it is ever inserted. */
    collectedVersion: bytewise('collected_version'),
    /**
     * The hot generation that is current: id and number change together, under the lock of this row. NULL: there never
     * was one.
     */
    hotGenerationId: text('hot_generation_id'),
    hotGeneration: bigint('hot_generation', { mode: 'number' }),
    createdAt: time('created_at').notNull().defaultNow(),
  },
  () => [check('store_identity_single', sql`singleton`)],
)

/** Every generation that hot ever had, newest last; a number is never given twice. */
export const hotGenerations = thermocline.table('hot_generations', {
  number: bigint('number', { mode: 'number' }).primaryKey(),
  id: text('id').notNull(),
  /** Of a hot tier that one process has for itself: what a shared one kept from before is not current any more. */
  isPrivate: boolean('is_private').notNull(),
  enteredAt: time('entered_at').notNull().defaultNow(),
})

/** Keys of which hot may hold an older version than cold. Whoever has hot repairs it, then removes the row. */
export const hotMisses = thermocline.table(
  'hot_misses',
  {
    namespace: bytewise('namespace').notNull(),
    id: uuid('id').notNull(),
    /** What hot must not hold anything older than. */
    version: bytewise('version').notNull(),
  },
  (miss) => [primaryKey({ columns: [miss.namespace, miss.id] })],
)

/**
 * What a write with an idempotency key was answered, in the transaction of the write itself: the same key gets the same
 * answer for a day. The sweep takes it away.
 */
export const idempotencyKeys = thermocline.table(
  'idempotency_keys',
  {
    namespace: bytewise('namespace').notNull(),
    key: bytewise('key').notNull(),
    /** SHA-256 of what was asked for, so that the key is refused for anything else. */
    digest: bytea('digest').notNull(),
    /** Of each receipt, in order. */
    ids: uuid('ids').array().notNull(),
    versions: text('versions').array().notNull(),
    createdAt: time('created_at').notNull(),
  },
  (given) => [
    primaryKey({ columns: [given.namespace, given.key] }),
    index('idempotency_keys_age').on(given.createdAt),
    // For erasing by entry. Each write adds one id: a list of what is pending would save it little, and cost each look.
    index('idempotency_keys_ids').using('gin', given.ids).with({ fastupdate: false }),
  ],
)

/**
 * Entries that stay in hot while they live. No part of a version: pinning changes no entry. A row goes with the
 * tombstone of its entry, or where it is put anew after it has expired, by a trigger, whoever writes that (rule P1 of
 * flow/README.md).
 */
export const pins = thermocline.table(
  'pins',
  {
    namespace: bytewise('namespace').notNull(),
    id: uuid('id').notNull(),
    /** Payload bytes that it had in hot when it was pinned. */
    bytes: bigint('bytes', { mode: 'number' }).notNull(),
    pinnedAt: time('pinned_at').notNull(),
  },
  (pin) => [primaryKey({ columns: [pin.namespace, pin.id] })],
)

/** Acknowledged records that are gone for good, each accepted by an operator. */
export const acceptedLosses = thermocline.table(
  'accepted_losses',
  {
    walId: uuid('wal_id').notNull(),
    epoch: bigint('epoch', { mode: 'number' }).notNull(),
    firstSequence: bigint('first_sequence', { mode: 'number' }).notNull(),
    /** NULL: as far as the log went, which nobody knows. */
    lastSequence: bigint('last_sequence', { mode: 'number' }),
    reason: text('reason').notNull(),
    acceptedAt: time('accepted_at').notNull().defaultNow(),
  },
  (loss) => [primaryKey({ columns: [loss.walId, loss.firstSequence] })],
)

/** Who may do what only one process should; judged by the database's clock. */
export const leases = thermocline.table('leases', {
  name: text('name').primaryKey(),
  holder: uuid('holder').notNull(),
  expiresAt: time('expires_at').notNull(),
})

/** What each sync did, for people and dashboards. */
export const syncRuns = thermocline.table('sync_runs', {
  id: bigserial('id', { mode: 'number' }).primaryKey(),
  startedAt: time('started_at').notNull(),
  durationMs: bigint('duration_ms', { mode: 'number' }).notNull(),
  synced: bigint('synced', { mode: 'number' }).notNull(),
  skipped: bigint('skipped', { mode: 'number' }).notNull(),
  errors: bigint('errors', { mode: 'number' }).notNull(),
  bytes: bigint('bytes', { mode: 'number' }).notNull(),
})
