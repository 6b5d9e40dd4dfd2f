/** How values and verdicts cross between the contract and the scripts. */
import type { HotRead, HotWrite, HotWriteResult } from '../hot-tier.ts'

/** Fields of an entry's hash that every answer needs, in the order in which they are asked for and answered. */
export const STATE_FIELDS = ['version', 'deleted', 'expires', 'known', 'accesses', 'last'] as const
type State = Record<(typeof STATE_FIELDS)[number], string | null | undefined>

/** What the script `write` is told of each write, by the names that it has for it, in this order. */
export const WRITE_FIELDS = [
  ...(['name', 'version', 'deleted', 'expires', 'payload'] as const),
  ...(['reason', 'started', 'known', 'last'] as const),
]
type Argument = string | number | Uint8Array

export function stateOf(fields: readonly (string | null)[]): Omit<HotRead, 'payload'> | undefined {
  const named = Object.fromEntries(STATE_FIELDS.map((name, i) => [name, fields[i]])) as State
  const { version, deleted, expires, known, accesses, last } = named
  if (version === null || version === undefined) return undefined
  return {
    version,
    deleted: deleted === '1',
    expiresAt: expires ? Number(expires) : null,
    accessCount: Number(known) + Number(accesses),
    lastAccessedAt: Number(last),
  }
}

/** What began under another generation began too early. */
export function argumentsOf(name: string, write: HotWrite, currentId: string): Argument[] {
  const { version, deleted, expiresAt, payload, reason, startedAt, generationId = currentId, access } = write
  const told: Record<(typeof WRITE_FIELDS)[number], Argument> = {
    ...{ name, version, payload, reason },
    deleted: deleted ? 1 : 0,
    expires: expiresAt ?? '',
    started: generationId === currentId ? startedAt : 0,
    known: access?.accessCount ?? 0,
    last: access?.lastAccessedAt ?? 0,
  }
  return WRITE_FIELDS.map((field) => told[field])
}

export function resultOf(verdict: string): HotWriteResult {
  return verdict === 'stored' || verdict === 'late' ? { status: verdict } : { status: 'refused', floor: verdict }
}
