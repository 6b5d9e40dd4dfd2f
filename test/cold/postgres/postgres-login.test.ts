/**
 * Servers that cannot be used: each is one clear error that names the server and the remedy, and never the password.
 */
import { execFile } from 'node:child_process'
import { createServer, type Server, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { inspect, promisify } from 'node:util'
import postgres from 'postgres'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { openPostgresCold, type PostgresDriverOptions } from '../../../src/cold/postgres/postgres-driver.ts'
import { isPermanent } from '../../../src/cold/postgres/postgres-errors.ts'
import { silentLogger } from '../../../src/kernel/logger.ts'
import { compiled } from '../../tools/compiled.ts'
import { describeWithPostgres, freePort, PrivatePostgres } from '../../tools/services.ts'

const SECRET = 'hunter2-canary'
const OPTIONS = {
  max: 2,
  dimensions: [],
  metrics: [],
  migrate: 'auto',
  timeout: 1_000,
  logger: silentLogger,
} as const

async function failure(options: Partial<PostgresDriverOptions>): Promise<{ code: string; message: string }> {
  const error = await openPostgresCold({ ...OPTIONS, ...options }).then(
    async (tier) => {
      await tier.close()
      throw new Error('it opened')
    },
    (refused: unknown) => refused,
  )
  expect(inspect(error, { depth: 9, showHidden: true }) + JSON.stringify(error)).not.toContain(SECRET)
  return error as { code: string; message: string }
}

describe('a server that is none', () => {
  const open = new Set<Socket>()
  const servers: Server[] = []
  afterEach(() => {
    for (const socket of open) socket.destroy()
    for (const server of servers.splice(0)) server.close()
  })

  async function listen(answer: (socket: Socket) => void): Promise<string> {
    const port = await freePort()
    const server = createServer((socket) => {
      open.add(socket.on('error', () => {}))
      answer(socket)
    })
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
    return `127.0.0.1:${port}`
  }

  it.each([
    ['says nothing', (_: Socket) => {}, 'in time'],
    ['hangs up', (socket: Socket) => void socket.end(), 'no Postgres'],
    ['resets', (socket: Socket) => void socket.resetAndDestroy(), 'closed the connection'],
    ['speaks otherwise', (socket: Socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'), 'no Postgres'],
  ])('and %s', async (_, answer, message) => {
    const address = await listen(answer)
    const error = await failure({ url: `postgres://app:${SECRET}@${address}/app` })
    expect(error).toMatchObject({ code: 'ERR_TIER_UNAVAILABLE', message: expect.stringContaining(message) })
    expect(error.message).toContain(address)
  })

  it('refuses', async () => {
    const address = `127.0.0.1:${await freePort()}`
    const error = await failure({ url: `postgres://app:${SECRET}@${address}/app` })
    expect(error).toMatchObject({
      code: 'ERR_TIER_UNAVAILABLE',
      message: expect.stringContaining('refuses connections'),
    })
    expect(error.message).toContain(address)
  })

  it.each([
    'nonsense',
    `http://app:${SECRET}@localhost/app`,
    `postgres://app:${SECRET}@local host/app`,
    `postgres://app:${SECRET}%@localhost/app`,
    undefined,
  ])('has a url that is none', async (url) => {
    expect(await failure({ url })).toMatchObject({ code: 'ERR_INVALID_OPTIONS', details: { option: 'cold.url' } })
  })

  it.each(['one,two/app', 'one/app?target_session_attrs=primary'])('is more than one: %s', async (place) => {
    expect(await failure({ url: `postgres://app:${SECRET}@${place}` })).toMatchObject({ code: 'ERR_UNSUPPORTED' })
  })
})

it('says which package is missing', async () => {
  const file = (name: string) => fileURLToPath(new URL(name, import.meta.url))
  const args = ['--import', file('without-postgres.mjs'), compiled(file('postgres-opening-child.ts'))]
  await expect(promisify(execFile)(process.execPath, [...args, 'postgres://localhost/app'])).rejects.toMatchObject({
    stderr: expect.stringContaining('npm install postgres'),
  })
})

describeWithPostgres('a server that', () => {
  let server: PrivatePostgres
  beforeAll(async () => {
    server = await PrivatePostgres.start({ onPort: true })
    const admin = server.client()
    await admin.unsafe(`CREATE ROLE secretive LOGIN SUPERUSER PASSWORD '${SECRET}'`)
    await admin.unsafe(`CREATE DATABASE latin ENCODING LATIN1 LOCALE 'C' TEMPLATE template0`)
    await server.stop('fast')
    await server.prependRules('host all secretive 127.0.0.1/32 scram-sha-256')
    await server.restart()
    await admin.end()
  })
  afterAll(() => server[Symbol.asyncDispose]())

  it('knows the password', async () => {
    await (await openPostgresCold({ ...OPTIONS, url: server.tcpUrl('postgres', `secretive:${SECRET}`) })).close()
  })

  it.each([
    ['knows another password', () => server.tcpUrl('postgres', `secretive:${SECRET}x`), 'password'],
    ['has no such user', () => server.tcpUrl('postgres', `nobody:${SECRET}`), 'login'],
    ['has no such database', () => server.tcpUrl('absent', `secretive:${SECRET}`), 'no database'],
    ['keeps Latin 1', () => server.tcpUrl('latin', `secretive:${SECRET}`), 'UTF8'],
    [
      'has no such socket',
      () =>
        server
          .url()
          .replace('5432', '5433')
          .replace(/:\d+\//, ':1/'),
      'no such socket',
    ],
  ])('%s', async (_, url, message) => {
    expect((await failure({ url: url() })).message).toContain(message)
  })

  it("is reached by a client of the user's, of which only the options are used", async () => {
    const client = postgres(server.tcpUrl('postgres', `secretive:${SECRET}`), { max: 1, types: {} })
    const parsers = { ...client.options.parsers }
    await (await openPostgresCold({ ...OPTIONS, client })).close()
    expect(client.options.parsers).toEqual(parsers)
    expect(await client`SELECT 1 AS one`).toEqual([{ one: 1 }])
    await client.end()
  })

  it('serves urls that other clients wrote', async () => {
    const url = server.tcpUrl('postgres', `secretive:${SECRET}`)
    for (const query of ['?schema=public&connection_limit=1', '?sslmode=prefer&channel_binding=require'])
      await (await openPostgresCold({ ...OPTIONS, url: url + query })).close()
  })

  it.each([
    ['sslmod=require', 'sslmod'],
    ['statement_timeout=canary-of-a-value', 'statement_timeout'],
    ['max_connections=50', 'max_connections'],
  ])('refuses the setting of ?%s, which is named and waited for in vain', async (query, name) => {
    const error = await failure({ url: `${server.tcpUrl('postgres', `secretive:${SECRET}`)}?${query}` })
    expect(error).toMatchObject({ code: 'ERR_INVALID_OPTIONS', details: { option: 'cold.url' } })
    expect(error.message).toContain(`\`${name}\``)
    expect(error.message).not.toContain('canary')
  })

  it('has no TLS where the url asks for it, and will have none for waiting', async () => {
    const error = await failure({ url: `${server.tcpUrl('postgres', `secretive:${SECRET}`)}?sslmode=require` })
    expect(error.message).toContain('has no TLS')
    expect(isPermanent((error as { cause?: { code: string } }).cause!.code)).toBe(true)
  })

  it('survives a password function that throws', async () => {
    const password = () => {
      throw new Error(SECRET)
    }
    const client = postgres({ host: '127.0.0.1', port: server.port, user: 'secretive', database: 'postgres', password })
    expect((await failure({ client })).message).toContain('password')
  })
})
