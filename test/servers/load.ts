/**
 * Writers and readers that never rest, and what they may be answered. Every read is judged when it comes back: a
 * backend never reads behind what it was acknowledged itself, and, as long as nothing is broken, not behind what any
 * other was.
 */
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises'
import { isThermoclineError, type MemoryStore, type TierName, type Version } from '../../src/index.ts'
import { pick, type Random, randomFrom } from '../fault/seeded-random.ts'

/** What the load asks of a backend, in this process or in another. */
export interface LoadedBackend {
  put(key: string, text: string): Promise<{ readonly id: string; readonly version: Version }>
  delete(id: string): Promise<{ readonly version: Version }>
  get(id: string): Promise<{ readonly version: Version; readonly text: string } | undefined>
}

export function loaded({ chunks }: MemoryStore): LoadedBackend {
  return {
    put: (key, text) => chunks.put({ key, text }),
    delete: (id) => chunks.delete(id),
    get: (id) => chunks.get(id),
  }
}

export interface LoadOptions {
  readonly keys?: number
  /**
   * Whether each read must see what any backend was acknowledged before it: nothing is broken meanwhile. @default false
   */
  readonly isStrict?: boolean
  /** A tier whose absence a call may report. @default none: no call may fail */
  readonly mayMiss?: TierName
  readonly seed?: number
}

const WRITERS = 2
const READERS = 2
/** Before a caller that was refused asks again, in milliseconds. */
const BACK_OFF = 20

/** Everything that is known of one key. */
class History {
  readonly key: string
  id = ''
  /** Newest acknowledged version, by anybody and by each backend. */
  newest: Version = ''
  readonly newestOf: Version[]
  newestDelete: Version = ''
  /** Deletes that may have happened, although nobody was told so (yet). */
  unsureDeletes = 0
  readonly texts = new Set<string>()
  readonly #textOf = new Map<Version, string>()

  constructor(key: string, backends: number) {
    this.key = key
    this.newestOf = new Array(backends).fill('')
  }

  acknowledge(backend: number, version: Version, text: string | undefined): void {
    if (version > this.newest) this.newest = version
    if (version > this.newestOf[backend]!) this.newestOf[backend] = version
    if (text !== undefined) this.#textOf.set(version, text)
    else if (version > this.newestDelete) this.newestDelete = version
  }

  /** What is wrong with an answer to a read that must not be older than `least`; undefined where it is right. */
  fault(answer: { version: Version; text: string } | undefined, least: Version): string | undefined {
    if (answer === undefined) {
      if (this.newestDelete >= least || this.unsureDeletes > 0) return undefined
      return `${this.key} is lost: it was put as ${least}, and never deleted since`
    }
    const { version, text } = answer
    if (!this.texts.has(text)) return `${this.key} has a text that nobody wrote`
    if ((this.#textOf.get(version) ?? text) !== text) return `${this.key} has the text of another version`
    if (version >= least) return undefined
    return version < this.newestDelete
      ? `${this.key} is back as ${version}, deleted as ${this.newestDelete}`
      : `${this.key} reads as ${version}, acknowledged as ${least}`
  }
}

export class Load {
  #backends: readonly LoadedBackend[]
  readonly #options: LoadOptions
  readonly #histories: readonly History[]
  readonly #random: Random
  readonly #seed: number
  readonly #faults: string[] = []
  readonly #loops: Promise<void>[] = []
  #isStopped = false
  #count = 0
  #written = 0
  #read = 0

  private constructor(backends: readonly LoadedBackend[], options: LoadOptions) {
    this.#backends = backends
    this.#options = options
    this.#seed = options.seed ?? Number(process.env.FAULT_SEED ?? Date.now() % 1_000_000)
    this.#random = randomFrom(this.#seed)
    this.#histories = Array.from({ length: options.keys ?? 24 }, (_, n) => new History(`key ${n}`, backends.length))
  }

  /** Resolves once every key has been written and the load is under way. */
  static async start(backends: readonly LoadedBackend[], options: LoadOptions = {}): Promise<Load> {
    const load = new Load(backends, options)
    for (const history of load.#histories) await load.#put(0, history)
    for (const backend of backends.keys()) load.#begin(backend)
    return load
  }

  /** One more that writes and reads. */
  join(backend: LoadedBackend): void {
    this.#backends = [...this.#backends, backend]
    for (const { newestOf } of this.#histories) newestOf.push('')
    this.#begin(this.#backends.length - 1)
  }

  #begin(backend: number): void {
    for (let n = 0; n < WRITERS; n++) this.#loops.push(this.#loop(() => this.#write(backend)))
    for (let n = 0; n < READERS; n++) this.#loops.push(this.#loop(() => this.#get(backend)))
  }

  /** Writes acknowledged and reads answered so far. */
  get done(): { readonly written: number; readonly read: number } {
    return { written: this.#written, read: this.#read }
  }

  /** Resolves once as much more has been acknowledged and answered: the load goes through whatever was done to it. */
  async passes(calls = 150): Promise<void> {
    const [written, read] = [this.#written + calls, this.#read + calls]
    const isThrough = (): boolean => this.#written >= written && this.#read >= read
    while (!this.#isStopped && this.#faults.length === 0 && !isThrough()) await delay(5)
  }

  /** Resolves once as many more writes have been acknowledged, as they are without Redis and without Postgres. */
  async writes(count: number): Promise<void> {
    const written = this.#written + count
    while (!this.#isStopped && this.#faults.length === 0 && this.#written < written) await delay(5)
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await Promise.all(this.#loops)
    this.#report()
  }

  /** From now on these answer: others are gone. */
  passTo(backends: readonly LoadedBackend[]): void {
    this.#backends = backends
  }

  /**
   * Every backend reads what was acknowledged last, by whomever, or something newer; `versionIn` says the same of cold.
   */
  async verify(versionIn: (id: string) => Promise<Version | undefined>): Promise<void> {
    for (const history of this.#histories) {
      for (const backend of this.#backends) this.#judge(history, await backend.get(history.id), history.newest)
      const cold = await versionIn(history.id)
      if ((cold ?? '') < history.newest)
        this.#faults.push(`${history.key} is ${cold} in cold, acknowledged as ${history.newest}`)
    }
    this.#report()
  }

  get ids(): string[] {
    return this.#histories.map(({ id }) => id)
  }

  #report(): void {
    if (this.#faults.length > 0)
      throw new Error(`${this.#faults.length} faults, seed ${this.#seed}:\n${this.#faults.slice(0, 10).join('\n')}`)
  }

  async #loop(step: () => Promise<void>): Promise<void> {
    while (!this.#isStopped && this.#faults.length === 0) {
      try {
        await step()
      } catch (error) {
        if (!this.#isExpected(error)) this.#faults.push(`a call failed: ${error}`)
        await delay(BACK_OFF)
      }
      await nextTurn()
    }
  }

  #isExpected(error: unknown): boolean {
    return isThermoclineError(error, 'ERR_TIER_UNAVAILABLE') && error.details.tier === this.#options.mayMiss
  }

  #any(): History {
    return this.#histories[pick(this.#random, 0, this.#histories.length - 1)]!
  }

  async #write(backend: number): Promise<void> {
    const history = this.#any()
    if (this.#random() < 0.3) await this.#delete(backend, history)
    else await this.#put(backend, history)
    this.#written++
  }

  async #put(backend: number, history: History): Promise<void> {
    const text = `${history.key}, write ${++this.#count} of load ${this.#seed}, by backend ${backend}`
    history.texts.add(text)
    const { id, version } = await this.#backends[backend]!.put(history.key, text)
    history.id = id
    history.acknowledge(backend, version, text)
  }

  async #delete(backend: number, history: History): Promise<void> {
    history.unsureDeletes++
    const { version } = await this.#backends[backend]!.delete(history.id)
    history.acknowledge(backend, version, undefined)
    history.unsureDeletes--
  }

  async #get(backend: number): Promise<void> {
    const history = this.#any()
    const least = this.#options.isStrict ? history.newest : history.newestOf[backend]!
    this.#judge(history, await this.#backends[backend]!.get(history.id), least)
    this.#read++
  }

  #judge(history: History, answer: { version: Version; text: string } | undefined, least: Version): void {
    const fault = history.fault(answer, least)
    if (fault !== undefined) this.#faults.push(fault)
  }
}
