/**
 * Moves a store to its model: entries that have vectors of the former ones (`embed.former`) get new ones, page by page.
 * Until an entry is moved its old vector stays, and queries ask the former model for theirs; from then on the new one
 * finds it, since vector and name come in one version. So nothing is lost from sight in between, and two models are
 * compared nowhere.
 *
 * What is left is what still names a former model: so whoever calls again goes on where a call ended, in whatever
 * process. Entries that others write by a former model meanwhile are found by another pass.
 */
import { type EntryRecord, keptChildVersions } from '../entry/record.ts'
import { isThermoclineError, ThermoclineError } from '../errors.ts'
import { type Patience, runningOut, throwIfOver, withDeadline } from '../kernel/deadline.ts'
import { Rest } from '../kernel/rest.ts'
import { slices } from '../kernel/slices.ts'
import type { Filter } from '../query/filter.ts'
import { orderKeys } from '../query/order.ts'
import type { Change, CompareAndSet } from './compare-and-set.ts'
import type { Embedded, Embedder } from './embedder.ts'
import { isRefusedText, retryAfterOf } from './embedding-failure.ts'
import type { Searcher } from './searcher.ts'
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
/** Entries of one write: about as many as fit into what is written all or none, at the most dimensions. */
const GROUP = 100
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
      { field: 'embedding', operator: 'exists' },
    ]
  }

  /** Rejects where the model fails again and again, or patience ends; what was moved by then stays so. */
  async run({ onProgress, ...options }: ReembedTerms): Promise<Reembedded> {
    const patience = runningOut(options)
    const { searcher } = this.#parts
    const counts = { matched: await searcher.count(EVERYWHERE, this.#filter, patience), moved: 0, refused: 0 }
    for (let before = -1; before !== counts.moved; ) {
      before = counts.moved
      // Those that are refused are of the last pass.
      counts.refused = 0
      await this.#pass(counts, patience, onProgress)
    }
    await this.#parts.moved()
    return counts
  }

  async #pass(counts: Mutable, patience: Patience, onProgress: ReembedTerms['onProgress']): Promise<void> {
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

  async #move(records: readonly EntryRecord[], counts: Mutable, patience: Patience): Promise<void> {
    const { changes } = this.#parts
    const vectors = await this.#vectors(records, patience)
    counts.refused += vectors.filter((vector) => vector === undefined).length
    const changed = records.flatMap((record, i): Change[] => (vectors[i] ? [this.#change(record, vectors[i])] : []))
    for (const group of slices(changed, GROUP)) {
      const receipts = await changes.changeAll(group, patience)
      counts.moved += receipts.filter((receipt) => receipt !== undefined).length
    }
  }

  /** Leaves what has another text by now, or another vector. */
  #change({ namespace, id, text }: EntryRecord, embedding: Float32Array): Change {
    const { embedder, former } = this.#parts
    const make = (current: EntryRecord | undefined) => {
      if (current === undefined || !isEmbeddable(current) || current.text !== text) return undefined
      if (!former.includes(current.embeddingModel ?? '')) return undefined
      const { model: embeddingModel } = embedder
      return { ...current, embedding, embeddingModel, childVersions: keptChildVersions(current) }
    }
    return { key: { namespace, id }, make }
  }

  /** In order; undefined for a text that the model refuses. */
  async #vectors(records: readonly EntryRecord[], patience: Patience): Promise<readonly (Float32Array | undefined)[]> {
    const rest = new Rest(REST_MS)
    const outcomes: (Embedded | undefined)[] = records.map(() => undefined)
    for (let failures = 1; ; failures++) {
      const open = [...outcomes.keys()].filter((i) => !isSettled(outcomes[i]))
      const texts = open.map((i) => records[i]!.text!)
      const answers = await this.#parts.embedder.embedEach(texts, 'document', patience)
      for (const [nth, i] of open.entries()) outcomes[i] = answers[nth]!
      const failed = outcomes.find((outcome) => !isSettled(outcome)) as ThermoclineError | undefined
      if (failed === undefined) return outcomes.map((one) => (one instanceof ThermoclineError ? undefined : one))
      if (failures === MOST_FAILURES || !isThermoclineError(failed, 'ERR_EMBEDDING_FAILED')) throw failed
      rest.begin(new Date(), retryAfterOf(failed))
      await withDeadline(rest.over(), patience)
    }
  }
}

/** Whether asking again changes nothing. */
function isSettled(outcome: Embedded | undefined): boolean {
  return outcome !== undefined && (!(outcome instanceof ThermoclineError) || isRefusedText(outcome))
}

type Mutable = { -readonly [C in keyof Reembedded]: Reembedded[C] }
