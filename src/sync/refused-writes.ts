/**
 * Shows acknowledged writes that the database refused (its dead letters), and does what a person decides of them: they
 * are written once more, as the old versions that they are, or given up. Which version wins is decided where each row
 * is written (cold/sql/retry-letters.ts).
 *
 * What is given up leaves hot as well, in that version alone: a demotion would bring it to cold again, where it would
 * become a letter anew.
 */
import type { ColdTier, ReadableLetter, StoredLetter } from '../cold/cold-tier.ts'
import type { EntryKind } from '../entry/memory-entry.ts'
import { ROOT } from '../entry/namespace.ts'
import type { Version } from '../entry/version.ts'
import type { HotTier } from '../hot/hot-tier.ts'
import { type Patience, runningOut, throwIfOver, withDeadline } from '../kernel/deadline.ts'
import { slices } from '../kernel/slices.ts'
import { readCursor, writeCursor } from '../query/cursor.ts'
import type { HotFollower } from './hot-follower.ts'

/** An acknowledged write that the database refused, and that waits for a person. */
export interface DeadLetter {
  /** Names it, to `retryDeadLetters` and `dropDeadLetters`. */
  readonly letter: string
  /**
   * The entry, and the version that was acknowledged; all of them undefined where this version of the package cannot
   * read the letter.
   */
  readonly namespace: string | undefined
  readonly id: string | undefined
  readonly version: Version | undefined
  readonly key: string | undefined
  /** Undefined also of a delete. */
  readonly kind: EntryKind | undefined
  /**
   * Why: an SQLSTATE; `'encoding'`, where a field has no form in its column; or `'below-horizon'`: it came so late that
   * nobody can tell any more whether the entry was deleted since.
   */
  readonly reason: string
  readonly refusedAt: Date
  /** Id of the log that it came from; undefined where it came from none, as what had left hot. */
  readonly log: string | undefined
  /** What it takes in the database. */
  readonly bytes: number
  /** Where `content: true` asked for it. */
  readonly content?: DeadLetterContent | undefined
}

/** What the write said; null where it said nothing of the kind. */
export interface DeadLetterContent {
  readonly text: string | null
  /** As the text that it is kept as: that may be what is wrong with it. */
  readonly metadata: string | null
  readonly embedding: Float32Array | null
  readonly bytes: Uint8Array | null
}

export interface DeadLetterPage {
  readonly items: DeadLetter[]
  /** Undefined where nothing follows. */
  readonly nextCursor?: string
}

/** Which letters a call is about. */
export type DeadLetterChoice = readonly string[] | 'all'

export interface RetriedDeadLetters {
  /** How many of those that were named there were. */
  readonly matched: number
  /** The database has them now. */
  readonly written: number
  /** It has the same version, or a newer one: there was nothing left to write. */
  readonly superseded: number
  /** Those that stay, by the reason. */
  readonly refused: Readonly<Record<string, number>>
}

export interface DroppedDeadLetters {
  readonly matched: number
  readonly dropped: number
}

export interface RefusedWritesParts {
  readonly storeId: string
  readonly cold: Pick<ColdTier, 'deadLetters' | 'retryDeadLetters' | 'removeDeadLetters'>
  readonly hot: Pick<HotTier, 'remove'>
  readonly follower: Pick<HotFollower, 'followAgain'>
  /** Ships what was acknowledged so far. */
  readonly shipper: { checkpointNow(): Promise<unknown> }
}

/** Letters that are read together: each may be as large as an entry may be. */
const AT_ONCE = 20

export class RefusedWrites {
  readonly #parts: RefusedWritesParts

  constructor(parts: RefusedWritesParts) {
    this.#parts = parts
  }

  /** A page in the order of their names, which says nothing of when they came. */
  async list(
    { limit, cursor, content = false }: { limit: number; cursor?: string | undefined; content?: boolean | undefined },
    options: Patience,
  ): Promise<DeadLetterPage> {
    const { storeId } = this.#parts
    const scope = { namespace: ROOT, recursive: true }
    const query = { storeId, scope, filter: [], order: [], subject: 'dead-letters' }
    const after = cursor === undefined ? '' : String(readCursor(query, cursor)[0])
    const items: DeadLetter[] = []
    // One more tells whether there is another page.
    for await (const letters of this.#pages(after, undefined, runningOut(options))) {
      for (const letter of letters) items.push(shown(letter, content))
      if (items.length > limit) break
    }
    if (items.length <= limit) return { items }
    const page = items.slice(0, limit)
    return { items: page, nextCursor: writeCursor(query, [page.at(-1)!.letter]) }
  }

  async retry(choice: DeadLetterChoice, options: Patience): Promise<RetriedDeadLetters> {
    const patience = runningOut(options)
    // What is newer here is there first, and a database that was set back has what the log holds.
    await withDeadline(this.#parts.shipper.checkpointNow(), patience)
    const counts = { matched: 0, written: 0, superseded: 0 }
    const refused = new Map<string, number>()
    for await (const letters of this.#chosen(choice, patience)) {
      const readable = letters.filter(isReadable)
      const answer = await withDeadline(this.#retry(readable), patience)
      counts.written += answer.written
      counts.superseded += answer.superseded
      const reasons = answer.refused.map(({ reason }) => reason)
      for (const _ of letters.slice(readable.length)) reasons.push('unreadable')
      for (const reason of reasons) refused.set(reason, (refused.get(reason) ?? 0) + 1)
      counts.matched += answer.written + answer.superseded + reasons.length
    }
    return { ...counts, refused: Object.fromEntries(refused) }
  }

  async drop(choice: DeadLetterChoice, options: Patience): Promise<DroppedDeadLetters> {
    const { cold, hot } = this.#parts
    const patience = runningOut(options)
    const counts = { matched: 0, dropped: 0 }
    for await (const letters of this.#chosen(choice, patience)) {
      const removals = letters.filter(isReadable).map(({ record }) => ({ key: record, version: record.version }))
      // While it is there as a letter, it is not lost.
      if (removals.length > 0) await withDeadline(hot.remove(removals), patience)
      const digests = letters.map(({ digest }) => digest)
      counts.matched += letters.length
      counts.dropped += await withDeadline(cold.removeDeadLetters(digests), patience)
    }
    return counts
  }

  async #retry(letters: readonly ReadableLetter[]) {
    const { cold, follower } = this.#parts
    const records = letters.map(({ record }) => record)
    try {
      const answer = await cold.retryDeadLetters(letters)
      await follower.followAgain(records, { ...answer, status: 'moved', rejected: 0 })
      return answer
    } catch (error) {
      // It may have been done all the same, and then hot may hold what is older.
      const missed = records.map(({ namespace, id }) => ({ namespace, id }))
      const unknown = { status: 'moved', superseded: 0, rejected: 0, generationNumber: undefined, missed } as const
      await follower.followAgain(records, unknown)
      throw error
    }
  }

  async *#chosen(choice: DeadLetterChoice, patience: Patience): AsyncGenerator<StoredLetter[]> {
    if (choice === 'all') yield* this.#pages('', undefined, patience)
    else for (const some of slices([...new Set(choice)], AT_ONCE)) yield* this.#pages('', some, patience)
  }

  async *#pages(
    after: string,
    among: readonly string[] | undefined,
    patience: Patience,
  ): AsyncGenerator<StoredLetter[]> {
    for (let last = after; ; ) {
      throwIfOver(patience)
      const letters = await withDeadline(this.#parts.cold.deadLetters(last, AT_ONCE, among), patience)
      if (letters.length > 0) yield letters
      if (letters.length < AT_ONCE) return
      last = letters.at(-1)!.digest
    }
  }
}

function isReadable(letter: StoredLetter): letter is StoredLetter & ReadableLetter {
  return letter.record !== undefined
}

function shown({ digest, record, reason, walId, recordedAt, bytes }: StoredLetter, withContent: boolean): DeadLetter {
  return {
    letter: digest,
    namespace: record?.namespace,
    id: record?.id,
    version: record?.version,
    key: record?.key ?? undefined,
    kind: record?.kind ?? undefined,
    reason,
    refusedAt: new Date(recordedAt),
    log: walId,
    bytes,
    ...(withContent && record && { content: contentOf(record) }),
  }
}

/** The caller's own copies. */
function contentOf({ text, metadata, embedding, bytes }: NonNullable<StoredLetter['record']>): DeadLetterContent {
  return { text, metadata, embedding: embedding?.slice() ?? null, bytes: bytes && new Uint8Array(bytes) }
}
