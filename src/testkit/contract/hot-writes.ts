import type { EntryKey } from '../../entry/entry-key.ts'
import type { Version } from '../../entry/version.ts'
import type { HotWrite } from '../../hot/hot-tier.ts'

export function keyOf(n: number): EntryKey {
  return { namespace: 'acme', id: `00000000-0000-4000-8000-${String(n).padStart(12, '0')}` }
}

export function versionOf(n: number): Version {
  return `${n.toString(16).padStart(16, '0')}0000000a`
}

/** A put whose payload tells its version, unless said otherwise. */
export function writeOf(
  n: number,
  version: number,
  overrides: Partial<HotWrite> & Pick<HotWrite, 'startedAt'>,
): HotWrite {
  return {
    key: keyOf(n),
    version: versionOf(version),
    deleted: false,
    expiresAt: null,
    payload: payloadOf(version),
    reason: 'put',
    ...overrides,
  }
}

/** As long as the version is high, so that a wrong size shows. */
export function payloadOf(version: number): Uint8Array {
  return new Uint8Array(version % 50).fill(version)
}
