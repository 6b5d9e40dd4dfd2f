/** Compares JSON values as Postgres's `jsonb` does, so that a query gets the same from pending and from cold. */
import type { JsonValue } from '../entry/memory-entry.ts'
import type { MetadataPath } from './metadata-path.ts'

type JsonMembers = { readonly [name: string]: JsonValue }

export function isJsonObject(value: JsonValue | undefined): value is JsonMembers {
  return typeof value === 'object' && value !== null && !isJsonArray(value)
}

export function isJsonArray(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value)
}

/** The value at the end of the path; undefined where it leads nowhere. */
export function valueAt(root: JsonValue | undefined, path: MetadataPath): JsonValue | undefined {
  let value = root
  for (const name of path) {
    if (!isJsonObject(value) || !Object.hasOwn(value, name)) return undefined
    value = value[name]
  }
  return value
}

/** Compares deeply, whatever the order of members. */
export function equalJson(a: JsonValue, b: JsonValue): boolean {
  if (isJsonArray(a))
    return isJsonArray(b) && a.length === b.length && a.every((item, i) => equalJson(item, b[i] as JsonValue))
  if (!isJsonObject(a)) return a === b
  if (!isJsonObject(b)) return false
  const names = Object.keys(a)
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && equalJson(a[name]!, b[name]!))
  )
}

/**
 * What `contains` means: an array holds the value (of an array, each of its items), an object has these members, and a
 * text holds the text.
 */
export function containsJson(whole: JsonValue, value: JsonValue): boolean {
  if (typeof whole === 'string') return typeof value === 'string' && whole.includes(value)
  if (isJsonArray(whole)) return includes(whole, isJsonArray(value) ? value : [value])
  return isJsonObject(whole) && isJsonObject(value) && includes(whole, value)
}

/** The operator `@>` of jsonb, below its top: there, a scalar is not contained in an array that holds it. */
function includes(whole: JsonValue, part: JsonValue): boolean {
  if (isJsonArray(whole)) return isJsonArray(part) && part.every((item) => whole.some((own) => includes(own, item)))
  if (!isJsonObject(whole)) return whole === part
  return (
    isJsonObject(part) &&
    Object.keys(part).every((name) => Object.hasOwn(whole, name) && includes(whole[name]!, part[name]!))
  )
}
