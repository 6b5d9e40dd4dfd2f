/**
 * Makes and reads cursors: text by which callers ask for the next page. A cursor holds the order keys of the last
 * entry, so it stays right while rows are written, and a signature over these and the query, so that it continues that
 * query and no other. The signing key comes from the id of the store, which all its processes know: it prevents
 * mistakes and grants no access, since scope and filter come with the call.
 *
 *   base64url of: signature (16 bytes) · keys (JSON)
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { ThermoclineError } from '../errors.ts'
import type { Filter } from './filter.ts'
import type { Order, OrderKeys } from './order.ts'
import type { Scope } from './scope.ts'

/** What a cursor belongs to. */
export interface PagedQuery {
  readonly storeId: string
  readonly scope: Scope
  readonly filter: Filter
  readonly order: Order
  /** What is paged, where that is not entries. */
  readonly subject?: string | undefined
}

const SIGNATURE_BYTES = 16

export function writeCursor(query: PagedQuery, keys: OrderKeys): string {
  const text = JSON.stringify(keys)
  return Buffer.concat([signatureOf(query, text), Buffer.from(text)]).toString('base64url')
}

/** Refuses a cursor of another query or store, or one that was changed. */
export function readCursor(query: PagedQuery, cursor: string): OrderKeys {
  const bytes = Buffer.from(cursor, 'base64url')
  const text = bytes.subarray(SIGNATURE_BYTES).toString()
  const signature = bytes.subarray(0, SIGNATURE_BYTES)
  if (signature.length === SIGNATURE_BYTES && timingSafeEqual(signature, signatureOf(query, text)))
    return JSON.parse(text)
  throw new ThermoclineError(
    'ERR_INVALID_QUERY',
    '`cursor` is not of this query: go on with the options of the page before, as `where` and `orderBy`',
    { field: 'cursor' },
  )
}

function signatureOf({ storeId, scope, filter, order, subject }: PagedQuery, keys: string): Buffer {
  const hmac = createHmac('sha256', `thermocline cursor ${storeId}`)
  hmac.update(
    JSON.stringify([scope.namespace, scope.recursive, filter, order, ...(subject === undefined ? [] : [subject])]),
  )
  return hmac.update('\0').update(keys).digest().subarray(0, SIGNATURE_BYTES)
}
