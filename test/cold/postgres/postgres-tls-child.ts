/**
 * Provokes what throws a connection away, over TLS that was established, and prints each outcome. It ends by itself
 * when nothing can happen any more; an error that nobody catches ends it before, with another code.
 *
 * Arguments: urls of a role that may log in, of one whose password is wrong, of a database that is not there.
 */
import { sql } from 'drizzle-orm'
import { openPostgresCold, PostgresDriver } from '../../../src/cold/postgres/postgres-driver.ts'
import { silentLogger } from '../../../src/kernel/logger.ts'

const [url, wrongPassword, unknownDatabase] = process.argv.slice(2) as [string, string, string]
const options = (to: string, timeout: number) =>
  ({ url: to, max: 2, dimensions: [], metrics: [], migrate: 'auto', timeout, logger: silentLogger }) as const
const connect = (to: string, timeout = 60_000) => PostgresDriver.connect(options(to, timeout))

async function report(what: string, call: Promise<unknown>): Promise<void> {
  const outcome = await call.then(
    () => 'fulfilled',
    ({ code }: { code: string }) => code,
  )
  process.stdout.write(`${what}: ${outcome}\n`)
}

await report('wrong password', connect(wrongPassword))
await report('unknown database', connect(unknownDatabase))

await (await openPostgresCold(options(url, 60_000))).close()
const other = await connect(url)
const until = async (condition: Parameters<PostgresDriver['query']>[0]): Promise<void> => {
  while ((await other.query(condition)).length === 0);
}
const patient = await connect(url)
const late = await connect(url, 3_000)
await report('late statement', late.query(sql`SELECT pg_sleep(60)`))
await report('the next', late.query(sql`SELECT 1 AS one`))
await report('refused COPY', late.copyToStaging([new Uint8Array([1, 2, 3])]))

const lock = other
  .build(sql`LOCK TABLE thermocline.entry_staging IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(600)`)
  .catch(() => {})
await until(sql`SELECT FROM pg_locks WHERE granted AND mode = 'AccessExclusiveLock'
  AND relation = 'thermocline.entry_staging'::regclass`)
await report('late COPY', late.copyToStaging([new Uint8Array([1, 2, 3])]))
await until(sql`SELECT FROM (SELECT pg_cancel_backend(pid) FROM pg_locks WHERE granted
  AND mode = 'AccessExclusiveLock' AND relation = 'thermocline.entry_staging'::regclass) AS cancelled`)
await lock

const killed = report('killed backend', patient.query(sql`SELECT pg_sleep(60) AS "to be killed"`))
await until(sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE query LIKE '%to be killed%' AND pid <> pg_backend_pid()`)
await killed
await report('the last', patient.query(sql`SELECT 1 AS one`))
for (const driver of [late, patient, other]) await driver.close()
