/**
 * Decides by which policy an entry goes: by its namespace or its kind. The first rule that fits is taken, in the order
 * in which the option `policies` has them, and the one of the store where none does.
 */
import { parseDuration } from '../entry/duration.ts'
import { ENTRY_KINDS, type EntryKind } from '../entry/memory-entry.ts'
import { namespacePath, namespaceSegments } from '../entry/namespace.ts'
import { isThermoclineError, ThermoclineError, withoutContent } from '../errors.ts'
import { type Logger, silentLogger } from '../kernel/logger.ts'
import type { EntryState, TieringDecision, TieringPolicy } from './tiering-policy.ts'

/** Of a kind, or of the namespaces that have these segments; `null` is any segment, and `below` whatever follows. */
export type PolicyScope =
  | { readonly kind: EntryKind }
  | { readonly segments: readonly (string | null)[]; readonly below: boolean }

export interface PolicyRule {
  readonly scope: PolicyScope
  readonly policy: TieringPolicy
}

/** A policy, with what it leaves out filled in. */
export interface KnownPolicy {
  readonly name: string
  readonly leastIdleMs: number
  readonly asksFrequency: boolean
  decide(entry: EntryState): TieringDecision
  rank(entry: EntryState): number
}

const DEFAULT_LEAST_IDLE = '1m'
const DECISIONS: ReadonlySet<unknown> = new Set<TieringDecision>(['stay', 'demote', 'promote'])

/**
 * Parses a kind, or a pattern of namespaces as `tenant/*` (one segment below `tenant`), `tenant/**` (it and all below)
 * or `**` (all). Answers why not where it is neither.
 */
export function parseScope(name: string): PolicyScope | string {
  const kind = ENTRY_KINDS.find((known) => known === name)
  if (kind !== undefined) return { kind }
  if (!/[/*]/.test(name)) return `is no kind (${ENTRY_KINDS.join(', ')}); of a namespace say \`${name}/**\``
  const parts = name.split('/')
  const below = parts.at(-1) === '**'
  const own = below ? parts.slice(0, -1) : parts
  if (own.includes('**')) return 'has `**` where it is not the last segment'
  try {
    // Escaped as in `path` of a view, or not.
    const segments = own.map((part) => (part === '*' ? null : namespacePath(namespaceSegments(part))))
    return { segments, below }
  } catch (error) {
    if (!isThermoclineError(error, 'ERR_INVALID_ENTRY')) throw error
    return `is no pattern of namespaces: ${error.message}`
  }
}

export class PolicyTable {
  readonly #rules: readonly { readonly scope: PolicyScope; readonly policy: KnownPolicy }[]
  /** Of what no rule fits. */
  readonly fallback: KnownPolicy
  /** Whether one policy, which goes by idle time alone, is that of all. */
  readonly isIdleTimeAlone: boolean
  readonly asksFrequency: boolean
  /** Less idle than this, no entry is asked about. */
  readonly leastIdleMs: number

  /**
   * @param fallback goes by idle time, and demotes from its `leastIdle` on.
   * @param logger is told, once of each, which `decide` or `rank` throws.
   */
  constructor(rules: readonly PolicyRule[], fallback: TieringPolicy, logger: Logger = silentLogger) {
    this.#rules = rules.map(({ scope, policy }) => ({ scope, policy: known(policy, logger) }))
    this.fallback = known(fallback, logger)
    const all = [this.fallback, ...this.#rules.map(({ policy }) => policy)]
    this.isIdleTimeAlone = rules.length === 0
    this.asksFrequency = all.some(({ asksFrequency }) => asksFrequency)
    this.leastIdleMs = Math.min(...all.map(({ leastIdleMs }) => leastIdleMs))
  }

  of(namespace: string, kind: EntryKind): KnownPolicy {
    return this.#rules.find(({ scope }) => fits(scope, namespace, kind))?.policy ?? this.fallback
  }
}

function fits(scope: PolicyScope, namespace: string, kind: EntryKind): boolean {
  if ('kind' in scope) return scope.kind === kind
  const { segments, below } = scope
  const path = namespace.split('/')
  if (below ? path.length < segments.length : path.length !== segments.length) return false
  return segments.every((segment, nth) => segment === null || segment === path[nth])
}

function known(policy: TieringPolicy, logger: Logger): KnownPolicy {
  const { name, leastIdle = DEFAULT_LEAST_IDLE } = policy
  return {
    name,
    leastIdleMs: typeof leastIdle === 'number' ? leastIdle : parseDuration(leastIdle)!,
    asksFrequency: policy.asksFrequency === true,
    decide: unlessThrown(
      (entry) => checked(name, policy.decide(entry)),
      (): TieringDecision => 'stay',
      (err) =>
        logger.warn({ policy: name, err }, '`decide` of a policy threw: what it cannot decide stays where it is'),
    ),
    rank: unlessThrown(
      (entry) => policy.rank?.(entry) ?? entry.idleMs,
      ({ idleMs }) => idleMs,
      (err) => logger.warn({ policy: name, err }, '`rank` of a policy threw: what it cannot rank goes by idle time'),
    ),
  }
}

/** Writes wait for room and a sync for its end, so neither may fail with what a user's function throws. */
function unlessThrown<T>(
  ask: (entry: EntryState) => T,
  otherwise: (entry: EntryState) => T,
  tell: (error: object) => void,
): (entry: EntryState) => T {
  let isTold = false
  return (entry) => {
    try {
      return ask(entry)
    } catch (error) {
      if (!isTold) tell(withoutContent(error))
      isTold = true
      return otherwise(entry)
    }
  }
}

function checked(name: string, decision: TieringDecision): TieringDecision {
  if (DECISIONS.has(decision)) return decision
  const message = `the policy "${name}" answered none of ${[...DECISIONS].join(', ')}`
  throw new ThermoclineError('ERR_INVALID_OPTIONS', message, { option: 'policies' })
}
