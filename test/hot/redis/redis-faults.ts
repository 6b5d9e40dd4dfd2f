/**
 * What Redis may do to us: be away, come back empty or older, lose a part, fill up, refuse us. Each test has servers of
 * its own. Declared on each major version of ioredis. What a cluster does is in redis-cluster-faults.ts.
 */
import { describeWithRedis } from '../../tools/services.ts'
import { describeRedisAway } from './redis-away.ts'
import { describeRedisFull } from './redis-full.ts'
import { describeRedisGenerations } from './redis-generations.ts'
import { describeRedisLayouts } from './redis-layouts.ts'
import { describeRedisOverTls } from './redis-over-tls.ts'
import { describeRedisRefusals } from './redis-refusals.ts'
import { describeRedisSetBack } from './redis-set-back.ts'
import { describeRedisSharing } from './redis-sharing.ts'

export function describeRedisFaults(): void {
  describeWithRedis('the Redis hot tier', () => {
    describeRedisSharing()
    describeRedisGenerations()
    describeRedisLayouts()
    describeRedisAway()
    describeRedisSetBack()
    describeRedisFull()
    describeRedisRefusals()
    describeRedisOverTls()
  })
}
