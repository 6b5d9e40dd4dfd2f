/**
 * Provokes what throws a connection away, over TLS that was established, and prints each outcome with how many errors
 * nobody caught by then: one ends a process that does not count them.
 *
 * Arguments: urls of a role that may log in, of one whose password is wrong, of a database that is not there.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'drizzle-orm'
import { openPostgresCold, PostgresDriver } from '../../src/cold/postgres.ts'
import { silentLogger } from '../../src/log.ts'

const [url, wrongPassword, unknownDatabase] = process.argv.slice(2) as [string, string, string]
let uncaught = 0
process.on('uncaughtException', () => uncaught++)

const options = (to: string, timeout: number) =>
  ({ url: to, max: 2, dimensions: [], metrics: [], migrate: 'auto', timeout, logger: silentLogger }) as const
const connect = (to: string, timeout = 10_000) => PostgresDriver.connect(options(to, timeout))

async function report(what: string, call: Promise<unknown>): Promise<void> {
  const outcome = await call.then(
    () => 'fulfilled',
    ({ code }: { code: string }) => code,
  )
  // What a discarded connection has still to say, it says within a few turns of the event loop.
  await sleep(300)
  process.stdout.write(`${what}: ${outcome}, ${uncaught} uncaught\n`)
}

await report('wrong password', connect(wrongPassword))
await report('unknown database', connect(unknownDatabase))

const impatient = await connect(url, 300)
await report('late statement', impatient.query(sql`SELECT pg_sleep(60)`))
await report('the next', impatient.query(sql`SELECT 1 AS one`))
await (await openPostgresCold(options(url, 60_000))).close()
const blocker = await connect(url)
await report('refused COPY', impatient.copyToStaging(new Uint8Array([1, 2, 3])))
const locked = blocker.build(sql`LOCK TABLE thermocline.entry_staging IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(2)`)
await sleep(200)
await report('late COPY', impatient.copyToStaging(new Uint8Array([1, 2, 3])))
await locked
const killed = impatient.query(sql`SELECT pg_sleep(60) AS "to be killed"`)
await Promise.allSettled([
  report('killed backend', killed),
  blocker.query(sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE query LIKE '%to be killed%' AND pid <> pg_backend_pid()`),
])
await report('the last', impatient.query(sql`SELECT 1 AS one`))
await impatient.close()
await blocker.close()
await report('closed', Promise.resolve())
