/** How values and verdicts cross between the contract and the scripts. */
import type { AccessStats } from '../../entry/record.ts'
import type { HotState, HotWrite, HotWriteResult } from '../hot-tier.ts'

/** Fields of an entry's hash that every answer needs, in the order in which the script's line of an entry has them. */
export const STATE_FIELDS = ['version', 'deleted', 'expires', 'known', 'accesses', 'last'] as const

/** What the line of a write tells, in this order: only the name may hold spaces. */
export const WRITE_FIELDS = [
  ...(['version', 'deleted', 'expires', 'reason', 'started', 'known', 'last'] as const),
  'name',
] as const

export function stateOf(line: string): HotState & AccessStats {
  const [version, deleted, expires, known, accesses, last] = line.split(' ') as [string, ...string[]]
  return {
    version,
    deleted: deleted === '1',
    expiresAt: expires === '' ? null : Number(expires),
    accessCount: Number(known) + Number(accesses),
    lastAccessedAt: Number(last),
  }
}

/** What began under another generation began too early. */
export function lineOf(name: string, write: HotWrite, currentId: string): string {
  const { version, deleted, expiresAt, reason, startedAt, generationId = currentId, access } = write
  const started = generationId === currentId ? startedAt : 0
  const reads = `${access?.accessCount ?? 0} ${access?.lastAccessedAt ?? 0}`
  return `${version} ${deleted ? 1 : 0} ${expiresAt ?? ''} ${reason} ${started} ${reads} ${name}`
}

export function resultOf(verdict: string): HotWriteResult {
  return verdict === 'stored' || verdict === 'late' ? { status: verdict } : { status: 'refused', floor: verdict }
}
