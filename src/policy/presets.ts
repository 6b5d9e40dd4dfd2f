/** Names sets of policies for who wants to choose without numbers. */
import { byActivation } from './decaying-activation.ts'
import { byIdleTime } from './idle-time.ts'
import type { TieringPolicy } from './tiering-policy.ts'
import { tinyLfu } from './tiny-lfu.ts'

export const PRESETS = {
  /** Everything that is read stays in hot for an hour. */
  highPerformance: byIdleTime({ after: '1h' }),
  /** What is read again and again stays, and a scan drives out none of it. */
  balanced: tinyLfu({ base: byActivation() }),
  /** Only what was read twice within a short time enters hot, and it leaves after a minute. */
  costOptimised: byIdleTime({ after: '1m', minAccesses: 2 }),
} as const satisfies Record<string, TieringPolicy>

export type PolicyPreset = keyof typeof PRESETS
