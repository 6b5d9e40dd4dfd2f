/** A Redis that is reached over TLS, with a certificate authority of its own. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import type { RedisHotTierOptions } from '../../../src/hot/redis/redis-hot-tier.ts'
import { versionOf } from '../../../src/testkit/contract/hot-writes.ts'
import { makeAuthority } from '../../tools/certificates.ts'
import { freePort } from '../../tools/services.ts'
import { AWAY, put, useRedis, versionIn } from './use-redis.ts'

export function describeRedisOverTls(): void {
  describe('over TLS', () => {
    const on = useRedis()
    const { releases, tierOf, connected } = on

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
      on.redis = await on.server({ onPort: true, args })
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
      const plain = (on.redis.connection as { port: number }).port
      expect((await refusal({ url: `redis://127.0.0.1:${port}` })).message).toMatch(/say rediss:/)
      expect((await refusal({ url: `rediss://127.0.0.1:${plain}` })).message).toMatch(/say redis:/)
    })
  })
}
