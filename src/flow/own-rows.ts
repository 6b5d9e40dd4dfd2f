/**
 * Rows of this process that a query selects. Cold is asked for its own together with what it has of those that may be
 * answered: what is newer there comes with it, or after as many rows as are asked for, unless cold passes rows over.
 */
import type { ColdRow } from '../cold/cold-tier.ts'
import type { EntryRecord } from '../entry/record.ts'
import type { Version } from '../entry/version.ts'
import { type Comparator, first } from './row-order.ts'

export class OwnRows<R extends ColdRow> {
  readonly #all: readonly R[]
  readonly #limit: number
  readonly #order: Comparator<R>
  /** Undefined: cold was not asked about them. */
  #foremost: readonly R[] | undefined
  /** Those of the foremost that cold had something newer for. */
  #overtaken: ReadonlySet<R> = new Set()
  #isWhole = true

  /** @param limit how many rows are answered at most. */
  constructor(all: readonly R[], limit: number, order: Comparator<R>) {
    this.#all = all
    this.#limit = limit
    this.#order = order
  }

  /** Those that may be answered. */
  foremost(): readonly EntryRecord[] {
    this.#foremost ??= first(this.#all, this.#limit, this.#order)
    return this.#foremost.map(({ record }) => record)
  }

  /**
   * @param versions that cold had of the {@link foremost}, in order, at the moment of its answer.
   * @param isWhole whether that passes no row over, as an approximate index may: then those that are overtaken are
   *   still to be read.
   */
  compare(versions: readonly (Version | undefined)[], isWhole: boolean): void {
    this.#overtaken = new Set(this.#foremost?.filter(({ record }, i) => (versions[i] ?? '') > record.version))
    this.#isWhole = isWhole
  }

  /** Those that may still be answered. */
  get left(): readonly R[] {
    if (this.#overtaken.size === 0) return this.#foremost ?? this.#all
    return this.#isWhole ? this.#all.filter((row) => !this.#overtaken.has(row)) : this.#all
  }

  /** Those of which it is known that cold had nothing newer. */
  get newest(): readonly R[] {
    return (this.#foremost ?? []).filter((row) => !this.#overtaken.has(row))
  }
}
