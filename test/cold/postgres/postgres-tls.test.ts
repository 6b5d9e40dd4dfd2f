/** Postgres over TLS, as every managed one wants it: a certificate authority of our own signs what the server shows. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import postgres from 'postgres'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openPostgresCold } from '../../../src/cold/postgres/postgres-driver.ts'
import { isPermanent } from '../../../src/cold/postgres/postgres-errors.ts'
import type { PostgresClientLike } from '../../../src/cold/postgres/postgres-location.ts'
import type { ThermoclineError } from '../../../src/errors.ts'
import { silentLogger } from '../../../src/kernel/logger.ts'
import { longTest } from '../../tools/budget.ts'
import { certify } from '../../tools/certificates.ts'
import { compiled } from '../../tools/compiled.ts'
import { describeWithTlsPostgres, PrivatePostgres } from '../../tools/services.ts'

const OPTIONS = {
  max: 2,
  dimensions: [],
  metrics: [],
  migrate: 'auto',
  timeout: 10_000,
  logger: silentLogger,
} as const

describeWithTlsPostgres('Postgres over TLS', () => {
  let server: PrivatePostgres
  beforeAll(async () => {
    server = await PrivatePostgres.start({ tls: true })
    const admin = server.client()
    await admin.unsafe(`CREATE ROLE secretive LOGIN SUPERUSER PASSWORD 'hunter2-canary'`)
    await admin.unsafe('CREATE ROLE certified LOGIN SUPERUSER')
    await admin.unsafe(`ALTER SYSTEM SET ssl_ca_file = '${join(server.dir, 'ca.pem')}'`)
    await admin.end()
    certify(server.dir, 'certified', 'DNS:client')
    await server.prependRules(
      'hostssl all certified 127.0.0.1/32 cert',
      'hostssl all secretive 127.0.0.1/32 scram-sha-256',
      'hostnossl all all all reject',
    )
    await server.restart()
  })
  afterAll(() => server[Symbol.asyncDispose]())

  longTest('rejects what fails, and the process goes on', async () => {
    const child = fileURLToPath(new URL('./postgres-tls-child.ts', import.meta.url))
    const urls = [
      server.tlsUrl('postgres', 'secretive:hunter2-canary', 'sslmode=require'),
      server.tlsUrl('postgres', 'secretive:wrong', 'sslmode=require'),
      server.tlsUrl('absent', 'secretive:hunter2-canary', 'sslmode=require'),
    ]
    const { stdout } = await promisify(execFile)(process.execPath, [compiled(child), ...urls])
    expect(stdout.trim().split('\n')).toEqual([
      'wrong password: ERR_TIER_UNAVAILABLE',
      'unknown database: ERR_TIER_UNAVAILABLE',
      'late statement: ERR_TIER_UNAVAILABLE',
      'the next: fulfilled',
      'refused COPY: ERR_TIER_UNAVAILABLE',
      'late COPY: ERR_TIER_UNAVAILABLE',
      'killed backend: ERR_TIER_UNAVAILABLE',
      'the last: fulfilled',
    ])
  })

  const file = (name: string) => join(server.dir, name)
  const open = async (query: string, login = 'secretive:hunter2-canary', host = 'localhost') => {
    const url = `postgres://${login}@${host}:${server.port}/postgres?${query}`
    await (await openPostgresCold({ ...OPTIONS, url })).close()
  }

  it.each([
    ['a mode that trusts everybody', () => open('sslmode=no-verify')],
    ['its authority', () => open(`sslmode=verify-full&sslrootcert=${file('ca.pem')}`)],
    [
      'its authority, whatever its name',
      () => open(`sslmode=verify-ca&sslrootcert=${file('ca.pem')}`, undefined, '127.0.0.1'),
    ],
    [
      'its authority and the name of the host, at an address that the url gives',
      () => open(`sslmode=verify-full&sslrootcert=${file('ca.pem')}&host=localhost&hostaddr=127.0.0.1`, undefined, 'x'),
    ],
    ['its authority as Prisma calls it', () => open(`sslmode=verify-full&sslcert=${file('ca.pem')}`)],
    [
      'a certificate in place of a password',
      () => open(`sslmode=require&sslcert=${file('certified.pem')}&sslkey=${file('certified.key')}`, 'certified'),
    ],
    [
      "the options of a client of the user's",
      async () => {
        const ssl = { ca: readFileSync(file('ca.pem')) }
        const client = postgres(server.tlsUrl('postgres', 'secretive:hunter2-canary', 'sslmode=require'), {
          max: 1,
          ssl,
        })
        await (await openPostgresCold({ ...OPTIONS, client: client as unknown as PostgresClientLike })).close()
      },
    ],
  ])('opens by %s', async (_, opened) => {
    await opened()
  })

  it.each([
    ['an authority that is not known', () => open('sslmode=verify-full'), 'sslrootcert'],
    [
      'another name',
      () => open(`sslmode=verify-full&sslrootcert=${file('ca.pem')}`, undefined, '127.0.0.1'),
      'another name',
    ],
    [
      'another name than that of its host, wherever that is',
      () => open(`sslmode=verify-full&sslrootcert=${file('ca.pem')}&hostaddr=127.0.0.1`, undefined, 'db.example.com'),
      'another name',
    ],
    ['a user without TLS', () => open('sslmode=disable'), 'sslmode=require'],
  ])('says what to do about %s, and that it will not pass', async (_, opened, remedy) => {
    const error = await opened().then(
      () => undefined,
      (refused: ThermoclineError) => refused,
    )
    expect(error).toMatchObject({ code: 'ERR_TIER_UNAVAILABLE', message: expect.stringContaining(remedy) })
    expect(isPermanent((error!.cause as { code: string }).code)).toBe(true)
  })

  it("asks for the name that a client of the user's gives", async () => {
    certify(server.dir, 'server', 'DNS:db.example.com')
    await server.restart()
    const ssl = { servername: 'db.example.com', ca: readFileSync(file('ca.pem')) }
    const url = `postgres://secretive:hunter2-canary@localhost:${server.port}/postgres`
    const client = postgres(url, { max: 1, ssl }) as unknown as PostgresClientLike
    await (await openPostgresCold({ ...OPTIONS, client })).close()
  })
})
