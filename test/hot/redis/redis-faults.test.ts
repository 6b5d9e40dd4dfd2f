import { describeRedisFaults } from './redis-faults.ts'

describeRedisFaults()
