/**
 * Stands before a hot tier of a user's own: whatever a call rejects with, and whatever takes longer than the store
 * waits, is `ERR_TIER_UNAVAILABLE` with its name and the cause, as every flow expects of a hot tier that fails. What it
 * says itself may hold content of entries, and is not passed on.
 */
import { isThermoclineError, saidBy, ThermoclineError } from '../errors.ts'
import { withDeadline } from '../kernel/deadline.ts'
import type { HotTier, HotTierOpening } from './hot-tier.ts'

/** What every tier has, and what it may have, of methods that answer by a promise. */
const NEEDED = [
  ...(['read', 'write', 'touch', 'extend', 'candidates', 'postpone', 'activations'] as const),
  ...(['remove', 'repair', 'reserve', 'verify', 'measure', 'size'] as const),
]
const OPTIONAL = ['candidateKeys', 'examine', 'sample', 'memoryUse', 'deleteFormer'] as const

export interface GuardOptions {
  readonly name: string
  /** Milliseconds for each call. */
  readonly timeout: number
}

/** Throws `ERR_INVALID_OPTIONS` where what was opened is no hot tier, or none that was opened with this. */
export function refuseUnlike(name: string, tier: HotTier, { markerTtl, generationNumber }: HotTierOpening): void {
  const refuse = (fault: string): never => {
    const remedy = 'see that it passes `describeHotTier` of thermocline/testkit'
    const message = `\`hot.open\` opened a tier ${name} ${fault}: ${remedy}`
    throw new ThermoclineError('ERR_INVALID_OPTIONS', message, { option: 'hot.open' })
  }
  const methods = tier as unknown as Readonly<Record<string, unknown>> | null | undefined
  const missing = [...NEEDED, 'now', 'close'].filter((method) => typeof methods?.[method] !== 'function')
  if (missing.length > 0) refuse(`without ${missing.join(', ')}`)
  if (typeof tier.capacity !== 'object' || typeof tier.generationId !== 'string' || tier.generationId === '')
    refuse('without `capacity` or `generationId`')
  if (tier.markerTtl !== markerTtl) refuse('whose `markerTtl` is not that which it was opened with')
  if (tier.generationNumber !== generationNumber)
    refuse('whose `generationNumber` is not that which it was opened with')
}

export function guardHotTier(tier: HotTier, options: GuardOptions): HotTier {
  const calls = new Map<string | symbol, unknown>()
  for (const method of [...NEEDED, ...OPTIONAL]) {
    const call = tier[method]
    if (call !== undefined) calls.set(method, guarded(method, call.bind(tier) as AnyCall, options))
  }
  for (const method of ['now', 'held', 'close'] as const) calls.set(method, tier[method]?.bind(tier))
  return new Proxy(tier, {
    get: (target, name) => (calls.has(name) ? calls.get(name) : Reflect.get(target, name, target)),
  })
}

type AnyCall = (...args: unknown[]) => Promise<unknown>

function guarded(method: string, call: AnyCall, { name, timeout }: GuardOptions): AnyCall {
  return async (...args) => {
    try {
      return await withDeadline((async () => call(...args))(), { timeout })
    } catch (cause) {
      if (isThermoclineError(cause, 'ERR_CLOSED')) throw cause
      const message = `the hot tier ${name} failed to ${method}: ${saidBy(cause)}`
      throw new ThermoclineError('ERR_TIER_UNAVAILABLE', message, { tier: 'hot' }, { cause })
    }
  }
}
