/**
 * Rows of this process that a query selects. Cold is asked for its own together with what it has of those that may be
 * answered: what is newer there comes with it, or after as many rows as are asked for.
 */
import type { ColdRow } from '../cold/cold-tier.ts'
import type { EntryRecord } from '../entry/record.ts'
import type { Version } from '../entry/version.ts'
import { type Comparator, first } from './row-order.ts'

export class OwnRows<R extends ColdRow> {
  readonly #all: readonly R[]
  readonly #foremost: readonly R[]
  /** Of the foremost, those that cold has nothing newer for; undefined: it was not asked. */
  #newest: ReadonlySet<R> | undefined

  /** @param limit how many rows are answered at most. */
  constructor(all: readonly R[], limit: number, order: Comparator<R>) {
    this.#all = all
    this.#foremost = first(all, limit, order)
  }

  /** Those that may be answered. */
  get keys(): EntryRecord[] {
    return this.#foremost.map(({ record }) => record)
  }

  /** @param versions that cold had of {@link keys}, in order, at the moment of its answer. */
  compare(versions: readonly (Version | undefined)[]): void {
    this.#newest = new Set(this.#foremost.filter(({ record }, i) => (versions[i] ?? '') <= record.version))
  }

  /** Those that may still be answered. */
  get left(): readonly R[] {
    const newest = this.#newest
    if (newest === undefined) return this.#all
    if (newest.size === this.#foremost.length) return this.#foremost
    const overtaken = new Set(this.#foremost.filter((row) => !newest.has(row)))
    return this.#all.filter((row) => !overtaken.has(row))
  }

  /** Whether it is known that cold had nothing newer. */
  isNewest(row: R): boolean {
    return this.#newest?.has(row) === true
  }
}
