/** Connection strings as people have them, and what of each arrives. */
import postgres from 'postgres'
import { describe, expect, it } from 'vitest'
import { loginOfUrl } from '../../../src/cold/postgres/postgres-url.ts'

const read = (url: string) => loginOfUrl(postgres, url)

function refusal(url: string): { message: string; details: unknown } {
  try {
    read(url)
  } catch (error) {
    expect(error).toMatchObject({ code: 'ERR_INVALID_OPTIONS', details: { option: 'cold.url' } })
    return error as { message: string; details: unknown }
  }
  throw new Error('it was taken')
}

describe('a connection string', () => {
  it.each([
    ['Prisma', '?schema=public&connection_limit=5&pool_timeout=0&pgbouncer=true&statement_cache_size=0'],
    ['Neon', '?sslmode=require&channel_binding=require'],
    ['Supabase', '?pgbouncer=true&connection_limit=1&supa=base-pooler.x'],
    ['pgx', '?pool_max_conns=10&default_query_exec_mode=simple_protocol'],
    ['libpq', '?keepalives=1&keepalives_idle=30&client_encoding=UTF8&gssencmode=disable&connect_timeout=10'],
    ['postgres.js', '?max=3&idle_timeout=20&prepare=false&target_session_attrs=any'],
  ])('of %s asks the server for no setting of its own', (_, query) => {
    expect(Object.keys(read(`postgres://app:secret@db:6543/app${query}`).settings)).toEqual(['application_name'])
  })

  it('gives the server every other setting', () => {
    const { settings } = read('postgres://db/app?application_name=me&statement_timeout=5s&options=endpoint%3Dep-1')
    expect(settings).toEqual({ application_name: 'me', statement_timeout: '5s', options: 'endpoint=ep-1' })
  })

  it.each([
    [
      'postgres://a%40b:p%2Fw%3F@[::1]:7/my%20app',
      { host: '::1', port: 7, user: 'a@b', database: 'my app', password: 'p/w?' },
    ],
    [
      'postgresql://postgres.ref:x@pooler.example.com:6543/postgres',
      { host: 'pooler.example.com', user: 'postgres.ref' },
    ],
    ['postgres:///app?host=/run/postgresql&user=me', { path: '/run/postgresql/.s.PGSQL.5432', user: 'me' }],
    ['postgres://%2Frun%2Fpostgresql/app', { path: '/run/postgresql/.s.PGSQL.5432', database: 'app' }],
    ['postgres://x/y?host=db&port=7&dbname=app&password=p', { host: 'db', port: 7, database: 'app', password: 'p' }],
    ['postgres://db/app?hostaddr=10.0.0.5', { host: 'db', hostaddr: '10.0.0.5' }],
    ['postgres://x/app?host=db&hostaddr=fd00::5', { host: 'db', hostaddr: 'fd00::5' }],
    ['postgres:///app?hostaddr=10.0.0.5', { host: '10.0.0.5', hostaddr: '10.0.0.5' }],
    ['postgres:///app?host=/run/postgresql&hostaddr=10.0.0.5', { host: '10.0.0.5', path: undefined }],
    ['postgres://db/app?connect_timeout=3', { connectTimeout: 3_000 }],
  ])('%s says where and who', (url, expected) => {
    expect(read(url)).toMatchObject(expected)
  })

  it.each([
    ['', undefined],
    ['sslmode=disable', undefined],
    ['sslmode=disable&sslrootcert=system', undefined],
    ['ssl=false', undefined],
    ['sslmode=prefer', { isOptional: true, options: { rejectUnauthorized: false } }],
    ['sslmode=require', { isOptional: false, options: { rejectUnauthorized: false } }],
    ['sslmode=no-verify', { isOptional: false, options: { rejectUnauthorized: false } }],
    ['sslmode=verify-ca', { isOptional: false, options: { checkServerIdentity: expect.any(Function) } }],
    ['sslmode=verify-full', { isOptional: false, isDirect: false, options: {} }],
    ['sslmode=verify-full&sslnegotiation=direct', { isDirect: true }],
    ['sslrootcert=system', { isOptional: false, options: {} }],
    ['sslmode=require&sslrootcert=system', { isOptional: false, options: {} }],
    ['sslmode=prefer&sslrootcert=system', { isOptional: false, options: {} }],
    ['sslmode=require&sslaccept=strict', { isOptional: false, options: {} }],
    ['ssl=true', { isOptional: false, options: {} }],
  ])('with %j asks for TLS so', (query, expected) => {
    const { encryption } = read(`postgres://db/app?${query}`)
    if (expected === undefined) expect(encryption).toBeUndefined()
    else expect(encryption).toMatchObject(expected)
    if (expected !== undefined && /verify-(ca|full)|system|strict|ssl=true/.test(query))
      expect(encryption?.options).not.toHaveProperty('rejectUnauthorized')
  })

  it.each([
    ['sslmode', 'sslmode=canary'],
    ['sslrootcert', 'sslmode=verify-full&sslrootcert=/canary/ca.pem'],
    ['sslkey', 'sslcert=package.json&sslkey=/canary.key'],
    ['connect_timeout', 'connect_timeout=canary'],
    ['gssencmode', 'gssencmode=require'],
  ])('that cannot be honoured is refused by the name of %s', (name, query) => {
    const { message } = refusal(`postgres://db/app?${query}`)
    expect(message).toContain(`\`${name}\``)
    expect(message).not.toContain('canary')
  })
})
