/** Servers that cannot be used: one line that names the server and the remedy, never the credentials, and the right exit code. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeWithServers, redisUrlOf, temporaryFolder } from '../flow/stores.ts'
import { isThorough, longTest } from '../tools/budget.ts'
import { freePort, PrivateRedis } from '../tools/services.ts'
import { expectRefusal, runCli, startCli } from './run-cli.ts'

const SECRET = 'hunter2'

interface Places {
  readonly redis: string
  /** A Redis with another password. */
  readonly locked: string
  readonly postgres: string
  /** Where nothing listens. */
  readonly closed: string
}

interface Case {
  readonly name: string
  readonly command: readonly string[]
  readonly env: (places: Places) => Record<string, string>
  readonly remedy: RegExp
}

const ONCE = ['sync', '--once']

const CASES: readonly Case[] = [
  {
    name: 'a Postgres that is not there',
    command: ONCE,
    env: ({ redis, closed }) => ({ REDIS_URL: redis, DATABASE_URL: `postgres://app:${SECRET}@${closed}/app` }),
    remedy: /Postgres at 127\.0\.0\.1:\d+ refuses connections: start Postgres there, or check the url/,
  },
  {
    name: 'a Postgres that is not there, of a migration',
    command: ['migrate', '--config', 'impatient.json'],
    env: ({ closed }) => ({ DATABASE_URL: `postgres://app:${SECRET}@${closed}/app` }),
    remedy: /Postgres at 127\.0\.0\.1:\d+ refuses connections/,
  },
  {
    name: 'a Postgres whose name nobody knows',
    command: ['logs'],
    env: () => ({ DATABASE_URL: `postgres://app:${SECRET}@nowhere.invalid/app` }),
    remedy: /Postgres at nowhere\.invalid:5432 (is not known by that name: check the url|cannot be looked up)/,
  },
  {
    name: 'a Redis in place of Postgres',
    command: ['logs'],
    env: ({ redis }) => ({ DATABASE_URL: redis.replace('redis://', `postgres://app:${SECRET}@`) }),
    remedy: /Postgres at 127\.0\.0\.1:\d+ did not answer in time: check that Postgres listens there/,
  },
  {
    name: 'a database that is not there',
    command: ['logs'],
    env: ({ postgres }) => ({ DATABASE_URL: postgres.replace(/\/[^/?]+\?/, '/nowhere?') }),
    remedy: /has no database of that name: create it, or check the url/,
  },
  {
    name: 'a Redis that is not there',
    command: ONCE,
    env: ({ postgres, closed }) => ({ DATABASE_URL: postgres, REDIS_URL: `redis://cache:${SECRET}@${closed}` }),
    remedy: /the hot tier at 127\.0\.0\.1:\d+ (cannot be reached: check that Redis runs there|failed repeatedly)/,
  },
  {
    name: 'a Redis whose name nobody knows',
    command: ONCE,
    env: ({ postgres }) => ({ DATABASE_URL: postgres, REDIS_URL: `redis://cache:${SECRET}@nowhere.invalid` }),
    remedy: /the hot tier at nowhere\.invalid:6379 /,
  },
  {
    name: 'a wrong password of Redis',
    command: ONCE,
    env: ({ postgres, locked }) => ({ DATABASE_URL: postgres, REDIS_URL: locked.replace('://', `://:${SECRET}@`) }),
    remedy: /the hot tier at 127\.0\.0\.1:\d+ refused the credentials: check user and password/,
  },
]

/** What `npm test` tries: each is a process, and some wait for their deadline. */
const OF_EACH_TIER = new Set(['a Postgres that is not there', 'a wrong password of Redis'])

describeWithServers('servers that cannot be used', (servers) => {
  let locked: PrivateRedis
  beforeAll(async () => {
    locked = await PrivateRedis.start({ onPort: true, args: ['--requirepass', 'another'] })
  })
  afterAll(() => locked[Symbol.asyncDispose]())

  const places = async (): Promise<Places> => ({
    redis: servers.redisUrl,
    locked: redisUrlOf(locked),
    postgres: await servers.databases.create(),
    closed: `127.0.0.1:${await freePort()}`,
  })

  test.each(isThorough ? CASES : CASES.filter(({ name }) => OF_EACH_TIER.has(name)))(
    '$name',
    async ({ command, env, remedy }) => {
      const cwd = await temporaryFolder()
      await writeFile(join(cwd, 'impatient.json'), JSON.stringify({ timeouts: { open: 0 } }))
      const result = await runCli(command, { cwd, env: env(await places()) })
      expectRefusal(result, 1, remedy)
      expect(result.stderr).not.toContain(SECRET)
    },
  )

  longTest('a worker goes on without Redis, says so, and is not kept from ending', async () => {
    const { postgres, closed } = await places()
    const env = { DATABASE_URL: postgres, REDIS_URL: `redis://cache:${SECRET}@${closed}` }
    const worker = startCli(['sync'], { cwd: await temporaryFolder(), env })
    await worker.printed(/the sync worker runs/)
    worker.child.kill('SIGTERM')
    const { code, stdout, stderr } = await worker.result
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/"msg":"serving without the hot tier until Redis is there"/)
    expect(stdout).toMatch(/the hot tier at 127\.0\.0\.1:\d+ cannot be reached/)
    expect(stdout).not.toContain(SECRET)
  })

  longTest('a worker that waits for Postgres ends in time when told to', async () => {
    const { redis, closed } = await places()
    const env = { REDIS_URL: redis, DATABASE_URL: `postgres://app:${SECRET}@${closed}/app` }
    const worker = startCli(['sync'], { cwd: await temporaryFolder(), env })
    await worker.printed(/Postgres at [^;]+; waiting for it/)
    const began = performance.now()
    worker.child.kill('SIGTERM')
    const { code, stdout, stderr } = await worker.result
    expect(performance.now() - began).toBeLessThan(10_000)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain('ended before the store was open')
    expect(stdout).not.toContain(SECRET)
  })
})
