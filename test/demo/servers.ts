/** The servers that the demo runs on: none, those of the environment, or private ones for this run. */
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { describeError } from '../../src/cli/describe-error.ts'
import { optionsFromEnv } from '../../src/cli/environment.ts'
import { sqlStateOf } from '../../src/cold/cold-errors.ts'
import { storePrefix } from '../../src/hot/redis/redis-keys.ts'
import { queryServer } from '../fault/edit-database.ts'
import { Refusal } from './refusal.ts'
import { type DemoServers, openDemoStore } from './store.ts'

const INSUFFICIENT_PRIVILEGE = '42501'

/**
 * Hands the servers to `work`, checked, and takes away afterwards what the demo made on them: on those of the
 * environment a database of its own and its keys. Throws {@link Refusal} where they cannot be used.
 */
export async function withServers<T>(
  arePrivate: boolean,
  work: (servers: DemoServers | undefined) => Promise<T>,
): Promise<T> {
  if (arePrivate) return withPrivateServers(work)
  const { hot, cold } = optionsFromEnv()
  if (hot?.url === undefined && cold?.url === undefined) return work(undefined)
  if (hot?.url === undefined || cold?.url === undefined)
    throw new Refusal('the demo runs on Redis and Postgres or on neither: set both REDIS_URL and DATABASE_URL, or none')
  return withOwnDatabase(hot.url, cold.url, work)
}

async function withPrivateServers<T>(work: (servers: DemoServers) => Promise<T>): Promise<T> {
  // Only here: it brings the test runner along.
  const { PrivatePostgres, PrivateRedis } = await import('../tools/services.ts')
  await using redis = await orRefuse('a private Redis', PrivateRedis.start({ onPort: true }))
  await using server = await orRefuse('a private Postgres', PrivatePostgres.start())
  const { host, port } = redis.connection as { host: string; port: number }
  const servers = { hot: { url: `redis://${host}:${port}` }, cold: { url: server.url() } }
  await tryOut(servers)
  return await work(servers)
}

async function orRefuse<T>(what: string, starting: Promise<T>): Promise<T> {
  try {
    return await starting
  } catch {
    throw new Refusal(
      `${what} did not start: install the servers (Debian: .ci/install-services), or leave out --servers`,
    )
  }
}

async function withOwnDatabase<T>(
  redisUrl: string,
  databaseUrl: string,
  work: (servers: DemoServers) => Promise<T>,
): Promise<T> {
  const name = `thermocline_demo_${randomUUID().replaceAll('-', '')}`
  await queryServer(databaseUrl, `CREATE DATABASE ${name} ENCODING 'UTF8' TEMPLATE template0`).catch(refuse)
  const url = new URL(databaseUrl)
  url.pathname = `/${name}`
  const servers = { hot: { url: redisUrl }, cold: { url: url.href } }
  try {
    const prefix = storePrefix(await tryOut(servers))
    console.log(`On your Redis and Postgres, in a database of its own, ${name}.`)
    try {
      return await work(servers)
    } finally {
      await removeKeys(redisUrl, prefix).catch(() =>
        console.error(`The keys that begin with ${prefix} could not be removed from Redis: remove them yourself.`),
      )
    }
  } finally {
    await queryServer(databaseUrl, `DROP DATABASE ${name} WITH (FORCE)`).catch(() =>
      console.error(`The database ${name} could not be dropped: drop it yourself.`),
    )
  }
}

/** Opens a store on them once, has each of them answer, and answers the id of the store. */
async function tryOut(servers: DemoServers): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'thermocline-demo-'))
  try {
    await using store = await openDemoStore({ dir, servers, background: 'held' })
    const [failure] = (await store.entries.explain(randomUUID())).failures
    if (failure !== undefined) throw failure
    const [identity] = await queryServer(
      servers.cold.url,
      'SELECT store_id::text AS id FROM thermocline.store_identity',
    )
    return identity!.id as string
  } catch (error) {
    throw new Refusal(describeError(error))
  } finally {
    await rm(dir, { recursive: true })
  }
}

function refuse(error: unknown): never {
  if (sqlStateOf(error) === INSUFFICIENT_PRIVILEGE)
    throw new Refusal('the role of DATABASE_URL may not create the database of the demo: give it CREATEDB')
  throw new Refusal(describeError(error))
}

async function removeKeys(url: string, prefix: string): Promise<void> {
  const redis = new Redis(url, { lazyConnect: true, retryStrategy: () => null })
  redis.on('error', () => {})
  try {
    await redis.connect()
    for await (const keys of redis.scanStream({ match: `${prefix}*`, count: 1_000 }))
      if (keys.length > 0) await redis.unlink(...(keys as string[]))
  } finally {
    redis.disconnect()
  }
}
