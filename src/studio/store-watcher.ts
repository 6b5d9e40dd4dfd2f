/**
 * Watches a store for the studio: reads its numbers every few seconds, so that an hour of them is there when somebody
 * looks, and keeps what happened. It ends with the store. What the numbers mean is said in overview-answer.ts.
 */
import { isThermoclineError } from '../errors.ts'
import type { Alert, MemoryStore, StoreEvent, StoreEventMap } from '../index.ts'
import type { HistoryRow, Rates, Sample } from './answers.ts'
import { type Reading, ratesBetween, sampleOf } from './rates.ts'

/** Of all viewers together. */
const ASK_AT_MOST_EVERY_MS = 1_000
const SAMPLE_EVERY_MS = 10_000
const SAMPLES_OF_AN_HOUR = 3_600_000 / SAMPLE_EVERY_MS
const MOST_HISTORY = 200

export class StoreWatcher {
  readonly #store: MemoryStore
  readonly #samples: Sample[] = []
  readonly #history: HistoryRow[] = []
  readonly #reading = sharedAnswer(() => this.#ask())
  readonly #alerts = sharedAnswer(() => this.#store.alerts())
  #rates: Rates | undefined
  #before: Reading | undefined
  #sampled: Reading | undefined

  constructor(store: MemoryStore) {
    this.#store = store
    for (const [event, tell] of Object.entries(TOLD))
      store.on(event as StoreEvent, (told) => this.#remember(event, (tell as Tell<StoreEvent>)(told)))
    const timer = setInterval(() => {
      this.#sample().catch((error: unknown) => {
        // A store that is closed has no numbers any more; others come again with the next reading.
        if (isThermoclineError(error, 'ERR_CLOSED')) clearInterval(timer)
        else this.#remember('stats', { text: messageOf(error), isBad: true })
      })
    }, SAMPLE_EVERY_MS).unref()
  }

  /** The numbers of this second, and what happened each second since those before. */
  async read(): Promise<Reading & { readonly rates: Rates }> {
    const reading = await this.#reading()
    return { ...reading, rates: this.#rates ?? ratesBetween(reading, reading) }
  }

  /** What is wrong in this second. */
  alerts(): Promise<readonly Alert[]> {
    return this.#alerts()
  }

  /** Of the last hour, the oldest first. */
  get samples(): readonly Sample[] {
    return this.#samples
  }

  /** The latest first. */
  get history(): readonly HistoryRow[] {
    return this.#history
  }

  async #ask(): Promise<Reading> {
    const reading = { at: Date.now(), stats: await this.#store.stats() }
    if (this.#before !== undefined) this.#rates = ratesBetween(this.#before, reading)
    this.#before = reading
    return reading
  }

  async #sample(): Promise<void> {
    const reading = await this.read()
    // The clock was set back: the lines of a chart go only forwards.
    if (this.#sampled !== undefined && reading.at < this.#sampled.at) this.#samples.length = 0
    if (this.#sampled !== undefined && reading.at > this.#sampled.at)
      this.#samples.push(sampleOf(this.#sampled, reading))
    if (this.#samples.length > SAMPLES_OF_AN_HOUR) this.#samples.shift()
    this.#sampled = reading
  }

  #remember(what: string, told: Omit<HistoryRow, 'at' | 'what'>): void {
    this.#history.unshift({ at: Date.now(), what, ...told })
    this.#history.length = Math.min(this.#history.length, MOST_HISTORY)
  }
}

/** Asks again a second after the last time at the earliest; whoever comes before gets the same answer. */
function sharedAnswer<T>(ask: () => Promise<T>): () => Promise<T> {
  let latest: Promise<T> | undefined
  let askedAt = 0
  return () => {
    // Nobody sets this clock back.
    const now = performance.now()
    if (latest === undefined || now - askedAt >= ASK_AT_MOST_EVERY_MS) {
      askedAt = now
      latest = ask()
    }
    return latest
  }
}

type Tell<E extends StoreEvent> = (told: StoreEventMap[E]) => Omit<HistoryRow, 'at' | 'what'>

/** What is worth a line; writes and reads are not. */
const TOLD: { readonly [E in StoreEvent]?: Tell<E> } = {
  sync: (told) =>
    told.ok
      ? { text: `${told.synced} moved, ${told.errors} refused, in ${told.durationMs} ms`, isBad: told.errors > 0 }
      : { text: `failed: ${told.code ?? 'unknown error'}`, isBad: true },
  'tier-down': ({ tier }) => ({ text: `${tier} does not answer`, isBad: true }),
  'tier-up': ({ tier, awayMs }) => ({
    text: `${tier} answers again after ${Math.round(awayMs / 1_000)} s`,
    isBad: false,
  }),
  generation: ({ generation }) => ({ text: `hot is another than before: ${generation ?? 'unknown'}`, isBad: false }),
  alert: ({ code, message }) => ({ text: `${code}: ${message}`, isBad: true }),
  'alert-cleared': ({ code }) => ({ text: `${code} is over`, isBad: false }),
  'dead-letter': ({ count }) => ({
    text: `the database refused ${count === 1 ? 'a write' : `${count} writes`}`,
    isBad: true,
  }),
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
