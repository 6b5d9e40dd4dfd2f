/** Shows the progress of a command that works on entries, as a bar for each step. */
import { createProgress, type Progress } from './progress.ts'

/** Fewer entries are done before anybody would look at a bar. */
const WORTH_SHOWING = 5_000

/** A bar for each step of the work, in entries. */
export class EntryProgress {
  #label: string | undefined
  #shown = 0
  #bar: Progress | undefined

  show(label: string, { entries, total }: { readonly entries: number; readonly total: number }): void {
    if (total < WORTH_SHOWING) return
    if (label !== this.#label) {
      this.finish()
      this.#bar = createProgress({ total, label })
      this.#label = label
      this.#shown = 0
    }
    this.#bar?.advance(entries - this.#shown)
    this.#shown = entries
  }

  finish(): void {
    this.#bar?.finish()
    this.#bar = undefined
  }
}
