/**
 * Stores leases: rows that expire by the database's clock, so that a holder that died does not block others for long.
 * How long is decided in sync/lease.ts.
 */
import { sql } from 'drizzle-orm'
import type { ColdDriver } from '../cold-driver.ts'

/** Of whoever builds or drops indexes. */
export const BUILD_LEASE = 'vector indexes'

/**
 * Takes the lease or extends it; returns whether it is held now.
 * @param holder UUID drawn by whoever takes it.
 * @param durationMs until it expires by itself.
 */
export async function holdLease(
  driver: Pick<ColdDriver, 'query'>,
  name: string,
  holder: string,
  durationMs: number,
): Promise<boolean> {
  const rows = await driver.query(sql`
    INSERT INTO thermocline.leases (name, holder, expires_at)
    VALUES (${name}, ${holder}::uuid, now() + ${durationMs}::float8 * interval '1 millisecond')
    ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at
    WHERE leases.holder = excluded.holder OR leases.expires_at <= now()
    RETURNING 1 AS held`)
  return rows.length > 0
}

/** Gives it back; nothing happens where somebody else holds it by now. */
export async function releaseLease(driver: Pick<ColdDriver, 'query'>, name: string, holder: string): Promise<void> {
  await driver.query(sql`DELETE FROM thermocline.leases WHERE name = ${name} AND holder = ${holder}::uuid`)
}

/** Returns who has the lease; undefined where nobody has it, or whoever had it let it expire. */
export async function leaseHolder(driver: Pick<ColdDriver, 'query'>, name: string): Promise<string | undefined> {
  const [row] = await driver.query(sql`
    SELECT holder::text AS holder FROM thermocline.leases WHERE name = ${name} AND expires_at > now()`)
  return row?.holder as string | undefined
}
