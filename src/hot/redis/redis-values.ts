/** How values and verdicts cross between the contract and the scripts. */
import type { HotRead, HotWrite, HotWriteResult } from '../hot-tier.ts'

/** Fields of an entry's hash that every answer needs, in this order. */
export const STATE_FIELDS = ['version', 'deleted', 'expires', 'known', 'accesses', 'last'] as const

export function stateOf(fields: readonly (string | null)[]): Omit<HotRead, 'payload'> | undefined {
  const [version, deleted, expires, known, accesses, last] = fields
  if (version === null || version === undefined) return undefined
  return {
    version,
    deleted: deleted === '1',
    expiresAt: expires ? Number(expires) : null,
    accessCount: Number(known) + Number(accesses),
    lastAccessedAt: Number(last),
  }
}

/** The nine arguments of one write, in the order of the script. What began under another generation began too early. */
export function argumentsOf(name: string, write: HotWrite, current: string): (string | number | Uint8Array)[] {
  const { version, deleted, expiresAt, payload, reason, generationId = current, access } = write
  const startedAt = generationId === current ? write.startedAt : 0
  const { accessCount, lastAccessedAt } = access ?? { accessCount: 0, lastAccessedAt: 0 }
  return [
    ...[name, version, deleted ? 1 : 0, expiresAt ?? '', payload],
    ...[reason, startedAt, accessCount, lastAccessedAt],
  ]
}

export function resultOf(verdict: string): HotWriteResult {
  return verdict === 'stored' || verdict === 'late' ? { status: verdict } : { status: 'refused', floor: verdict }
}
