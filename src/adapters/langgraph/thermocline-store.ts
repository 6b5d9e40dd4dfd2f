/**
 * Defines the memory of LangGraph's agents across threads, over the public calls of a store. Of which entries an item
 * consists is decided in item-entries.ts, how items are found in item-search.ts, and how they get vectors in
 * item-vectors.ts.
 */
import {
  BaseStore,
  type GetOperation,
  type Item,
  type ListNamespacesOperation,
  type Operation,
  type OperationResults,
  type PutOperation,
  type SearchItem,
  type SearchOperation,
  validateNamespace,
} from '@langchain/langgraph-checkpoint'
import { defineCall, flag, lifetime, oneOf, optionRule, type RulesOf } from '../../call-options.ts'
import {
  type ChunkEntry,
  type Durability,
  type Duration,
  type Operation as EntryOperation,
  type JsonObject,
  type MemoryStore,
  type NamespaceView,
  ThermoclineError,
} from '../../index.ts'
import { checkStore } from '../in-common/check-store.ts'
import { untilUncontested } from '../in-common/until-uncontested.ts'
import { type ItemLife, inputsOf, itemKey, itemOf, itemsBelow, type Vector, vectorIds } from './item-entries.ts'
import { listItemNamespaces } from './item-namespaces.ts'
import { type FoundItem, findItems } from './item-search.ts'
import { type ItemIndex, ItemVectors } from './item-vectors.ts'
import { writeInOrder } from './write-in-order.ts'

export interface StoreOptions {
  /** How items are embedded; without it a `query` ranks nothing. @default not at all */
  readonly index?: ItemIndex | undefined
  /** How long an item lives: milliseconds or a text like `'30d'`. @default for good */
  readonly ttl?: Duration | undefined
  /** Whether an item that is read lives on for the whole `ttl` from then on. @default true */
  readonly refreshOnRead?: boolean | undefined
  /**
   * What a `put` or `delete` of one item waits for, without an `index`: `'wal'`, the log on this machine's disk, or
   * `'cold'`, the database, where searches of other processes find it; with one, the database is always waited for.
   * @default what the store was opened with, which is `'wal'` by default
   */
  readonly durability?: Durability | undefined
}

const checkOptions = defineCall('ThermoclineStore', {
  index: optionRule(
    (index) => (isIndex(index) ? index : undefined),
    'an object with `dims`, a whole number, either `embed` or `embeddings`, and `fields` if you like',
  ),
  ttl: lifetime,
  refreshOnRead: flag,
  durability: oneOf<Durability>(['wal', 'cold']),
} satisfies RulesOf<StoreOptions>)

/** What becomes of one item; null deletes it. */
interface Change {
  readonly key: string
  readonly value: JsonObject | null
  readonly texts: readonly string[]
}

/**
 * A memory for LangGraph that keeps its items in a store of thermocline. Without an `index`, a put or delete of one
 * item resolves once it survives a crash, as any put of the store does. Several items of one namespace, and items with
 * vectors, are written all or none: that resolves once the database has them, and needs both tiers.
 */
export class ThermoclineStore extends BaseStore {
  readonly #root: NamespaceView
  readonly #vectors: ItemVectors | undefined
  readonly #life: ItemLife
  readonly #durability: Durability | undefined

  /** @param store or a view of it, as `store.namespace('tenant', 'acme')`. Closing it stays with the caller. */
  constructor(store: MemoryStore | NamespaceView, options?: StoreOptions) {
    super()
    checkStore('ThermoclineStore', store)
    const { index, ttl, refreshOnRead = true, durability } = checkOptions(options)
    this.#root = store.namespace('langgraph', 'store')
    this.#vectors = index && new ItemVectors(index)
    this.#life = { ttl, sliding: refreshOnRead }
    this.#durability = durability
  }

  /** Reads see what was there before anything of the batch was put. Of several puts of one key the last counts. */
  override async batch<Op extends Operation[]>(operations: Op): Promise<OperationResults<Op>> {
    const puts = new Map<string, PutOperation>()
    for (const operation of operations) {
      if ('namespace' in operation) validateNamespace(operation.namespace, { allowReservedRoot: true })
      if (isPut(operation)) puts.set(JSON.stringify([operation.namespace, operation.key]), operation)
    }
    const results = await Promise.all(
      operations.map((operation) => (isPut(operation) ? undefined : this.#read(operation))),
    )
    await this.#write([...puts.values()])
    return results as OperationResults<Op>
  }

  #read(operation: Exclude<Operation, PutOperation>): Promise<Item | null | SearchItem[] | string[][]> {
    if ('namespacePrefix' in operation) return this.#search(operation)
    if ('key' in operation) return this.#get(operation)
    return listItemNamespaces(this.#root, operation as ListNamespacesOperation)
  }

  async #get({ namespace, key }: GetOperation): Promise<Item | null> {
    const view = itemsBelow(this.#root, namespace)
    const chunk = await view.chunks.getByKey(itemKey(key))
    if (chunk === undefined) return null
    if (this.#isRefreshed) await view.entries.touch(vectorIds(view, chunk))
    return itemOf(this.#root, chunk)
  }

  async #search({
    namespacePrefix,
    filter = {},
    limit = 10,
    offset = 0,
    query,
  }: SearchOperation): Promise<SearchItem[]> {
    const vector = query ? await this.#vectors?.ofQuery(query) : undefined
    const view = itemsBelow(this.#root, namespacePrefix)
    const found = await findItems(this.#root, view, { filter, limit, offset, vector })
    if (this.#isRefreshed) await Promise.all(found.map((one) => this.#refresh(one)))
    return found.map(({ item }) => item)
  }

  get #isRefreshed(): boolean {
    return this.#life.ttl !== undefined && this.#life.sliding
  }

  async #refresh({ item, chunk }: FoundItem): Promise<void> {
    const view = itemsBelow(this.#root, item.namespace)
    await view.entries.touch([chunk.id, ...vectorIds(view, chunk)])
  }

  async #write(puts: readonly PutOperation[]): Promise<void> {
    const changes = new Map<string, { readonly labels: readonly string[]; readonly all: Change[] }>()
    for (const { namespace, key, value, index } of puts) {
      const name = JSON.stringify(namespace)
      if (!changes.has(name)) changes.set(name, { labels: namespace, all: [] })
      const json = value === null ? null : jsonOf(value)
      const isEmbedded = json !== null && index !== false
      const texts = isEmbedded ? (this.#vectors?.textsOf(json, index ?? undefined) ?? []) : []
      changes.get(name)!.all.push({ key, value: json, texts })
    }
    const texts = [...changes.values()].flatMap(({ all }) => all.flatMap((change) => change.texts))
    const vectors = (await this.#vectors?.of(texts)) ?? new Map<string, Vector>()
    for (const { labels, all } of changes.values()) await this.#replace(itemsBelow(this.#root, labels), all, vectors)
  }

  /** Items keep when they were created. */
  async #replace(view: NamespaceView, changes: readonly Change[], vectors: ReadonlyMap<string, Vector>): Promise<void> {
    await untilUncontested(async () => {
      const there = await view.chunks.getManyByKey(changes.map(({ key }) => itemKey(key)))
      const operations = changes.flatMap((change, i) => this.#operationsOf(view, change, there[i], vectors))
      const [only, ...others] = operations
      if (only === undefined) return
      if (others.length === 0 && this.#vectors === undefined) await this.#writePlainly(view, only)
      else await writeInOrder(view, operations)
    })
  }

  /**
   * Where items have no vectors, the last write counts, as in any store of LangGraph: nobody has to decide. Else it
   * might leave vectors behind which the one before it, that this one has not seen, had put.
   */
  async #writePlainly(view: NamespaceView, operation: EntryOperation): Promise<void> {
    const options = { durability: this.#durability }
    if ('put' in operation) await view.entries.put(operation.put, options)
    else if ('delete' in operation) await view.entries.delete(operation.delete, options)
  }

  #operationsOf(
    view: NamespaceView,
    { key, value, texts }: Change,
    there: ChunkEntry | undefined,
    vectors: ReadonlyMap<string, Vector>,
  ): EntryOperation[] {
    const left = there === undefined ? [] : vectorIds(view, there, Math.max(1, texts.length))
    const deletes = left.map((id): EntryOperation => ({ delete: id }))
    if (value === null) {
      if (there !== undefined) return [{ delete: there.id, expectedVersion: there.version }, ...deletes]
      // Another process may have put it all the same, in its log alone where hot is away; what has vectors is in cold.
      return this.#vectors === undefined ? [{ delete: view.chunks.idOf(itemKey(key)) }] : []
    }
    const inputs = inputsOf(
      key,
      value,
      texts.map((text) => vectors.get(text)!),
      this.#life,
    )
    const puts = inputs.map((put): EntryOperation => {
      if (put.kind !== 'chunk') return { put }
      return { put: { ...put, createdAt: there?.createdAt }, expectedVersion: there?.version ?? null }
    })
    return [...deletes, ...puts]
  }
}

function isPut(operation: Operation): operation is PutOperation {
  return 'value' in operation
}

/** As JSON has it: `toJSON` is asked, and what is undefined is dropped. */
function jsonOf(value: unknown): JsonObject {
  const json: unknown = JSON.parse(JSON.stringify(value) ?? 'null')
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as JsonObject
  throw new ThermoclineError('ERR_INVALID_ENTRY', 'the value of an item must be an object', { field: 'value' })
}

function isIndex(value: unknown): value is ItemIndex {
  if (typeof value !== 'object' || value === null) return false
  const { dims, embed, embeddings, fields = [], ...others } = value as Partial<ItemIndex>
  const isModel = typeof embeddings?.embedDocuments === 'function' && typeof embeddings.embedQuery === 'function'
  return (
    Number.isSafeInteger(dims) &&
    (dims as number) > 0 &&
    (embed === undefined ? isModel : typeof embed === 'function' && embeddings === undefined) &&
    Array.isArray(fields) &&
    fields.every((field) => typeof field === 'string') &&
    Object.keys(others).length === 0
  )
}
