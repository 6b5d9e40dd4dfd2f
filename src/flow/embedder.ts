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
 * that is refused so is asked again by halves, until each refused text is alone; where an error does not say what it is
 * of, a bounded number of times. A call is aborted once nobody waits for any text of it, or when it takes too long.
 */
import { validateEmbedding } from '../entry/validate.ts'
import { isThermoclineError, ThermoclineError } from '../errors.ts'
import { type Patience, throwIfAborted, withDeadline } from '../kernel/deadline.ts'
import { embeddingFailed, faultOf } from './embedding-failure.ts'

/** What texts are embedded for: to be found, or to find by. Some models make other vectors of each. */
export type EmbedPurpose = 'document' | 'query'

/**
 * Returns one vector of `dimensions` numbers for each text, in order. A rejection whose error has `retryAfterMs`, or
 * headers with `retry-after` as the SDKs of providers have it, says when to ask again. @param options.signal fires once
 * nobody waits for the answer, or it took too long.
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
  /** Milliseconds after which a call has failed. */
  readonly timeout: number
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
  readonly fail: (error: ThermoclineError) => void
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
  /** Calls left to find out of which text a failure is that does not say it; its halves share them. */
  readonly budget: { left: number }
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
  /** Halves of batches that were refused. */
  readonly #halves: ModelCall[] = []
  readonly #counts = { calls: 0, texts: 0, failedCalls: 0 }
  readonly #requests = new Set<Request>()
  #isClosed = false
  #running = 0
  #isDue = false

  constructor(options: EmbedderOptions) {
    this.#options = options
  }

  get model(): string {
    return this.#options.model
  }

  get dimensions(): number {
    return this.#options.dimensions
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

  /** As {@link embedEach}, and asks for nothing more after the first failure: what is unknown by then is undefined. */
  embedUntilFailure(
    texts: readonly string[],
    purpose: EmbedPurpose,
    patience: Patience,
  ): Promise<readonly (Embedded | undefined)[]> {
    return this.#ask(texts, purpose, patience, true)
  }

  /** Whoever waits, or asks from now on, is rejected with `ERR_CLOSED`; what the model is asked is aborted. */
  close(): void {
    this.#isClosed = true
    for (const { fail } of this.#requests) fail(closed())
  }

  async #ask(
    texts: readonly string[],
    purpose: EmbedPurpose,
    patience: Patience,
    endsAtFailure: boolean,
  ): Promise<readonly Embedded[]> {
    throwIfAborted(patience.signal, { outcome: 'none' })
    if (texts.length === 0) return []
    if (this.#isClosed) throw closed()
    let end = (): void => {}
    let fail = (_: ThermoclineError): void => {}
    const answered = new Promise<void>((resolve, reject) => {
      end = resolve
      fail = reject
    })
    const request: Request = {
      ...{ outcomes: new Array<Embedded>(texts.length), left: texts.length, isOver: false, calls: new Set() },
      ...{ endsAtFailure, end, fail },
    }
    this.#requests.add(request)
    for (const [index, text] of texts.entries()) this.#queues[purpose].push({ text, index, request })
    this.#beginSoon()
    try {
      await withDeadline(answered, patience, { outcome: 'none' })
    } finally {
      this.#requests.delete(request)
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
      const call = this.#take('query') ?? this.#halves.shift() ?? this.#take('document')
      if (call === undefined) return
      this.#running++
      void this.#answer(call).finally(() => {
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
    return callFor(wanted, purpose, { left: 2 * Math.ceil(Math.log2(wanted.length)) + 4 })
  }

  /** Settles each of the texts, or leaves that to its halves. Never rejects. */
  async #answer(call: ModelCall): Promise<void> {
    const open = call.wanted.filter(({ request }) => !request.isOver)
    const texts = [...new Set(open.map(({ text }) => text))]
    if (texts.length === 0) return
    const answer = await this.#vectors(texts, call)
    const outcomes = answer instanceof ThermoclineError ? [answer] : [...answer.values()]
    if (outcomes.some((outcome) => outcome instanceof ThermoclineError)) this.#counts.failedCalls++
    if (!(answer instanceof ThermoclineError)) for (const one of open) settle(one, answer.get(one.text)!)
    else if (texts.length > 1 && isWorthHalving(answer, call.budget)) this.#halve(call, open, texts)
    else for (const one of open) settle(one, answer)
  }

  #halve({ purpose, budget }: ModelCall, open: readonly Wanted[], texts: readonly string[]): void {
    const first = new Set(texts.slice(0, texts.length >>> 1))
    for (const isFirst of [true, false]) {
      const half = open.filter(({ text }) => first.has(text) === isFirst)
      this.#halves.push(callFor(half, purpose, budget))
    }
  }

  /** The vector of each text, or why that one has none; or why there are none. Never rejects. */
  async #vectors(
    texts: readonly string[],
    { purpose, abort }: ModelCall,
  ): Promise<ReadonlyMap<string, Embedded> | ThermoclineError> {
    const { embedMany, model, timeout } = this.#options
    this.#counts.calls++
    this.#counts.texts += texts.length
    try {
      const asking = (async () => embedMany([...texts], { signal: abort.signal, purpose }))()
      // Whatever becomes of a call that nobody waits for, it takes no room from others.
      const answer: unknown = await withDeadline(asking, { signal: abort.signal, timeout })
      if (!Array.isArray(answer) || answer.length !== texts.length) return this.#invalid(texts.length, answer)
      return new Map(texts.map((text, i) => [text, this.#checked(answer[i])]))
    } catch (error) {
      // It may have been too late: then nobody waits for the rest of it.
      abort.abort()
      return embeddingFailed(model, error, texts.length)
    }
  }

  #checked(given: unknown): Embedded {
    const { model, dimensions } = this.#options
    let vector: Float32Array
    try {
      vector = validateEmbedding(given)
    } catch (error) {
      if (!isThermoclineError(error)) throw error
      const message = `what \`embedMany\` of ${model} answered is no vector: ${error.message}`
      return new ThermoclineError('ERR_EMBEDDING_INVALID', message, { model, outcome: 'none' })
    }
    if (vector.length === dimensions) return vector
    const message = `\`embedMany\` of ${model} answered a vector of ${vector.length} dimensions, not of ${dimensions}`
    const details = { model, expected: dimensions, actual: vector.length, outcome: 'none' } as const
    return new ThermoclineError('ERR_EMBEDDING_INVALID', message, details)
  }

  #invalid(expected: number, answer: unknown): ThermoclineError<'ERR_EMBEDDING_INVALID'> {
    const { model } = this.#options
    if (!Array.isArray(answer)) {
      const message = `\`embedMany\` of ${model} must answer an array of vectors`
      return new ThermoclineError('ERR_EMBEDDING_INVALID', message, { model, expected, outcome: 'none' })
    }
    const message = `\`embedMany\` of ${model} answered ${answer.length} vectors for ${expected} texts: each needs one`
    const details = { model, expected, actual: answer.length, outcome: 'none' } as const
    return new ThermoclineError('ERR_EMBEDDING_INVALID', message, details)
  }
}

function closed(): ThermoclineError<'ERR_CLOSED'> {
  return new ThermoclineError('ERR_CLOSED', 'the store was closed meanwhile: open it again', { outcome: 'none' })
}

function callFor(wanted: readonly Wanted[], purpose: EmbedPurpose, budget: ModelCall['budget']): ModelCall {
  const call = { wanted, purpose, abort: new AbortController(), budget }
  for (const { request } of wanted) request.calls.add(call)
  return call
}

/** Whether some of the texts may be taken without the others, and may be asked for so. */
function isWorthHalving(failure: ThermoclineError, budget: ModelCall['budget']): boolean {
  if (!isThermoclineError(failure, 'ERR_EMBEDDING_FAILED')) return false
  const fault = faultOf(failure)
  if (fault !== 'unsaid' || budget.left < 2) return fault === 'text'
  budget.left -= 2
  return true
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
