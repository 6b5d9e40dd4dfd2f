/**
 * Searches a tree from its roots down, as RAPTOR does (Sarthi et al. 2024, tree traversal): on each level the nodes
 * nearest to the vector are chosen, then the nearest of their children, and so on. What is chosen on any level is a
 * candidate. The roots are all compared; below them a level costs a read of at most `beam` times as many rows as a node
 * has children, however large the tree is.
 */
import type { ColdRow } from '../cold/cold-tier.ts'
import type { MemoryEntry } from '../entry/memory-entry.ts'
import type { EntryRecord } from '../entry/record.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Patience } from '../kernel/deadline.ts'
import { IN_TREE, matches } from '../query/filter.ts'
import { similarity } from '../query/metric.ts'
import { HIGHEST_FIRST, type OrderKeys, orderKeys } from '../query/order.ts'
import type { VectorQuery } from '../query/search-query.ts'
import { fieldsNeeded, type Select } from '../query/select.ts'
import type { AccessCounter } from './access-counter.ts'
import { alternating } from './rank-hits.ts'
import type { Searcher } from './searcher.ts'
import { MAX_DEPTH, type TreeReader } from './tree-reader.ts'

export interface TreeQuery {
  /** The same question to each model that entries have vectors of; of no model: to every vector of its dimensions. */
  readonly vectors: readonly VectorQuery[]
  readonly k: number
  /** How many are chosen of each level. */
  readonly beam: number
  /** Ids to begin at. */
  readonly from: 'roots' | readonly string[]
  readonly select: Select | undefined
  readonly countAccess: boolean
}

/** What a search down a tree found. */
export interface TreeHit<E = MemoryEntry> {
  readonly entry: E
  /** Higher is nearer: cosine similarity, inner product or negative L2 distance. */
  readonly score: number
  /** Levels below where the search began. */
  readonly depth: number
}

interface Chosen extends ColdRow {
  readonly score: number
  readonly depth: number
}

export interface TreeSearcherParts {
  readonly trees: TreeReader
  readonly searcher: Searcher
  readonly access: AccessCounter
  readonly clock: Clock
}

/** Fields that are looked at on the way down. */
const COMPARED = ['children', 'embedding', 'embeddingModel'] as const
/** Roots of a read, with their vectors. */
const ROOTS = 500

export class TreeSearcher {
  readonly #parts: TreeSearcherParts

  constructor(parts: TreeSearcherParts) {
    this.#parts = parts
  }

  /** The best `k` of what is chosen on the way down, best first, ties by id. */
  async search(namespace: string, query: TreeQuery, patience: Patience): Promise<TreeHit[]> {
    const { trees, access, clock, searcher } = this.#parts
    const selected = fieldsNeeded(query.select)
    const fields = selected && new Set<keyof EntryRecord>([...selected, ...COMPARED])
    const chosen: Chosen[] = []
    const seen = new Set<string>()
    let level = await this.#begin(namespace, query, patience)
    for (let depth = 0; depth <= MAX_DEPTH && level.length > 0; depth++) {
      const best = nearest(level, query, depth)
      chosen.push(...best)
      for (const { record } of level) seen.add(record.id)
      const children = new Set(best.flatMap(({ record }) => record.children ?? []))
      const ids = [...children].filter((id) => !seen.has(id))
      level = await trees.live(namespace, ids, fields, patience)
    }
    const now = clock.now()
    return ranked(chosen, query.vectors)
      .slice(0, query.k)
      .map(({ record, access: reads, score, depth }) => {
        const counted = query.countAccess ? access.count(record, reads, now) : reads
        return { entry: searcher.entryOf({ record, access: counted }, query.select), score, depth }
      })
  }

  /** Of many roots the nearest, so that not all of them are in memory. */
  async #begin(namespace: string, query: TreeQuery, patience: Patience): Promise<ColdRow[]> {
    const { trees, searcher } = this.#parts
    if (query.from !== 'roots') return trees.live(namespace, [...new Set(query.from)], undefined, patience)
    const scope = { namespace, recursive: false }
    let best: ColdRow[] = []
    for (let after: OrderKeys | undefined; ; ) {
      const roots = await searcher.roots(scope, { limit: ROOTS, after }, patience)
      best = nearest([...best, ...roots], query, 0)
      if (roots.length < ROOTS) return best
      after = orderKeys(roots.at(-1)!.record, HIGHEST_FIRST)
    }
  }
}

/** The best of a level. */
function nearest(rows: readonly ColdRow[], { vectors, beam }: TreeQuery, depth: number): Chosen[] {
  const scored = rows.flatMap((row) => {
    const asked = vectors.find((one) => isComparable(row.record, one))
    if (asked === undefined || !matches(row.record, IN_TREE)) return []
    return [{ ...row, score: similarity(asked.metric, asked.embedding, row.record.embedding!), depth }]
  })
  return ranked(scored, vectors).slice(0, beam)
}

/** What has no vector of these dimensions and this model is near to nothing. */
function isComparable({ embedding, embeddingModel }: EntryRecord, asked: VectorQuery): boolean {
  return embedding?.length === asked.embedding.length && (asked.model === undefined || asked.model === embeddingModel)
}

/** Best first, those of each model in turn. */
function ranked(chosen: readonly Chosen[], vectors: readonly VectorQuery[]): readonly Chosen[] {
  return alternating(vectors.map((asked) => inOrder(chosen.filter(({ record }) => isComparable(record, asked)))))
}

function inOrder(chosen: readonly Chosen[]): Chosen[] {
  return [...chosen].sort((a, b) => b.score - a.score || (a.record.id < b.record.id ? -1 : 1))
}
