/**
 * Checks what `write` takes: puts, updates and deletes that happen all or not at all. How they do is decided in
 * flow/compare-and-set.ts.
 */

import type { EntryKey } from '../entry/entry-key.ts'
import { askedByPatch, askedByPut, digestOf } from '../entry/idempotency-digest.ts'
import { ATOMIC_LIMITS } from '../entry/limits.ts'
import type { EntryInput } from '../entry/memory-entry.ts'
import { givesVector, isAboutChildren, type Patch, parsePatch, patched } from '../entry/patch.ts'
import { tombstoneOf } from '../entry/record.ts'
import { isPromise } from '../entry/standard-schema.ts'
import { type UnversionedRecord, validateId, validateInput } from '../entry/validate.ts'
import { isVersion } from '../entry/version.ts'
import { isThermoclineError, notFound, retold, ThermoclineError } from '../errors.ts'
import type { Together } from '../flow/child-versions.ts'
import type { Change } from '../flow/compare-and-set.ts'
import type { Receipt, WriteTerms } from '../flow/writer.ts'
import { runningOut } from '../kernel/deadline.ts'
import { isPlainObject } from '../kernel/plain-object.ts'
import type { AtomicOptions } from './calls.ts'
import type { Flows } from './flows.ts'
import { hasChosenId, inPlaceOf } from './kind-conflict.ts'
import { arrayOf } from './memory-repository.ts'

export interface PutOperation {
  /** The whole entry, with its `kind`. */
  readonly put: EntryInput
  /** The version that it must replace, or null: there must be no such entry. @default whatever is there */
  readonly expectedVersion?: string | null | undefined
}

export interface UpdateOperation {
  /** Id of the entry, which must be there. */
  readonly update: string
  /** What is changed; null removes a field. */
  readonly patch: Patch<EntryInput>
  /** The version that it must replace. @default whatever is there */
  readonly expectedVersion?: string | undefined
}

export interface DeleteOperation {
  /** Id of the entry; there need be none. */
  readonly delete: string
  /** The version that must be there. @default whatever is there */
  readonly expectedVersion?: string | undefined
}

export type Operation = PutOperation | UpdateOperation | DeleteOperation

const VERBS = ['put', 'update', 'delete'] as const

/** @internal Checks everything first. */
export async function writeTogether(
  flows: Flows,
  namespace: string,
  operations: unknown,
  { idempotencyKey, ...terms }: WriteTerms & Pick<AtomicOptions, 'idempotencyKey'>,
): Promise<Receipt[]> {
  const given = arrayOf('operations', operations)
  if (given.length > ATOMIC_LIMITS.operations)
    throw invalid(`at most ${ATOMIC_LIMITS.operations} are written all or none: leave some to another call`)
  const patience: WriteTerms = Object.assign(runningOut(terms), { durability: terms.durability })
  const isKeyed = idempotencyKey !== undefined
  const earliest = isKeyed ? 0 : undefined
  const call: Call = { flows, namespace, terms: patience, earliest, keys: [], nodes: new Map() }
  const indexes = new Map<string, number>()
  const told: unknown[] = []
  const changes = given.map((operation, index) => {
    try {
      const change = changeOf(call, operation)
      const same = indexes.get(change.key.id)
      if (same !== undefined) throw invalid(`is about the same entry as operation ${same}: make one of both`)
      indexes.set(change.key.id, index)
      call.keys.push(change.key)
      if (isKeyed) told.push(change.asked(), change.expectedVersion)
      return change
    } catch (error) {
      if (!(error instanceof ThermoclineError)) throw error
      throw ofOperation(error, index)
    }
  })
  if (changes.length === 0) return []
  const idempotency = isKeyed ? { namespace, key: idempotencyKey, digest: digestOf('write', ...told) } : undefined
  const { all, prepare } = prepared(call, changes)
  return (await flows.changes.changeAll(all, Object.assign(patience, { idempotency, prepare }))) as Receipt[]
}

/** One call, and what is known of it by now. */
interface Call extends Together {
  readonly flows: Flows
  readonly namespace: string
  readonly terms: WriteTerms
  /** What expires up to then is refused at once; a keyed call may have been done before. @default now */
  readonly earliest: number | undefined
  readonly keys: EntryKey[]
  /** Those that are put, and those whose children are updated once they are made. */
  readonly nodes: Map<string, UnversionedRecord>
}

/** A change, and of one that puts an entry its record. */
interface Checked extends Change {
  readonly put?: { readonly record: UnversionedRecord; readonly isChosen: boolean }
  /** What an idempotency key stands for. */
  readonly asked: () => unknown
}

/** Nodes remember their children as they are before any of this is written; what lacks a vector gets one before. */
function prepared(
  { flows, keys, terms, ...call }: Call,
  changes: readonly Checked[],
): { readonly all: Change[]; readonly prepare: () => Promise<void> } {
  const puts = changes.flatMap(({ put }) => put ?? [])
  for (const { record } of puts) if (record.kind === 'raptor') call.nodes.set(record.id, record)
  let vectors: readonly UnversionedRecord[] | undefined
  const completed = new Map<Checked['put'], UnversionedRecord>()
  const placeOf = (nth: number) => changes.findIndex(({ put }) => put === puts[nth])
  const prepare = async () => {
    vectors ??= (await flows.vectors.fillEach(puts, terms, true)).map((filled, i) => {
      if (!(filled instanceof ThermoclineError)) return filled
      throw ofOperation(filled, placeOf(i))
    })
    const filled = puts.map((put, i) => ({ ...put, record: vectors![i]! }))
    const added = await flows.childVersions.addAll(filled, keys, terms).catch((error: unknown) => {
      if (!isThermoclineError(error, 'ERR_INVALID_ENTRY')) throw error
      throw ofOperation(error, placeOf(error.details.index!))
    })
    for (const [i, put] of puts.entries()) completed.set(put, added[i]!)
  }
  const all = changes.map((change): Change => {
    const { put } = change
    return put === undefined
      ? change
      : { ...change, make: (current) => inPlaceOf(current, completed.get(put)!, flows.clock.now()) }
  })
  return { all, prepare }
}

function changeOf(call: Call, operation: unknown): Checked {
  const { flows, namespace } = call
  if (!isPlainObject(operation)) throw invalid('must be an object: `{ put }`, `{ update, patch }` or `{ delete }`')
  const { expectedVersion, patch, ...rest } = operation
  const [verb, ...others] = Object.keys(rest)
  if (others.length > 0 || !VERBS.some((known) => known === verb))
    throw invalid('must have one of `put`, `update` and `delete`, and else only `patch` and `expectedVersion`')
  if (patch !== undefined && verb !== 'update') throw invalid('has a `patch`, which only `update` takes')
  const expected = versionOf(expectedVersion, verb === 'put')
  if (verb === 'put') return putOf(call, rest.put, expected)
  const key = { namespace, id: validateId(rest[verb!]) }
  const now = () => flows.clock.now()
  if (verb === 'delete') {
    const tombstone = (named: string | null) => tombstoneOf({ ...key, key: named }, '', now())
    const asked = () => [verb, key.id]
    return { key, expectedVersion: expected, make: (current) => tombstone(current?.key ?? null), asked }
  }
  const change = parsePatch(patch, undefined)
  const asked = { isGiven: givesVector(change), known: new Map<string, Float32Array>(), patience: call.terms }
  const make: Change['make'] = (current) => {
    if (current === undefined) throw notFound(key)
    const fill = (record: UnversionedRecord) => flows.vectors.fillChanged(current, record, asked)
    const record = patched(current, change, now())
    if (record.kind !== 'raptor' || !isAboutChildren(change)) return fill(record)
    call.nodes.set(record.id, record)
    const added = flows.childVersions.add(record, true, call.terms, call)
    return isPromise(added) ? added.then(fill) : fill(added)
  }
  return { key, expectedVersion: expected, make, asked: () => [verb, key.id, askedByPatch(change)] }
}

function ofOperation(error: ThermoclineError, index: number): ThermoclineError {
  return retold(error, { ...error.details, index }, `operation ${index}: ${error.message}`)
}

function putOf(
  { flows: { clock }, namespace, earliest }: Call,
  input: unknown,
  expectedVersion: string | null | undefined,
): Checked {
  const record = validateInput(input, { namespace, now: clock.now(), earliest })
  // Until it is known what it is made of.
  const make: Change['make'] = (current) => inPlaceOf(current, record, clock.now())
  const asked = () => ['put', askedByPut(record, input)]
  return { key: record, expectedVersion, make, asked, put: { record, isChosen: hasChosenId(input) } }
}

/** @param orNull whether null is a version too: there must be no such entry. */
function versionOf(given: unknown, orNull: boolean): string | null | undefined {
  if (given === undefined || (given === null && orNull)) return given
  if (typeof given === 'string' && isVersion(given)) return given
  const message = '`expectedVersion` must be a version, as receipts and entries have it: 24 hex digits in lower case'
  throw new ThermoclineError('ERR_INVALID_ENTRY', message, { field: 'expectedVersion' })
}

function invalid(message: string): ThermoclineError<'ERR_INVALID_ENTRY'> {
  return new ThermoclineError('ERR_INVALID_ENTRY', message, { field: 'operations' })
}
