/**
 * Notices that the database was set back, which is: restored to an earlier state. The checkpoint of a log in cold only
 * ever moves forward, and its epoch only ever grows, so an older checkpoint or epoch in the answer to a batch shows it.
 * So does a database that does not know the log at all, as before the log began. But a log that somebody retired looks
 * the same, and the two cannot be told apart: from then on this process ships nothing, and whoever opens the log next
 * registers it anew (`#forgotten` and `#register` of checkpointer.ts).
 *
 * After that, cold is *lacking* what it once had of the log, until the segments are shipped again (checkpointer.ts).
 * What reads do meanwhile is decided in reads-while-set-back.ts.
 */
import type { ShipResult } from '../cold/cold-tier.ts'
import type { SequenceRange } from '../errors.ts'

/** The database was found in an earlier state than it had been in. */
export interface SetBack {
  readonly at: Date
  /** Up to which record of this process's log the database had it before. */
  readonly had: number
  /** Up to which it had it then; undefined: it did not know the log. */
  readonly has: number | undefined
  /** Records of this process's log that no segment holds any more, so that they are gone from the database. */
  readonly lost: readonly SequenceRange[]
}

/** Where this process believes that its log stands in cold. */
export interface Standing {
  readonly epoch: number
  readonly sequence: number
}

/**
 * Whether cold did not take a batch because it was set back; else another process has the log, or the answer to an
 * earlier batch was lost.
 */
export function isSetBack(
  refusal: Extract<ShipResult, { readonly status: 'fenced' | 'elsewhere' }>,
  { epoch, sequence }: Standing,
): boolean {
  return refusal.status === 'fenced' ? refusal.epoch <= epoch : refusal.sequence <= sequence
}

export class SetBackWatch {
  #latest: SetBack | undefined
  #lacking: number | undefined

  /** What is known of the latest time; a new object each time that it is found so. */
  get latest(): SetBack | undefined {
    return this.#latest
  }

  /** Up to this record of the log, which cold once had, it has to get them again; undefined: it lacks none. */
  get lacking(): number | undefined {
    return this.#lacking
  }

  /**
   * @param sequence The last record that cold had, as far as this process knows.
   * @param has The last that it has; undefined: it does not know the log.
   */
  note(sequence: number, at: number, has: number | undefined): void {
    // Set back further before it had all of it again: that is one time.
    const before = this.#lacking === undefined ? undefined : this.#latest
    const had = Math.max(sequence, before?.had ?? 0)
    const least = has === undefined ? undefined : Math.min(has, before?.has ?? has)
    this.#latest = { at: new Date(at), had, has: least, lost: this.#latest?.lost ?? [] }
    this.#lacking = had
  }

  /** Cold has again what segments held; `lost` is what they did not. */
  restored(lost: readonly SequenceRange[]): void {
    if (this.#latest !== undefined && lost.length > 0)
      this.#latest = { ...this.#latest, lost: [...this.#latest.lost, ...lost] }
    this.#lacking = undefined
  }
}
