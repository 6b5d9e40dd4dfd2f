/**
 * Turns metadata into the JSON text that is stored, once, at the put. A value without a form in JSON is refused by its
 * path and type, so that one bad member among ten thousand is found; the value itself is never shown. Members that are
 * undefined are dropped, as JSON does.
 */
import { types } from 'node:util'
import { isPlainObject } from '../kernel/plain-object.ts'
import { MAX_METADATA_DEPTH } from './limits.ts'
import { textFault } from './text.ts'

/** Longest path that a refusal shows. */
const MAX_PATH_CHARACTERS = 200

/** Says what is wrong, and where. */
export class MetadataFault {
  readonly path: string
  readonly message: string

  constructor(path: readonly (string | number)[], message: string) {
    this.path = pathText(path)
    this.message = message
  }
}

/** Returns the JSON text of any value, or what keeps it from having one. */
export function jsonText(value: unknown): string | MetadataFault {
  return faultIn(value, []) ?? JSON.stringify(value)
}

/** Returns the JSON text, or what keeps the value from having one. */
export function metadataJson(value: unknown): string | MetadataFault {
  if (!isPlainObject(value)) return new MetadataFault([], `must be a plain object${insteadOf(value)}`)
  return faultIn(value, []) ?? JSON.stringify(value)
}

/** @param path Leads to the value. On return it is as it was, except where there is a fault. */
function faultIn(value: unknown, path: (string | number)[]): MetadataFault | undefined {
  if (path.length > MAX_METADATA_DEPTH)
    return new MetadataFault(path, `must not nest deeper than ${MAX_METADATA_DEPTH} levels`)
  if (value === null || typeof value === 'boolean') return undefined
  if (typeof value === 'number')
    return Number.isFinite(value) ? undefined : new MetadataFault(path, 'must be a finite number')
  if (typeof value === 'string') {
    const fault = textFault(value)
    return fault === undefined ? undefined : new MetadataFault(path, fault)
  }
  if (Array.isArray(value)) return faultInArray(value, path)
  if (isPlainObject(value)) return faultInObject(value, path)
  return new MetadataFault(path, `must be JSON${insteadOf(value)}`)
}

function faultInArray(values: readonly unknown[], path: (string | number)[]): MetadataFault | undefined {
  // By index: a hole would pass forEach unseen, and come back as null.
  for (let i = 0; i < values.length; i++) {
    path.push(i)
    const fault = faultIn(values[i], path)
    if (fault !== undefined) return fault
    path.pop()
  }
  return undefined
}

function faultInObject(value: Record<string, unknown>, path: (string | number)[]): MetadataFault | undefined {
  for (const key of Object.keys(value)) {
    const member = value[key]
    if (member === undefined) continue
    path.push(key)
    const keyFault = textFault(key)
    if (keyFault !== undefined) return new MetadataFault(path, `has a name that ${keyFault}`)
    const fault = faultIn(member, path)
    if (fault !== undefined) return fault
    path.pop()
  }
  return undefined
}

/** Says what was given where JSON has nothing like it, and what to give. */
function insteadOf(value: unknown): string {
  if (value === undefined) return ', not undefined'
  if (typeof value === 'bigint') return ', not a bigint: give a number or a text'
  if (typeof value !== 'object' || value === null) return `, not a ${typeof value}`
  if (types.isDate(value)) return ', not a Date: give its `toISOString()` or `getTime()`'
  if (Array.isArray(value)) return ', not an array'
  return ': plain objects and arrays, texts, finite numbers, booleans and null'
}

/** Returns text like `metadata.a["b c"][3]`. */
function pathText(path: readonly (string | number)[]): string {
  const steps = path.map((step) => {
    if (typeof step === 'number') return `[${step}]`
    return /^[\p{ID_Start}_$][\p{ID_Continue}$]*$/u.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`
  })
  const text = `metadata${steps.join('')}`
  return text.length > MAX_PATH_CHARACTERS ? `${text.slice(0, MAX_PATH_CHARACTERS)}…` : text
}
