/** What passes through the staging table on its way to memory_entries leaves no more behind than a few batches. */
import { randomUUID } from 'node:crypto'
import type postgres from 'postgres'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openPostgresCold } from '../../../src/cold/postgres/postgres-driver.ts'
import { silentLogger } from '../../../src/kernel/logger.ts'
import { chunkOf } from '../../contract/cold-records.ts'
import { batchOf } from '../../contract/cold-shipping.ts'
import { describeWithPostgres, PrivatePostgres } from '../../tools/services.ts'

const MB = 1024 * 1024
const BATCHES = 80
const ROWS = 100

describeWithPostgres('the staging table on a server', () => {
  let server: PrivatePostgres
  let admin: postgres.Sql
  beforeAll(async () => {
    server = await PrivatePostgres.start({ settings: { autovacuum: 'off' } })
    admin = server.client()
  })
  afterAll(async () => {
    await admin.end()
    await server[Symbol.asyncDispose]()
  })

  it('stays small under many checkpoints, and needs no second table for long rows', async () => {
    const options = { dimensions: [], metrics: [], max: 2, migrate: 'auto', timeout: 60_000 } as const
    const tier = await openPostgresCold({ ...options, url: server.url(), logger: silentLogger })
    const walId = randomUUID()
    await tier.takeOver(walId, 1)
    for (let nth = 0; nth < BATCHES; nth++) {
      const records = Array.from({ length: ROWS }, (_, row) =>
        chunkOf('ns', row, nth * ROWS + row + 1, { text: 'seven thousand '.repeat(466) }),
      )
      const shipped = await tier.ship(batchOf(walId, records, { from: nth * ROWS, to: (nth + 1) * ROWS }))
      expect(shipped).toMatchObject({ status: 'moved', superseded: 0 })
    }
    // Waits for what is under way.
    await tier.close()
    const [sizes] = await admin`
      SELECT pg_relation_size(oid)::float8 AS rows, pg_relation_size(reltoastrelid)::float8 AS toast
      FROM pg_class WHERE oid = 'thermocline.entry_staging'::regclass`
    expect(sizes!.rows).toBeLessThan(32 * MB)
    expect(sizes!.toast).toBe(0)
  })
})
