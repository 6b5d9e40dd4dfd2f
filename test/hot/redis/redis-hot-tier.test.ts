import { budget } from '../../tools/budget.ts'
import { describeRedisContract } from './redis-contract.ts'

describeRedisContract({ runs: budget({ short: 5, long: 40 }), clusterRuns: budget({ short: 2, long: 5 }) })
