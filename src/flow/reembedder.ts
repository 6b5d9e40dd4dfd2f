/**
 * Moves a store to its model: entries that have vectors of the former ones (`embed.former`) get new ones, page by page.
 * Until an entry is moved its old vector stays, and queries ask the former model for theirs; from then on the new one
 * finds it, since vector and name come in one version. So nothing is lost from sight in between, and two models are
 * compared nowhere.
 *
 * What is left is what still names a former model: so whoever calls again goes on where a call ended, in whatever
 * process. Entries that others write by a former model meanwhile are found by another pass.
 */
import type { EntryRecord } from '../entry/record.ts'
import { isThermoclineError, ThermoclineError } from '../errors.ts'
import { type Patience, runningOut, throwIfOver, withDeadline } from '../kernel/deadline.ts'
import { Rest } from '../kernel/rest.ts'
import type { Filter } from '../query/filter.ts'
import { orderKeys } from '../query/order.ts'
import type { CompareAndSet } from './compare-and-set.ts'
import type { Embedded, Embedder } from './embedder.ts'
import { isRefusedText, retryAfterOf, saysNothing } from './embedding-failure.ts'
import { telling } from './failed-writes.ts'
import type { Searcher } from './searcher.ts'
import { writeVectors } from './vector-writes.ts'
import { isEmbeddable } from './vectors.ts'

export interface Reembedded {
  /** Entries that had a vector of a former model when the call began. */
  readonly matched: number
  /** Those that have one of the model now. */
  readonly moved: number
  /** Those whose text the model refuses: they keep what they have. */
  readonly refused: number
}

export interface ReembedTerms extends Patience {
  readonly onProgress?: ((progress: Reembedded) => void) | undefined
}

export interface ReembedderParts {
  readonly embedder: Embedder
  /** Names of the models that entries are moved from. */
  readonly former: readonly string[]
  readonly searcher: Pick<Searcher, 'rows' | 'count'>
  readonly changes: Pick<CompareAndSet, 'changeAll'>
  /** Entries that are moved together. */
  readonly pageSize: number
  /** Told once nothing is left. */
  readonly moved: () => Promise<void>
}

const EVERYWHERE = { namespace: '', recursive: true }
const FIELDS: ReadonlySet<keyof EntryRecord> = new Set(['namespace', 'id', 'version', 'kind', 'text', 'embeddingModel'])
const REST_MS = { first: 1_000, longest: 60_000 }
/** Failures of the model in a row after which the call fails. */
const MOST_FAILURES = 6

export class Reembedder {
  readonly #parts: ReembedderParts
  readonly #filter: Filter

  constructor(parts: ReembedderParts) {
    this.#parts = parts
    this.#filter = [
      { field: 'kind', operator: 'in', values: ['chunk', 'raptor'] },
      { field: 'embeddingModel', operator: 'in', values: parts.former },
    ]
  }

  /** Rejects where the model fails again and again, or patience ends; what was moved by then stays so. */
  async run({ onProgress, ...options }: ReembedTerms): Promise<Reembedded> {
    // It takes as long as it takes, unless the caller says otherwise.
    const patience = runningOut(options, Number.POSITIVE_INFINITY)
    const { searcher } = this.#parts
    const counts = { matched: await searcher.count(EVERYWHERE, this.#filter, patience), moved: 0, refused: 0 }
    await telling(counts, async () => {
      for (let before = -1; before !== counts.moved; ) {
        before = counts.moved
        // Those that are refused are of the last pass.
        counts.refused = 0
        await this.#pass(counts, patience, onProgress)
      }
      await this.#parts.moved()
    })
    return counts
  }

  async #pass(counts: Counting, patience: Patience, onProgress: ReembedTerms['onProgress']): Promise<void> {
    const { pageSize: limit, searcher } = this.#parts
    for (let after: ReturnType<typeof orderKeys> | undefined; ; ) {
      throwIfOver(patience)
      const asked = { limit, order: [], after, fields: FIELDS }
      const rows = await searcher.rows(EVERYWHERE, this.#filter, asked, patience)
      const records = rows.map(({ record }) => record)
      if (records.length > 0) await this.#move(records, counts, patience)
      if (records.length > 0) onProgress?.({ ...counts })
      if (records.length < limit) return
      after = orderKeys(records.at(-1)!, [])
    }
  }

  async #move(records: readonly EntryRecord[], counts: Counting, patience: Patience): Promise<void> {
    const { changes, embedder, former } = this.#parts
    const vectors = await this.#vectors(records, patience)
    const made = records.flatMap(({ namespace, id, text }, i) => {
      const embedding = vectors[i]
      return embedding === undefined ? [] : { namespace, id, text: text!, embedding }
    })
    const wants = (current: EntryRecord) => isEmbeddable(current) && former.includes(current.embeddingModel ?? '')
    const written = await writeVectors(made, { changes, model: embedder.model, wants, patience })
    if (written.error !== undefined && written.done.length === 0) throw written.error
    counts.moved += written.receipts.length
    counts.refused += records.length - made.length + written.failed.length
  }

  /** In order; undefined for a text that the model refuses. */
  async #vectors(records: readonly EntryRecord[], patience: Patience): Promise<readonly (Float32Array | undefined)[]> {
    const rest = new Rest(REST_MS)
    const outcomes: (Embedded | undefined)[] = records.map(() => undefined)
    for (let failures = 1; ; failures++) {
      const open = [...outcomes.keys()].filter((i) => !isSettled(outcomes[i], false))
      const texts = open.map((i) => records[i]!.text!)
      const answers = await this.#parts.embedder.embedEach(texts, 'document', patience)
      for (const [nth, i] of open.entries()) outcomes[i] = answers[nth]!
      // Beside others that it has taken, a text that fails for no said reason is refused.
      const isSome = outcomes.some((outcome) => outcome !== undefined && !(outcome instanceof ThermoclineError))
      const failed = outcomes.find((outcome) => !isSettled(outcome, isSome)) as ThermoclineError | undefined
      if (failed === undefined) return outcomes.map((one) => (one instanceof ThermoclineError ? undefined : one))
      if (failures === MOST_FAILURES || !isThermoclineError(failed, 'ERR_EMBEDDING_FAILED')) throw failed
      rest.begin(new Date(), retryAfterOf(failed))
      await withDeadline(rest.over(), patience)
    }
  }
}

/** Whether asking again changes nothing. @param isSome whether the model has taken others. */
function isSettled(outcome: Embedded | undefined, isSome: boolean): boolean {
  if (!(outcome instanceof ThermoclineError)) return outcome !== undefined
  return isRefusedText(outcome) || (isSome && saysNothing(outcome))
}

type Counting = { -readonly [C in keyof Reembedded]: Reembedded[C] }
