/**
 * Queries over everything an own process has acknowledged: pending is snapshotted first, then cold is asked without the
 * keys that pending answers for, together with the versions cold holds for them, and both are merged by version.
 */
import type { Clock } from '../clock.ts'
import type { ColdHit, ColdQuery, ColdRow, ColdTier, Metric, Scope } from '../cold/cold-tier.ts'
import type { CallOptions } from '../deadline.ts'
import { type Filter, matches } from '../entry/filter.ts'
import type { MemoryEntry } from '../entry/memory-entry.ts'
import { isWithin } from '../entry/namespace.ts'
import { type AccessStats, type EntryRecord, isLive, toEntry } from '../entry/record.ts'
import { compareText } from '../entry/text.ts'
import type { VersionClock } from '../entry/version.ts'
import { ThermoclineError } from '../errors.ts'
import type { AccessCounter } from './access.ts'
import type { Pending } from './pending.ts'
import { similarity } from './similarity.ts'

export interface SearcherParts {
  readonly pending: Pending
  readonly cold: ColdTier
  readonly access: AccessCounter
  /** Learns of what was found. */
  readonly versions: VersionClock
  readonly clock: Clock
  /** Milliseconds for a query that names no timeout. */
  readonly timeout: number
}

export interface SearchHit<E extends MemoryEntry = MemoryEntry> {
  readonly entry: E
  /** Higher is nearer: cosine similarity, inner product or negative L2 distance. */
  readonly score: number
}

export interface SearchResult<E extends MemoryEntry = MemoryEntry> {
  /** Nearest first. */
  readonly hits: readonly SearchHit<E>[]
  /** Whether a tier was missing, so that there may be nearer entries. */
  readonly partial: boolean
  /** Whether every vector was compared, for want of an index of these dimensions and this metric. */
  readonly exact: boolean
}

/** What pending answers for: rows that match among its keys, and the keys cold has to leave out. */
interface Overlay {
  readonly query: ColdQuery
  readonly rows: readonly ColdRow[]
}

export class Searcher {
  readonly #parts: SearcherParts

  constructor(parts: SearcherParts) {
    this.#parts = parts
  }

  /** At most `limit` entries, ordered by namespace and id. Counts no access. */
  async find(scope: Scope, filter: Filter, limit: number, options: CallOptions): Promise<MemoryEntry[]> {
    const { query, rows } = await this.#overlay(scope, filter, options)
    const fromCold = await this.#parts.cold.find(query, limit, this.#patience(options))
    const merged = [...rows, ...within(scope, fromCold)].sort(byKey).slice(0, limit)
    return merged.map(({ record, access }) => {
      this.#parts.versions.observe(record, record.version)
      return toEntry(record, access)
    })
  }

  async count(scope: Scope, filter: Filter, options: CallOptions): Promise<number> {
    const { query, rows } = await this.#overlay(scope, filter, options)
    return rows.length + (await this.#parts.cold.count(query, this.#patience(options)))
  }

  /** The `k` nearest among entries whose embedding has the query's dimensions. Hits count as accesses. */
  async search(
    scope: Scope,
    filter: Filter,
    { embedding, k, metric }: { embedding: Float32Array; k: number; metric: Metric },
    options: CallOptions,
  ): Promise<SearchResult> {
    const { query, rows } = await this.#overlay(scope, filter, options)
    const found = await this.#parts.cold.search({ ...query, embedding, metric, k }, this.#patience(options))
    const hits: ColdHit[] = within(scope, found.hits)
    for (const row of rows)
      if (row.record.embedding?.length === embedding.length)
        hits.push({ ...row, score: similarity(metric, embedding, row.record.embedding) })
    hits.sort((a, b) => b.score - a.score || byKey(a, b))
    const now = this.#parts.clock.now()
    return {
      hits: hits.slice(0, k).map(({ record, access, score }) => {
        this.#parts.versions.observe(record, record.version)
        return { entry: toEntry(record, this.#parts.access.count(record, access, now)), score }
      }),
      partial: false,
      exact: found.exact,
    }
  }

  async #overlay(scope: Scope, filter: Filter, options: CallOptions): Promise<Overlay> {
    const now = this.#parts.clock.now()
    const pending = this.#parts.pending.inScope(scope.namespace, scope.recursive)
    const query: ColdQuery = { scope, filter, now, exclude: pending }
    if (pending.length === 0) return { query, rows: [] }
    const versions = await this.#parts.cold.versions(pending, this.#patience(options))
    const overtaken = pending.filter((record, i) => (versions[i] ?? '') > record.version)
    const newer = overtaken.length === 0 ? [] : await this.#parts.cold.read(overtaken, this.#patience(options))
    const kept = pending.filter((record, i) => (versions[i] ?? '') <= record.version)
    const rows: { record: EntryRecord; access: AccessStats | undefined }[] = [
      ...kept.map((record) => ({ record, access: undefined })),
      ...newer.filter((row) => row !== undefined),
    ]
    return { query, rows: rows.filter(({ record }) => isLive(record, now) && matches(record, filter)) }
  }

  #patience({ signal, timeout }: CallOptions): CallOptions {
    return { signal, timeout: timeout ?? this.#parts.timeout }
  }
}

/** Scope is checked again on what comes back: no query may ever show another namespace's entries. */
function within<R extends ColdRow>({ namespace, recursive }: Scope, rows: readonly R[]): R[] {
  for (const { record } of rows)
    if (!isWithin(record.namespace, namespace, recursive))
      throw new ThermoclineError('ERR_TIER_UNAVAILABLE', 'cold answered with an entry of another namespace', {
        tier: 'cold',
      })
  return [...rows]
}

function byKey({ record: a }: ColdRow, { record: b }: ColdRow): number {
  return compareText(a.namespace, b.namespace) || compareText(a.id, b.id)
}
