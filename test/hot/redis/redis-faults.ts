/**
 * What Redis may do to us: be away, come back empty or older, lose a part, fill up, refuse us. Each test has servers of
 * its own. Declared on each major version of ioredis.
 */
import { randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ZERO_VERSION } from '../../../src/entry/version.ts'
import type { HotWrite } from '../../../src/hot/hot-tier.ts'
import { loadIoredis } from '../../../src/hot/redis/load-ioredis.ts'
import { RedisHotTier, type RedisHotTierOptions } from '../../../src/hot/redis/redis-hot-tier.ts'
import { deleteOtherGenerations } from '../../../src/hot/redis/redis-masters.ts'
import { silentLogger } from '../../../src/kernel/logger.ts'
import { keyOf, versionOf, writeOf } from '../../contract/hot-writes.ts'
import { longTest } from '../../tools/budget.ts'
import { makeAuthority } from '../../tools/certificates.ts'
import {
  createCluster,
  describeWithRedis,
  freePort,
  PrivateRedis,
  type RedisServerOptions,
} from '../../tools/services.ts'

await loadIoredis()

/** What an empty cold tier answers. */
const EMPTY = { number: 1, highestVersion: ZERO_VERSION }

const PATIENT = { timeout: 10_000, interval: 20 }

const AWAY = expect.objectContaining({ code: 'ERR_TIER_UNAVAILABLE', retryable: true, details: { tier: 'hot' } })

export function describeRedisFaults(): void {
  describeWithRedis('the Redis hot tier', describeFaults)
}

function describeFaults(): void {
  const releases: (() => Promise<unknown>)[] = []
  const storeId = randomUUID()
  let redis: PrivateRedis
  beforeEach(async () => {
    redis = await server()
  })
  afterEach(async () => {
    for (const release of releases.splice(0).reverse()) await release()
  })

  async function server(options?: RedisServerOptions): Promise<PrivateRedis> {
    const started = await PrivateRedis.start(options)
    releases.push(() => started[Symbol.asyncDispose]())
    return started
  }

  /** Not connected yet; remembers each generation that became current. */
  function tierOf(options: Partial<RedisHotTierOptions> = {}) {
    const generations: string[] = []
    const tier = new RedisHotTier({
      server: { options: redis.connection },
      storeId,
      logger: silentLogger,
      commandTimeout: 1_500,
      enterGeneration: async () => EMPTY,
      onNewGeneration: (generationId) => generations.push(generationId),
      ...options,
    })
    releases.push(() => tier.close())
    return { tier, generations }
  }

  async function connected(options?: Partial<RedisHotTierOptions>) {
    const opened = tierOf(options)
    await opened.tier.connect()
    return opened
  }

  /** A client like any other, for looking and meddling. */
  function client(of = redis): Redis {
    const direct = new Redis({ ...of.connection, retryStrategy: () => null })
    direct.on('error', () => {})
    releases.push(async () => direct.disconnect())
    return direct
  }

  const put = (tier: RedisHotTier, n: number, version: number, overrides: Partial<HotWrite> = {}) =>
    tier.write([writeOf(n, version, { startedAt: tier.now(), ...overrides })])
  const versionIn = async (tier: RedisHotTier, n: number) => (await tier.read([keyOf(n)]))[0]?.version
  /** Waits until the tier answers again. */
  const healed = (tier: RedisHotTier) => vi.waitFor(() => tier.size(), { timeout: 10_000, interval: 20 })

  describe('shared by processes', () => {
    it('shows one what the other wrote, in one generation that is entered by each', async () => {
      const entered: string[] = []
      const enterGeneration = async (generation: string) => {
        entered.push(generation)
        return EMPTY
      }
      const [a, b] = [await connected({ enterGeneration }), await connected({ enterGeneration })]
      expect(a.tier.generationId).toMatch(/^[0-9a-f]{24}$/)
      expect(entered).toEqual([a.tier.generationId, a.tier.generationId])
      expect(b.generations).toEqual([a.tier.generationId])
      await put(a.tier, 1, 5)
      expect(await versionIn(b.tier, 1)).toBe(versionOf(5))
      await b.tier.remove([{ key: keyOf(1), version: versionOf(5) }])
      expect(await put(a.tier, 1, 4)).toEqual([{ status: 'refused', floor: versionOf(5) }])
    })

    it('is entered by many at once, in one generation', async () => {
      const all = await Promise.all(Array.from({ length: 8 }, () => connected()))
      expect(new Set(all.map(({ tier }) => tier.generationId)).size).toBe(1)
    })

    it('keeps stores apart', async () => {
      const [a, b] = [await connected(), await connected({ storeId: randomUUID() })]
      await put(a.tier, 1, 5)
      expect(await versionIn(b.tier, 1)).toBeUndefined()
      expect(await b.tier.size()).toEqual({ entries: 0, bytes: 0 })
    })

    it('tells Redis time', async () => {
      const { tier } = await connected()
      const [seconds] = await client().time()
      expect(Math.abs(tier.now() - Number(seconds) * 1_000)).toBeLessThan(2_000)
    })

    it('measures the time anew when it finds that its own has gone astray', async () => {
      const { tier } = await connected()
      const realNow = performance.now.bind(performance)
      // As after a machine has slept: our clock stood still meanwhile, and Redis's did not.
      const sleep = vi.spyOn(performance, 'now').mockImplementation(() => realNow() - 100_000)
      releases.push(async () => sleep.mockRestore())
      expect(await put(tier, 1, 5)).toEqual([{ status: 'late' }])
      await vi.waitFor(async () => expect(await put(tier, 1, 6)).toEqual([{ status: 'stored' }]))
    })

    it('keeps of what left no more than marker and floor', async () => {
      const { tier } = await connected()
      await put(tier, 1, 5, { expiresAt: 4_000_000_000_000 })
      const [entry] = await client().keys('*:e:*')
      await tier.remove([{ key: keyOf(1), version: versionOf(5) }])
      const kept = (await client().keys('*')).filter((key) => !/:(slot|nonce)$/.test(key))
      expect(kept).toEqual([entry?.replace(':e:', ':m:')])
      expect(await client().pttl(kept[0]!)).toBeGreaterThan(50_000)
    })

    it('remembers the floor when the marker has ended', async () => {
      const { tier } = await connected({ markerTtl: 100 })
      await put(tier, 1, 5)
      await tier.remove([{ key: keyOf(1), version: versionOf(5) }])
      await vi.waitUntil(async () => (await client().keys('*:m:*')).length === 0, { timeout: 5_000, interval: 20 })
      expect(await put(tier, 1, 5)).toEqual([{ status: 'refused', floor: versionOf(5) }])
    })

    it('lets markers end', async () => {
      const { tier } = await connected({ markerTtl: 400 })
      await put(tier, 1, 5)
      await tier.remove([{ key: keyOf(1), version: versionOf(5) }])
      const promote = async () => (await put(tier, 1, 5, { reason: 'promotion' }))[0]?.status
      expect(await promote()).toBe('refused')
      await vi.waitFor(async () => expect(await promote()).toBe('stored'), { timeout: 5_000, interval: 20 })
    })
  })

  describe('a new generation', () => {
    it('starts with the floor that cold knows', async () => {
      const { tier } = await connected({ enterGeneration: async () => ({ number: 1, highestVersion: versionOf(100) }) })
      for (let n = 1; n < 50; n++)
        expect(await put(tier, n, 100)).toEqual([{ status: 'refused', floor: versionOf(100) }])
      expect(await put(tier, 1, 101)).toEqual([{ status: 'stored' }])
      expect(await put(tier, 2, 7, { reason: 'repush' })).toEqual([{ status: 'stored' }])
    })

    it('is not used before it is entered, and is asked for again', async () => {
      let isColdAway = true
      const { tier, generations } = tierOf({
        enterGeneration: async () => {
          if (isColdAway) throw new Error('cold is away')
          return EMPTY
        },
      })
      await expect(tier.connect()).rejects.toEqual(AWAY)
      await expect(tier.read([keyOf(1)])).rejects.toEqual(AWAY)
      expect(generations).toEqual([])
      isColdAway = false
      await vi.waitFor(() => expect(generations).toEqual([tier.generationId]), { timeout: 5_000 })
      await healed(tier)
    })

    it.each([
      ['is flushed', async () => void (await client().flushall())],
      [
        'restarts from a snapshot',
        async () => {
          await client().save()
          await redis.restart()
          const isBack = async () => /name=tier/.test((await client().client('LIST')) as string)
          await vi.waitUntil(isBack, { timeout: 5_000, interval: 20 })
        },
      ],
    ])('is looked at again where Redis %s just while it is entered', async (_, interfere) => {
      let isFirst = true
      const enterGeneration = async () => {
        if (isFirst) {
          isFirst = false
          await interfere()
        }
        return EMPTY
      }
      const options = { ...redis.connection, connectionName: 'tier' }
      const { tier } = tierOf({ server: { options }, enterGeneration, commandTimeout: 2_000 })
      // Where Redis went away just then, it connects again by itself.
      await tier.connect().catch(() => {})
      await healed(tier)
      const { tier: other } = await connected()
      expect(other.generationId).toBe(tier.generationId)
    })

    it('takes the place of one that has ended, though Redis is the same', async () => {
      const { tier: before } = await connected()
      await put(before, 1, 5)
      const ended = before.generationId
      const enterGeneration = async (id: string) => (id === ended ? undefined : EMPTY)
      const { tier } = await connected({ enterGeneration })
      expect(tier.generationId).not.toBe(ended)
      expect(await versionIn(tier, 1)).toBeUndefined()
    })

    it('has the number that cold gave it, anew where cold says that another one is current', async () => {
      let number = 7
      const enterGeneration = async () => ({ number, highestVersion: ZERO_VERSION })
      const { tier } = await connected({ enterGeneration })
      await put(tier, 1, 5)
      expect(tier.generationNumber).toBe(7)
      number = 9
      tier.reenter()
      await vi.waitFor(() => expect(tier.generationNumber).toBe(9))
      expect(await versionIn(tier, 1)).toBe(versionOf(5))
    })

    it('deletes nothing of others once it is not the current one any more', async () => {
      const direct = client()
      await direct.mset('{s:old:1}:slot', '1', '{s:new:1}:slot', '1', '{s}:nonce', '1', '{t:old:1}:slot', '1')
      expect(await deleteOtherGenerations(direct, '{s', '{s:new:', async () => false)).toBe(0)
      expect(await direct.dbsize()).toBe(4)
      expect(await deleteOtherGenerations(direct, '{s', '{s:new:', async () => true)).toBe(1)
      expect((await direct.keys('*')).sort()).toEqual(['{s:new:1}:slot', '{s}:nonce', '{t:old:1}:slot'])
    })

    it('keeps nobody waiting longer than a command may take', async () => {
      const { tier } = tierOf({ commandTimeout: 300, enterGeneration: () => new Promise(() => {}) })
      const from = performance.now()
      await expect(tier.connect()).rejects.toEqual(AWAY)
      await expect(tier.read([keyOf(1)])).rejects.toEqual(AWAY)
      expect(performance.now() - from).toBeLessThan(2_000)
    })

    it('does not begin with a connection that broke: the generation is the same', async () => {
      const { tier, generations } = await connected()
      await put(tier, 1, 5)
      await client().call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
      await healed(tier)
      expect(await versionIn(tier, 1)).toBe(versionOf(5))
      expect(generations).toHaveLength(1)
    })

    it('begins when Redis restarts empty', async () => {
      const { tier, generations } = await connected()
      await put(tier, 1, 5)
      await redis.restart()
      await healed(tier)
      expect(generations).toHaveLength(2)
      expect(generations[1]).toBe(tier.generationId)
      expect(await versionIn(tier, 1)).toBeUndefined()
    })

    it('begins when Redis restarts from an older snapshot, whose values are never read and then deleted', async () => {
      const { tier, generations } = await connected()
      await put(tier, 1, 5)
      await client().save()
      await put(tier, 1, 6)
      await redis.restart()
      expect(await client().dbsize()).toBeGreaterThan(64)
      await healed(tier)
      expect(generations).toHaveLength(2)
      expect(await versionIn(tier, 1)).toBeUndefined()
      const old = () => client().keys(`*${generations[0]}*`)
      await vi.waitFor(async () => expect(await old()).toEqual([]), { timeout: 5_000 })
      await put(tier, 1, 7)
      expect(await versionIn(tier, 1)).toBe(versionOf(7))
    })

    it.each(['FLUSHALL', 'FLUSHDB'])('begins after %s, which breaks no connection', async (flush) => {
      const [a, b] = [await connected(), await connected()]
      await put(a.tier, 1, 5)
      await client().call(flush)
      await expect(a.tier.read([keyOf(1)])).rejects.toEqual(AWAY)
      await Promise.all([healed(a.tier), healed(b.tier)])
      expect(a.generations).toHaveLength(2)
      expect(b.tier.generationId).toBe(a.tier.generationId)
      expect(await versionIn(a.tier, 1)).toBeUndefined()
    })

    it('begins when one slot is lost, even where the nonce is not', async () => {
      const [a, b] = [await connected(), await connected()]
      await put(a.tier, 1, 5)
      const direct = client()
      const [slot] = await direct.keys('*:slot')
      await direct.del(slot!)
      await expect(a.tier.size()).rejects.toEqual(AWAY)
      await Promise.all([healed(a.tier), healed(b.tier)])
      expect(new Set([...a.generations, ...b.generations]).size).toBe(2)
      expect(b.tier.generationId).toBe(a.tier.generationId)
      expect(await versionIn(b.tier, 1)).toBeUndefined()
    })

    it('begins with a replica that was promoted', async () => {
      const { tier } = await connected()
      await put(tier, 1, 5)
      const before = tier.generationId
      const direct = client()
      await direct.replicaof('127.0.0.1', 1)
      await expect(put(tier, 1, 6)).rejects.toEqual(AWAY)
      await direct.replicaof('NO', 'ONE')
      await healed(tier)
      expect(tier.generationId).not.toBe(before)
    })
  })

  describe('away', () => {
    it('rejects at once, and answers as soon as Redis is back', async () => {
      const { tier, generations } = await connected()
      await redis.kill()
      await expect(put(tier, 1, 5)).rejects.toEqual(AWAY)
      for (let i = 0; i < 9; i++) await expect(tier.read([keyOf(1)])).rejects.toEqual(AWAY)
      await expect(tier.read([keyOf(1)])).rejects.toThrow('left alone for a moment')
      await redis.restart()
      await vi.waitUntil(() => generations.length === 2, { timeout: 5_000, interval: 5 })
      expect(await put(tier, 1, 6)).toEqual([{ status: 'stored' }])
    })

    it('may be away at the start', async () => {
      await redis.kill()
      const { tier, generations } = tierOf()
      await expect(tier.connect()).rejects.toEqual(AWAY)
      expect(tier.generationId).toBe('')
      await redis.restart()
      await healed(tier)
      expect(generations).toEqual([tier.generationId])
    })

    it('rejects in time while Redis hangs, then without asking, and heals', async () => {
      const { tier } = await connected({ commandTimeout: 300 })
      await put(tier, 1, 5)
      redis.signal('SIGSTOP')
      const from = performance.now()
      await expect(put(tier, 1, 6)).rejects.toEqual(AWAY)
      expect(performance.now() - from).toBeLessThan(1_000)
      await Promise.allSettled(Array.from({ length: 5 }, () => tier.read([keyOf(1)])))
      await expect(tier.read([keyOf(1)])).rejects.toThrow('left alone for a moment')
      redis.signal('SIGCONT')
      await healed(tier)
      // The write that timed out may have arrived meanwhile: a put above it is right in either case.
      expect(await put(tier, 1, 7)).toEqual([{ status: 'stored' }])
      expect(await versionIn(tier, 1)).toBe(versionOf(7))
    })

    it('closes while it is away, and while it connects', async () => {
      const { tier } = await connected()
      await redis.kill()
      await tier.close()
      await expect(tier.size()).rejects.toMatchObject({ code: 'ERR_CLOSED' })
      const other = tierOf().tier
      const connecting = other.connect().catch((error: unknown) => error)
      await other.close()
      expect(await connecting).toEqual(AWAY)
    })
  })

  /** As another server would take its place behind the same connection: what was written since `before` is gone. */
  async function goBack(to: Awaited<ReturnType<typeof copyOf>>): Promise<void> {
    const restored = client().multi().flushall()
    for (const { key, value } of to) restored.restore(key, 0, value)
    await restored.exec()
  }
  async function copyOf(direct: Redis) {
    const keys = await direct.keys('*')
    return Promise.all(keys.map(async (key) => ({ key, value: (await direct.dumpBuffer(key))! })))
  }

  describe('a Redis that goes back behind an open connection', () => {
    it.each(['read', 'write', 'touch', 'remove', 'repair', 'candidates', 'size'] as const)(
      'is not believed by who knows of more, nor by anybody after that (%s)',
      async (call) => {
        const [a, b] = [await connected(), await connected()]
        await put(a.tier, 1, 5)
        const before = await copyOf(client())
        await put(a.tier, 1, 6)
        await goBack(before)
        // Knows nothing of what is lost.
        expect(await versionIn(b.tier, 1)).toBe(versionOf(5))
        const ask = {
          read: () => a.tier.read([keyOf(1)]),
          write: () => put(a.tier, 1, 7),
          touch: () => a.tier.touch([{ key: keyOf(1), lastAccessedAt: 1, accesses: 1 }]),
          remove: () => a.tier.remove([{ key: keyOf(1), version: versionOf(5) }]),
          repair: () => a.tier.repair([{ key: keyOf(1), version: versionOf(4) }]),
          candidates: () => a.tier.candidates({ limit: 9, idleSince: Number.MAX_SAFE_INTEGER }),
          size: () => a.tier.size(),
        }
        await expect(ask[call]()).rejects.toEqual(AWAY)
        await expect(b.tier.read([keyOf(1)])).rejects.toEqual(AWAY)
        await Promise.all([healed(a.tier), healed(b.tier)])
        expect(b.tier.generationId).toBe(a.tier.generationId)
        expect(a.generations).toHaveLength(2)
        expect(await versionIn(b.tier, 1)).toBeUndefined()
      },
    )

    it('is not believed where others have written as much as was lost', async () => {
      const [a, b] = [await connected(), await connected()]
      await put(a.tier, 1, 5)
      const before = await copyOf(client())
      await put(a.tier, 1, 6)
      await goBack(before)
      for (let n = 1; n <= 9; n++) await put(b.tier, 1, 4)
      await expect(a.tier.read([keyOf(1)])).rejects.toEqual(AWAY)
      await expect(b.tier.read([keyOf(1)])).rejects.toEqual(AWAY)
    })

    it('is told from one in which others have written ever so much', async () => {
      const [a, b] = [await connected(), await connected()]
      await put(a.tier, 1, 5)
      for (let version = 6; version <= 80; version++) await put(b.tier, 1, version)
      expect(await versionIn(a.tier, 1)).toBe(versionOf(80))
      expect(a.generations).toHaveLength(1)
    })

    it('is known for one also after the connection broke', async () => {
      const { tier } = await connected()
      await put(tier, 1, 5)
      const before = await copyOf(client())
      await put(tier, 1, 6)
      await client().call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
      await healed(tier)
      await goBack(before)
      await expect(tier.read([keyOf(1)])).rejects.toEqual(AWAY)
    })

    it('answers nothing once it follows another server', async () => {
      redis = await server({ onPort: true })
      const { tier } = await connected()
      await put(tier, 1, 5)
      const copy = await replicaOf(redis)
      await client(copy).replicaof('NO', 'ONE')
      await put(tier, 1, 6)
      const { port } = copy.connection as { port: number }
      await client().replicaof('127.0.0.1', port)
      const answers: unknown[] = []
      const isSynced = async () => {
        answers.push(await versionIn(tier, 1).catch((error: unknown) => error))
        return /master_link_status:up/.test(await client().info('replication'))
      }
      await vi.waitUntil(isSynced, { timeout: 10_000, interval: 5 })
      for (let i = 0; i < 5; i++) await isSynced()
      for (const answer of answers) expect(answer).toEqual(AWAY)
      await client().replicaof('NO', 'ONE')
      await healed(tier)
      expect(await versionIn(tier, 1)).toBeUndefined()
    })

    it('is noticed by who has been idle meanwhile, when it verifies', async () => {
      redis = await server({ onPort: true })
      const [a, b] = [await connected(), await connected()]
      await put(a.tier, 1, 5)
      await Promise.all([a.tier.verify(), b.tier.verify()])
      const copy = await replicaOf(redis)
      await client(copy).replicaof('NO', 'ONE')
      await put(a.tier, 1, 6)
      const { port } = copy.connection as { port: number }
      const direct = client()
      await direct.replicaof('127.0.0.1', port)
      await vi.waitUntil(async () => /master_link_status:up/.test(await direct.info('replication')), PATIENT)
      await direct.replicaof('NO', 'ONE')
      await expect(b.tier.verify()).rejects.toEqual(AWAY)
      await expect(a.tier.verify()).rejects.toEqual(AWAY)
      await Promise.all([healed(a.tier), healed(b.tier)])
      expect(b.tier.generationId).toBe(a.tier.generationId)
      expect(await versionIn(b.tier, 1)).toBeUndefined()
      await Promise.all([a.tier.verify(), b.tier.verify()])
    })

    it('is noticed by its slots alone where INFO is blocked', async () => {
      await client().acl('SETUSER', 'app', 'on', '>secret', '~*', '&*', '+@all', '-info')
      const options = { ...redis.connection, username: 'app', password: 'secret', enableReadyCheck: false }
      const { tier } = await connected({ server: { options } })
      await put(tier, 1, 5)
      const before = await copyOf(client())
      await put(tier, 1, 6)
      await tier.verify()
      await goBack(before)
      await expect(tier.verify()).rejects.toEqual(AWAY)
      await healed(tier)
      expect(await versionIn(tier, 1)).toBeUndefined()
    })
  })

  /** In step with it. */
  async function replicaOf(master: PrivateRedis): Promise<PrivateRedis> {
    const { port } = master.connection as { port: number }
    const replica = await server({ onPort: true, args: ['--replicaof', '127.0.0.1', `${port}`] })
    const direct = client(replica)
    await vi.waitUntil(async () => /master_link_status:up/.test(await direct.info('replication')), PATIENT)
    await client(master).wait(1, 5_000)
    return replica
  }

  describe('a Redis that is full', () => {
    const fill = () => client().config('SET', 'maxmemory', '1')
    const makeRoom = () => client().config('SET', 'maxmemory', '0')

    it('lets go of what is older than cold, whatever else is to be repaired', async () => {
      const { tier } = await connected()
      for (let n = 1; n <= 200; n += 2) await put(tier, n, 5)
      await fill()
      const all = Array.from({ length: 200 }, (_, i) => ({ key: keyOf(i + 1), version: versionOf(6) }))
      await tier.repair(all)
      expect((await tier.read(all.map(({ key }) => key))).filter(Boolean)).toEqual([])
    })

    it('lets nothing older in that was on its way, also once there is room again', async () => {
      const { tier } = await connected()
      const startedAt = tier.now()
      await fill()
      await tier.repair([{ key: keyOf(1), version: versionOf(6) }])
      expect(await client().keys('*:m:*')).toEqual([])
      await makeRoom()
      for (const reason of ['promotion', 'repush'] as const)
        expect(await put(tier, 1, 5, { reason, startedAt })).toEqual([{ status: 'late' }])
      expect(await put(tier, 1, 5, { startedAt })).toEqual([{ status: 'refused', floor: versionOf(6) }])
      expect(await versionIn(tier, 1)).toBeUndefined()
      expect(await put(tier, 1, 7)).toEqual([{ status: 'stored' }])
    })

    it('takes what it waited for once its slack is over', async () => {
      const { tier } = await connected({ markerTtl: 400 })
      await fill()
      await tier.repair([{ key: keyOf(1), version: versionOf(6) }])
      await makeRoom()
      const promoted = async () => (await put(tier, 1, 6, { reason: 'promotion' }))[0]?.status
      await vi.waitFor(async () => expect(await promoted()).toBe('stored'), { timeout: 5_000, interval: 20 })
    })

    it('takes a delete, and what replaces something as large', async () => {
      const { tier } = await connected()
      const [large, small] = [Buffer.alloc(500, 1), Buffer.alloc(500, 2)]
      for (const n of [1, 2, 3]) await put(tier, n, 5, { payload: large })
      await fill()
      expect(await put(tier, 1, 6, { payload: Buffer.alloc(9), deleted: true })).toEqual([{ status: 'stored' }])
      expect(await put(tier, 2, 6, { payload: small })).toEqual([{ status: 'stored' }])
      await expect(put(tier, 3, 6, { payload: Buffer.alloc(501) })).rejects.toThrow('is full')
      const found = await tier.read([1, 2, 3].map(keyOf))
      expect(found.map((value) => [value?.version, value?.deleted])).toEqual([
        [versionOf(6), true],
        [versionOf(6), false],
        [versionOf(5), false],
      ])
      expect((await tier.size()).bytes).toBe(1_009)
    })

    it('counts reads, names candidates and lets them leave', async () => {
      const { tier } = await connected()
      await put(tier, 1, 5)
      await fill()
      expect(await tier.touch([{ key: keyOf(1), lastAccessedAt: 9, accesses: 2 }])).toEqual([])
      const [candidate] = await tier.candidates({ limit: 9, idleSince: Number.MAX_SAFE_INTEGER })
      expect(candidate).toMatchObject({ accessCount: 2 })
      expect(await tier.remove([{ key: keyOf(1), version: versionOf(5) }])).toMatchObject([{ accessCount: 2 }])
      await makeRoom()
      expect(await tier.size()).toEqual({ entries: 0, bytes: 0 })
      expect(await put(tier, 1, 5, { reason: 'promotion' })).toEqual([{ status: 'refused', floor: versionOf(5) }])
    })

    it('is entered all the same, so that what an earlier generation left there can go', async () => {
      const { tier } = await connected()
      await put(tier, 1, 5)
      await fill()
      const direct = client()
      const [slot] = await direct.keys('*:slot')
      await direct.del(slot!)
      await expect(tier.size()).rejects.toEqual(AWAY)
      await healed(tier)
      await vi.waitFor(async () => expect(await direct.keys('*:e:*')).toEqual([]), PATIENT)
      await connected()
    })
  })

  describe('in trouble', () => {
    it('answers nothing where it takes no writes, for it cannot be repaired', async () => {
      const { tier } = await connected()
      await put(tier, 1, 5)
      await client().config('SET', 'min-replicas-to-write', '1')
      await expect(tier.read([keyOf(1)])).rejects.toThrow('too few replicas')
      await client().config('SET', 'min-replicas-to-write', '0')
      expect(await versionIn(tier, 1)).toBe(versionOf(5))
    })

    it('goes on reading from a Redis that has no room', async () => {
      const { tier } = await connected()
      await put(tier, 1, 5)
      await client().config('SET', 'maxmemory', '1')
      for (let i = 0; i < 10; i++) await expect(put(tier, 2, 6)).rejects.toEqual(AWAY)
      expect(await versionIn(tier, 1)).toBe(versionOf(5))
    })

    it('warns of a server that may evict', async () => {
      redis = await server({ args: ['--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru'] })
      const warn = vi.fn()
      await connected({ logger: { ...silentLogger, warn } })
      expect(warn).toHaveBeenCalledExactlyOnceWith({ policy: 'allkeys-lru' }, expect.stringContaining('noeviction'))
    })

    it('goes by the nonce alone, with a warning, where INFO is blocked', async () => {
      await client().acl('SETUSER', 'app', 'on', '>secret', '~*', '&*', '+@all', '-info')
      const warn = vi.fn()
      const { tier } = await connected({
        server: { options: { ...redis.connection, username: 'app', password: 'secret', enableReadyCheck: false } },
        logger: { ...silentLogger, warn },
      })
      expect(warn).toHaveBeenCalledExactlyOnceWith({}, expect.stringContaining('INFO is blocked'))
      expect(await put(tier, 1, 5)).toEqual([{ status: 'stored' }])
    })

    it.each([
      [{ db: 99 }, 'does not have the database that was named'],
      [
        { username: 'app', password: 'secret' },
        /lets this user do too little: allow it `~\{[0-9a-f-]{36}\* \+info .*\+unlink`/,
      ],
    ])('refuses for good what waiting does not mend (%o)', async (given, reason) => {
      await client().acl('SETUSER', 'app', 'on', '>secret', '~*', '+@all', '-unlink')
      const { tier } = tierOf({ server: { options: { ...redis.connection, ...given } } })
      const error = await tier.connect().catch((refusal: unknown) => refusal)
      expect(error).toEqual(AWAY)
      expect((error as Error).message).toMatch(reason)
      expect(tier.refusesUs).toBe(true)
      await expect(put(tier, 1, 5)).rejects.toEqual(AWAY)
      expect((await client().keys('*')).filter((key) => key.includes(':e:'))).toEqual([])
    })

    it.each([
      ['no scripts', ['~*', '+@all', '-eval', '-evalsha']],
      ['no keys of the store', ['~other:*', '+@all']],
      ['no keys but the first', ['~{????????-????-????-????-????????????}:nonce', '+@all']],
    ])('tells a user who may do too little from a server that is away (%s)', async (_, rights) => {
      await client().acl('SETUSER', 'app', 'on', '>secret', '&*', ...rights)
      const { tier } = tierOf({ server: { options: { ...redis.connection, username: 'app', password: 'secret' } } })
      await expect(tier.connect()).rejects.toThrow('lets this user do too little')
      expect(tier.refusesUs).toBe(true)
    })

    it('works for a user who may do what the refusal names', async () => {
      const rights = await refusalFor(['-@all'])
      await client().acl('SETUSER', 'app', 'on', '>secret', ...rights)
      const { tier } = await connected({
        server: { options: { ...redis.connection, username: 'app', password: 'secret' } },
      })
      await put(tier, 1, 5)
      expect(await tier.candidates({ limit: 9, idleSince: Number.MAX_SAFE_INTEGER })).toHaveLength(1)
      await tier.touch([{ key: keyOf(1), lastAccessedAt: 1, accesses: 1 }])
      await tier.repair([{ key: keyOf(1), version: versionOf(6) }])
      await put(tier, 2, 5)
      await tier.remove([{ key: keyOf(2), version: versionOf(5) }])
      await tier.verify()
      await client().del((await client().keys('*:slot'))[0]!)
      await expect(tier.size()).rejects.toEqual(AWAY)
      await healed(tier)
    })

    /** What the message tells to allow, to a user with these rights only. */
    async function refusalFor(rights: string[]): Promise<string[]> {
      await client().acl('SETUSER', 'poor', 'on', '>secret', '~*', ...rights)
      const { tier } = tierOf({ server: { options: { ...redis.connection, username: 'poor', password: 'secret' } } })
      const { message } = (await tier.connect().catch((refusal: unknown) => refusal)) as Error
      return /`(.*)`/.exec(message)![1]!.split(' ')
    }

    it('does not go on in database 0 where the one that was named is gone after a restart', async () => {
      redis = await server({ onPort: true })
      const { port } = redis.connection as { port: number }
      const { tier } = await connected({ server: { url: `redis://127.0.0.1:${port}/15` } })
      await put(tier, 1, 5)
      await redis.restart(['--databases', '4'])
      await vi.waitFor(() => expect(tier.read([keyOf(1)])).rejects.toThrow('does not have the database'), PATIENT)
      expect(await client().dbsize()).toBe(0)
    })

    it('refuses a replica', async () => {
      await client().replicaof('127.0.0.1', 1)
      await expect(tierOf().tier.connect()).rejects.toThrow(/redis\.sock is a read-only replica: name the primary/)
    })

    it('names server and remedy where the password is wrong, and not the password', async () => {
      await client().config('SET', 'requirepass', 'right')
      const { tier } = tierOf({ server: { options: { ...redis.connection, password: 'canary-5f1d' } } })
      const error = await tier.connect().catch((reason: unknown) => reason)
      expect(error).toEqual(AWAY)
      expect((error as Error).message).toMatch(/redis\.sock refused the credentials: check/)
      expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('canary')
    })

    it('shows no key, no value and no credential in any error or log', async () => {
      const lines: string[] = []
      const log = (fields: object, message: string) => lines.push(inspect([fields, message], { depth: 9 }))
      redis = await server({ onPort: true })
      const { port } = redis.connection as { port: number }
      const { tier } = await connected({
        server: { url: `redis://default:canary-5f1d@127.0.0.1:${port}` },
        logger: { debug: log, info: log, warn: log, error: log },
      })
      const key = { namespace: 'canary-5f1d', id: keyOf(1).id }
      const write = { ...writeOf(1, 5, { startedAt: tier.now(), key }), payload: Buffer.from('canary-5f1d') }
      await client().config('SET', 'maxmemory', '1')
      const errors: unknown[] = [await tier.write([write]).catch((error: unknown) => error)]
      await client().call('FLUSHALL')
      errors.push(await tier.read([key]).catch((error: unknown) => error))
      await redis.kill()
      errors.push(await tier.write([write]).catch((error: unknown) => error))
      for (const error of errors) {
        expect(error).toEqual(AWAY)
        expect((error as Error).message).toContain(`127.0.0.1:${port}`)
        lines.push(inspect(error, { depth: 9, showHidden: true }), JSON.stringify(error))
      }
      expect(lines.join('\n')).not.toContain('canary')
    })
  })

  describe('over TLS', () => {
    let dir: string
    let port: number
    beforeEach(async () => {
      dir = await mkdtemp(join(tmpdir(), 'thermocline-tls-'))
      releases.push(() => rm(dir, { recursive: true, force: true }))
      makeAuthority(dir)
      port = await freePort()
      const files = ['--tls-cert-file', `${dir}/server.pem`, '--tls-key-file', `${dir}/server.key`]
      const args = [
        '--tls-port',
        `${port}`,
        ...files,
        '--tls-ca-cert-file',
        `${dir}/ca.pem`,
        '--tls-auth-clients',
        'no',
      ]
      redis = await server({ onPort: true, args })
    })

    const refusal = async (server: RedisHotTierOptions['server']) => {
      const { tier } = tierOf({ server, commandTimeout: 1_000 })
      const error = await tier.connect().catch((reason: unknown) => reason)
      expect(error).toEqual(AWAY)
      return { message: (error as Error).message, isForGood: tier.refusesUs }
    }

    it('works where the authority of the certificate is known', async () => {
      const ca = await readFile(join(dir, 'ca.pem'))
      const { tier } = await connected({ server: { options: { host: 'localhost', family: 4, port, tls: { ca } } } })
      await put(tier, 1, 5)
      expect(await versionIn(tier, 1)).toBe(versionOf(5))
    })

    it('refuses a certificate that is not trusted, and says what to do', async () => {
      const { message, isForGood } = await refusal({ url: `rediss://127.0.0.1:${port}` })
      expect(message).toMatch(/certificate that is not trusted \([A-Z_]+\): name its authority by NODE_EXTRA_CA_CERTS/)
      expect(isForGood).toBe(true)
    })

    it('refuses a certificate for another name, and says what to do', async () => {
      const ca = await readFile(join(dir, 'ca.pem'))
      const options = { host: '127.0.0.1', port, tls: { ca, servername: 'elsewhere' } }
      const { message, isForGood } = await refusal({ options })
      expect(message).toMatch(/certificate for another name/)
      expect(isForGood).toBe(true)
    })

    it('tells a port with TLS from one without', async () => {
      const plain = (redis.connection as { port: number }).port
      expect((await refusal({ url: `redis://127.0.0.1:${port}` })).message).toMatch(/say rediss:/)
      expect((await refusal({ url: `rediss://127.0.0.1:${plain}` })).message).toMatch(/say redis:/)
    })
  })

  it('on a cluster: one master that restarts empty takes the generation with it', async () => {
    const args = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '1000', '--cluster-require-full-coverage', 'no']
    const masters: PrivateRedis[] = []
    for (let i = 0; i < 3; i++) masters.push(await server({ onPort: true, args }))
    await createCluster(masters)
    const nodes = masters.map(({ connection }) => connection as { host: string; port: number })
    const { tier, generations } = await connected({ server: { nodes }, commandTimeout: 1_000 })
    for (let n = 1; n <= 20; n++) await put(tier, n, n)
    await masters[1]!.restart()
    await vi.waitFor(
      async () => {
        await tier.size()
        expect(generations.length).toBeGreaterThan(1)
      },
      { timeout: 30_000, interval: 50 },
    )
    expect(await tier.size()).toEqual({ entries: 0, bytes: 0 })
    expect(await put(tier, 1, 30)).toEqual([{ status: 'stored' }])
  })

  longTest(
    'on a cluster: nothing older is read from a replica that lags and takes the place of its master',
    async () => {
      const args = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '1000']
      const nodes: PrivateRedis[] = []
      for (let i = 0; i < 4; i++) nodes.push(await server({ onPort: true, args }))
      await createCluster(nodes.slice(0, 3))
      const [master, replica] = [client(nodes[0]), client(nodes[3])]
      const { host, port } = nodes[0]!.connection as { host: string; port: number }
      const masterId = String(await master.cluster('MYID'))
      await replica.cluster('MEET', host, port)
      await vi.waitFor(() => replica.cluster('REPLICATE', masterId), PATIENT)
      const addresses = nodes.map(({ connection }) => connection as { host: string; port: number })
      const { tier, generations } = await connected({ server: { nodes: addresses } })
      const keys = Array.from({ length: 40 }, (_, n) => keyOf(n))
      const writeAll = (version: number) =>
        tier.write(keys.map((_, n) => writeOf(n, version, { startedAt: tier.now() })))
      const follows = (one: Redis, other: Redis) =>
        vi.waitFor(async () => {
          expect(await one.info('replication')).toContain('master_link_status:up')
          expect(await offsetOf(one)).toBe(await offsetOf(other))
        }, PATIENT)
      await writeAll(1)
      await follows(replica, master)
      // There and back, so that connections to both are open when it counts.
      await replica.cluster('FAILOVER', 'TAKEOVER')
      await vi.waitFor(() => writeAll(2), { timeout: 30_000, interval: 20 })
      await follows(master, replica)
      await replica.acl('SETUSER', 'default', '-psync', '-sync')
      await replica.call('CLIENT', 'KILL', 'TYPE', 'replica')
      await writeAll(3)
      const before = generations.length
      await master.cluster('FAILOVER', 'TAKEOVER')
      const answers = new Set<string | undefined>()
      await vi.waitFor(
        async () => {
          for (const found of await tier.read(keys)) answers.add(found?.version)
          expect(generations.length).toBeGreaterThan(before)
        },
        { timeout: 30_000, interval: 0 },
      )
      expect([...answers].filter((version) => version !== undefined && version !== versionOf(3))).toEqual([])
      expect(await writeAll(4)).toEqual(keys.map(() => ({ status: 'stored' })))
    },
  )
}

/** How much of what its master wrote. */
async function offsetOf(redis: Redis): Promise<string | undefined> {
  return /(?:slave|master)_repl_offset:(\d+)/.exec(await redis.info('replication'))?.[1]
}
