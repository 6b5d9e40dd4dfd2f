/** Checks the option `policies` and makes rules of it; what a rule is for is parsed in policy/policy-table.ts. */
import { z } from 'zod'
import { parseDuration } from '../entry/duration.ts'
import { isPlainObject } from '../kernel/plain-object.ts'
import { type PolicyRule, parseScope } from '../policy/policy-table.ts'
import { type PolicyPreset, PRESETS } from '../policy/presets.ts'
import type { TieringPolicy } from '../policy/tiering-policy.ts'

const PRESET = `a preset (${Object.keys(PRESETS).join(', ')})`
const POLICY = `${PRESET}, or a policy: { name, decide }, if need be with leastIdle above 0, rank, asksFrequency`
const MEMBERS = new Set<string>([
  'name',
  'leastIdle',
  'decide',
  'rank',
  'asksFrequency',
] satisfies (keyof TieringPolicy)[])
const EVERYTHING = { segments: [], below: true } as const

export const policiesCheck = z.unknown().transform((given, context): readonly PolicyRule[] => {
  const refuse = (message: string, ...path: string[]): never => {
    context.addIssue({ code: 'custom', path, message })
    return z.NEVER
  }
  const preset = presetOf(given)
  if (preset !== undefined) return [{ scope: EVERYTHING, policy: preset }]
  if (!isPlainObject(given)) return refuse(`${PRESET}, or an object of policies by kind or namespace`)
  return Object.entries(given).map(([name, one]): PolicyRule => {
    const scope = parseScope(name)
    if (typeof scope === 'string') return refuse(scope, name)
    const unknown = isPlainObject(one) ? Object.keys(one).find((member) => !MEMBERS.has(member)) : undefined
    if (unknown !== undefined) return refuse(`a policy has no member of this name: ${POLICY}`, name, unknown)
    const policy = presetOf(one) ?? (isPolicy(one) ? one : undefined)
    return policy === undefined ? refuse(POLICY, name) : { scope, policy }
  })
})

function presetOf(given: unknown): TieringPolicy | undefined {
  return typeof given === 'string' && Object.hasOwn(PRESETS, given) ? PRESETS[given as PolicyPreset] : undefined
}

/** It may be of a class, and then has what it likes besides. */
function isPolicy(given: unknown): given is TieringPolicy {
  if (typeof given !== 'object' || given === null) return false
  const { name, decide, rank, leastIdle, asksFrequency } = given as Record<string, unknown>
  const isSane = typeof name === 'string' && name !== '' && typeof decide === 'function'
  const hasTime = leastIdle === undefined || (parseDuration(leastIdle) ?? 0) > 0
  const hasRank = rank === undefined || typeof rank === 'function'
  return isSane && hasTime && hasRank && [undefined, true, false].includes(asksFrequency as boolean | undefined)
}
