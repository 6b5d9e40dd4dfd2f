/**
 * Decides whether this process may use a database without Redis: where its hot tier is its own, it must be alone with
 * the database, since others would not see its writes in hot. It holds a lease for that, and a process that shares
 * Redis checks whether another holds it.
 */
import { randomUUID } from 'node:crypto'
import type { ColdTier } from '../cold/cold-tier.ts'
import { ThermoclineError } from '../errors.ts'
import type { Logger } from '../kernel/logger.ts'
import type { ReleaseStack } from '../kernel/release-stack.ts'
import type { CallGate } from '../repository/call-gate.ts'
import { Lease } from '../sync/lease.ts'

/** The lease of the one process that uses a database with a hot tier of its own. */
const SOLE_PROCESS = 'sole-process'

export interface SoleParts {
  readonly cold: ColdTier
  readonly logger: Logger
  /** Refuses calls once this process is not the sole one any more. */
  readonly gate: Pick<CallGate, 'fail'>
}

/** Rejects with `ERR_LOCKED` where another process must be alone with the database. */
export async function refuseBesideSole(cold: ColdTier): Promise<void> {
  if ((await cold.leaseHolder(SOLE_PROCESS)) !== undefined) throw inUse()
}

/**
 * An embedded database needs no generations: nobody else ever writes to it. One that knows some, since it was once used
 * with Redis, notes for good what the latest is not known to hold, unless this process begins another.
 */
export async function followKnown(cold: ColdTier): Promise<number | undefined> {
  const { generationNumber } = await cold.hotMisses(1)
  return generationNumber === undefined ? undefined : enterOwn(cold)
}

/**
 * Returns the number of the generation that is this process's own, and rejects with `ERR_LOCKED` where another process
 * must be alone with the database.
 */
export async function becomeSole({ cold, logger, gate }: SoleParts, releases: ReleaseStack): Promise<number> {
  const lease = new Lease(cold, SOLE_PROCESS, logger)
  if (!(await lease.hold())) throw inUse()
  lease.keep(() => gate.fail(inUse()))
  releases.push('the lease of the only process', () => lease.release())
  return enterOwn(cold)
}

/** Begins a generation that is this process's own, and answers its number. */
export async function enterOwn(cold: ColdTier): Promise<number> {
  const number = await cold.enterPrivateGeneration(`private:${randomUUID()}`)
  if (number === undefined) throw inUse()
  return number
}

export function inUse(): ThermoclineError {
  return new ThermoclineError(
    'ERR_LOCKED',
    'a process with a hot tier of its own uses this database: close it, or name Redis in every process (`hot.url`); one that died is out of the way within a minute',
    {},
  )
}
