/**
 * Types a repository whose metadata has a schema: by the schema's input and output, also in the paths of `where` and
 * `orderBy`.
 */
import type { CallOptions } from '../call-options.ts'
import type { Duration } from '../entry/duration.ts'
import type { EntryKind, EntryOf, JsonValue } from '../entry/memory-entry.ts'
import type { SchemaInput, SchemaOutput, StandardSchema } from '../entry/standard-schema.ts'
import type { Erased } from '../flow/eraser.ts'
import type { Explanation } from '../flow/explainer.ts'
import type { SearchResult } from '../flow/searcher.ts'
import type { DeletedWhere, UpdatedWhere } from '../flow/where-changer.ts'
import type { Receipt, WriteOutcome } from '../flow/writer.ts'
import type { OrderBy, OwnField } from '../query/order.ts'
import type { Selected } from '../query/select.ts'
import type { Equality, WhereBesideMetadata } from '../query/where.ts'
import type { Pinning, Unpinning } from '../sync/pins.ts'
import type { Demotion, Promotion } from '../sync/tier-moves.ts'
import type {
  ByBoth,
  ByMeaning,
  ByText,
  ByVector,
  CommonSearchOptions,
  CountOptions,
  DeleteWhereOptions,
  EraseOptions,
  ExpireOptions,
  FindOptions,
  IdempotentOptions,
  PrefetchOptions,
  PutManyOptions,
  PutOptions,
  SelectField,
  UpdateOptions,
  UpdateWhereOptions,
  WriteOptions,
} from './calls.ts'
import type { FindResult, PatchOf, PutOf } from './repository-types.ts'

/** `E` with metadata `M` in place of any. */
export type WithMetadata<E, M> = E extends unknown
  ? Omit<E, 'metadata'> &
      (undefined extends M ? { readonly metadata?: Exclude<M, undefined> } : { readonly metadata: M })
  : never

/** What RFC 7396 merges into `M`: members that stay are left out, null removes one. */
type MergePatch<M> = M extends Scalars | readonly unknown[]
  ? M
  : M extends object
    ? { readonly [N in keyof M]?: MergePatch<M[N]> | null | undefined }
    : M

/** A patch `P` whose metadata is of what the schema takes. What it makes of an entry is checked by it. */
type PatchWith<P, M> = P extends unknown
  ? Omit<P, 'metadata'> & { readonly metadata?: MergePatch<NonNullable<M>> | null | undefined }
  : never

/** What an update in a repository of kind `K` with the schema `S` may change. */
export type TypedPatch<K extends EntryKind | undefined, S extends StandardSchema> = PatchWith<
  PatchOf<K>,
  SchemaInput<S>
>

type Scalars = string | number | boolean | null

/** Paths of the members of objects in `M`, six deep: `.author`, `.author.name`. */
type Paths<M, Depth extends unknown[] = []> = Depth['length'] extends 6
  ? never
  : M extends Scalars | readonly unknown[]
    ? never
    : M extends object
      ? { [N in keyof M & string]: Path<N, Paths<NonNullable<M[N]>, [...Depth, 0]>> }[keyof M & string]
      : never
type Path<N extends string, Inner extends string> = N extends `${string}${'.' | '[' | ']'}${string}`
  ? never
  : `.${N}` | `.${N}${Inner}`

type MemberAt<M, P extends string> = M extends object
  ? P extends `.${infer N}.${infer Rest}`
    ? N extends keyof M
      ? MemberAt<NonNullable<M[N]>, `.${Rest}`>
      : never
    : P extends `.${infer N}`
      ? N extends keyof M
        ? Exclude<M[N], undefined>
        : never
      : never
  : never

type Ordered<V> = V extends string ? string : V extends number ? number : never
type Held<V> = V extends readonly (infer I)[] ? I | readonly I[] : V extends string ? string : Partial<V> | JsonValue

interface MemberComparison<V> extends Equality<V> {
  readonly gt?: Ordered<V>
  readonly gte?: Ordered<V>
  readonly lt?: Ordered<V>
  readonly lte?: Ordered<V>
  readonly contains?: Held<V>
  readonly startsWith?: V extends string ? string : never
}

type MemberConditions<M> = {
  readonly [P in Paths<M> as `metadata${P}`]?: Extract<MemberAt<M, P>, Scalars> | MemberComparison<MemberAt<M, P>>
}

/** Conditions whose paths into metadata are those of `M`. */
export type TypedWhere<K extends EntryKind | undefined, M> = WhereBesideMetadata<K> &
  MemberConditions<NonNullable<M>> & {
    readonly and?: readonly TypedWhere<K, M>[]
    readonly or?: readonly TypedWhere<K, M>[]
    readonly not?: TypedWhere<K, M>
  }

/** An order whose paths into metadata are those of `M`. */
export type TypedOrderBy<M> = OrderBy<OwnField | `metadata${Paths<NonNullable<M>>}`>

type Having<O, K extends EntryKind | undefined, M> = Ordering<Omit<O, 'where'>, M> & {
  readonly where?: TypedWhere<K, M> | undefined
}

/** Options `O`, of which those that take an order take one of `M`. */
type Ordering<O, M> = 'orderBy' extends keyof O
  ? Omit<O, 'orderBy'> & { readonly orderBy?: TypedOrderBy<M> | undefined }
  : O

/** Does not depend on metadata. */
interface Common {
  /** Path of the namespace. */
  readonly namespace: string
  idOf(key: string): string
  has(id: string, options?: CallOptions): Promise<boolean>
  hasMany(ids: readonly string[], options?: CallOptions): Promise<boolean[]>
  touch(ids: string | readonly string[], options?: CallOptions): Promise<void>
  expire(id: string, ttl: Duration | null, options?: ExpireOptions): Promise<Receipt>
  promote(id: string, options?: CallOptions): Promise<Promotion>
  promote(ids: readonly string[], options?: CallOptions): Promise<Promotion[]>
  demote(id: string, options?: CallOptions): Promise<Demotion>
  demote(ids: readonly string[], options?: CallOptions): Promise<Demotion[]>
  pin(id: string, options?: CallOptions): Promise<Pinning>
  pin(ids: readonly string[], options?: CallOptions): Promise<Pinning[]>
  unpin(id: string, options?: CallOptions): Promise<Unpinning>
  unpin(ids: readonly string[], options?: CallOptions): Promise<Unpinning[]>
  delete(id: string, options?: WriteOptions): Promise<Receipt>
  deleteMany(ids: readonly string[], options?: WriteOptions): Promise<Receipt[]>
  deleteByKey(key: string, options?: WriteOptions): Promise<Receipt>
  explain(id: string, options?: CallOptions): Promise<Explanation>
}

/**
 * A repository ({@link ./memory-repository.ts}) of kind `K` whose metadata has the schema `S`: checked by it where it
 * is written, typed by what it answers where it is read. Nothing is checked where it is read.
 */
export interface TypedRepository<
  K extends EntryKind | undefined,
  S extends StandardSchema,
  Input = WithMetadata<PutOf<K>, SchemaInput<S>>,
  M = SchemaOutput<S>,
  Entry = WithMetadata<EntryOf<K>, M>,
> extends Common {
  put(input: Input, options?: PutOptions): Promise<Receipt>
  upsert(input: Input, options?: IdempotentOptions): Promise<Receipt>
  update(id: string, patch: TypedPatch<K, S>, options?: UpdateOptions): Promise<Receipt>
  putMany(
    inputs: readonly Input[],
    options?: PutManyOptions & { readonly settle?: false | undefined },
  ): Promise<Receipt[]>
  putMany(inputs: readonly Input[], options: PutManyOptions & { readonly settle: true }): Promise<WriteOutcome[]>
  get(id: string, options?: CallOptions): Promise<Entry | undefined>
  getMany(ids: readonly string[], options?: CallOptions): Promise<(Entry | undefined)[]>
  getByKey(key: string, options?: CallOptions): Promise<Entry | undefined>
  getManyByKey(keys: readonly string[], options?: CallOptions): Promise<(Entry | undefined)[]>
  peek(id: string, options?: CallOptions): Promise<Entry | undefined>
  deleteWhere(where: TypedWhere<K, M>, options?: DeleteWhereOptions): Promise<DeletedWhere>
  erase(what: readonly string[] | { readonly where: TypedWhere<K, M> }, options?: EraseOptions): Promise<Erased>
  updateWhere(where: TypedWhere<K, M>, patch: TypedPatch<K, S>, options?: UpdateWhereOptions): Promise<UpdatedWhere>
  find<F extends SelectField<K> = never>(
    options?: Having<FindOptions<K, F>, K, M>,
  ): Promise<FindResult<Selected<Entry, F>>>
  findAll<F extends SelectField<K> = never>(
    options?: Having<FindOptions<K, F>, K, M>,
  ): AsyncGenerator<Selected<Entry, F>, void, undefined>
  prefetch(where: TypedWhere<K, M>, options?: Ordering<PrefetchOptions, M>): Promise<number>
  count(options?: Having<CountOptions<K>, K, M>): Promise<number>
  search<F extends SelectField<K> = never>(
    options: (ByVector | ByText | ByMeaning | ByBoth) & Having<CommonSearchOptions<K, F>, K, M>,
  ): Promise<SearchResult<Selected<Entry, F>>>
  searchMany<F extends SelectField<K> = never>(
    queries: readonly ((ByVector | ByText | ByMeaning | ByBoth) &
      Having<Omit<CommonSearchOptions<K, F>, keyof CallOptions>, K, M>)[],
    options?: CallOptions,
  ): Promise<SearchResult<Selected<Entry, F>>[]>
}
