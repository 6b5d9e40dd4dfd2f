/**
 * Decides which of several rules holds for a namespace, where each is given for a pattern of paths (namespace.ts). What
 * the rules say is up to those who have them.
 *
 *   acme       that namespace alone
 *   acme/**    it and all below
 *   **         all
 *
 * The nearest one holds: that of the namespace itself, else that of the closest one above it. Patterns of policies
 * (policy/policy-table.ts), of which the first that fits holds, mean the same, and may also have a `*` for any segment.
 */
import { namespacePath, namespaceSegments } from './namespace.ts'

export type NamespaceRules<T> = Readonly<Record<string, T>>

const BELOW = '/**'
const ALL = '**'
/** What is meant for several is taken for the name of none. */
const WILDCARDS: ReadonlySet<string> = new Set(['*', '**'])

export function isNamespacePattern(pattern: string): boolean {
  if (pattern === ALL) return true
  const path = pattern.endsWith(BELOW) ? pattern.slice(0, -BELOW.length) : pattern
  try {
    const segments = namespaceSegments(path)
    return namespacePath(segments) === path && !segments.some((segment) => WILDCARDS.has(segment))
  } catch {
    return false
  }
}

/** @param path as `namespace.path` has it. */
export function ruleFor<T>(rules: NamespaceRules<T>, path: string): T | undefined {
  if (Object.hasOwn(rules, path)) return rules[path]
  for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1)) {
    const pattern = path.slice(0, end) + BELOW
    if (Object.hasOwn(rules, pattern)) return rules[pattern]
  }
  return rules[ALL]
}
