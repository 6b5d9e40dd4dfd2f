/** Adds to the repository of RAPTOR nodes the calls about the trees that they form. */
import { wholeNumber } from '../entry/field-checks.ts'
import type { RaptorEntry, TreeEntry } from '../entry/memory-entry.ts'
import { ownNamespace } from '../entry/namespace.ts'
import { type CheckMetadata, checkBy, type StandardSchema } from '../entry/standard-schema.ts'
import { validateId } from '../entry/validate.ts'
import type { Page } from '../flow/searcher.ts'
import { IS_LEAF, type Walk } from '../flow/tree-reader.ts'
import type { TreeHit } from '../flow/tree-searcher.ts'
import { runningOut } from '../kernel/deadline.ts'
import { type Filter, IN_TREE, IS_NODE } from '../query/filter.ts'
import type { Selected } from '../query/select.ts'
import { PlacedGate } from './call-gate.ts'
import {
  CALL_DEFAULTS,
  CALLS,
  type DescendantsOptions,
  type SearchTreeOptions,
  type SelectField,
  type StaleNodesOptions,
  type TreeField,
  type TreeOptions,
} from './calls.ts'
import type { Flows } from './flows.ts'
import { MemoryRepository } from './memory-repository.ts'
import type { FindResult, StaleNode } from './repository-types.ts'
import type { TypedRaptorRepository } from './typed-kinds.ts'

type NodeField = SelectField<'raptor'>
type Parts<S extends TreeField> = Promise<FindResult<Selected<TreeEntry, S>>>
type Nodes<S extends NodeField> = Promise<FindResult<Selected<RaptorEntry, S>>>

/**
 * Trees are read in pages, as by `find`. They stay within the namespace: an id in `children` is one of the same. What
 * is there is neither a node nor a chunk, or not there, is passed over. Only `searchTree` counts accesses.
 */
export class RaptorRepository extends MemoryRepository<'raptor'> {
  readonly #flows: Flows
  readonly #gate: PlacedGate

  /** @internal */
  constructor(flows: Flows, namespace: string, check?: CheckMetadata) {
    super(flows, namespace, 'raptor', check)
    this.#flows = flows
    this.#gate = new PlacedGate(flows.gate, { namespace, kind: 'raptor' })
  }

  override withMetadata<S extends StandardSchema>(schema: S): TypedRaptorRepository<S> {
    const typed = new RaptorRepository(this.#flows, this.namespace, checkBy(schema))
    return typed as unknown as TypedRaptorRepository<S>
  }

  /** Returns the children of a node, in the order in which it names them. */
  children<S extends TreeField = never>(id: string, options?: TreeOptions<S>): Parts<S> {
    return this.#gate.run(CALLS.children, options, async ({ limit = LIMIT, cursor, select, ...patience }) => {
      const asked = { limit, cursor, select }
      return answered(await this.#flows.trees.children(this.#own, validateId(id), asked, patience))
    })
  }

  /** Returns the nodes that have this node or chunk for a child, by their ids. */
  parents<S extends NodeField = never>(id: string, options?: TreeOptions<S>): Nodes<S> {
    return this.#gate.run(CALLS.parents, options, async (checked) => {
      return this.#nodes([{ field: 'children', operator: 'contains', value: [validateId(id)] }], checked)
    })
  }

  /** Returns the nodes of a level, by their ids. */
  level<S extends NodeField = never>(level: number, options?: TreeOptions<S>): Nodes<S> {
    return this.#gate.run(CALLS.level, options, async (checked) => {
      return this.#nodes([{ field: 'level', operator: 'eq', value: wholeNumber('level', level) }], checked)
    })
  }

  /**
   * Returns the nodes that no node has for a child, the highest level first. It looks at the nodes of the namespace in
   * that order, until it has a page.
   */
  roots<S extends NodeField = never>(options?: TreeOptions<S>): Nodes<S> {
    return this.#gate.run(CALLS.roots, options, async ({ limit = LIMIT, cursor, select, ...patience }) => {
      return answered(await this.#flows.trees.roots(this.#own, { limit, cursor, select }, patience))
    })
  }

  /** As {@link descendants}, of those that have no children themselves: chunks, and nodes whose list is empty. */
  leaves<S extends TreeField = never>(id: string, options?: TreeOptions<S>): Parts<S> {
    return this.#gate.run(CALLS.leaves, options, (checked) =>
      this.#walk({ from: validateId(id), direction: 'down', filter: IS_LEAF }, checked),
    )
  }

  /** Returns the nodes above a node or chunk, the nearest first, then by id. */
  ancestors<S extends NodeField = never>(id: string, options?: TreeOptions<S>): Nodes<S> {
    return this.#gate.run(CALLS.ancestors, options, (checked) =>
      this.#walk({ from: validateId(id), direction: 'up', filter: IS_NODE }, checked),
    )
  }

  /** Returns the nodes and chunks below a node, the nearest first, then by id; each once, by the shortest way. */
  descendants<S extends TreeField = never>(id: string, options?: DescendantsOptions<S>): Parts<S> {
    return this.#gate.run(CALLS.descendants, options, ({ depth, ...checked }) =>
      this.#walk({ from: validateId(id), direction: 'down', filter: IN_TREE, depth }, checked),
    )
  }

  /**
   * Returns nodes of which a child or a descendant has another version than when they were put, is gone or has
   * appeared, the lowest level first: what to summarise again, and in which order. A node that is put anew is fresh
   * again, and its parents are stale for it. It looks at the nodes of the namespace, level by level, until it has
   * `limit` (100).
   */
  staleNodes<S extends NodeField = never>(
    options?: StaleNodesOptions<S>,
  ): Promise<StaleNode<Selected<RaptorEntry, S>>[]> {
    return this.#gate.run(CALLS.staleNodes, options, async ({ limit = LIMIT, select, ...given }) => {
      const patience = runningOut(given)
      const stale = await this.#flows.staleNodes.list(this.#own, limit, patience)
      const ids = stale.map(({ record }) => record.id)
      const entries = await this.#flows.trees.entries(this.#own, ids, select, patience)
      return stale.flatMap(({ record, ...staleness }) => {
        const entry = entries.get(record.id) as Selected<RaptorEntry, S> | undefined
        return entry === undefined ? [] : [{ entry, ...staleness }]
      })
    })
  }

  /**
   * Returns the nearest of what is met on the way down from the roots, choosing `beam` of each level: a search that
   * costs as much as the tree is high. What has no embedding of these dimensions is not met. Where the store was opened
   * with `embed`, it makes the vector of `text`. Hits count as accesses.
   */
  searchTree<S extends TreeField = never>(options: SearchTreeOptions<S>): Promise<TreeHit<Selected<TreeEntry, S>>[]> {
    return this.#gate.run(CALLS.searchTree, options, async ({ query, meaning, ...given }) => {
      const { searcher, treeSearcher, vectors } = this.#flows
      const patience = runningOut(given)
      const made = meaning && (await vectors.ofMeanings([meaning], searcher.patience(patience)))
      const asked = made === undefined ? query : { ...query, vectors: made[0]! }
      const hits = await treeSearcher.search(this.#own, asked, patience)
      return hits as TreeHit<unknown>[] as TreeHit<Selected<TreeEntry, S>>[]
    })
  }

  /** A tree belongs to one namespace. */
  get #own(): string {
    return ownNamespace(this.namespace)
  }

  async #nodes<E>(filter: Filter, checked: ReturnType<typeof CALLS.level>): Promise<FindResult<E>> {
    const { limit = LIMIT, cursor, select, ...patience } = checked
    const scope = { namespace: this.#own, recursive: false }
    return answered(
      await this.#flows.searcher.find(scope, [...IS_NODE, ...filter], { limit, cursor, select }, patience),
    )
  }

  async #walk<E>(walk: Walk, checked: ReturnType<typeof CALLS.leaves>): Promise<FindResult<E>> {
    const { limit = LIMIT, cursor, select, ...patience } = checked
    return answered(await this.#flows.trees.walk(this.#own, walk, { limit, cursor, select }, patience))
  }
}

const { limit: LIMIT } = CALL_DEFAULTS.find

/** What the filters of a tree select is typed so. */
function answered<E>(page: Page): FindResult<E> {
  return page as FindResult<unknown> as FindResult<E>
}
