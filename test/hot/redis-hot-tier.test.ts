import { describeRedisContract } from './redis-contract.ts'

describeRedisContract({ runs: 40, clusterRuns: 5 })
