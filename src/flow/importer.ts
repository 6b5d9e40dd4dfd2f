/**
 * Writes what an archive (archive-format.ts) holds into a store, in two passes over it: the first verifies every line,
 * and what the entries hold, before anything is written; the second writes, a few entries together, by the way of any
 * put. Each is looked at in all tiers once there is room for it and right before it gets its version, as what is
 * deleted by a query is (rule T5 of README.md): what is there already, with the same content, is left as it is. So an
 * import that was interrupted goes on where it is called again.
 */
import type { ColdTier } from '../cold/cold-tier.ts'
import { type Archived, type ArchivedContext, readArchived } from '../entry/archived-entry.ts'
import { encodeRecord } from '../entry/codec.ts'
import type { EntryKey } from '../entry/entry-key.ts'
import { ROOT } from '../entry/namespace.ts'
import { contentSize, type EntryRecord } from '../entry/record.ts'
import type { UnversionedRecord } from '../entry/validate.ts'
import { ZERO_VERSION } from '../entry/version.ts'
import { isThermoclineError, retold, ThermoclineError } from '../errors.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Patience } from '../kernel/deadline.ts'
import { isWithin } from '../query/scope.ts'
import type { ArchiveHeader, ArchiveLine } from './archive-format.ts'
import { ArchiveFile, type ArchiveSource } from './archive-source.ts'
import { stoppable } from './exporter.ts'
import type { Reader } from './reader.ts'
import type { Durability, WriteOutcome, Writer } from './writer.ts'

/** What becomes of an entry that is there with other content. */
export type OnConflict = 'skip' | 'newer' | 'overwrite' | 'fail'

export interface ImporterParts {
  readonly reader: Pick<Reader, 'newest'>
  readonly writer: Pick<Writer, 'writeLooked'>
  readonly cold: Pick<ColdTier, 'recordAccess'>
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

/** How many entries of the archive, and what became of them. */
export interface Imported {
  readonly entries: number
  /** In a dry run: would have been. */
  readonly written: number
  /** Were there already, with the same content. */
  readonly unchanged: number
  /** Were there with other content, and were left. */
  readonly skipped: number
  /** Had expired. */
  readonly expired: number
}

type Counts = { -readonly [N in keyof Imported]: Imported[N] }

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
  import(namespace: string, terms: ImportTerms): Promise<Imported> {
    return stoppable(terms, async (signal) => {
      const file = await ArchiveFile.of(terms.from, signal)
      try {
        const verified = await this.#verify(file, namespace, terms, signal)
        return await this.#write(file, namespace, verified, terms, signal)
      } finally {
        await file.close()
      }
    })
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
    signal: AbortSignal,
  ): Promise<Imported> {
    const counts: Counts = { entries: 0, written: 0, unchanged: 0, skipped: 0, expired: 0 }
    let unshipped = 0
    let read: Incoming[] = []
    for await (const { header, incoming, ...batch } of this.#batches(file, namespace, movedIds, signal)) {
      const isNew = await this.#writeBatch(incoming, terms, counts, signal)
      counts.entries = batch.read
      counts.expired += batch.expired
      read.push(...isNew.filter(({ access }) => access !== undefined && access.accessCount > 0))
      unshipped += sizeOf(incoming)
      terms.onProgress?.({ step: 'write', entries: batch.read, total: header.entries })
      if (unshipped < SHIP_BYTES) continue
      await this.#ship(read)
      read = []
      unshipped = 0
    }
    if (terms.dryRun !== true) await this.#ship(read)
    return counts
  }

  /** Counted reads are kept beside entries that cold has. */
  async #ship(read: readonly Incoming[]): Promise<void> {
    await this.#parts.shipper.checkpointNow()
    for (let from = 0; from < read.length; from += BATCH_ROWS)
      await this.#parts.cold.recordAccess(
        read.slice(from, from + BATCH_ROWS).map(({ record: { namespace, id }, access }) => {
          return { namespace, id, lastAccessedAt: access!.lastAccessedAt, accesses: access!.accessCount }
        }),
      )
  }

  /** Answers those of which there was none. */
  async #writeBatch(
    incoming: readonly Incoming[],
    { onConflict, dryRun, durability }: ImportTerms,
    counts: Counts,
    signal: AbortSignal,
  ): Promise<Incoming[]> {
    const isNew: Incoming[] = []
    const look = async (patience: Patience): Promise<UnversionedRecord[]> => {
      const newest = await this.#parts.reader.newest(keysOf(incoming), patience)
      return incoming.flatMap((each, i) => {
        const there = newest[i]
        const verdict = verdictOn(each, there, onConflict)
        counts[verdict]++
        if (there === undefined) isNew.push(each)
        return verdict === 'written' ? [each.record] : []
      })
    }
    if (incoming.length === 0) return isNew
    if (dryRun) await look({ signal })
    else throwFirst(await this.#parts.writer.writeLooked(look, sizeOf(incoming), { signal, durability }))
    return dryRun ? [] : isNew
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

/** Counted by its name. Throws `ERR_CONFLICT` where it says so. */
function verdictOn(
  { record, line }: Incoming,
  there: EntryRecord | undefined,
  onConflict: OnConflict,
): 'written' | 'unchanged' | 'skipped' {
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
  const without = { version: ZERO_VERSION, childVersions: null }
  return Buffer.compare(encodeRecord({ ...record, ...without }), encodeRecord({ ...there, ...without })) === 0
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

function throwFirst(outcomes: readonly WriteOutcome[]): void {
  for (const outcome of outcomes) if (!outcome.ok) throw outcome.error
}
