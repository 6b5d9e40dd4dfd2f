/** What one turn of the event loop asks of Redis travels together, and is answered to each caller by itself. */
import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import { expect, it, onTestFinished, vi } from 'vitest'
import { ZERO_VERSION } from '../../../src/entry/version.ts'
import { loadIoredis } from '../../../src/hot/redis/load-ioredis.ts'
import { RedisHotTier } from '../../../src/hot/redis/redis-hot-tier.ts'
import type { RedisLocation } from '../../../src/hot/redis/redis-location.ts'
import { silentLogger } from '../../../src/kernel/logger.ts'
import { keyOf, versionOf, writeOf } from '../../../src/testkit/contract/hot-writes.ts'
import { longTest } from '../../tools/budget.ts'
import { createCluster, describeWithRedis, PrivateRedis, type RedisServerOptions } from '../../tools/services.ts'

await loadIoredis()

const AWAY = { code: 'ERR_TIER_UNAVAILABLE', details: { tier: 'hot' } }
const STORED = { status: 'stored' }
const range = (count: number) => Array.from({ length: count }, (_, i) => i + 1)

async function open(options?: RedisServerOptions) {
  const redis = await PrivateRedis.start(options)
  onTestFinished(() => redis[Symbol.asyncDispose]())
  const direct = new Redis(redis.connection)
  onTestFinished(async () => direct.disconnect())
  return { redis, direct, connect: (commandTimeout?: number) => connect({ options: redis.connection }, commandTimeout) }
}

async function connect(server: RedisLocation, commandTimeout = 2_000): Promise<RedisHotTier> {
  const tier = new RedisHotTier({
    server,
    commandTimeout,
    storeId: randomUUID(),
    logger: silentLogger,
    enterGeneration: async () => ({ number: 1, highestVersion: ZERO_VERSION }),
  })
  onTestFinished(() => tier.close())
  await tier.connect()
  return tier
}

const put = (tier: RedisHotTier, n: number, version: number, payload = '{}') =>
  tier.write([writeOf(n, version, { startedAt: tier.now(), payload: Buffer.from(payload) })])
const versionIn = async (tier: RedisHotTier, n: number) => (await tier.read([keyOf(n)]))[0]?.version

/** How often Redis did something since it was asked the last time. */
async function callsOf(direct: Redis, ...commands: string[]): Promise<number[]> {
  const stats = await direct.info('commandstats')
  await direct.config('RESETSTAT')
  return commands.map((command) => Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0))
}

describeWithRedis('calls of one turn', () => {
  it.each([
    ['one slot', '+info', 0],
    // INFO is what tells that the server is no part of a cluster.
    ['several slots', '-info', 1],
  ] as const)('are one script for writes, and one or two commands for reads (%s)', async (_, info, readScripts) => {
    const { redis, direct } = await open()
    await direct.acl('SETUSER', 'app', 'on', '>secret', '~*', '&*', '+@all', info)
    const tier = await connect({
      options: { ...redis.connection, username: 'app', password: 'secret', enableReadyCheck: false },
    })
    // Redis knows the scripts by then.
    await put(tier, 1, 1)
    await versionIn(tier, 1)
    await callsOf(direct)
    expect(await Promise.all(range(64).map((n) => put(tier, n, 2)))).toEqual(range(64).map(() => [STORED]))
    expect(await callsOf(direct, 'evalsha')).toEqual([1])
    expect(await Promise.all(range(65).map((n) => versionIn(tier, n)))).toEqual([
      ...range(64).map(() => versionOf(2)),
      undefined,
    ])
    expect(await callsOf(direct, 'evalsha', 'mget', 'persist')).toEqual([readScripts, 1, 1])
  })

  it('are answered in order, also where there are too many for one script', async () => {
    const { connect } = await open()
    const tier = await connect(20_000)
    const numbers = range(3_000)
    await tier.write(numbers.map((n) => writeOf(n, n, { startedAt: tier.now() })))
    const found = await Promise.all(numbers.map((n) => versionIn(tier, n)))
    expect(found).toEqual(numbers.map((n) => versionOf(n)))
    expect((await tier.read(numbers.map(keyOf))).map((value) => value?.version)).toEqual(found)
    expect(await tier.size()).toMatchObject({ entries: numbers.length })
  })

  it('write one key in the order in which they were made', async () => {
    const { connect } = await open()
    const tier = await connect()
    const results = await Promise.all([put(tier, 1, 5), put(tier, 2, 1), put(tier, 1, 7), put(tier, 1, 6)])
    expect(results).toEqual([[STORED], [STORED], [STORED], [{ status: 'refused', floor: versionOf(7) }]])
    expect(await versionIn(tier, 1)).toBe(versionOf(7))
  })

  it('are refused by a full Redis one by one: what makes room is done', async () => {
    const { direct, connect } = await open()
    const tier = await connect()
    await Promise.all(range(40).map((n) => put(tier, n, 1, 'x'.repeat(500))))
    await direct.config('SET', 'maxmemory', '1')
    const outcomes = await Promise.allSettled(
      range(40).map((n) => (n % 2 === 0 ? put(tier, n, 2, '{}') : put(tier, 100 + n, 2, 'x'.repeat(500)))),
    )
    for (const [i, outcome] of outcomes.entries())
      expect(outcome).toMatchObject(
        (i + 1) % 2 === 0 ? { value: [STORED] } : { reason: { ...AWAY, message: expect.stringContaining('is full') } },
      )
    // The tier is asked further: it has answered.
    expect(await Promise.all(range(40).map((n) => versionIn(tier, n)))).toEqual(
      range(40).map((n) => versionOf(n % 2 === 0 ? 2 : 1)),
    )
  })

  it('believe nothing where one of their slots lost what it held', async () => {
    const { direct, connect } = await open()
    const tier = await connect()
    await Promise.all(range(64).map((n) => put(tier, n, 1)))
    // One that holds something.
    const [used] = await direct.keys('*:used')
    await direct.del(used!.replace(/:used$/, ':slot'))
    const before = tier.generationId
    for (const outcome of await Promise.allSettled(range(64).map((n) => versionIn(tier, n))))
      expect(outcome).toMatchObject({ status: 'rejected', reason: AWAY })
    await vi.waitFor(() => tier.size(), { timeout: 20_000, interval: 20 })
    expect(tier.generationId).not.toBe(before)
    expect(await versionIn(tier, 1)).toBeUndefined()
  })

  it.each([5, 64])('are all away where Redis does not answer, and Redis is left alone then (%d)', async (calls) => {
    const { direct, connect } = await open()
    const tier = await connect(1_000)
    await direct.call('CLIENT', 'PAUSE', '60000', 'ALL')
    const outcomes = await Promise.allSettled(range(calls).map((n) => versionIn(tier, n)))
    for (const outcome of outcomes) expect(outcome).toMatchObject({ status: 'rejected', reason: AWAY })
    await expect(versionIn(tier, 1)).rejects.toMatchObject({ message: expect.stringContaining('left alone') })
  })

  it.each([1, 64])('are answered by nobody where the generation changes meanwhile (%d)', async (calls) => {
    const { direct, connect } = await open()
    const tier = await connect()
    await Promise.all(range(64).map((n) => put(tier, n, 1)))
    await direct.call('CLIENT', 'PAUSE', '500', 'ALL')
    const reads = Promise.allSettled(range(calls).map((n) => versionIn(tier, n)))
    // By then they are on their way.
    await new Promise(setImmediate)
    tier.reenter()
    for (const outcome of await reads) expect(outcome).toMatchObject({ status: 'rejected', reason: AWAY })
    expect(await versionIn(tier, 1)).toBe(versionOf(1))
  })

  longTest('go slot by slot where what looks like one server stands before a cluster', async () => {
    const { direct, connect } = await open({ onPort: true, args: ['--cluster-enabled', 'yes'] })
    await direct.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383')
    await vi.waitFor(async () => expect(await direct.call('CLUSTER', 'INFO')).toContain('cluster_state:ok'), 20_000)
    const tier = await connect()
    // Reads and writes that find that out in the same turn.
    const reads = Promise.all(range(64).map((n) => versionIn(tier, n)))
    expect(await Promise.all(range(64).map((n) => put(tier, n, 1)))).toEqual(range(64).map(() => [STORED]))
    await reads
    expect(await Promise.all(range(64).map((n) => versionIn(tier, n)))).toEqual(range(64).map(() => versionOf(1)))
    expect(await tier.size()).toMatchObject({ entries: 64 })
  })

  it('to a cluster fail with the master that they ask, and with no other', async () => {
    const options = { onPort: true, args: ['--cluster-enabled', 'yes'] }
    const masters = [await open(options), await open(options), await open(options)]
    await createCluster(masters.map(({ redis }) => redis))
    const tier = await connect({
      nodes: masters.map(({ redis }) => redis.connection as { host: string; port: number }),
    })
    for (const n of range(64)) expect(await put(tier, n, 1)).toEqual([STORED])
    await masters[0]!.direct.config('SET', 'min-replicas-to-write', '1')
    const outcomes = await Promise.allSettled(range(64).map((n) => versionIn(tier, n)))
    const refused = outcomes.filter(({ status }) => status === 'rejected')
    expect(refused.length).toBeGreaterThan(0)
    expect(refused.length).toBeLessThan(outcomes.length)
  })
})
