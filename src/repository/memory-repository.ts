/**
 * Defines the public calls of a repository, which has the entries of one kind, or of every kind, in one namespace. It
 * validates its input and calls the flows. It has no state, so any number of repositories may be made.
 */
import type { CallOptions } from '../call-options.ts'
import type { Duration } from '../entry/duration.ts'
import { idOfKey } from '../entry/entry-id.ts'
import type { EntryKey } from '../entry/entry-key.ts'
import { lifeOf, lifetimeOf, refuseExpired } from '../entry/expiry.ts'
import { askedByPatch, askedByPut, askedMetadata, digestOf } from '../entry/idempotency-digest.ts'
import type { EntryKind, EntryOf, MemoryEntry } from '../entry/memory-entry.ts'
import { ownNamespace } from '../entry/namespace.ts'
import { type CheckedPatch, givesVector, isAboutChildren, parsePatch } from '../entry/patch.ts'
import { type EntryRecord, keptChildVersions, tombstoneOf } from '../entry/record.ts'
import { type CheckMetadata, checkBy, isPromise, type StandardSchema } from '../entry/standard-schema.ts'
import { type InputContext, type UnversionedRecord, validateId, validateInput, validateKey } from '../entry/validate.ts'
import { isThermoclineError, notFound, retold, ThermoclineError } from '../errors.ts'
import { untilDone } from '../flow/asked-logs.ts'
import type { ChangesTerms } from '../flow/compare-and-set.ts'
import type { Remnant } from '../flow/erase-remnants.ts'
import type { Asked, EraseDoneOptions, Erased, Erasure } from '../flow/eraser.ts'
import type { Explanation } from '../flow/explainer.ts'
import { type PageWithNext, type SearchResult, withCursor } from '../flow/searcher.ts'
import type { DeletedWhere, UpdatedWhere } from '../flow/where-changer.ts'
import type { Receipt, WriteOutcome, WriteTerms } from '../flow/writer.ts'
import { type Patience, runningOut, throwIfAborted, withDeadline } from '../kernel/deadline.ts'
import { isPlainObject } from '../kernel/plain-object.ts'
import type { Filter } from '../query/filter.ts'
import { type Scope, scopeOf } from '../query/scope.ts'
import type { Selected } from '../query/select.ts'
import { parseWhere, type Where } from '../query/where.ts'
import type { Pinning, Unpinning } from '../sync/pins.ts'
import type { Demotion, Promotion } from '../sync/tier-moves.ts'
import { type Accepted, acceptInputs, receiptsOf } from './batch.ts'
import { PlacedGate } from './call-gate.ts'
import {
  CALL_DEFAULTS,
  CALLS,
  type CountOptions,
  changeable,
  checkQueries,
  type DeleteWhereOptions,
  type EraseOptions,
  type ExpireOptions,
  type FindOptions,
  type IdempotentOptions,
  type ManySearchOptions,
  type PrefetchOptions,
  type PutManyOptions,
  type PutOptions,
  type SearchOptions,
  type SelectField,
  type UpdateOptions,
  type UpdateWhereOptions,
  type WriteOptions,
} from './calls.ts'
import { checkedInput, checkedInputs, checkedPatched } from './checked-metadata.ts'
import type { Flows } from './flows.ts'
import { hasChosenId, inPlaceOf, refuseOtherKind } from './kind-conflict.ts'
import type { FindResult, PatchOf, PutOf } from './repository-types.ts'
import type { TypedRepository } from './typed-repository.ts'

export class MemoryRepository<K extends EntryKind | undefined = undefined> {
  /** Path of the namespace. */
  readonly namespace: string
  readonly #flows: Flows
  readonly #gate: PlacedGate
  readonly #kind: K
  readonly #check: CheckMetadata | undefined

  /** @internal */
  constructor(flows: Flows, namespace: string, kind: K, check?: CheckMetadata) {
    this.#check = check
    this.#flows = flows
    this.#gate = new PlacedGate(flows.gate, { namespace, kind })
    this.namespace = namespace
    this.#kind = kind
  }

  /**
   * Returns the same repository with a schema for metadata, of any library that implements Standard Schema. What is
   * written is checked by it (`ERR_INVALID_ENTRY`, with the path) and kept as it answers it; what is read is typed by
   * it, and not checked.
   */
  withMetadata<S extends StandardSchema>(schema: S): TypedRepository<K, S> {
    const typed = new MemoryRepository(this.#flows, this.namespace, this.#kind, checkBy(schema))
    return typed as unknown as TypedRepository<K, S>
  }

  /**
   * Writes a whole entry; resolves once it survives a crash (see `durability`). With `expectedVersion` only in place of
   * that version, else it rejects with `ERR_CONFLICT`; what is not known rejects with another code and
   * `details.outcome: 'unknown'`.
   */
  put(input: PutOf<K>, options?: PutOptions): Promise<Receipt> {
    return this.#gate.run(CALLS.put, options, async (checked) => {
      const { expectedVersion, idempotencyKey } = checked
      if (expectedVersion !== undefined || idempotencyKey !== undefined)
        return this.#putInPlace('put', input, checked, (_, record) => record)
      const given = checkedInput(input, this.#check)
      const terms = this.#flows.vectors.model === undefined ? checked : termsRunningOut(checked)
      const asked = isPromise(given) ? await given : given
      const record = this.#validate(asked)
      const isChosen = hasChosenId(asked)
      const completed = this.#complete(record, isChosen, terms)
      return this.#flows.writer.write(isPromise(completed) ? this.#still(await completed, isChosen) : completed, terms)
    })
  }

  /**
   * As {@link put}, and the entry keeps the `createdAt` of the one that it replaces. Cold decides what that is, so it
   * needs both tiers.
   */
  upsert(input: PutOf<K>, options?: IdempotentOptions): Promise<Receipt> {
    return this.#gate.run(CALLS.upsert, options, (checked) =>
      this.#putInPlace('upsert', input, checked, (current, record) => {
        return { ...record, createdAt: current?.createdAt ?? record.createdAt }
      }),
    )
  }

  /**
   * Changes some fields of an entry: what the patch names is replaced, null removes it, and `metadata` is merged by RFC
   * 7396. All else stays, `createdAt` and expiry included. Updates at the same time all take effect, one after the
   * other; with `expectedVersion` it rejects with `ERR_CONFLICT` where another version is there. `ERR_NOT_FOUND` where
   * there is no such entry. Needs both tiers.
   */
  update(id: string, patch: PatchOf<K>, options?: UpdateOptions): Promise<Receipt> {
    return this.#gate.run(CALLS.update, options, async (checked) => {
      const key = this.#keyOf(id)
      const change = parsePatch(patch, this.#kind)
      const known = new Map<string, Float32Array>()
      const make = (current: EntryRecord | undefined) => {
        return this.#patched(this.#present(key, current), change, known, checked)
      }
      const asked = () => [key.id, askedByPatch(change)]
      return this.#flows.changes.change(key, make, this.#keyed(checked, 'update', asked, checked.expectedVersion))
    })
  }

  /**
   * Writes all, receipts in order. Everything is checked first: a bad input rejects with nothing written. A failure
   * later on says in `details.outcomes` what became of each input. With `settle: true` each input has an outcome of its
   * own instead.
   *
   * Up to 500 inputs, or 4 MiB, are copied at the call; of more, the rest while other work goes on: leave them as they
   * are until the call settles.
   */
  putMany(
    inputs: readonly PutOf<K>[],
    options?: PutManyOptions & { readonly settle?: false | undefined },
  ): Promise<Receipt[]>
  putMany(inputs: readonly PutOf<K>[], options: PutManyOptions & { readonly settle: true }): Promise<WriteOutcome[]>
  putMany(inputs: readonly PutOf<K>[], options?: PutManyOptions): Promise<Receipt[] | WriteOutcome[]> {
    return this.#gate.run(CALLS.putMany, options, async ({ settle = false, ...given }) => {
      const checked = this.#flows.vectors.model === undefined ? given : termsRunningOut(given)
      const checkedOnes = checkedInputs(arrayOf('inputs', inputs), this.#check)
      const asked = isPromise(checkedOnes) ? await checkedOnes : checkedOnes
      const outcomes = new Array<WriteOutcome>(asked.length)
      const valid = await acceptInputs(asked, this.#validator(), refuse, checked.signal)
      const chosen = new Set(valid.flatMap(({ index }) => (hasChosenId(asked[index]) ? [index] : [])))
      const filled = await this.#withVectors(valid, chosen, { refuse, settle }, checked)
      const whole = await this.#withChildVersions(filled, chosen, refuse, checked)
      const accepted = whole === valid ? valid : this.#stillAll(whole, chosen, refuse)
      const written = await this.#flows.writer.writeAll(
        accepted.map(({ record }) => record),
        checked,
      )
      if (!settle) return receiptsOf(written)
      for (const [i, { index }] of accepted.entries()) outcomes[index] = written[i]!
      return outcomes

      function refuse(error: ThermoclineError, index: number): void {
        if (!settle) throw error
        outcomes[index] = { ok: false, error }
      }
    })
  }

  /** Returns the entry, or undefined where there is none. Counts as an access. */
  get(id: string, options?: CallOptions): Promise<EntryOf<K> | undefined> {
    return this.#gate.run(CALLS.get, options, (checked) => {
      const entry = this.#flows.reader.getOne(this.#keyOf(id), checked)
      return entry instanceof Promise ? entry.then((found) => this.#ownOne(found)) : this.#ownOne(entry)
    })
  }

  /** Returns results in order; each entry found counts as an access. */
  getMany(ids: readonly string[], options?: CallOptions): Promise<(EntryOf<K> | undefined)[]> {
    return this.#gate.run(CALLS.getMany, options, async (checked) => {
      return this.#own(await this.#flows.reader.get(this.#keysOf(ids), checked))
    })
  }

  /** As {@link get}, by the caller's own name for the entry. */
  getByKey(key: string, options?: CallOptions): Promise<EntryOf<K> | undefined> {
    return this.#gate.run(CALLS.getByKey, options, async (checked) => {
      const [entry] = this.#own(await this.#flows.reader.get([this.#keyOf(this.idOf(key))], checked))
      return entry
    })
  }

  /** As {@link getMany}, by the caller's own names for the entries. */
  getManyByKey(keys: readonly string[], options?: CallOptions): Promise<(EntryOf<K> | undefined)[]> {
    return this.#gate.run(CALLS.getManyByKey, options, async (checked) => {
      // Each is checked where its id is made.
      const named = arrayOf('keys', keys).map((key) => this.#keyOf(this.idOf(key as string)))
      return this.#own(await this.#flows.reader.get(named, checked))
    })
  }

  /**
   * Returns the id that an entry with this key has, whether or not there is one: it is derived from namespace and key.
   */
  idOf(key: string): string {
    return idOfKey(ownNamespace(this.namespace), validateKey(key))
  }

  /** Returns whether there is such an entry, which is not counted and not promoted. */
  has(id: string, options?: CallOptions): Promise<boolean> {
    return this.#gate.run(CALLS.has, options, async (checked) => (await this.#peek(id, checked)) !== undefined)
  }

  /** As {@link has}, in order. */
  hasMany(ids: readonly string[], options?: CallOptions): Promise<boolean[]> {
    return this.#gate.run(CALLS.hasMany, options, async (checked) => {
      const found = await this.#flows.reader.newest(this.#keysOf(ids), checked)
      return found.map((record) => record !== undefined && (this.#kind === undefined || record.kind === this.#kind))
    })
  }

  /** Answers as {@link get}; the entry is not counted and not promoted. */
  peek(id: string, options?: CallOptions): Promise<EntryOf<K> | undefined> {
    return this.#gate.run(CALLS.peek, options, (checked) => this.#peek(id, checked))
  }

  /** Counts an access of each, as a {@link get} does, and reads nothing: an id that names no entry is no error. */
  touch(ids: string | readonly string[], options?: CallOptions): Promise<void> {
    return this.#gate.run(CALLS.touch, options, async ({ signal }) => {
      throwIfAborted(signal)
      this.#flows.reader.touch(this.#keysOf(Array.isArray(ids) ? ids : [ids]))
    })
  }

  /**
   * Lets the entry expire so long from now, or, with null, never; all else stays. Reads extend that only where
   * `sliding` is said. It is an {@link update}, with a version of its own, and takes and rejects with the same.
   */
  expire(id: string, ttl: Duration | null, options?: ExpireOptions): Promise<Receipt> {
    return this.#gate.run(CALLS.expire, options, async ({ sliding = false, ...checked }) => {
      const key = this.#keyOf(id)
      const lifetime = lifetimeOf(ttl) ?? undefined
      const make = (current: EntryRecord | undefined): UnversionedRecord => {
        const now = this.#flows.clock.now()
        const life = lifeOf({ ttl: lifetime, sliding }, now)
        const entry = this.#present(key, current)
        return { ...entry, updatedAt: now, ...life, childVersions: keptChildVersions(entry) }
      }
      const asked = () => [key.id, lifetime, sliding]
      return this.#flows.changes.change(key, make, this.#keyed(checked, 'expire', asked, checked.expectedVersion))
    })
  }

  /**
   * Moves an entry into hot, however seldom it is read; returns what became of it, of an array in order. Not within a
   * minute after a version of it has left hot.
   */
  promote(id: string, options?: CallOptions): Promise<Promotion>
  promote(ids: readonly string[], options?: CallOptions): Promise<Promotion[]>
  promote(ids: string | readonly string[], options?: CallOptions): Promise<Promotion | Promotion[]> {
    return this.#gate.run(CALLS.promote, options, (checked) =>
      oneOrAll(ids, (all) => this.#move(all, checked, (keys) => this.#flows.moves.promote(keys, this.#kind, checked))),
    )
  }

  /**
   * Moves an entry out of hot, once cold has it, unless it is pinned; returns what became of it, of an array in order.
   */
  demote(id: string, options?: CallOptions): Promise<Demotion>
  demote(ids: readonly string[], options?: CallOptions): Promise<Demotion[]>
  demote(ids: string | readonly string[], options?: CallOptions): Promise<Demotion | Demotion[]> {
    return this.#gate.run(CALLS.demote, options, (checked) =>
      oneOrAll(ids, (all) => this.#move(all, checked, (keys) => this.#flows.moves.demote(keys, this.#kind, checked))),
    )
  }

  /**
   * Keeps an entry in hot while it lives, however seldom it is read, and has it enter hot at once; returns what became
   * of it, of an array in order. All of an array are pinned, or none. `ERR_NOT_FOUND` where there is no such entry,
   * `ERR_BACKPRESSURE` where more than half of what hot may hold would be pinned. It makes no version. Needs cold.
   */
  pin(id: string, options?: CallOptions): Promise<Pinning>
  pin(ids: readonly string[], options?: CallOptions): Promise<Pinning[]>
  pin(ids: string | readonly string[], options?: CallOptions): Promise<Pinning | Pinning[]> {
    return this.#gate.run(CALLS.pin, options, (checked) =>
      oneOrAll(ids, (all) => this.#move(all, checked, (keys) => this.#flows.pins.pin(keys, this.#kind, checked))),
    )
  }

  /** Lets an entry leave hot as any other; returns what became of it, of an array in order. Needs cold. */
  unpin(id: string, options?: CallOptions): Promise<Unpinning>
  unpin(ids: readonly string[], options?: CallOptions): Promise<Unpinning[]>
  unpin(ids: string | readonly string[], options?: CallOptions): Promise<Unpinning | Unpinning[]> {
    return this.#gate.run(CALLS.unpin, options, (checked) =>
      oneOrAll(ids, (all) => this.#move(all, checked, (keys) => this.#flows.pins.unpin(keys, this.#kind))),
    )
  }

  /** Moves into hot what matches, as far as hot has room; returns how many entered it. Counts no access. */
  prefetch(where: Where<K>, options?: PrefetchOptions): Promise<number> {
    return this.#gate.run(CALLS.prefetch, options, async (checked) => {
      const { limit = CALL_DEFAULTS.prefetch.limit, orderBy: order } = checked
      const filter = this.#filter({ where: parseWhere(where as Where) })
      const moving = this.#flows.moves.prefetch(this.#scope(checked), filter, { limit, order }, checked)
      return withDeadline(moving, checked)
    })
  }

  /** Deletes the entry with this id, of whatever kind; deleting what is not there is no error. */
  delete(id: string, options?: WriteOptions): Promise<Receipt> {
    return this.#gate.run(CALLS.delete, options, (checked) =>
      this.#flows.writer.write(this.#tombstone(validateId(id), null), checked),
    )
  }

  /** As {@link delete}, receipts in order. */
  deleteMany(ids: readonly string[], options?: WriteOptions): Promise<Receipt[]> {
    return this.#gate.run(CALLS.deleteMany, options, async (checked) => {
      const tombstones = arrayOf('ids', ids).map((id) => this.#tombstone(validateId(id), null))
      return receiptsOf(await this.#flows.writer.writeAll(tombstones, checked))
    })
  }

  /** As {@link delete}, by the caller's own name for the entry. */
  deleteByKey(key: string, options?: WriteOptions): Promise<Receipt> {
    return this.#gate.run(CALLS.deleteByKey, options, (checked) =>
      this.#flows.writer.write(this.#tombstone(this.idOf(key), key), checked),
    )
  }

  /**
   * Deletes what `find` answers when it begins, in batches; what does not match any more at its turn is left. An empty
   * `where` is refused unless `all` is true. Where it fails or is aborted half-way, `details.counts` says how far it
   * came: calling it again goes on.
   */
  deleteWhere(where: Where<K>, options?: DeleteWhereOptions): Promise<DeletedWhere> {
    return this.#gate.run(CALLS.deleteWhere, options, async (checked) => {
      const filter = this.#filter({ where: changeable(where, checked) })
      return this.#flows.whereChanger.delete(this.#scope(checked), filter, checked)
    })
  }

  /**
   * Deletes entries for good, by their ids, of whatever kind, or by what they are: nothing of them is left in the
   * tiers, in the log and among dead letters but namespace, id and version, for a day at least, so that no older copy
   * comes back. The answer says what was removed, and which places may still have something. Where it fails or is
   * aborted half-way, `details.counts` says how far it came: calling it again goes on. Needs cold.
   */
  erase(what: readonly string[] | { readonly where: Where<K> }, options?: EraseOptions): Promise<Erased> {
    return this.#gate.run(CALLS.erase, options, async ({ vacuum = false, ...checked }) => {
      const asked = this.#erasable(what, checked)
      const { erased, others } = await this.#flows.eraser.erase(asked, { ...checked, vacuum: vacuum || undefined })
      return { ...erased, done: (options) => this.#untilErased(others, options) }
    })
  }

  /** As {@link deleteWhere}, for {@link update}: each takes the place of a version that matches. Needs both tiers. */
  updateWhere(where: Where<K>, patch: PatchOf<K>, options?: UpdateWhereOptions): Promise<UpdatedWhere> {
    return this.#gate.run(CALLS.updateWhere, options, async (checked) => {
      const filter = this.#filter({ where: changeable(where, checked) })
      const change = parsePatch(patch, this.#kind)
      const changeOfOne = () => {
        const known = new Map<string, Float32Array>()
        return (current: EntryRecord, patience: Patience) => this.#patched(current, change, known, patience)
      }
      return this.#flows.whereChanger.update(this.#scope(checked), filter, changeOfOne, checked)
    })
  }

  /** Returns a page of entries. */
  async find<S extends SelectField<K> = never>(
    options?: FindOptions<K, S>,
  ): Promise<FindResult<Selected<EntryOf<K>, S>>> {
    return withCursor(await this.#page<S>(CALLS.find, options))
  }

  /**
   * Returns every entry, page by page: one page of `limit` entries is in memory. What is there all the time comes once,
   * whatever is written meanwhile. A `timeout` is for each page.
   */
  async *findAll<S extends SelectField<K> = never>(
    options?: FindOptions<K, S>,
  ): AsyncGenerator<Selected<EntryOf<K>, S>, void, undefined> {
    for (let page = await this.#page<S>(CALLS.findAll, options); ; ) {
      yield* page.items
      if (page.next === undefined) return
      page = await this.#page<S>(CALLS.findAll, { ...options, cursor: page.next() })
    }
  }

  count(options?: CountOptions<K>): Promise<number> {
    return this.#gate.run(CALLS.count, options, (checked) =>
      this.#flows.searcher.count(this.#scope(checked), this.#filter(checked), checked),
    )
  }

  /**
   * Returns the entries nearest to a vector of the same dimensions (`embedding`), those whose `text` or `summary` has
   * the words of a query (`text`), or what is high in either ranking (both). Where the store was opened with `embed`,
   * `by` has it make the vector of `text`. Hits count as accesses.
   */
  search<S extends SelectField<K> = never>(
    options: SearchOptions<K, S>,
  ): Promise<SearchResult<Selected<EntryOf<K>, S>>> {
    return this.#gate.run(CALLS.search, options, async (checked) => {
      const { searcher, vectors } = this.#flows
      const patience = searcher.patience(checked)
      const scope = this.#scope(checked)
      const filter = this.#filter(checked)
      const query = await vectors.asked(checked.query, patience)
      const result = await searcher.search(scope, filter, query, patience)
      return result as SearchResult<unknown> as SearchResult<Selected<EntryOf<K>, S>>
    })
  }

  /**
   * As {@link search}, of up to 100 queries, in order. They see one moment of this process and go to the database
   * together. All are checked first; a query that is refused is told by `details.index`.
   */
  searchMany<S extends SelectField<K> = never>(
    queries: readonly ManySearchOptions<K, S>[],
    options?: CallOptions,
  ): Promise<SearchResult<Selected<EntryOf<K>, S>>[]> {
    return this.#gate.run(CALLS.searchMany, options, async (checked) => {
      const given = checkQueries(queries)
      const patience = this.#flows.searcher.patience(checked)
      const places = given.map((one) => ({ scope: this.#scope(one), filter: this.#filter(one) }))
      const meant = await this.#flows.vectors.askedAll(
        given.map(({ query }) => query),
        patience,
      )
      const asked = places.map((place, i) => ({ ...place, query: meant[i]! }))
      const results = await this.#flows.searcher.searchMany(asked, patience)
      return results as SearchResult<unknown>[] as SearchResult<Selected<EntryOf<K>, S>>[]
    })
  }

  /** Answers in which tiers the entry is, and in which version. It is not counted. */
  explain(id: string, options?: CallOptions): Promise<Explanation> {
    return this.#gate.run(CALLS.explain, options, (checked) => this.#flows.explainer.explain(this.#keyOf(id), checked))
  }

  #page<S extends SelectField<K>>(
    call: typeof CALLS.find,
    options: unknown,
  ): Promise<PageWithNext<Selected<EntryOf<K>, S>>> {
    return this.#gate.run(call, options, async (checked) => {
      const { limit = CALL_DEFAULTS.find.limit, orderBy: order, cursor, select } = checked
      const asked = { limit, order, cursor, select }
      const page = await this.#flows.searcher.page(this.#scope(checked), this.#filter(checked), asked, checked)
      return page as PageWithNext<unknown> as PageWithNext<Selected<EntryOf<K>, S>>
    })
  }

  async #peek(id: string, options: Patience): Promise<EntryOf<K> | undefined> {
    const [entry] = this.#own(await this.#flows.reader.peek([this.#keyOf(id)], options))
    return entry
  }

  /**
   * Puts where it matters what is there. What that forbids is found out once it is known that the same was not done
   * before (rule K9): what came since is no reason to refuse it.
   */
  async #putInPlace(
    call: string,
    input: unknown,
    checked: WriteTerms & Pick<PutOptions, 'expectedVersion' | 'idempotencyKey'>,
    keep: (current: EntryRecord | undefined, record: UnversionedRecord) => UnversionedRecord,
  ): Promise<Receipt> {
    const isKeyed = checked.idempotencyKey !== undefined
    const metadata = isKeyed && this.#check !== undefined ? askedMetadata(input) : undefined
    const checkedOne = checkedInput(input, this.#check)
    const given = isPromise(checkedOne) ? await checkedOne : checkedOne
    const { clock, childVersions, vectors } = this.#flows
    const record = validateInput(given, { ...this.#context(), earliest: isKeyed ? 0 : undefined })
    const isChosen = hasChosenId(given)
    let filled: UnversionedRecord | undefined
    const make = (current: EntryRecord | undefined) =>
      childVersions.add(keep(current, inPlaceOf(current, filled!, clock.now())), isChosen, checked)
    const prepare = async () => {
      filled ??= await vectors.fill({ record, isChosen }, checked)
    }
    const asked = () => askedByPut(record, given, metadata)
    const terms = this.#keyed(checked, call, asked, checked.expectedVersion)
    return this.#flows.changes.change(record, make, { ...terms, prepare })
  }

  /** The record of a put, and what a model and other tiers say of it; at once where nobody is asked. */
  #complete(
    record: UnversionedRecord,
    isChosen: boolean,
    options: Patience,
  ): UnversionedRecord | Promise<UnversionedRecord> {
    const { childVersions, vectors } = this.#flows
    const filled = vectors.fill({ record, isChosen }, options)
    return isPromise(filled)
      ? filled.then((one) => childVersions.add(one, isChosen, options))
      : childVersions.add(filled, isChosen, options)
  }

  /** A record that was waited for: what came meanwhile may forbid it. MUST be in one step with its write. */
  #still(record: UnversionedRecord, isChosen: boolean): UnversionedRecord {
    if (isChosen) refuseOtherKind(record, this.#flows.reader.kindAtHand(record))
    refuseExpired(record.expiresAt, this.#flows.clock.now())
    return record
  }

  /** As {@link #still}, of many. */
  #stillAll(accepted: readonly Accepted[], chosen: ReadonlySet<number>, refuse: Refuse): readonly Accepted[] {
    return accepted.filter(({ record, index }) => {
      try {
        return this.#still(record, chosen.has(index))
      } catch (error) {
        if (!(error instanceof ThermoclineError)) throw error
        refuse(ofInput(error, index), index)
        return false
      }
    })
  }

  /**
   * What an update makes of an entry. A node remembers its children anew where it is about them or their summary.
   * @param known vectors that earlier attempts were answered, by text.
   */
  #patched(
    current: EntryRecord,
    change: CheckedPatch,
    known: Map<string, Float32Array>,
    options: Patience,
  ): UnversionedRecord | Promise<UnversionedRecord> {
    const { childVersions, clock, vectors } = this.#flows
    const made = checkedPatched(current, change, clock.now(), this.#check)
    const asked = { isGiven: givesVector(change), known, patience: options }
    const fill = (record: UnversionedRecord) => vectors.fillChanged(current, record, asked)
    if (!isAboutChildren(change)) return isPromise(made) ? made.then(fill) : fill(made)
    const add = async (record: UnversionedRecord) => fill(await childVersions.add(record, true, options))
    return isPromise(made) ? made.then(add) : add(made)
  }

  /** The terms of a write, and what its idempotency key stands for, if it has one. */
  #keyed<T extends { readonly idempotencyKey?: string | undefined }>(
    checked: T,
    call: string,
    asked: () => unknown,
    expectedVersion?: string | null,
  ): T & ChangesTerms {
    const { idempotencyKey: key } = checked
    if (key === undefined) return checked
    const digest = digestOf(call, this.#kind, asked(), expectedVersion)
    return { ...checked, idempotency: { namespace: ownNamespace(this.namespace), key, digest } }
  }

  #validate(input: unknown): UnversionedRecord {
    const record = validateInput(input, this.#context())
    if (hasChosenId(input)) refuseOtherKind(record, this.#flows.reader.kindAtHand(record))
    return record
  }

  #context(): InputContext {
    return { namespace: ownNamespace(this.namespace), kind: this.#kind, now: this.#flows.clock.now() }
  }

  /** Of many puts. A node that leads back to itself is refused, and with it gone others may be right. */
  async #withChildVersions(
    accepted: readonly Accepted[],
    chosen: ReadonlySet<number>,
    refuse: Refuse,
    options: Patience,
  ): Promise<readonly Accepted[]> {
    if (!accepted.some(({ record }) => record.kind === 'raptor')) return accepted
    for (let rest = accepted; ; ) {
      const puts = rest.map(({ record, index }) => ({ record, isChosen: chosen.has(index) }))
      const records = rest.map(({ record }) => record)
      try {
        const completed = await this.#flows.childVersions.addAll(puts, records, options)
        return rest.map(({ index }, i) => ({ index, record: completed[i]! }))
      } catch (error) {
        if (!isThermoclineError(error, 'ERR_INVALID_ENTRY')) throw error
        const nth = error.details.index!
        const { index } = rest[nth]!
        refuse(ofInput(error, index), index)
        rest = rest.filter((_, i) => i !== nth)
      }
    }
  }

  /** What got no vector is refused. */
  async #withVectors(
    accepted: readonly Accepted[],
    chosen: ReadonlySet<number>,
    { refuse, settle }: { readonly refuse: Refuse; readonly settle: boolean },
    options: Patience,
  ): Promise<readonly Accepted[]> {
    const { vectors } = this.#flows
    const puts = accepted.map(({ record, index }) => ({ record, isChosen: chosen.has(index) }))
    if (!vectors.concerns(puts)) return accepted
    const filled = await vectors.fillEach(puts, options, !settle)
    return accepted.flatMap(({ index }, i) => {
      const record = filled[i]!
      if (!(record instanceof ThermoclineError)) return { index, record }
      refuse(ofInput(record, index), index)
      return []
    })
  }

  /** Validates the inputs of one call with many, and that no two of them are one entry in two kinds. */
  #validator(): (input: unknown, index: number) => UnversionedRecord {
    const kinds = new Map<string, EntryKind | null>()
    return (input, index) => {
      try {
        if (input instanceof ThermoclineError) throw input
        const record = this.#validate(input)
        if (this.#kind === undefined && hasChosenId(input)) {
          refuseOtherKind(record, kinds.get(record.id) ?? undefined)
          kinds.set(record.id, record.kind)
        }
        return record
      } catch (error) {
        if (!(error instanceof ThermoclineError)) throw error
        throw ofInput(error, index)
      }
    }
  }

  #tombstone(id: string, key: string | null): UnversionedRecord {
    return tombstoneOf({ namespace: ownNamespace(this.namespace), id, key }, '', this.#flows.clock.now())
  }

  #keyOf(id: unknown): EntryKey {
    return { namespace: ownNamespace(this.namespace), id: validateId(id) }
  }

  #keysOf(ids: unknown): EntryKey[] {
    return arrayOf('ids', ids).map((id) => this.#keyOf(id))
  }

  /** The entry that a change is to find, of the kind of this repository. */
  #present(key: EntryKey, current: EntryRecord | undefined): EntryRecord {
    if (current === undefined || (this.#kind !== undefined && current.kind !== this.#kind)) throw notFound(key)
    return current
  }

  /** Each entry once; answers in the order of the ids. */
  async #move<T>(ids: readonly string[], options: Patience, move: (keys: EntryKey[]) => Promise<T[]>): Promise<T[]> {
    throwIfAborted(options.signal)
    const keys = this.#keysOf(ids)
    const first = new Map(keys.map((key) => [key.id, key]))
    const places = new Map([...first.keys()].map((id, i) => [id, i]))
    const moved = await withDeadline(move([...first.values()]), options)
    return keys.map(({ id }) => moved[places.get(id)!]!)
  }

  /** A repository of one kind does not see entries of others. */
  #own(entries: readonly (MemoryEntry | undefined)[]): (EntryOf<K> | undefined)[] {
    return entries.map((entry) => this.#ownOne(entry))
  }

  #ownOne(entry: MemoryEntry | undefined): EntryOf<K> | undefined {
    return this.#kind === undefined || entry?.kind === this.#kind ? (entry as EntryOf<K>) : undefined
  }

  /** Each step is a call of its own: whoever closes the store does not wait for other processes. */
  async #untilErased(others: Erasure['others'], options?: EraseDoneOptions): Promise<readonly Remnant[]> {
    const { within = CALL_DEFAULTS.eraseDone.within, signal } = CALLS.eraseDone(options)
    const advance = () => this.#gate.run(CALLS.eraseDone, undefined, others.advance)
    const look = () => this.#gate.run(CALLS.eraseDone, undefined, others.look)
    return untilDone({ advance, look }, { within, signal })
  }

  /** What is to be erased, each once. */
  #erasable(what: unknown, options: { readonly all?: boolean; readonly recursive?: boolean }): Asked {
    if (isPlainObject(what) && Object.keys(what).every((name) => name === 'where'))
      return { scope: this.#scope(options), filter: this.#filter({ where: changeable(what.where, options) }) }
    if (!Array.isArray(what)) throw notErasable('`erase` takes an array of ids, or `{ where }`', 'ids')
    if (options.recursive) throw notErasable('ids are of one namespace: leave `recursive` out', 'recursive')
    return { keys: [...new Map(this.#keysOf(what).map((key) => [key.id, key])).values()] }
  }

  #scope({ recursive }: { readonly recursive?: boolean }): Scope {
    return scopeOf(this.namespace, recursive)
  }

  #filter({ where = [] }: { readonly where?: Filter }): Filter {
    return this.#kind === undefined ? where : [{ field: 'kind', operator: 'eq', value: this.#kind }, ...where]
  }
}

/** Several waits in a row last as long as one. */
function termsRunningOut(terms: WriteTerms): WriteTerms {
  return Object.assign(runningOut(terms), { durability: terms.durability })
}

/** Hears of an input that is refused, and throws where that ends the call. */
type Refuse = (error: ThermoclineError, index: number) => void

function ofInput(error: ThermoclineError, index: number): ThermoclineError {
  return retold(error, { ...error.details, index }, `input ${index}: ${error.message}`)
}

function notErasable(message: string, field: string): ThermoclineError<'ERR_INVALID_QUERY'> {
  return new ThermoclineError('ERR_INVALID_QUERY', message, { field })
}

/** Unlike `map`, the copy has no holes; what they held is refused as undefined. */
export function arrayOf(field: string, values: unknown): unknown[] {
  if (Array.isArray(values)) return Array.from(values)
  throw new ThermoclineError('ERR_INVALID_ENTRY', `\`${field}\` must be an array`, { field })
}

/** What is said of one where one was given. */
async function oneOrAll<I, T>(given: I | readonly I[], work: (all: readonly I[]) => Promise<T[]>): Promise<T | T[]> {
  if (Array.isArray(given)) return work(given)
  const [only] = await work([given as I])
  return only!
}
