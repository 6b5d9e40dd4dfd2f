/**
 * Decides which of several rules holds for a namespace, where each is given for a pattern of paths (namespace.ts). What
 * the rules say is up to those who have them.
 *
 *   acme      that namespace alone
 *   acme/*    all below it, however far
 *   *         all for which there is no other
 *
 * The nearest one holds: that of the namespace itself, else that of the closest namespace above it.
 */
import { namespacePath, namespaceSegments } from './namespace.ts'

export type NamespaceRules<T> = Readonly<Record<string, T>>

const BELOW = '/*'
const ALL = '*'

export function isNamespacePattern(pattern: string): boolean {
  if (pattern === ALL) return true
  const path = pattern.endsWith(BELOW) ? pattern.slice(0, -BELOW.length) : pattern
  try {
    return namespacePath(namespaceSegments(path)) === path
  } catch {
    return false
  }
}

/** @param path as `namespace.path` has it. */
export function ruleFor<T>(rules: NamespaceRules<T>, path: string): T | undefined {
  if (Object.hasOwn(rules, path)) return rules[path]
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
    const pattern = path.slice(0, end) + BELOW
    if (Object.hasOwn(rules, pattern)) return rules[pattern]
  }
  return rules[ALL]
}
