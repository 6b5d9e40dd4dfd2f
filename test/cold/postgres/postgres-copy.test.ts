/** A batch that is sent to a Postgres server in pieces. */
import { randomUUID } from 'node:crypto'
import { expect, it, vi } from 'vitest'
import { ColdStore } from '../../../src/cold/cold-store.ts'
import { PostgresDriver } from '../../../src/cold/postgres/postgres-driver.ts'
import { CopyStream, STAGING_COLUMNS } from '../../../src/cold/sql/copy-binary.ts'
import { silentLogger } from '../../../src/kernel/logger.ts'
import { chunkOf } from '../../../src/testkit/contract/cold-records.ts'
import { freshNamespace } from '../../../src/testkit/contract/fresh-cold-tier.ts'
import { describeWithPostgres, PrivatePostgres } from '../../tools/services.ts'

const TERMS = { dimensions: [], metrics: [], logger: silentLogger } as const

/** Header of a stream, and the beginning of a row whose first column goes on for half a gigabyte. */
function beginning(): Buffer {
  const [empty] = new CopyStream(randomUUID(), [])
  const bytes = Buffer.concat([empty!.subarray(0, -2), Buffer.alloc(6)])
  bytes.writeInt16BE(STAGING_COLUMNS.length, bytes.length - 6)
  bytes.writeInt32BE(2 ** 29, bytes.length - 4)
  return bytes
}

describeWithPostgres('a batch in pieces', () => {
  it('lets others have their turn between any two of them', async () => {
    await using server = await PrivatePostgres.start({})
    const options = { ...TERMS, max: 2, migrate: 'auto', url: server.url(), timeout: 20_000 } as const
    const driver = await PostgresDriver.connect(options)
    const tier = await ColdStore.open(driver, { mode: 'auto', ...TERMS })
    const text = 'x'.repeat(10_000)
    const records = Array.from({ length: 200 }, (_, n) => chunkOf(freshNamespace(), n, n + 1, { text }))
    let turn = 0
    const turns: number[] = []
    const spin = (): void => {
      turn++
      spinning = setImmediate(spin)
    }
    let spinning = setImmediate(spin)
    await driver.copyToStaging(
      (function* () {
        for (const piece of new CopyStream(randomUUID(), records)) {
          turns.push(turn)
          yield piece
        }
      })(),
    )
    clearImmediate(spinning)
    expect(turns.length).toBeGreaterThan(20)
    expect(new Set(turns).size).toBe(turns.length)
    await tier.close()
  })

  it('is asked for no faster than a server takes it, and given up at the deadline', async () => {
    await using server = await PrivatePostgres.start({})
    const admin = server.client()
    const options = { ...TERMS, max: 2, migrate: 'auto', url: server.url(), timeout: 2_000 } as const
    const driver = await PostgresDriver.connect(options)
    const tier = await ColdStore.open(driver, { mode: 'auto', ...TERMS })
    const count = { pieces: 0, ended: 0 }
    function* endless(): Generator<Uint8Array, void> {
      try {
        yield beginning()
        for (;;) {
          count.pieces++
          yield new Uint8Array(64 * 1024)
        }
      } finally {
        count.ended++
      }
    }
    const outcome = driver.copyToStaging(endless()).catch((error: unknown) => error)
    const backend = await vi.waitUntil(async () => {
      const [row] = await admin`SELECT pid FROM pg_stat_activity WHERE query LIKE 'COPY%'`
      return count.pieces > 3 && (row?.pid as number | undefined)
    })
    process.kill(backend, 'SIGSTOP')
    const before = count.pieces
    try {
      expect(await outcome).toMatchObject({ code: 'ERR_TIER_UNAVAILABLE', retryable: true })
    } finally {
      process.kill(backend, 'SIGCONT')
    }
    // Buffers of sockets have some megabytes.
    expect(count.pieces - before).toBeLessThan(200)
    await vi.waitUntil(() => count.ended === 1)
    expect(await tier.upsert([chunkOf(freshNamespace(), 1, 1)])).toEqual({ written: 1, rejected: 0 })
    await tier.close()
    await admin.end({ timeout: 1 })
  })
})
