/**
 * Translates values and verdicts between the contract (hot-tier.ts) and the scripts. Redis stores texts of fixed
 * widths, so that Lua can cut out or overwrite a field without reading the rest; numbers are 16 digits.
 *
 * ```
 * entry   layout 1 · version 24 · deleted 1 · expires 16 or spaces · reads known before it entered 16 ·
 *         reads since 16 · last access 16 · payload
 * state   floor 24 · number of the latest change 16 · bytes of payloads 16 · fence 16 · times of the latest changes,
 *         16 each: the change of number n at n % MARKS
 * mark    number of a change 16 · its time 16
 * ```
 */
import type { AccessStats } from '../../entry/record.ts'
import { HotContent } from '../hot-content.ts'
import type { HotMeasure, HotRead, HotState, HotWrite, HotWriteResult } from '../hot-tier.ts'

/** Layouts never share a generation (redis-generation.ts): this tells an entry from what is none. */
export const LAYOUT = '2'

/** Where a field begins, and how long it is. */
type Field = readonly [from: number, length: number]

export const ENTRY = {
  version: [1, 24],
  deleted: [25, 1],
  expires: [26, 16],
  known: [42, 16],
  accesses: [58, 16],
  last: [74, 16],
  /** Both counts of reads. */
  reads: [42, 32],
  /** Reads since it entered, and the last access. */
  leftOver: [58, 32],
} as const satisfies Record<string, Field>
export const HEADER_BYTES = 90
/** In place of an expiry. */
export const NEVER = ' '.repeat(16)

/** Marks of changes that a slot keeps. */
export const MARKS = 32
export const STATE = {
  floor: [0, 24],
  number: [24, 16],
  bytes: [40, 16],
  fence: [56, 16],
  marks: [72, 16 * MARKS],
} as const satisfies Record<string, Field>
export const STATE_BYTES = 72 + 16 * MARKS

/** What the line of a write tells, in this order: only the name may hold spaces. */
export const WRITE_FIELDS = ['version', 'expires', 'reason', 'started', 'last', 'name'] as const

/** What began under another generation began too early. */
export function lineOf(name: string, write: HotWrite, currentId: string): string {
  const { version, expiresAt, reason, startedAt, generationId = currentId } = write
  const started = generationId === currentId ? startedAt : 0
  return `${version} ${expiresAt ?? ''} ${reason} ${started} ${lastAccessOf(write)} ${name}`
}

/** The entry to be stored. Where it replaces one, the script keeps the reads of that. */
export function entryOf(write: HotWrite): Buffer {
  const { version, deleted, expiresAt, payload, access } = write
  const entry = Buffer.allocUnsafe(HEADER_BYTES + payload.byteLength)
  const expires = expiresAt === null ? NEVER : `${expiresAt}`.padStart(16)
  const reads = `${digits16(access?.accessCount ?? 0)}${digits16(0)}${digits16(lastAccessOf(write))}`
  entry.write(`${LAYOUT}${version}${deleted ? 1 : 0}${expires}${reads}`, 'latin1')
  entry.set(payload, HEADER_BYTES)
  return entry
}

/** To be written counts as an access; when it began is by the tier's clock. */
function lastAccessOf({ startedAt, access }: HotWrite): number {
  return Math.max(startedAt, access?.lastAccessedAt ?? 0)
}

function digits16(number: number): string {
  return `${number}`.padStart(16, '0')
}

/** Undefined where this is no entry. */
export function readOf(entry: Buffer | null | undefined): HotRead | undefined {
  if (!entry || entry.length < HEADER_BYTES) return undefined
  const header = entry.toString('latin1', 0, HEADER_BYTES)
  if (header[0] !== LAYOUT) return undefined
  const { version, deleted, expiresAt, accessCount, lastAccessedAt } = stateOf(header)
  const content = new HotContent(entry.subarray(HEADER_BYTES))
  // Not a copy that gets one more: that takes V8 as long as all the rest.
  return { version, deleted, expiresAt, accessCount, lastAccessedAt, content }
}

/** @param header what stands in front of an entry's payload. */
export function stateOf(header: string): HotState & AccessStats {
  const expires = textIn(header, ENTRY.expires)
  return {
    version: textIn(header, ENTRY.version),
    deleted: textIn(header, ENTRY.deleted) === '1',
    expiresAt: expires === NEVER ? null : Number(expires),
    accessCount: Number(textIn(header, ENTRY.known)) + Number(textIn(header, ENTRY.accesses)),
    lastAccessedAt: Number(textIn(header, ENTRY.last)),
  }
}

/** @param leftOver `ENTRY.leftOver` of what left; empty where nothing did. */
export function leftOverOf(leftOver: string): AccessStats | undefined {
  if (leftOver === '') return undefined
  return { accessCount: Number(leftOver.slice(0, 16)), lastAccessedAt: Number(leftOver.slice(16)) }
}

/** @param described header, and then the length of the payload. */
export function measureOf(described: string): HotMeasure {
  const { version, deleted, expiresAt } = stateOf(described)
  return { version, deleted, expiresAt, bytes: Number(described.slice(HEADER_BYTES)) }
}

/**
 * The latest mark of a slot, by its state; undefined where the slot has none or lacks the change that was seen of it,
 * as `enter` in redis-scripts.ts finds out by itself.
 */
export function markIn(state: Buffer | null | undefined, seen: string): string | undefined {
  if (!state || state.length !== STATE_BYTES) return undefined
  const latest = state.toString('latin1', STATE.number[0], STATE.number[0] + 16)
  const number = Number(latest)
  if (seen !== '') {
    const seenNumber = Number(seen.slice(0, 16))
    const since = number - seenNumber
    if (since < 0 || (since < MARKS && timeOf(state, seenNumber) !== seen.slice(16))) return undefined
  }
  return latest + timeOf(state, number)
}

function timeOf(state: Buffer, number: number): string {
  const place = STATE.marks[0] + 16 * (number % MARKS)
  return state.toString('latin1', place, place + 16)
}

function textIn(text: string, [from, length]: Field): string {
  return text.slice(from, from + length)
}

export function resultOf(verdict: string): HotWriteResult {
  return verdict === 'stored' || verdict === 'late' ? { status: verdict } : { status: 'refused', floor: verdict }
}
