/** What passes through the staging table on its way to memory_entries leaves no more behind than a few batches. */
import { randomUUID } from 'node:crypto'
import type postgres from 'postgres'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openPostgresCold } from '../../../src/cold/postgres/postgres-driver.ts'
import { silentLogger } from '../../../src/kernel/logger.ts'
import { chunkOf, vectorOf } from '../../../src/testkit/contract/cold-records.ts'
import { batchOf } from '../../../src/testkit/contract/cold-shipping.ts'
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

  it('compresses texts on their way, and leaves embeddings beside them', async () => {
    const url = await server.createMigrated('texts')
    const options = { dimensions: [], metrics: [], max: 2, migrate: 'check', timeout: 60_000 } as const
    const tier = await openPostgresCold({ ...options, url, logger: silentLogger })
    const text = (length: number): string =>
      Array.from({ length: length / 10 }, (_, n) => `sea ${n % 89} ice `).join('')
    const embedding = vectorOf(512, Math.random)
    const records = [chunkOf('ns', 1, 1, { text: text(3_000) }), chunkOf('ns', 2, 2, { text: text(1_000), embedding })]
    await tier.upsert(records)
    expect((await tier.read(records)).map((row) => row?.record)).toEqual(records)
    await tier.close()
    const sql = server.client('texts')
    const stored = await sql`
      SELECT pg_column_compression(text) AS by, pg_column_size(text) < octet_length(text) / 2 AS is_half,
        pg_column_size(embedding) AS embedding
      FROM thermocline.memory_entries ORDER BY id`
    const [sizes] = await sql`
      SELECT pg_relation_size(reltoastrelid)::int4 AS toast FROM pg_class
      WHERE oid = 'thermocline.memory_entries'::regclass`
    await sql.end()
    const compressed = { by: 'lz4', is_half: true }
    expect(stored).toMatchObject([compressed, { ...compressed, embedding: 4 * 512 + 24 }])
    expect(sizes!.toast).toBe(0)
  })
})
