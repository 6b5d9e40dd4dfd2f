import type { MemoryEntry } from '../../src/index.ts'

/**
 * An entry as text, vectors bit by bit; without the counts of its reads, which each read changes. Names are in order:
 * Postgres keeps those of metadata in an order of its own.
 */
export function asJson(entry: MemoryEntry | undefined): string {
  return JSON.stringify(entry, (name, value: unknown) => {
    if (name === 'lastAccessedAt' || name === 'accessCount') return undefined
    if (value instanceof Float32Array) return Buffer.from(value.buffer).toString('hex')
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
  })
}
