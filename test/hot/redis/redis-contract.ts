import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import { afterAll, beforeAll } from 'vitest'
import { ZERO_VERSION } from '../../../src/entry/version.ts'
import { loadIoredis } from '../../../src/hot/redis/load-ioredis.ts'
import { RedisHotTier } from '../../../src/hot/redis/redis-hot-tier.ts'
import type { RedisLocation } from '../../../src/hot/redis/redis-location.ts'
import { silentLogger } from '../../../src/kernel/logger.ts'
import { describeHotTier } from '../../../src/testkit/testkit.ts'
import { createCluster, describeWithAnyRedis, describeWithRedis, PrivateRedis, redisUrl } from '../../tools/services.ts'

await loadIoredis()

/** All stores of this run begin so, and are deleted by it at the end. */
const RUN = randomUUID().slice(0, 13)

function describeOn(name: string, runs: number, server: () => RedisLocation): void {
  describeHotTier(name, {
    runs,
    async open(opening) {
      const storeId = RUN + randomUUID().slice(13)
      const enterGeneration = async () => ({ number: 1, highestVersion: ZERO_VERSION })
      const options = { ...opening, logger: silentLogger, enterGeneration }
      const tier = new RedisHotTier({ server: server(), storeId, ...options })
      await tier.connect()
      return { tier }
    },
  })
}

/** On each major version of ioredis. */
export function describeRedisContract({ runs, clusterRuns }: { runs: number; clusterRuns: number }): void {
  describeWithAnyRedis('one Redis server', () => {
    let redis: PrivateRedis | undefined
    beforeAll(async () => {
      if (redisUrl === undefined) redis = await PrivateRedis.start()
    })
    afterAll(async () => {
      if (redisUrl !== undefined) await deleteKeys(redisUrl, `{${RUN}*`)
      await redis?.[Symbol.asyncDispose]()
    })

    describeOn('Redis', runs, () => (redis === undefined ? { url: redisUrl! } : { options: redis.connection }))
  })

  describeWithRedis('a Redis cluster', () => {
    const masters: PrivateRedis[] = []
    beforeAll(async () => {
      const args = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000']
      for (let i = 0; i < 3; i++) masters.push(await PrivateRedis.start({ onPort: true, args }))
      await createCluster(masters)
    })
    afterAll(async () => {
      for (const master of masters) await master[Symbol.asyncDispose]()
    })

    describeOn('Redis Cluster', clusterRuns, () => ({
      nodes: masters.map(({ connection }) => ('port' in connection ? { ...connection } : connection.path)),
    }))
  })
}

async function deleteKeys(url: string, pattern: string): Promise<void> {
  const client = new Redis(url)
  for await (const keys of client.scanStream({ match: pattern, count: 1_000 })) {
    if (keys.length > 0) await client.unlink(...(keys as string[]))
  }
  await client.quit()
}
