/**
 * Decides how much must stay free on a disk that holds both the log and the embedded Postgres, so that a checkpoint can
 * still run when the disk is full for all else: a Postgres that finds no room for its own log ends at once.
 */

const MIB = 1024 * 1024
/** Postgres's own log grows by so much before housekeeping bounds it, and by the batch that is under way. */
const POSTGRES_LOG_BYTES = 80 * MIB
/** What is shipped stands in the staging table and in its own for a while. */
const COPIES = 2

/** @param pendingBytes Payload of what is to be shipped. Answers bytes. */
export function checkpointRoom(pendingBytes: number): number {
  return POSTGRES_LOG_BYTES + COPIES * pendingBytes
}
