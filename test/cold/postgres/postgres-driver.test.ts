import { afterAll, beforeAll } from 'vitest'
import { openPostgresCold } from '../../../src/cold/postgres/postgres-driver.ts'
import { describeColdTier } from '../../../src/testkit/testkit.ts'
import { budget, givenSeed, isThorough } from '../../tools/budget.ts'
import {
  describeWithAnyPostgres,
  describeWithPgbouncer,
  describeWithPostgres,
  PostgresDatabases,
  PrivatePgbouncer,
  PrivatePostgres,
} from '../../tools/services.ts'

const OPTIONS = { max: 4, migrate: 'auto', timeout: 60_000 } as const

function describeOn(name: string, indexesVectors: boolean, createDatabase: () => Promise<string>): void {
  describeColdTier(name, {
    indexesVectors,
    runs: budget({ short: 30, long: 5_000 }),
    seed: givenSeed,
    open: async (options) => openPostgresCold({ ...OPTIONS, ...options, url: await createDatabase() }),
  })
}

describeWithAnyPostgres('a Postgres server', () => {
  let databases: PostgresDatabases
  beforeAll(async () => {
    databases = await PostgresDatabases.start()
  })
  afterAll(() => databases[Symbol.asyncDispose]())

  describeOn('Postgres', process.env.POSTGRES_VARIANT !== 'without-pgvector', () => databases.create())
})

// What these two lack or have in between is in suites of their own; here every call is made again.
if (isThorough)
  describeWithPostgres('a role that may not create extensions', () => {
    let server: PrivatePostgres
    let made = 0
    beforeAll(async () => {
      server = await PrivatePostgres.start()
    })
    afterAll(() => server[Symbol.asyncDispose]())

    describeOn('Postgres without pgvector', false, async () => {
      const name = `plain_${++made}`
      const admin = server.client()
      if (made === 1) await admin`CREATE ROLE plain LOGIN`
      await admin.unsafe(`CREATE DATABASE ${name} OWNER plain`)
      await admin.end()
      return server.url(name, 'plain')
    })
  })

if (isThorough)
  describeWithPgbouncer('pgbouncer in transaction mode', () => {
    let server: PrivatePostgres
    let bouncer: PrivatePgbouncer
    let made = 0
    beforeAll(async () => {
      server = await PrivatePostgres.start()
      bouncer = await PrivatePgbouncer.start(server)
    })
    afterAll(async () => {
      await bouncer[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    })

    describeOn('Postgres behind pgbouncer', true, async () => {
      const name = `bounced_${++made}`
      const admin = server.client()
      await admin.unsafe(`CREATE DATABASE ${name}`)
      await admin.end()
      return bouncer.url(name)
    })
  })
