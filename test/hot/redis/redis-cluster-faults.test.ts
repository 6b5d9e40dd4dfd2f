import { describe } from 'vitest'
import { isThorough } from '../../tools/budget.ts'
import { describeWithRedis } from '../../tools/services.ts'
import { describeRedisClusterFaults } from './redis-cluster-faults.ts'

// Each makes a cluster, which takes seconds; test/hot/redis/slot-scripts.test.ts asks one each time.
describe.runIf(isThorough)('the Redis hot tier', () => describeWithRedis('of faults', describeRedisClusterFaults))
