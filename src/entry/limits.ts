/**
 * Decides how much an entry may hold, so that every tier can store it. Names are checked against these limits in
 * text.ts, all else in validate.ts and field-checks.ts, which also decide how a field must look.
 */

/** Longest encoded entry, in bytes: a record of the log holds no more (wal/format.ts). */
export const MAX_ENTRY_BYTES = 16 * 1024 * 1024

/** Longest key, document id, model name and namespace, in bytes of UTF-8. */
export const MAX_NAME_BYTES = 512

/** Deeper metadata would overflow somebody's stack. */
export const MAX_METADATA_DEPTH = 100

/** The most dimensions that `vector` of pgvector holds; no known model makes more. */
export const MAX_DIMENSIONS = 16_000

/**
 * Euclidean lengths between which the sums of squares and products of any two vectors fit the single precision in which
 * databases compute. Beyond them distances are infinite, zero or no number.
 */
export const MIN_VECTOR_LENGTH = 1e-18
export const MAX_VECTOR_LENGTH = 1e18

/** Largest `integer` in Postgres. */
export const MAX_INT4 = 2_147_483_647

/** Last millisecond of year 9999: beyond it Date and Postgres no longer agree on text forms. */
export const MAX_TIME = 253_402_300_799_999

/** The most that is written all or none: it is one record of the log, and one transaction in cold. */
export const ATOMIC_LIMITS = { operations: 1_000, bytes: 8 * 1024 * 1024 }
