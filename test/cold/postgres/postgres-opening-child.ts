/** Opens the database given twice, so that the server notices that everything is there already. */
import { openPostgresCold } from '../../../src/cold/postgres/postgres-driver.ts'
import { silentLogger } from '../../../src/kernel/logger.ts'

const [url] = process.argv.slice(2) as [string]
const options = { url, max: 2, dimensions: [8], metrics: ['l2'], timeout: 30_000, logger: silentLogger } as const
for (const migrate of ['auto', 'auto'] as const) await (await openPostgresCold({ ...options, migrate })).close()
