/**
 * Decides what an item of a conversation is kept as: a chunk, whose `text` are the words that somebody said, to be
 * searched, and whose metadata has the item itself as a text of JSON, in which everything has a form that no text of an
 * entry may have as such (NUL, halves of surrogate pairs). Bytes stand there as base64.
 */
import { type JsonObject, type JsonValue, ThermoclineError } from '../../index.ts'
import { storableText } from '../in-common/storable-text.ts'

/** JSON, and bytes. */
export type Item = Readonly<Record<string, unknown>>

/** Members that hold what was said, at any depth below one another. */
const SAID = ['text', 'content', 'message', 'output'] as const
/** Characters of what was said that are kept to be searched. */
const MOST_SAID = 20_000
/** What an entry takes besides its item, about. */
const OVERHEAD_BYTES = 1024
const BYTES = '$bytes'

/** What of its chunk an item decides. */
export interface Content {
  readonly text: string
  readonly metadata: { readonly item: string }
}

/** An item that is to be added. */
export interface Draft {
  /** A copy, which nobody else can change. */
  readonly item: Item
  /** Made once, however often a write is tried. */
  readonly content: Content
}

export function draftOf(item: Item): Draft {
  const content = contentOf(item)
  return { item: itemIn(content.metadata), content }
}

export function contentOf(item: Item): Content {
  // First what refuses an item that contains itself.
  const metadata = { item: textOf(item) }
  return { text: wordsOf(item), metadata }
}

/** The same item, which nobody else can change. */
export function copyOf(item: Item): Item {
  return itemIn({ item: textOf(item) })
}

export function itemIn(metadata: JsonObject | undefined): Item {
  return revived(JSON.parse(metadata?.item as string)) as Item
}

/** Bytes that it takes in a write, about. */
export function sizeOf({ content: { text, metadata } }: Draft): number {
  return OVERHEAD_BYTES + Buffer.byteLength(metadata.item) + Buffer.byteLength(text)
}

/** Whether they are the same, however their members are ordered. */
export function isSame(one: unknown, other: unknown): boolean {
  return textInOrder(one) === textInOrder(other)
}

function textOf(item: unknown): string {
  try {
    return JSON.stringify(plain(item))
  } catch (cause) {
    const message = 'an item of a conversation must be what JSON can say, and bytes'
    throw new ThermoclineError('ERR_INVALID_ENTRY', message, { field: 'metadata' }, { cause })
  }
}

/** As {@link textOf}, the same for items whose members have another order. */
export function textInOrder(item: unknown): string {
  return JSON.stringify(JSON.parse(textOf(item)), (_, one) => {
    if (typeof one !== 'object' || one === null || Array.isArray(one)) return one
    return Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)))
  })
}

/** Of a member whose name begins with $ the name gets another one, so that it is told from bytes. */
function plain(value: unknown): JsonValue | undefined {
  if (!isKeepable(value)) throw new TypeError('JSON would make something else of it, or leave it out')
  if (typeof value !== 'object' || value === null) return value as JsonValue | undefined
  if (value instanceof Uint8Array) return { [BYTES]: Buffer.from(value).toString('base64') }
  if ('toJSON' in value && typeof value.toJSON === 'function') return plain(value.toJSON())
  if (Array.isArray(value)) return value.map((one) => plain(one) ?? null)
  const members = Object.entries(value).map(([name, one]) => [name.startsWith('$') ? `$${name}` : name, plain(one)])
  return Object.fromEntries(members.filter(([, one]) => one !== undefined)) as JsonObject
}

/** Not what JSON leaves out or makes null or `{}` of: functions, NaN, a Map. */
function isKeepable(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'object') return typeof value === 'string' || typeof value === 'boolean' || value === undefined
  if (value === null || Array.isArray(value) || value instanceof Uint8Array) return true
  return 'toJSON' in value || Object.prototype.toString.call(value) === '[object Object]'
}

function revived(value: JsonValue): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(revived)
  const { [BYTES]: bytes } = value as JsonObject
  if (typeof bytes === 'string') return Uint8Array.from(Buffer.from(bytes, 'base64'))
  const members = Object.entries(value).map(([name, one]) => [
    name.startsWith('$') ? name.slice(1) : name,
    revived(one),
  ])
  return Object.fromEntries(members)
}

function wordsOf(item: Item): string {
  const said = [...saidIn(item)].join('\n').slice(0, MOST_SAID)
  // A model that makes vectors of texts takes no empty one.
  const text = said.trim() === '' ? String(item.type ?? 'item') : said
  return storableText(text)
}

function* saidIn(value: unknown): Generator<string> {
  if (typeof value === 'string') yield value
  else if (Array.isArray(value)) for (const one of value) yield* saidIn(one)
  else if (typeof value === 'object' && value !== null)
    for (const name of SAID) yield* saidIn((value as Readonly<Record<string, unknown>>)[name])
}
