/**
 * Reads cold for gets that found no answer before it. Gets of one key share a read, and those that come while one is
 * under way go together in the next: a statement costs Postgres several times what one row more does.
 */
import type { ColdTier } from '../cold/cold-tier.ts'
import { type EntryKey, keyText } from '../entry/entry-key.ts'
import { Coalescer } from '../kernel/coalescer.ts'
import { type Patience, withDeadline } from '../kernel/deadline.ts'
import type { HotReads } from './hot-reads.ts'
import type { ReadFromCold } from './promoter.ts'

/** Orders the beginnings of gets and of statements. */
export type Tick = number

/** One key of a statement. */
interface Asked {
  readonly key: EntryKey
  /** Infinity: it has not begun yet. */
  began: Tick
}

/**
 * A read of cold that several gets of one key share. A get may share it only if the statement began after the get: an
 * older one may have missed what left pending or hot in between, and the get would go back in time.
 */
interface SharedRead {
  readonly asked: Asked
  readonly row: Promise<ReadFromCold | undefined>
}

/** For how long a statement keeps others waiting, which then go together. */
const TURN_MS = 10
/** An entry may have megabytes, and one statement brings all of them. */
const KEYS_READ_TOGETHER = 32

export interface SharedColdReadsParts {
  readonly cold: Pick<ColdTier, 'read'>
  readonly hot: Pick<HotReads, 'origin'>
}

export class SharedColdReads {
  readonly #parts: SharedColdReadsParts
  readonly #shared = new Map<string, SharedRead>()
  readonly #statements = new Coalescer((asked: readonly Asked[]) => this.#ask(asked), {
    turnMs: TURN_MS,
    fits: (asked, more) => asked.length + more.length <= KEYS_READ_TOGETHER,
  })
  #tick: Tick = 0

  constructor(parts: SharedColdReadsParts) {
    this.#parts = parts
  }

  /** A get begins. */
  begin(): Tick {
    return ++this.#tick
  }

  /**
   * Returns what cold has, in order. What it costs is shared, so that an impatient caller stops waiting, and no more.
   * @param began when the get did that asks.
   */
  async read(keys: readonly EntryKey[], began: Tick, patience: Patience): Promise<(ReadFromCold | undefined)[]> {
    const unread = keys.filter((key) => (this.#shared.get(keyText(key))?.asked.began ?? 0) < began)
    if (unread.length > 0) this.#share(unread.map((key) => ({ key, began: Number.POSITIVE_INFINITY })))
    return withDeadline(Promise.all(keys.map((key) => this.#shared.get(keyText(key))!.row)), patience)
  }

  #share(all: readonly Asked[]): void {
    const rows = this.#statements.call(all)
    for (const [i, asked] of all.entries()) {
      const text = keyText(asked.key)
      const shared = { asked, row: rows.then((found) => found[i]) }
      const end = (): void => {
        if (this.#shared.get(text) === shared) this.#shared.delete(text)
      }
      this.#shared.set(text, shared)
      shared.row.then(end, end)
    }
  }

  async #ask(asked: readonly Asked[]): Promise<(ReadFromCold | undefined)[]> {
    const began = ++this.#tick
    for (const one of asked) one.began = began
    const { origin } = this.#parts.hot
    const rows = await this.#parts.cold.read(asked.map(({ key }) => key))
    return rows.map((row) => row && { ...row, ...origin })
  }
}
