/** Postgres behind pgbouncer in transaction mode, with as few connections to the server as there can be: one. */
import { randomUUID } from 'node:crypto'
import postgres from 'postgres'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openPostgresCold } from '../../../src/cold/postgres/postgres-driver.ts'
import { silentLogger } from '../../../src/kernel/logger.ts'
import { chunkOf, keyOf, PAST, versionOf } from '../../../src/testkit/contract/cold-records.ts'
import { batchOf } from '../../../src/testkit/contract/cold-shipping.ts'
import { describeWithPgbouncer, PrivatePgbouncer, PrivatePostgres } from '../../tools/services.ts'

const OPTIONS = {
  max: 4,
  dimensions: [],
  metrics: [],
  migrate: 'auto',
  timeout: 10_000,
  logger: silentLogger,
} as const

const ALL = { scope: { namespace: 'ns', recursive: false }, filter: [], now: PAST, exclude: [] }

describeWithPgbouncer('a pool of one connection', () => {
  let server: PrivatePostgres
  let bouncer: PrivatePgbouncer
  beforeAll(async () => {
    server = await PrivatePostgres.start()
    bouncer = await PrivatePgbouncer.start(server, 1)
  })
  afterAll(async () => {
    await bouncer[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
  })

  /** Connections to the server that a client holds. */
  async function held(): Promise<unknown[]> {
    const { username, ...url } = { username: 'test', url: new URL(bouncer.url('pgbouncer')) }
    const host = url.url.searchParams.get('host')!
    const admin = postgres({ host, port: 6432, username, database: 'pgbouncer', max: 1, fetch_types: false })
    const servers = await admin.unsafe('SHOW SERVERS')
    await admin.end()
    return servers.filter(({ state, link }) => state === 'active' || link !== '')
  }

  it('serves three, none of which holds it while it has nothing to do', async () => {
    const open = () => openPostgresCold({ ...OPTIONS, url: bouncer.url('postgres') })
    const tiers = [await open(), await open(), await open()]
    for (const [nth, tier] of tiers.entries()) {
      const walId = randomUUID()
      await tier.takeOver(walId, 1)
      expect(await tier.ship(batchOf(walId, [chunkOf('ns', nth, 1)]))).toMatchObject({ status: 'moved' })
      expect(await tier.upsert([chunkOf('ns', nth + 10, 1)])).toEqual({ written: 1, rejected: 0 })
      expect(await held()).toEqual([])
    }
    for (const tier of tiers) {
      expect(await tier.versions([keyOf('ns', 0), keyOf('ns', 12)])).toEqual([versionOf(1), versionOf(1)])
      await tier.close()
    }
  })

  it('passes no setting of a session on, which is said by its name', async () => {
    const url = `${bouncer.url('postgres')}&schema=public&pgbouncer=true`
    await (await openPostgresCold({ ...OPTIONS, url })).close()
    await expect(openPostgresCold({ ...OPTIONS, url: `${url}&statement_timeout=5000` })).rejects.toMatchObject({
      code: 'ERR_INVALID_OPTIONS',
      message: expect.stringContaining('`statement_timeout`'),
    })
  })

  it('keeps what many write at once to a database that is set to serializable, of which it cannot tell the sessions', async () => {
    const admin = server.client()
    await admin.unsafe('CREATE DATABASE strict')
    await admin.unsafe(`ALTER DATABASE strict SET default_transaction_isolation = 'serializable'`)
    await admin.end()
    const wide = await PrivatePgbouncer.start(server, 8)
    const open = () => openPostgresCold({ ...OPTIONS, url: wide.url('strict') })
    const tiers = await Promise.all([open(), open(), open()])
    const keys = Array.from({ length: 10 }, (_, n) => n)
    const write = async (nth: number) => {
      const walId = randomUUID()
      const tier = tiers[nth]!
      await tier.takeOver(walId, 1)
      for (let round = 1; round <= 10; round++) {
        const records = keys.map((n) => chunkOf('ns', n, round * 10 + nth))
        const at = { from: round - 1, to: round }
        expect(await tier.ship(batchOf(walId, records, at))).toMatchObject({ status: 'moved', rejected: 0 })
        expect(await tier.count(ALL, [])).toBe(10)
      }
    }
    await Promise.all(tiers.map((_, nth) => write(nth)))
    expect(await tiers[0]!.versions(keys.map((n) => keyOf('ns', n)))).toEqual(keys.map(() => versionOf(102)))
    for (const tier of tiers) await tier.close()
    await wide[Symbol.asyncDispose]()
  })
})
