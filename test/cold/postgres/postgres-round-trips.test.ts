/** Between a program and its database there may be a millisecond: how often one waits for the other. */
import { once } from 'node:events'
import { connect, createServer, type Server } from 'node:net'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PostgresDriver } from '../../../src/cold/postgres/postgres-driver.ts'
import { silentLogger } from '../../../src/kernel/logger.ts'
import { describeWithPostgres, PrivatePostgres } from '../../tools/services.ts'

/** Stands in front of a server, and counts how often a client spoke after it was answered. */
class Relay {
  turns = 0
  readonly #server: Server

  private constructor(port: number) {
    let hasAnswered = true
    this.#server = createServer((client) => {
      const server = connect(port, '127.0.0.1')
      client.on('data', (bytes) => {
        if (hasAnswered) this.turns++
        hasAnswered = false
        server.write(bytes)
      })
      server.on('data', (bytes) => {
        hasAnswered = true
        client.write(bytes)
      })
      for (const [one, other] of [
        [client, server],
        [server, client],
      ] as const)
        one.on('error', () => {}).once('close', () => other.destroy())
    })
  }

  static async before(port: number): Promise<Relay> {
    const relay = new Relay(port)
    relay.#server.listen(0, '127.0.0.1')
    await once(relay.#server, 'listening')
    return relay
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port
  }

  [Symbol.dispose](): void {
    this.#server.close()
  }
}

describeWithPostgres('a Postgres server far away', () => {
  let server: PrivatePostgres
  beforeAll(async () => {
    server = await PrivatePostgres.start({ onPort: true })
  })
  afterAll(() => server[Symbol.asyncDispose]())

  it('gets statements that travel together in one round trip, and leaves no answer for the next', async () => {
    using relay = await Relay.before(server.port)
    const url = `postgres://test@127.0.0.1:${relay.port}/postgres`
    const options = { dimensions: [], metrics: [], max: 2, migrate: 'auto', timeout: 60_000 } as const
    const driver = await PostgresDriver.connect({ ...options, url, logger: silentLogger })
    const numbers = [1, 2, 3, 4, 5].map((n) => sql`SELECT n::int4 AS n FROM generate_series(1, ${n}::int4) AS n`)
    await driver.queryAll(numbers)
    const before = relay.turns
    expect((await driver.queryAll(numbers)).map((rows) => rows.length)).toEqual([1, 2, 3, 4, 5])
    expect(relay.turns - before).toBe(1)
    const bad = sql`SELECT 1 / ${0}::int4 AS n`
    await expect(driver.queryAll([numbers[4]!, bad, numbers[2]!])).rejects.toMatchObject({
      code: 'ERR_TIER_UNAVAILABLE',
    })
    expect(await driver.query(numbers[1]!)).toEqual([{ n: 1 }, { n: 2 }])
    await driver.close()
  })

  describe('a statement with parameters', () => {
    it('is one round trip, whatever the types of its parameters', async () => {
      using relay = await Relay.before(server.port)
      const url = `postgres://test@127.0.0.1:${relay.port}/postgres`
      const options = { dimensions: [], metrics: [], max: 2, migrate: 'auto', timeout: 60_000 } as const
      const driver = await PostgresDriver.connect({ ...options, url, logger: silentLogger })
      const ask = () =>
        driver.query(sql`
          SELECT ${1}::int4 AS one, ${'ä"\\'}::text AS text, ${true}::boolean AS yes, ${null}::text AS none,
            ${sql.param([0.5, -1])}::float8[] = '{0.5,-1}' AS floats,
            ${sql.param(['a,b', '"'])}::text[] = ARRAY['a,b', '"'] AS texts, (${'{"a":"b"}'}::jsonb->>'a') AS json,
            (extract(epoch FROM ${'2026-01-01T00:00:00.001Z'}::timestamptz) * 1000)::float8 AS time`)
      await ask()
      const before = relay.turns
      const [row] = await ask()
      expect(relay.turns - before).toBe(1)
      expect(row).toEqual({
        one: 1,
        text: 'ä"\\',
        yes: true,
        none: null,
        floats: true,
        texts: true,
        json: 'b',
        time: Date.UTC(2026, 0, 1, 0, 0, 0, 1),
      })
      await driver.close()
    })
  })
})
