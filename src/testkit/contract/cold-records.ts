import type { EntryKey } from '../../entry/entry-key.ts'
import { type EntryRecord, tombstoneOf } from '../../entry/record.ts'
import type { Version } from '../../entry/version.ts'

export const PAST = Date.UTC(2020, 0, 1)
export const FUTURE = Date.UTC(2100, 0, 1)

export function idOf(n: number): string {
  return `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`
}

export function versionOf(n: number): Version {
  return `${n.toString(16).padStart(16, '0')}0000000a`
}

/** A chunk whose text tells its version, unless said otherwise. */
export function chunkOf(
  namespace: string,
  n: number,
  version: number,
  overrides: Partial<EntryRecord> = {},
): EntryRecord {
  return {
    namespace,
    id: idOf(n),
    key: null,
    version: versionOf(version),
    kind: 'chunk',
    text: `version ${version}`,
    documentId: null,
    position: n,
    level: null,
    children: null,
    childVersions: null,
    metadata: null,
    embedding: null,
    embeddingModel: null,
    bytes: null,
    contentType: null,
    createdAt: PAST,
    updatedAt: PAST + version,
    expiresAt: null,
    slidingTtl: null,
    deletedAt: null,
    ...overrides,
  }
}

export function tombstone(namespace: string, n: number, version: number, deletedAt = PAST): EntryRecord {
  return tombstoneOf({ namespace, id: idOf(n), key: null }, versionOf(version), deletedAt)
}

export function keyOf(namespace: string, n: number): EntryKey {
  return { namespace, id: idOf(n) }
}

/** JSON in one form: a database may keep it in another spacing, but not in another order. */
export function withPlainMetadata(record: EntryRecord | undefined): object | undefined {
  return record && { ...record, metadata: record.metadata && JSON.stringify(JSON.parse(record.metadata)) }
}

/** Random numbers from 0 up to, not including, 1, which are the same in each run (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** Components around zero. */
export function vectorOf(dimension: number, random: () => number): Float32Array {
  return Float32Array.from({ length: dimension }, () => random() + random() + random() - 1.5)
}
