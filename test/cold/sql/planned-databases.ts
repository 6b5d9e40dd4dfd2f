/**
 * Both databases for suites that read plans: each migrated, and with no statistics but those that a suite gathers.
 * Their planners are of one source, so `npm test` asks the embedded one, and the long run the server as well.
 */
import { afterAll, beforeAll, describe } from 'vitest'
import type { ColdDriver } from '../../../src/cold/cold-driver.ts'
import { migrate } from '../../../src/cold/migrate-schema.ts'
import { PgliteDriver } from '../../../src/cold/pglite/pglite-driver.ts'
import { PostgresDriver } from '../../../src/cold/postgres/postgres-driver.ts'
import { silentLogger } from '../../../src/kernel/logger.ts'
import { isThorough } from '../../tools/budget.ts'
import { lendDatabase } from '../../tools/lent-database.ts'
import { describeWithPostgres, PrivatePostgres } from '../../tools/services.ts'

const TIMEOUT_MS = 300_000

/** @param body declares the tests of one; whoever opens a database closes it. */
export function describePlannedDatabases(body: (name: string, open: () => Promise<ColdDriver>) => void): void {
  body('PGlite', async () => {
    return new PgliteDriver(await lendDatabase(), TIMEOUT_MS, silentLogger)
  })

  describe.runIf(isThorough)('in the long run', () => {
    describeWithPostgres('a server', () => {
      let server: PrivatePostgres
      beforeAll(async () => {
        server = await PrivatePostgres.start({ settings: { autovacuum: 'off' } })
      })
      afterAll(() => server[Symbol.asyncDispose]())

      body('Postgres', async () => {
        const options = { dimensions: [], metrics: [], max: 2, migrate: 'auto', timeout: TIMEOUT_MS } as const
        const driver = await PostgresDriver.connect({ ...options, url: server.url('postgres'), logger: silentLogger })
        await migrate(driver, { mode: 'auto', dimensions: [], metrics: [], logger: silentLogger })
        return driver
      })
    })
  })
}
