/**
 * Writes the entries of an archive (archive-format.ts) into a store, in two passes: the first verifies every line and
 * every entry before anything is written; the second writes, a few entries at a time, as any put does. Each entry is
 * read in all tiers once there is room for it, and right before it gets its version (rule T5 of flow/README.md). One
 * that is there with the same content is left as it is, so an import that was interrupted continues where it is called
 * again; with other content, `onConflict` decides.
 */
import type { ColdTier } from '../cold/cold-tier.ts'
import { type Archived, type ArchivedContext, readArchived } from '../entry/archived-entry.ts'
import { encodeRecord } from '../entry/codec.ts'
import type { EntryKey } from '../entry/entry-key.ts'
import { ROOT } from '../entry/namespace.ts'
import { contentSize, type EntryRecord } from '../entry/record.ts'
import type { UnversionedRecord } from '../entry/validate.ts'
import { ZERO_VERSION } from '../entry/version.ts'
import {
  type Imported,
  isThermoclineError,
  retold,
  ThermoclineError,
  unforeseen,
  type WriteFailure,
} from '../errors.ts'
import type { Clock } from '../kernel/clock.ts'
import { type Patience, stoppable } from '../kernel/deadline.ts'
import { slices } from '../kernel/slices.ts'
import { isWithin } from '../query/scope.ts'
import type { ArchiveHeader, ArchiveLine } from './archive-format.ts'
import { ArchiveFile, type ArchiveSource } from './archive-source.ts'
import { failureAmong, isDurable } from './failed-writes.ts'
import type { Reader } from './reader.ts'
import type { Durability, Writer } from './writer.ts'

/** What becomes of an entry that is there with other content. */
export type OnConflict = 'skip' | 'newer' | 'overwrite' | 'fail'

export interface ImporterParts {
  readonly reader: Pick<Reader, 'newest'>
  readonly writer: Pick<Writer, 'writeAfterLook'>
  readonly cold: Pick<ColdTier, 'raiseAccess'>
  /** Ships what was acknowledged so far. */
  readonly shipper: { checkpointNow(): Promise<unknown> }
  readonly clock: Clock
}

export interface ImportProgress {
  /** All is verified before anything is written. */
  readonly step: 'verify' | 'write'
  readonly entries: number
  /** How many the archive has. */
  readonly total: number
}

export interface ImportTerms extends Patience {
  readonly from: ArchiveSource
  readonly onConflict: OnConflict
  readonly dryRun?: boolean | undefined
  readonly durability?: Durability | undefined
  readonly onProgress?: ((progress: ImportProgress) => void) | undefined
}

type Counts = { -readonly [N in keyof Imported]: Imported[N] }
type Verdict = 'written' | 'unchanged' | 'skipped'
type Reads = Parameters<ColdTier['raiseAccess']>[0][number]

interface Incoming extends Archived {
  readonly line: number
}

/** What the first pass has found out. */
interface Verified {
  readonly header: ArchiveHeader
  /** Ids that change, where keys are in another namespace from now on. */
  readonly movedIds: ReadonlyMap<string, string>
}

/** Entries that are looked at and written together: as many, and about as many bytes. */
const BATCH_ROWS = 500
const BATCH_BYTES = 4 * 1024 * 1024
/** Written, before it is shipped: less than writers are made to wait for. */
const SHIP_BYTES = 16 * 1024 * 1024
/** Bytes of an entry besides its content, about. */
const ENTRY_BYTES = 1_024

export class Importer {
  readonly #parts: ImporterParts

  constructor(parts: ImporterParts) {
    this.#parts = parts
  }

  /** @param namespace that takes the place of the one that was exported; {@link ROOT}: each entry goes where it was. */
  async import(namespace: string, terms: ImportTerms): Promise<Imported> {
    const counts: Counts = { entries: 0, written: 0, unchanged: 0, skipped: 0, expired: 0 }
    const work = async (signal: AbortSignal) => {
      const file = await ArchiveFile.of(terms.from, signal)
      try {
        const verified = await this.#verify(file, namespace, terms, signal)
        await this.#write(file, namespace, verified, terms, counts, signal)
      } finally {
        await file.close()
      }
    }
    try {
      await stoppable(terms, work)
      return counts
    } catch (error) {
      throw terms.dryRun ? error : withProgress(unforeseen(error), counts)
    }
  }

  async #verify(file: ArchiveFile, namespace: string, terms: ImportTerms, signal: AbortSignal): Promise<Verified> {
    let header: ArchiveHeader | undefined
    const movedIds = new Map<string, string>()
    const movingTo = namespace === ROOT ? undefined : namespace
    for await (const batch of this.#batches(file, namespace, undefined, signal)) {
      header = batch.header
      for (const { original, record } of batch.incoming)
        if (movingTo !== header.namespace && record.key !== null && record.id !== original)
          movedIds.set(original, record.id)
      if (terms.onConflict === 'fail') await this.#refuseOthers(batch.incoming, signal)
      terms.onProgress?.({ step: 'verify', entries: batch.read, total: header.entries })
    }
    return { header: header!, movedIds }
  }

  async #write(
    file: ArchiveFile,
    namespace: string,
    { movedIds }: Verified,
    terms: ImportTerms,
    counts: Counts,
    signal: AbortSignal,
  ): Promise<void> {
    let unshipped = 0
    let reads: Reads[] = []
    for await (const { header, incoming, ...batch } of this.#batches(file, namespace, movedIds, signal)) {
      const verdicts = await this.#writeBatch(incoming, terms, counts, signal)
      counts.entries = batch.read
      counts.expired += batch.expired
      reads.push(...incoming.flatMap((each, i) => (verdicts[i] === 'skipped' ? [] : readsOf(each))))
      unshipped += sizeOf(incoming)
      terms.onProgress?.({ step: 'write', entries: batch.read, total: header.entries })
      if (unshipped < SHIP_BYTES) continue
      if (terms.dryRun !== true) await this.#ship(reads)
      reads = []
      unshipped = 0
    }
    if (terms.dryRun !== true) await this.#ship(reads)
  }

  /**
   * Counted reads are kept beside entries that cold has. Those of what was there already are raised as well: whoever
   * wrote it may have been interrupted before this.
   */
  async #ship(reads: readonly Reads[]): Promise<void> {
    await this.#parts.shipper.checkpointNow()
    for (const some of slices(reads, BATCH_ROWS)) await this.#parts.cold.raiseAccess(some)
  }

  /** Returns what became of each. */
  async #writeBatch(
    incoming: readonly Incoming[],
    { onConflict, dryRun, durability }: ImportTerms,
    counts: Counts,
    signal: AbortSignal,
  ): Promise<readonly Verdict[]> {
    let verdicts: readonly Verdict[] = []
    const look = async (patience: Patience): Promise<UnversionedRecord[]> => {
      const newest = await this.#parts.reader.newest(keysOf(incoming), patience)
      verdicts = incoming.map((each, i) => verdictOn(each, newest[i], onConflict))
      return incoming.flatMap(({ record }, i) => (verdicts[i] === 'written' ? [record] : []))
    }
    if (incoming.length === 0) return verdicts
    const bytes = sizeOf(incoming)
    const outcomes = dryRun ? undefined : await this.#parts.writer.writeAfterLook(look, bytes, { signal, durability })
    if (outcomes === undefined) counts.written += (await look({ signal })).length
    else counts.written += outcomes.filter(isDurable).length
    for (const verdict of verdicts) if (verdict !== 'written') counts[verdict]++
    const failure = failureAmong(outcomes ?? [])
    if (failure !== undefined) throw failure
    return verdicts
  }

  /** Before anything is written; what comes meanwhile is refused at its turn. */
  async #refuseOthers(incoming: readonly Incoming[], signal: AbortSignal): Promise<void> {
    const newest = await this.#parts.reader.newest(keysOf(incoming), { signal })
    for (const [i, each] of incoming.entries()) verdictOn(each, newest[i], 'fail')
  }

  async *#batches(
    file: ArchiveFile,
    namespace: string,
    movedIds: ReadonlyMap<string, string> | undefined,
    signal: AbortSignal,
  ) {
    let header: ArchiveHeader | undefined
    let incoming: (Incoming & { readonly original: string })[] = []
    let [read, expired, bytes] = [0, 0, 0]
    for await (const each of file.lines()) {
      signal.throwIfAborted()
      if (each.kind === 'header') header = each.value as ArchiveHeader
      if (each.kind !== 'entry') continue
      read++
      const archived = this.#read(each, header!, namespace, movedIds)
      if (archived === undefined) expired++
      else {
        incoming.push({ ...archived, line: each.line, original: (each.value as EntryKey).id })
        bytes += sizeOf([archived])
      }
      if (incoming.length < BATCH_ROWS && bytes < BATCH_BYTES) continue
      yield { header: header!, incoming, read, expired }
      incoming = []
      expired = 0
      bytes = 0
    }
    yield { header: header!, incoming, read, expired }
  }

  #read(
    { line, value }: ArchiveLine,
    header: ArchiveHeader,
    namespace: string,
    movedIds: ReadonlyMap<string, string> | undefined,
  ): Archived | undefined {
    const context: ArchivedContext = {
      moved: (from) => movedNamespace(from, header.namespace, namespace),
      movedId: (id) => movedIds?.get(id) ?? id,
      now: this.#parts.clock.now(),
    }
    try {
      return readArchived(value, context)
    } catch (error) {
      if (!isThermoclineError(error, 'ERR_INVALID_ENTRY')) throw error
      throw retold(error, { ...error.details, line }, `line ${line} of the archive: ${error.message}`)
    }
  }
}

/** What fails once some of it is written says how far it came. */
function withProgress(error: ThermoclineError, counts: Imported): ThermoclineError {
  // Only of a checkpoint, that is of what was written before.
  const isOfOthers = counts.written === 0 && (error.details as WriteFailure).outcome === 'applied'
  if (isOfOthers) return retold(error, { ...error.details, outcome: 'none' })
  if (counts.written === 0) return error
  const message = `${error.message}; ${counts.written} entries were written before that: import again to go on`
  const details: WriteFailure = { ...error.details, outcome: 'partial', imported: { ...counts } }
  return retold(error, details, message)
}

/** Throws `ERR_CONFLICT` where it says so. */
function verdictOn({ record, line }: Incoming, there: EntryRecord | undefined, onConflict: OnConflict): Verdict {
  if (there === undefined) return 'written'
  if (isSame(record, there)) return 'unchanged'
  if (onConflict === 'overwrite') return 'written'
  if (onConflict === 'newer') return record.updatedAt > there.updatedAt ? 'written' : 'skipped'
  if (onConflict === 'skip') return 'skipped'
  const message = `line ${line} of the archive: its entry is there with other content: say by \`onConflict\` what to do`
  throw new ThermoclineError('ERR_CONFLICT', message, { id: record.id, actual: there.version, line, outcome: 'none' })
}

/** Whether they differ in nothing but versions. */
function isSame(record: UnversionedRecord, there: EntryRecord): boolean {
  return Buffer.compare(contentOf(record), contentOf(there)) === 0
}

/** Cold writes JSON with other spaces and numbers than it was given. */
function contentOf(record: UnversionedRecord): Uint8Array {
  const metadata = record.metadata === null ? null : JSON.stringify(JSON.parse(record.metadata))
  return encodeRecord({ ...record, metadata, version: ZERO_VERSION, childVersions: null })
}

/** Where what was exported of `scope` goes in another. */
function movedNamespace(namespace: string, scope: string, into: string): string {
  if (into === ROOT || into === scope) return namespace
  if (!isWithin(namespace, scope, true))
    throw new ThermoclineError('ERR_INVALID_ENTRY', '`namespace` is none of what was exported', { field: 'namespace' })
  return scope === ROOT ? `${into}/${namespace}` : into + namespace.slice(scope.length)
}

function keysOf(incoming: readonly Incoming[]): EntryKey[] {
  return incoming.map(({ record }) => record)
}

function sizeOf(incoming: readonly Archived[]): number {
  return incoming.reduce((sum, { record }) => sum + ENTRY_BYTES + contentSize(record), 0)
}

function readsOf({ record: { namespace, id }, access }: Incoming): Reads[] {
  if (access === undefined || access.accessCount === 0) return []
  return [{ namespace, id, lastAccessedAt: access.lastAccessedAt, accesses: access.accessCount }]
}
