/**
 * Records the order of members in JSON apart from the JSON itself: Postgres's `jsonb` sorts the members of every object
 * by the length of their names. Only what that loses is recorded, so most values need nothing. An order that does not
 * fit its value (any more) changes the order of members and nothing else.
 *
 *   order   an object's: [names in order, or 0 where jsonb keeps it, orders of members by name]
 *           an array's: orders of items by index
 *           0 where nothing inside is lost
 */
import { compareText } from './text.ts'

type Order = 0 | readonly [names: readonly string[] | 0, members: Orders] | Orders
type Orders = { readonly [place: string]: Order }

/** Returns the order as text; null where jsonb keeps it, and for a text that is no JSON. */
export function keyOrderOf(json: string): string | null {
  let order: Order
  try {
    order = orderOf(JSON.parse(json))
  } catch {
    // Whoever stores it says what is wrong with it.
    return null
  }
  return order === 0 ? null : JSON.stringify(order)
}

/** Returns the same JSON with its members in order. */
export function inKeyOrder(json: string, order: string | null): string {
  return order === null ? json : JSON.stringify(arrange(JSON.parse(json), JSON.parse(order)))
}

function orderOf(value: unknown): Order {
  if (typeof value !== 'object' || value === null) return 0
  const lost: [string, Order][] = []
  for (const [place, part] of Object.entries(value)) {
    const order = orderOf(part)
    if (order !== 0) lost.push([place, order])
  }
  // Defines members, whatever their names: `__proto__` is one.
  const parts = Object.fromEntries(lost)
  if (Array.isArray(value)) return lost.length === 0 ? 0 : parts
  const names = Object.keys(value)
  const isKept = isSorted(names)
  return isKept && lost.length === 0 ? 0 : [isKept ? 0 : names, parts]
}

/** Names that are indices of an array come first in any object of JavaScript, whatever the JSON says. */
function isSorted(names: readonly string[]): boolean {
  const others = names.filter((name) => !isIndex(name))
  return others.every((name, i) => i === 0 || compareAsJsonb(others[i - 1]!, name) < 0)
}

function isIndex(name: string): boolean {
  return /^(0|[1-9]\d{0,9})$/.test(name) && Number(name) < 2 ** 32 - 1
}

function compareAsJsonb(a: string, b: string): number {
  return Buffer.byteLength(a) - Buffer.byteLength(b) || compareText(a, b)
}

function arrange(value: unknown, order: Order): unknown {
  if (order === 0 || typeof value !== 'object' || value === null) return value
  const isList = Array.isArray(value)
  if (isList === isOfObject(order)) return value
  const parts = isOfObject(order) ? order[1] : order
  const arranged = (place: string, part: unknown): unknown =>
    arrange(part, Object.hasOwn(parts, place) ? parts[place]! : 0)
  if (isList) return value.map((item, i) => arranged(String(i), item))
  const members = value as Record<string, unknown>
  const names = (isOfObject(order) && order[0]) || []
  const known = new Set(names.filter((name) => Object.hasOwn(members, name)))
  const all = [...known, ...Object.keys(members).filter((name) => !known.has(name))]
  return Object.fromEntries(all.map((name) => [name, arranged(name, members[name])]))
}

function isOfObject(order: Exclude<Order, 0>): order is readonly [readonly string[] | 0, Orders] {
  return Array.isArray(order)
}
