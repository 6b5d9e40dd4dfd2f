/**
 * Constraints that migrations added for later rows alone are checked for the earlier ones as well, once, while others
 * go on; rows that do not meet them are named, and nothing breaks.
 */
import { type SQL, sql } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { ColdDriver } from '../../src/cold/cold-driver.ts'
import { ColdStore } from '../../src/cold/cold-store.ts'
import { migrate } from '../../src/cold/migrate-schema.ts'
import { readMigrations } from '../../src/cold/migrations.ts'
import { PgliteDriver } from '../../src/cold/pglite/pglite-driver.ts'
import { PostgresDriver } from '../../src/cold/postgres/postgres-driver.ts'
import { openMemoryStore } from '../../src/index.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { chunkOf, idOf, tombstone } from '../../src/testkit/contract/cold-records.ts'
import { LogText } from '../../src/testkit/contract/fresh-cold-tier.ts'
import { QUIET, temporaryFolder } from '../flow/stores.ts'
import { longTest } from '../tools/budget.ts'
import { emptyDatabase } from '../tools/empty-database.ts'
import { describeWithPostgres, PrivatePostgres } from '../tools/services.ts'

const NAMES = ['memory_entries_shape', 'memory_entries_sliding']
const OPTIONS = { dimensions: [], metrics: [] } as const

/** A database with a row of the first version, and migrated since. */
async function migrated(driver: ColdDriver): Promise<void> {
  const migrations = readMigrations()
  await driver.migrate(migrations.slice(0, 1))
  await run(
    driver,
    sql`INSERT INTO thermocline.memory_entries (namespace, id, version, kind, text, created_at, updated_at)
    VALUES ('ns', ${idOf(1)}::uuid, '0000000000000001aaaaaaaa', 'chunk', 'first', now(), now())`,
  )
  await driver.migrate(migrations)
}

const run = (driver: ColdDriver, statement: SQL) => driver.query(statement)

async function validated(driver: ColdDriver): Promise<unknown[]> {
  const rows = await run(
    driver,
    sql`SELECT conname::text AS name FROM pg_constraint WHERE convalidated
    AND conrelid = 'thermocline.memory_entries'::regclass AND conname = ANY (${sql.param(NAMES)}::text[])`,
  )
  return rows.map(({ name }) => name).sort()
}

/** As it was written past the constraint, which new rows meet. */
async function insertViolating(driver: ColdDriver): Promise<void> {
  const [row] = await run(
    driver,
    sql`SELECT pg_get_constraintdef(oid)::text AS definition FROM pg_constraint
    WHERE conname = 'memory_entries_sliding'`,
  )
  await driver.build(sql`ALTER TABLE thermocline.memory_entries DROP CONSTRAINT memory_entries_sliding`)
  await driver.build(sql`ALTER TABLE thermocline.memory_entries DISABLE TRIGGER USER`)
  await run(
    driver,
    sql`INSERT INTO thermocline.memory_entries
    (namespace, id, version, kind, text, created_at, updated_at, sliding_ttl)
    VALUES ('ns', ${idOf(2)}::uuid, '0000000000000002aaaaaaaa', 'chunk', 'secret', now(), now(), 5)`,
  )
  await driver.build(sql`ALTER TABLE thermocline.memory_entries ENABLE TRIGGER USER`)
  const definition = String(row!.definition).replace(/ NOT VALID$/, '')
  await driver.build(
    sql.raw(`ALTER TABLE thermocline.memory_entries ADD CONSTRAINT memory_entries_sliding ${definition} NOT VALID`),
  )
}

function describeValidation(name: string, connect: () => Promise<ColdDriver>): void {
  describe(`constraints on ${name}`, () => {
    let driver: ColdDriver
    let logged: LogText
    beforeEach(async () => {
      driver = await connect()
      logged = new LogText()
      await migrated(driver)
      return () => driver.close()
    })
    const open = () => ColdStore.open(driver, { ...OPTIONS, mode: 'auto', logger: logged })

    it('are validated when that is asked for, not by opening, and once', async () => {
      const cold = await open()
      expect(await validated(driver)).toEqual([])
      await cold.validate()
      expect(await validated(driver)).toEqual(NAMES)
      await cold.validate()
      await (await open()).validate()
      expect(logged.errors).toEqual([])
    })

    it('name the rows that do not meet them, and leave all as it is', async () => {
      await insertViolating(driver)
      const cold = await open()
      await cold.validate()
      await cold.validate()
      expect(logged.lines.join().match(/memory_entries_sliding/g)).toHaveLength(1)
      expect(logged.lines.join()).toContain(idOf(2))
      expect(logged.lines.join()).not.toMatch(/secret|_shape/)
      await expect(migrate(driver, { ...OPTIONS, mode: 'change', logger: silentLogger })).rejects.toMatchObject({
        code: 'ERR_SCHEMA',
        message: expect.stringContaining(`memory_entries_sliding: ${idOf(2)})`),
      })
      expect(await validated(driver)).toEqual([])
      const found = await cold.read([1, 2].map((n) => ({ namespace: 'ns', id: idOf(n) })))
      expect(found.map((row) => row?.record.text)).toEqual(['first', 'secret'])
      await cold.upsert([chunkOf('ns', 1, 5_000_000_000), tombstone('ns', 2, 5_000_000_000)])
      expect((await cold.read([{ namespace: 'ns', id: idOf(2) }]))[0]?.record.deletedAt).not.toBeNull()
      await migrate(driver, { ...OPTIONS, mode: 'change', logger: silentLogger })
      expect(await validated(driver)).toEqual(NAMES)
    })
  })
}

describeValidation('PGlite', async () => new PgliteDriver(await emptyDatabase(), 60_000, silentLogger))

describeWithPostgres('validation on a server', () => {
  let server: PrivatePostgres
  let made = 0
  beforeAll(async () => {
    server = await PrivatePostgres.start()
  })
  afterAll(() => server[Symbol.asyncDispose]())

  async function connect(user?: string): Promise<PostgresDriver> {
    const url = server.url(`made_${made}`, user)
    const terms = { ...OPTIONS, max: 2, migrate: 'auto', timeout: 30_000 } as const
    return PostgresDriver.connect({ ...terms, url, logger: silentLogger })
  }
  async function connectNew(): Promise<PostgresDriver> {
    const admin = server.client()
    await admin.unsafe(`CREATE DATABASE made_${++made}`)
    await admin.end()
    return connect()
  }

  describeValidation('Postgres', connectNew)

  it('is done by a sync', async () => {
    const driver = await connectNew()
    await migrated(driver)
    const options = {
      dir: await temporaryFolder(),
      hot: { kind: 'memory' },
      cold: { url: server.url(`made_${made}`) },
    } as const
    await using store = await openMemoryStore({ ...QUIET, ...options, logger: silentLogger })
    await store.sync()
    expect(await validated(driver)).toEqual(NAMES)
    await driver.close()
  })

  longTest('waits for no index that is built, and not for who writes', async () => {
    const driver = await connectNew()
    await migrated(driver)
    const cold = await ColdStore.open(driver, { ...OPTIONS, mode: 'auto', logger: silentLogger })
    const other = server.client(`made_${made}`)
    await other.begin(async (held) => {
      await held.unsafe('LOCK TABLE thermocline.memory_entries IN SHARE UPDATE EXCLUSIVE MODE')
      await cold.validate()
      expect(await validated(driver)).toEqual([])
    })
    await other.begin(async (held) => {
      await held.unsafe(`UPDATE thermocline.memory_entries SET text = 'other'`)
      await cold.validate()
      expect(await validated(driver)).toEqual(NAMES)
    })
    await other.end()
    await cold.close()
  })

  longTest('is left to the owner of the tables', async () => {
    const driver = await connectNew()
    await migrated(driver)
    await driver.build(sql`CREATE ROLE guest LOGIN`)
    for (const grant of ['USAGE ON SCHEMA thermocline', 'ALL ON ALL TABLES IN SCHEMA thermocline'])
      await driver.build(sql.raw(`GRANT ${grant} TO guest`))
    const logged = new LogText()
    const cold = await ColdStore.open(await connect('guest'), { ...OPTIONS, mode: 'auto', logger: logged })
    await cold.validate()
    await cold.validate()
    expect(logged.lines.join().match(/npx thermocline migrate/g)).toHaveLength(1)
    expect(await validated(driver)).toEqual([])
    await cold.close()
    await driver.close()
  })
})
