/** In which order rows of pending and cold are answered together, and the first so many of them. */
import type { ColdHit, ColdRow } from '../cold/cold-tier.ts'
import { compareText } from '../entry/text.ts'
import { compareKeys, directions, type Order, type OrderKeys, orderKeys } from '../query/order.ts'

export type Comparator<R> = (a: R, b: R) => number

/** The first `most` of the rows in this order, without sorting all of them. */
export function first<R>(rows: readonly R[], most: number, order: Comparator<R>): R[] {
  const room = 2 * most + 1_000
  let foremost: R[] = []
  let last: R | undefined
  for (const row of rows) {
    if (last !== undefined && order(row, last) >= 0) continue
    if (foremost.push(row) < room) continue
    foremost = foremost.sort(order).slice(0, most)
    last = foremost.at(-1)
  }
  return foremost.sort(order).slice(0, most)
}

/** Ids are ASCII. */
function byKey({ record: a }: ColdRow, { record: b }: ColdRow): number {
  return compareText(a.namespace, b.namespace) || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
}

/** The keys of a row are made once, however often it is compared. */
export function byPlace(order: Order): Comparator<ColdRow> {
  if (order.length === 0) return byKey
  const descends = directions(order)
  const known = new Map<ColdRow, OrderKeys>()
  const keysOf = (row: ColdRow): OrderKeys => {
    const keys = known.get(row) ?? orderKeys(row.record, order)
    known.set(row, keys)
    return keys
  }
  return (a, b) => compareKeys(keysOf(a), keysOf(b), descends)
}

export function afterPlace(order: Order, place: OrderKeys): (row: ColdRow) => boolean {
  const descends = directions(order)
  return ({ record }) => compareKeys(orderKeys(record, order), place, descends) > 0
}

export function byScore(a: ColdHit, b: ColdHit): number {
  return b.score - a.score || byKey(a, b)
}
