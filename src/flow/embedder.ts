/**
 * Asks the model of a store (`embed.embedMany`) for vectors. Texts of all callers wait in one queue; up to
 * `maxConcurrency` calls are under way, and each takes up to `batchSize` of the texts that have come by then, those of
 * queries first. So many small puts become few calls, and nobody waits for a batch to fill.
 *
 *     Vectors (puts, queries) ──┐
 *                               ├─► queue ─► batches ─► embedMany ─► checked ─► each caller its vectors
 *     BackgroundEmbedding ──────┘
 *
 * What a model refuses for the sake of one text must not fail the texts of others that it came together with: a batch
 * that is refused so is asked again by halves, a bounded number of times. A call is aborted once nobody waits for any
 * text of it.
 */
import { validateEmbedding } from '../entry/validate.ts'
import { isThermoclineError, ThermoclineError } from '../errors.ts'
import { type Patience, throwIfAborted, withDeadline } from '../kernel/deadline.ts'
import { embeddingFailed, isAboutText } from './embedding-failure.ts'

/** What texts are embedded for: to be found, or to find by. Some models make other vectors of each. */
export type EmbedPurpose = 'document' | 'query'

/**
 * Returns one vector of `dimensions` numbers for each text, in order. A rejection whose error has `retryAfterMs`, or
 * headers with `retry-after` as the SDKs of providers have it, says when to ask again. @param options.signal fires once
 * nobody waits for the answer.
 */
export type EmbedMany = (
  texts: string[],
  options: { readonly signal: AbortSignal; readonly purpose: EmbedPurpose },
) => Promise<readonly (readonly number[] | Float32Array | Float64Array)[]>

export interface EmbedderOptions {
  readonly model: string
  readonly dimensions: number
  readonly embedMany: EmbedMany
  /** Texts of one call at most. */
  readonly batchSize: number
  /** Calls under way at most. */
  readonly maxConcurrency: number
}

export type Embedded = Float32Array | ThermoclineError

/** The texts that one caller waits for. */
interface Request {
  readonly outcomes: Embedded[]
  left: number
  /** Whether nobody waits for it any more. */
  isOver: boolean
  /** Calls of the model that have some of its texts. */
  readonly calls: Set<ModelCall>
  readonly endsAtFailure: boolean
  readonly end: () => void
}

interface Wanted {
  readonly text: string
  readonly index: number
  readonly request: Request
}

interface ModelCall {
  readonly wanted: readonly Wanted[]
  readonly purpose: EmbedPurpose
  readonly abort: AbortController
  /** How often it may be asked once more with a part of its texts. */
  retriesLeft: number
}

/** What the model was asked so far. */
export interface EmbedderCounts {
  readonly calls: number
  readonly texts: number
  readonly failedCalls: number
}

export class Embedder {
  readonly #options: EmbedderOptions
  readonly #queues: Record<EmbedPurpose, Wanted[]> = { query: [], document: [] }
  readonly #counts = { calls: 0, texts: 0, failedCalls: 0 }
  #running = 0
  #isDue = false

  constructor(options: EmbedderOptions) {
    this.#options = options
  }

  get model(): string {
    return this.#options.model
  }

  get counts(): EmbedderCounts {
    return { ...this.#counts }
  }

  /** The vectors of all texts, in order. Rejects with the first failure, and asks for none of the others then. */
  async embedAll(texts: readonly string[], purpose: EmbedPurpose, patience: Patience): Promise<Float32Array[]> {
    const outcomes = await this.#ask(texts, purpose, patience, true)
    const failure = outcomes.find((outcome) => outcome instanceof ThermoclineError)
    if (failure !== undefined) throw failure
    return outcomes as Float32Array[]
  }

  /** The vector of each text, in order, or why there is none. Rejects where patience ends alone. */
  embedEach(texts: readonly string[], purpose: EmbedPurpose, patience: Patience): Promise<readonly Embedded[]> {
    return this.#ask(texts, purpose, patience, false)
  }

  async #ask(
    texts: readonly string[],
    purpose: EmbedPurpose,
    patience: Patience,
    endsAtFailure: boolean,
  ): Promise<readonly Embedded[]> {
    throwIfAborted(patience.signal, { outcome: 'none' })
    if (texts.length === 0) return []
    let end = (): void => {}
    const answered = new Promise<void>((resolve) => {
      end = resolve
    })
    const request: Request = {
      ...{ outcomes: new Array<Embedded>(texts.length), left: texts.length, isOver: false, calls: new Set() },
      ...{ endsAtFailure, end },
    }
    for (const [index, text] of texts.entries()) this.#queues[purpose].push({ text, index, request })
    this.#beginSoon()
    try {
      await withDeadline(answered, patience, { outcome: 'none' })
    } finally {
      finish(request)
    }
    return request.outcomes
  }

  /** What else comes in this turn of the event loop goes together. */
  #beginSoon(): void {
    if (this.#isDue) return
    this.#isDue = true
    setImmediate(() => {
      this.#isDue = false
      this.#begin()
    })
  }

  #begin(): void {
    while (this.#running < this.#options.maxConcurrency) {
      const call = this.#take('query') ?? this.#take('document')
      if (call === undefined) return
      this.#running++
      void this.#answer(call, call.wanted).finally(() => {
        for (const { request } of call.wanted) request.calls.delete(call)
        this.#running--
        this.#begin()
      })
    }
  }

  #take(purpose: EmbedPurpose): ModelCall | undefined {
    const queue = this.#queues[purpose]
    const wanted: Wanted[] = []
    let taken = 0
    for (; taken < queue.length && wanted.length < this.#options.batchSize; taken++)
      if (!queue[taken]!.request.isOver) wanted.push(queue[taken]!)
    queue.splice(0, taken)
    if (wanted.length === 0) return undefined
    const retriesLeft = 2 * Math.ceil(Math.log2(wanted.length)) + 4
    const call = { wanted, purpose, abort: new AbortController(), retriesLeft }
    for (const { request } of wanted) request.calls.add(call)
    return call
  }

  /** Settles each of the texts. Never rejects. */
  async #answer(call: ModelCall, wanted: readonly Wanted[]): Promise<void> {
    const open = wanted.filter(({ request }) => !request.isOver)
    if (open.length === 0) return
    try {
      const vectors = await this.#vectors([...new Set(open.map(({ text }) => text))], call)
      for (const one of open) settle(one, vectors.get(one.text)!)
    } catch (error) {
      this.#counts.failedCalls++
      if (open.length > 1 && isAboutText(error) && call.retriesLeft >= 2) {
        call.retriesLeft -= 2
        const half = open.length >>> 1
        await this.#answer(call, open.slice(0, half))
        return this.#answer(call, open.slice(half))
      }
      const failure = isThermoclineError(error) ? error : embeddingFailed(this.model, error)
      for (const one of open) settle(one, failure)
    }
  }

  async #vectors(texts: readonly string[], call: ModelCall): Promise<ReadonlyMap<string, Float32Array>> {
    const { embedMany } = this.#options
    const { purpose, abort } = call
    this.#counts.calls++
    this.#counts.texts += texts.length
    const asking = (async () => embedMany([...texts], { signal: abort.signal, purpose }))()
    // Whatever becomes of a call that nobody waits for, it takes no room from others.
    const answer: unknown = await withDeadline(asking, { signal: abort.signal })
    if (!Array.isArray(answer) || answer.length !== texts.length) throw this.#invalid(texts.length, answer)
    return new Map(texts.map((text, i) => [text, this.#checked(answer[i])]))
  }

  #checked(given: unknown): Float32Array {
    const { model, dimensions } = this.#options
    let vector: Float32Array
    try {
      vector = validateEmbedding(given)
    } catch (error) {
      if (!isThermoclineError(error)) throw error
      const message = `what \`embedMany\` of ${model} answered is no vector: ${error.message}`
      throw new ThermoclineError('ERR_EMBEDDING_INVALID', message, { model, outcome: 'none' })
    }
    if (vector.length === dimensions) return vector
    const message = `\`embedMany\` of ${model} answered a vector of ${vector.length} dimensions, not of ${dimensions}`
    const details = { model, expected: dimensions, actual: vector.length, outcome: 'none' } as const
    throw new ThermoclineError('ERR_EMBEDDING_INVALID', message, details)
  }

  #invalid(expected: number, answer: unknown): ThermoclineError<'ERR_EMBEDDING_INVALID'> {
    const { model } = this.#options
    if (!Array.isArray(answer)) {
      const message = `\`embedMany\` of ${model} must answer an array of vectors`
      return new ThermoclineError('ERR_EMBEDDING_INVALID', message, { model, outcome: 'none' })
    }
    const message = `\`embedMany\` of ${model} answered ${answer.length} vectors for ${expected} texts: each needs one`
    const details = { model, expected, actual: answer.length, outcome: 'none' } as const
    return new ThermoclineError('ERR_EMBEDDING_INVALID', message, details)
  }
}

function settle({ request, index }: Wanted, outcome: Embedded): void {
  if (request.isOver) return
  request.outcomes[index] = outcome
  request.left--
  if (request.left === 0 || (request.endsAtFailure && outcome instanceof ThermoclineError)) finish(request)
}

/** Nobody waits for the rest of it. */
function finish(request: Request): void {
  request.isOver = true
  request.end()
  for (const { wanted, abort } of request.calls) if (wanted.every((one) => one.request.isOver)) abort.abort()
}
