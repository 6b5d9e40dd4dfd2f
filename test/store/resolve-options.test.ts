import { resolve } from 'node:path'
import { Cluster, Redis } from 'ioredis'
import postgres from 'postgres'
import { createClient, createClientPool, createCluster, createSentinel } from 'redis'
import { describe, expect, test } from 'vitest'
import { DEFAULTS } from '../../src/default-options.ts'
import { isThermoclineError } from '../../src/errors.ts'
import type { MemoryStoreOptions } from '../../src/options.ts'
import { resolveOptions } from '../../src/store/resolve-options.ts'

const RESOLVED_DEFAULTS = {
  ...DEFAULTS,
  dir: resolve(DEFAULTS.dir),
  cold: { ...DEFAULTS.cold, precision: { '**': 'full' }, isShared: false, isInDataFolder: true },
}
const REDIS = 'redis://cache:hunter2@127.0.0.1:6379/3'
const POSTGRES = 'postgres://app:hunter2@127.0.0.1:5432/app'

/** Resolves options as an untyped caller might give them, and answers which one was refused. */
function refused(options: unknown): string | undefined {
  try {
    resolveOptions(options as MemoryStoreOptions)
  } catch (error) {
    if (!isThermoclineError(error, 'ERR_INVALID_OPTIONS')) throw error
    expect(error.message).not.toContain('hunter2')
    return error.details.option
  }
  throw new Error('the options were accepted')
}

describe('contradictions', () => {
  const client = new Redis(REDIS, { lazyConnect: true })
  const sql = postgres(POSTGRES)

  test.each<[string, object, string]>([
    ['a url and a client of Redis', { hot: { url: REDIS, client } }, 'hot.client'],
    ['a url and a client of Postgres', { hot: { url: REDIS }, cold: { url: POSTGRES, client: sql } }, 'cold.client'],
    ['Redis in this process', { hot: { url: REDIS, kind: 'memory' } }, 'hot.kind'],
    ['a capacity of Redis', { hot: { url: REDIS, maxEntries: 5 } }, 'hot.maxEntries'],
    ['a size of Redis', { hot: { client, maxBytes: 5 } }, 'hot.maxBytes'],
    ["a tier of one's own without its name", { hot: { open: () => {} } }, 'hot'],
    ['a name of no tier', { hot: { name: 'mine' } }, 'hot'],
    ["a tier of one's own in this process", { hot: { name: 'mine', open: () => {}, kind: 'memory' } }, 'hot.kind'],
    ["a tier of one's own in Redis", { hot: { name: 'mine', open: () => {}, url: REDIS } }, 'hot.url'],
    ['a tier that is no function', { hot: { name: 'mine', open: {} } }, 'hot.open'],
    ['a folder of a server', { hot: { url: REDIS }, cold: { url: POSTGRES, dir: 'cold' } }, 'cold.dir'],
    ['connections of no server', { cold: { max: 4 } }, 'cold.max'],
    ['Redis in memory', { inMemory: true, hot: { url: REDIS } }, 'inMemory'],
    ['Postgres in memory', { inMemory: true, hot: { kind: 'memory' }, cold: { url: POSTGRES } }, 'inMemory'],
    ['an index of what is no member', { cold: { indexes: ['position'] as never } }, 'cold.indexes.0'],
    ['an index of all metadata', { cold: { indexes: ['metadata'] as never } }, 'cold.indexes.0'],
    ['an index of no path', { cold: { indexes: ['metadata.a[1]' as never] } }, 'cold.indexes.0'],
    ['a precision that there is not', { cold: { precision: 'int4' as never } }, 'cold.precision'],
    ['one of a namespace', { cold: { precision: { a: 'int4' as never } } }, 'cold.precision.a'],
    ['a precision of no namespace', { cold: { precision: { 'a//b': 'half' } } }, 'cold.precision.a//b'],
    ['Postgres without Redis', { cold: { url: POSTGRES } }, 'hot'],
    ['Postgres with a capacity alone', { cold: { client: sql }, hot: { maxEntries: 5 } }, 'hot'],
  ])('%s is refused', (_, options, option) => {
    expect(refused(options)).toBe(option)
  })
})

describe('what names the place of a tier and is undefined', () => {
  test.each<[string, object, string]>([
    ['both urls', { hot: { url: undefined }, cold: { url: undefined } }, 'hot.url'],
    ['the url of Redis', { hot: { url: undefined }, cold: { url: POSTGRES } }, 'hot.url'],
    ['the url of Postgres', { hot: { url: REDIS }, cold: { url: undefined, dimensions: [3] } }, 'cold.url'],
    ['a client of Redis', { hot: { client: undefined } }, 'hot.client'],
    ['a client of Postgres', { hot: { url: REDIS }, cold: { client: undefined } }, 'cold.client'],
    [
      'a client of Postgres beside a url',
      { hot: { url: REDIS }, cold: { url: POSTGRES, client: undefined } },
      'cold.client',
    ],
    ['the folder of the database', { cold: { dir: undefined } }, 'cold.dir'],
  ])('%s: is refused', (_, options, option) => {
    expect(refused(options)).toBe(option)
  })

  test('is told apart from an option that is left out, and from others that keep their default', () => {
    const options = {
      hot: undefined,
      cold: { dimensions: undefined },
      dir: undefined,
      wal: { segmentBytes: undefined },
    }
    expect(resolveOptions(options)).toEqual({ ...RESOLVED_DEFAULTS, embed: undefined })
    expect(() => resolveOptions({ hot: { url: undefined } })).toThrow(/environment variable .* Leave the option out/)
  })
})

describe('urls', () => {
  test.each([
    ['hot', 'http://127.0.0.1:6379', 'hot.url'],
    ['hot', 'redis://', undefined],
    ['hot', '127.0.0.1:6379', 'hot.url'],
    ['hot', 'redis://:hunter2@127.0.0.1:port', 'hot.url'],
    ['cold', 'mysql://app:hunter2@127.0.0.1/app', 'cold.url'],
    ['cold', '', 'cold.url'],
  ])('%s at %j', (tier, url, option) => {
    const options = { hot: { url: REDIS }, cold: { url: POSTGRES }, [tier]: { url } }
    if (option === undefined) expect(resolveOptions(options)).toBeDefined()
    else expect(refused(options)).toBe(option)
  })

  test.each(['redis:', 'rediss:'])('%s is a Redis', (protocol) => {
    const url = REDIS.replace('redis:', protocol)
    expect(resolveOptions({ hot: { url } }).hot).toEqual({ kind: 'redis', server: { url } })
  })

  test.each([`${REDIS}?keyPrefix=a`, REDIS.replace('/3', '/cache')])('a Redis is refused by what %s says', (url) => {
    expect(refused({ hot: { url } })).toBe('hot.url')
  })

  test.each(['postgres:', 'postgresql:'])('%s is a Postgres', (protocol) => {
    const url = POSTGRES.replace('postgres:', protocol)
    const { cold } = resolveOptions({ hot: { url: REDIS }, cold: { url, max: 9, dimensions: [3] } })
    expect(cold).toMatchObject({ kind: 'postgres', url, max: 9, dimensions: [3], metrics: ['cosine'] })
  })
})

describe('clients', () => {
  test('of one Redis, of Sentinel and of a cluster say where to connect, and are not used', () => {
    const single = new Redis(REDIS, { lazyConnect: true })
    const { hot } = resolveOptions({ hot: { client: single } })
    expect(hot).toMatchObject({ kind: 'redis', server: { options: { host: '127.0.0.1', port: 6379, db: 3 } } })

    const sentinels = [{ host: '127.0.0.1', port: 26_379 }]
    const sentinel = new Redis({ sentinels, name: 'main', lazyConnect: true })
    expect(resolveOptions({ hot: { client: sentinel } }).hot).toMatchObject({
      server: { options: { sentinels, name: 'main' } },
    })

    const nodes = [{ host: '127.0.0.1', port: 7_000 }, 'redis://127.0.0.1:7001']
    const cluster = new Cluster(nodes, { lazyConnect: true, redisOptions: { password: 'hunter2' } })
    expect(resolveOptions({ hot: { client: cluster } }).hot).toMatchObject({
      server: { nodes, options: { redisOptions: { password: 'hunter2' } } },
    })
    for (const client of [single, sentinel, cluster]) expect(client.status).toBe('wait')
  })

  test('of other libraries are refused, which thermocline could not make anew', () => {
    // What the client of the package `redis` shows, whose options an ioredis would not understand.
    const nodeRedis = { options: { url: REDIS }, isOpen: false, isReady: false, connect() {}, duplicate() {} }
    const lookAlikes = [
      nodeRedis,
      { ...nodeRedis, isCluster: false },
      { ...nodeRedis, isCluster: true, status: 'wait' },
    ]
    for (const client of lookAlikes) {
      expect(refused({ hot: { client } })).toBe('hot.client')
      expect(() => resolveOptions({ hot: { client: client as never } })).toThrow(
        /client of ioredis, .*`new Redis\(url\)`/,
      )
    }
  })

  test.each([
    ['one Redis', () => createClient({ url: REDIS })],
    ['a pool', () => createClientPool({ url: REDIS })],
    ['a cluster', () => createCluster({ rootNodes: [{ url: REDIS }] })],
    ['Sentinel', () => createSentinel({ name: 'main', sentinelRootNodes: [{ host: '127.0.0.1', port: 26_379 }] })],
  ])('of the package `redis` are refused, and not used: %s', (_, make) => {
    const client = make()
    expect(refused({ hot: { client } })).toBe('hot.client')
    expect(() => resolveOptions({ hot: { client: client as never } })).toThrow(/client of ioredis/)
    expect(client.isOpen).toBe(false)
  })

  test('of Postgres likewise', () => {
    const client = postgres(POSTGRES)
    const { cold } = resolveOptions({ hot: { url: REDIS }, cold: { client } })
    expect(cold).toMatchObject({ kind: 'postgres', client, url: undefined, max: 4 })
  })

  test.each([
    ['a pool of pg', { options: { connectionString: POSTGRES, max: 10 }, connect() {}, query() {} }],
    ['a client of pg', { user: 'app', host: 'db', options: undefined }],
    ['Knex, which is a function', Object.assign(() => {}, { options: { client: 'pg', connection: POSTGRES } })],
    ['a database of drizzle', { $client: postgres(POSTGRES), options: {} }],
    ['a transaction of postgres.js', Object.assign(() => {}, { savepoint() {} })],
  ])('takes no client of Postgres but one of postgres.js: %s', (_, client) => {
    expect(refused({ hot: { url: REDIS }, cold: { client: client as never } })).toBe('cold.client')
  })

  test.each([{ hot: { client: REDIS } }, { hot: { client: {} } }, { cold: { client: null } }])(
    '%j is none',
    (options) => {
      expect(refused(options)).toMatch(/\.client$/)
    },
  )
})

test('Postgres with a hot tier in this process is said in so many words', () => {
  const { hot, cold } = resolveOptions({ hot: { kind: 'memory', maxEntries: 5 }, cold: { url: POSTGRES } })
  expect(hot).toMatchObject({ kind: 'memory', maxEntries: 5, maxBytes: 256 * 1024 * 1024 })
  expect(cold.kind).toBe('postgres')
})

describe('policies', () => {
  const mine = { name: 'mine', decide: () => 'stay' as const }

  test('are rules in their order, and a preset alone is for everything', () => {
    const { policies } = resolveOptions({ policies: { 'a/*': mine, raptor: 'costOptimised' } })
    expect(policies.map(({ scope }) => scope)).toEqual([{ segments: ['a', null], below: false }, { kind: 'raptor' }])
    expect(policies[0]?.policy).toBe(mine)
    expect(resolveOptions({ policies: 'balanced' }).policies).toMatchObject([{ scope: { segments: [], below: true } }])
  })

  test.each<[unknown, string]>([
    ['fast', 'policies'],
    [mine, 'policies.name'],
    [{ chunks: mine }, 'policies.chunks'],
    [{ '**': 'fast' }, 'policies.**'],
    [{ '**/a': mine }, 'policies.**/a'],
    [{ chunk: { decide: mine.decide } }, 'policies.chunk'],
    [{ chunk: { ...mine, decide: 'stay' } }, 'policies.chunk'],
    [{ chunk: { ...mine, leastIdle: 0 } }, 'policies.chunk'],
    [{ chunk: { ...mine, rank: 1 } }, 'policies.chunk'],
    [{ chunk: { ...mine, leastidle: '5m' } }, 'policies.chunk.leastidle'],
  ])('%j is refused by name', (policies, option) => {
    expect(refused({ policies })).toBe(option)
  })

  test('of a class have what they like besides', () => {
    class Mine {
      readonly name = 'mine'
      readonly weight = 3
      readonly decide = mine.decide
    }
    expect(resolveOptions({ policies: { chunk: new Mine() } }).policies).toHaveLength(1)
  })
})

test('timeouts of the servers are durations', () => {
  const { timeouts } = resolveOptions({ timeouts: { hot: '500ms', open: '1m' } })
  expect(timeouts).toEqual({ hot: 500, cold: 10_000, search: 10_000, open: 60_000 })
  expect(refused({ timeouts: { open: 'soon' } })).toBe('timeouts.open')
})

test('what comes out is frozen, and what went in is left alone', () => {
  const given = Object.freeze({ hot: Object.freeze({ url: REDIS }), cold: Object.freeze({ url: POSTGRES }) })
  const resolved = resolveOptions(given)
  for (const part of [resolved, resolved.hot, resolved.cold, resolved.timeouts])
    expect(Object.isFrozen(part)).toBe(true)
})
