/**
 * Writes vectors that were made apart from their entries: by compare-and-set, each to the text that it was made of or
 * nowhere (rule K10 of flow/README.md), many at once. What fails together is tried by halves, a bounded number of
 * times, so that one entry that cannot be written, as one whose newest version the database refuses, keeps no other
 * from it.
 */
import type { EntryKey } from '../entry/entry-key.ts'
import { ATOMIC_LIMITS } from '../entry/limits.ts'
import { type EntryRecord, keptChildVersions } from '../entry/record.ts'
import { isThermoclineError, type ThermoclineError, unforeseen } from '../errors.ts'
import type { Patience } from '../kernel/deadline.ts'
import type { Change, CompareAndSet } from './compare-and-set.ts'
import type { Receipt } from './writer.ts'

export interface MadeVector extends EntryKey {
  /** What it was made of. */
  readonly text: string
  readonly embedding: Float32Array
}

export interface VectorTerms {
  readonly changes: Pick<CompareAndSet, 'changeAll'>
  /** Of the vectors. */
  readonly model: string
  /** Whether an entry as it is by now is to have one, if its text is still the same. */
  readonly wants: (current: EntryRecord) => boolean
  readonly patience: Patience
}

export interface VectorWrites<M extends MadeVector> {
  /** Of those that were written; the others of `done` were left, for they are not what they were. */
  readonly receipts: Receipt[]
  readonly done: M[]
  /** What cannot be written by itself. */
  readonly failed: { readonly made: M; readonly error: ThermoclineError }[]
  /** Why not all were done. */
  error: ThermoclineError | undefined
}

/** Rejects where patience ends alone. */
export async function writeVectors<M extends MadeVector>(
  made: readonly M[],
  terms: VectorTerms,
): Promise<VectorWrites<M>> {
  const writes: VectorWrites<M> = { receipts: [], done: [], failed: [], error: undefined }
  for (const group of groupsOf(made)) {
    const budget = { left: 2 * Math.ceil(Math.log2(group.length)) + 4 }
    await writeGroup(group, terms, writes, budget)
  }
  return writes
}

async function writeGroup<M extends MadeVector>(
  group: readonly M[],
  terms: VectorTerms,
  writes: VectorWrites<M>,
  budget: { left: number },
): Promise<void> {
  const { changes, patience } = terms
  try {
    const receipts = await changes.changeAll(
      group.map((one) => changeOf(one, terms)),
      patience,
    )
    writes.receipts.push(...receipts.filter((receipt) => receipt !== undefined))
    writes.done.push(...group)
  } catch (thrown) {
    const error = unforeseen(thrown)
    if (patience.signal?.aborted || isThermoclineError(error, 'ERR_TIMEOUT')) throw error
    writes.error ??= error
    if (group.length === 1) writes.failed.push({ made: group[0]!, error })
    if (group.length === 1 || budget.left < 2) return
    budget.left -= 2
    const half = group.length >>> 1
    await writeGroup(group.slice(0, half), terms, writes, budget)
    await writeGroup(group.slice(half), terms, writes, budget)
  }
}

function changeOf({ namespace, id, text, embedding }: MadeVector, { model, wants }: VectorTerms): Change {
  const make = (current: EntryRecord | undefined) => {
    if (current === undefined || current.text !== text || !wants(current)) return undefined
    return { ...current, embedding, embeddingModel: model, childVersions: keptChildVersions(current) }
  }
  return { key: { namespace, id }, make }
}

/** What fits into one write that is all or none, with room for metadata; halved where that is not enough. */
function* groupsOf<M extends MadeVector>(made: readonly M[]): Generator<readonly M[]> {
  let group: M[] = []
  let bytes = 0
  for (const one of made) {
    const size = 3 * one.text.length + one.embedding.byteLength
    if (group.length > 0 && (bytes + size > ATOMIC_LIMITS.bytes / 2 || group.length === ATOMIC_LIMITS.operations)) {
      yield group
      group = []
      bytes = 0
    }
    group.push(one)
    bytes += size
  }
  if (group.length > 0) yield group
}
