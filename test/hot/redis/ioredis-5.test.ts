/**
 * The driver on the earlier major version of ioredis, which its users may have instead: the same suites, and the same
 * types.
 */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import { describe, expect, it, vi } from 'vitest'
import { isThorough, longTest } from '../../tools/budget.ts'
import { describeWithRedis } from '../../tools/services.ts'
import { describeRedisClusterFaults } from './redis-cluster-faults.ts'
import { describeRedisContract } from './redis-contract.ts'
import { describeRedisFaults } from './redis-faults.ts'

const earlier = () => vi.importActual<typeof import('ioredis')>('ioredis-5')

// Another real package under the name of the first.
vi.mock('ioredis', async () => vi.importActual('ioredis-5'))

describe('ioredis 5', () => {
  it('is what runs here', async () => {
    expect(Redis).toBe((await earlier()).Redis)
  })

  longTest(
    'has the types that the sources need',
    () => {
      const [project, compiler] = ['tsconfig.ioredis-5.json', '../../../node_modules/.bin/tsc'].map((path) =>
        fileURLToPath(new URL(path, import.meta.url)),
      )
      expect(execFileSync(compiler!, ['-p', project!], { encoding: 'utf8' })).toBe('')
    },
    60_000,
  )

  if (!isThorough) return
  describeRedisContract({ runs: 5, clusterRuns: 1 })
  describeRedisFaults()
  describeWithRedis('the Redis hot tier', describeRedisClusterFaults)
})
