/**
 * Lists the namespaces that have entries, and counts these. Cold stores a count for each namespace; pending entries are
 * counted instead of their older versions in cold, in the same statement, so that no checkpoint in between makes an
 * entry count twice or not at all.
 */
import type { ColdNamespaces, ColdTier, OwnVersion } from '../cold/cold-tier.ts'
import { isLive } from '../entry/expiry.ts'
import { namespaceSegments, ROOT } from '../entry/namespace.ts'
import type { Clock } from '../kernel/clock.ts'
import { type Patience, runningOut } from '../kernel/deadline.ts'
import { readCursor, writeCursor } from '../query/cursor.ts'
import type { Scope } from '../query/scope.ts'
import type { Pending } from './pending.ts'

export interface NamespaceReaderParts {
  readonly storeId: string
  readonly pending: Pending
  readonly cold: Pick<ColdTier, 'namespaces'>
  readonly clock: Clock
  /** Milliseconds, of a call that has no timeout of its own. */
  readonly timeout: number
}

/** A namespace that has entries. */
export interface NamespaceSummary {
  /** Its path, as entries have it. */
  readonly namespace: string
  /** As `store.namespace(...segments)` takes them. */
  readonly segments: string[]
  /** Entries of every kind; where `depth` cut the path, all of those that begin so. */
  readonly count: number
}

export interface NamespacePage {
  readonly items: NamespaceSummary[]
  /** Undefined where nothing follows. */
  readonly nextCursor?: string
}

/** What is listed: segments are escaped as in a path, null is any segment. */
export interface NamespacePattern extends Pick<ColdNamespaces, 'prefix' | 'suffix' | 'depth'> {
  readonly limit: number
  readonly cursor?: string | undefined
}

export class NamespaceReader {
  readonly #parts: NamespaceReaderParts

  constructor(parts: NamespaceReaderParts) {
    this.#parts = parts
  }

  /**
   * A page of the namespaces at and below one, in the order of their segments.
   * @param asked its `prefix` begins with the segments of that one.
   */
  async list(
    namespace: string,
    { limit, cursor, ...pattern }: NamespacePattern,
    options: Patience,
  ): Promise<NamespacePage> {
    const { storeId } = this.#parts
    const scope = { namespace, recursive: true }
    const { prefix, suffix, depth } = pattern
    const query = {
      storeId,
      scope,
      filter: [],
      order: [],
      subject: JSON.stringify(['namespaces', prefix, suffix, depth]),
    }
    const after = cursor === undefined ? undefined : String(readCursor(query, cursor)[0]).split('/')
    // One more tells whether there is another page.
    const found = await this.#namespaces(scope, { ...pattern, after }, limit + 1, options)
    const items = found.slice(0, limit).map(({ namespace: path, entries }) => {
      return { namespace: path, segments: namespaceSegments(path), count: entries }
    })
    if (found.length <= limit) return { items }
    return { items, nextCursor: writeCursor(query, [items.at(-1)!.namespace]) }
  }

  /** How many entries a scope has. */
  async count(scope: Scope, options: Patience): Promise<number> {
    const prefix = scope.namespace === ROOT ? [] : scope.namespace.split('/')
    const depth = scope.recursive ? prefix.length : undefined
    // By segments, a namespace comes before all that is below it.
    const [first] = await this.#namespaces(scope, { prefix, suffix: [], depth }, 1, options)
    return first?.namespace === scope.namespace ? first.entries : 0
  }

  async #namespaces(
    scope: Scope,
    pattern: Pick<ColdNamespaces, 'prefix' | 'suffix' | 'depth' | 'after'>,
    limit: number,
    patience: Patience,
  ) {
    const { pending, cold, clock } = this.#parts
    const now = clock.now()
    const own: OwnVersion[] = []
    for (const record of pending.inScope(scope.namespace, scope.recursive).values()) {
      const { namespace, id, version } = record
      own.push({ namespace, id, version, matches: isLive(record, now) })
    }
    return cold.namespaces({ ...pattern, now, own }, limit, runningOut(patience, this.#parts.timeout))
  }
}
