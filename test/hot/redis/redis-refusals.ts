/** A Redis that refuses what is asked of it, or whom it serves: settings, rights, wrong logins. */
import { inspect } from 'node:util'
import { describe, expect, it, vi } from 'vitest'
import { silentLogger } from '../../../src/kernel/logger.ts'
import { keyOf, versionOf, writeOf } from '../../../src/testkit/contract/hot-writes.ts'
import { AWAY, healed, PATIENT, put, useRedis, versionIn } from './use-redis.ts'

export function describeRedisRefusals(): void {
  describe('in trouble', () => {
    const on = useRedis()
    const { tierOf, connected, client } = on

    it('answers nothing where it takes no writes, for it cannot be repaired', async () => {
      const { tier } = await connected()
      await put(tier, 1, 5)
      await client().config('SET', 'min-replicas-to-write', '1')
      await expect(tier.read([keyOf(1)])).rejects.toThrow('too few replicas')
      await expect(tier.read(Array.from({ length: 20 }, (_, i) => keyOf(i)))).rejects.toThrow('too few replicas')
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
      on.redis = await on.server({ args: ['--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru'] })
      const warn = vi.fn()
      await connected({ logger: { ...silentLogger, warn } })
      expect(warn).toHaveBeenCalledExactlyOnceWith({ policy: 'allkeys-lru' }, expect.stringContaining('noeviction'))
    })

    it('goes by the nonce alone, with a warning, where INFO is blocked', async () => {
      await client().acl('SETUSER', 'app', 'on', '>secret', '~*', '&*', '+@all', '-info')
      const warn = vi.fn()
      const { tier } = await connected({
        server: { options: { ...on.redis.connection, username: 'app', password: 'secret', enableReadyCheck: false } },
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
      const { tier } = tierOf({ server: { options: { ...on.redis.connection, ...given } } })
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
      ['no keys but the first', ['~{????????-????-????-????-????????????}:nonce*', '+@all']],
    ])('tells a user who may do too little from a server that is away (%s)', async (_, rights) => {
      await client().acl('SETUSER', 'app', 'on', '>secret', '&*', ...rights)
      const { tier } = tierOf({ server: { options: { ...on.redis.connection, username: 'app', password: 'secret' } } })
      await expect(tier.connect()).rejects.toThrow('lets this user do too little')
      expect(tier.refusesUs).toBe(true)
    })

    it('works for a user who may do what the refusal names', async () => {
      const rights = await refusalFor(['-@all'])
      await client().acl('SETUSER', 'app', 'on', '>secret', ...rights)
      const { tier } = await connected({
        server: { options: { ...on.redis.connection, username: 'app', password: 'secret' } },
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
      const { tier } = tierOf({ server: { options: { ...on.redis.connection, username: 'poor', password: 'secret' } } })
      const { message } = (await tier.connect().catch((refusal: unknown) => refusal)) as Error
      return /`(.*)`/.exec(message)![1]!.split(' ')
    }

    it('does not go on in database 0 where the one that was named is gone after a restart', async () => {
      on.redis = await on.server({ onPort: true })
      const { port } = on.redis.connection as { port: number }
      const { tier } = await connected({ server: { url: `redis://127.0.0.1:${port}/15` } })
      await put(tier, 1, 5)
      await on.redis.restart(['--databases', '4'])
      await vi.waitFor(() => expect(tier.read([keyOf(1)])).rejects.toThrow('does not have the database'), PATIENT)
      expect(await client().dbsize()).toBe(0)
    })

    it('refuses a replica', async () => {
      await client().replicaof('127.0.0.1', 1)
      await expect(tierOf().tier.connect()).rejects.toThrow(/redis\.sock is a read-only replica: name the primary/)
    })

    it('names server and remedy where the password is wrong, and not the password', async () => {
      await client().config('SET', 'requirepass', 'right')
      const { tier } = tierOf({ server: { options: { ...on.redis.connection, password: 'canary-5f1d' } } })
      const error = await tier.connect().catch((reason: unknown) => reason)
      expect(error).toEqual(AWAY)
      expect((error as Error).message).toMatch(/redis\.sock refused the credentials: check/)
      expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('canary')
    })

    it('shows no key, no value and no credential in any error or log', async () => {
      const lines: string[] = []
      const log = (fields: object, message: string) => lines.push(inspect([fields, message], { depth: 9 }))
      on.redis = await on.server({ onPort: true })
      const { port } = on.redis.connection as { port: number }
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
      await on.redis.kill()
      errors.push(await tier.write([write]).catch((error: unknown) => error))
      for (const error of errors) {
        expect(error).toEqual(AWAY)
        expect((error as Error).message).toContain(`127.0.0.1:${port}`)
        lines.push(inspect(error, { depth: 9, showHidden: true }), JSON.stringify(error))
      }
      expect(lines.join('\n')).not.toContain('canary')
    })
  })
}
