/** Shows the progress of `thermocline recover`. */
import type { RecoverProgress } from '../admin/recover-store.ts'
import { createProgress, type Progress } from './progress.ts'

/** A log shorter than this is read before anybody would look at a bar. */
const WORTH_SHOWING_BYTES = 8 * 1024 * 1024

/** One progress bar per log, in bytes read; short logs have none. */
export class RecoverProgressBars {
  #walId: string | undefined
  #shown = 0
  #bar: Progress | undefined

  show({ walId, bytes, totalBytes }: RecoverProgress): void {
    if (totalBytes < WORTH_SHOWING_BYTES) return
    if (walId !== this.#walId) this.#begin(walId, totalBytes)
    this.#bar?.advance(bytes - this.#shown)
    this.#shown = bytes
  }

  finish(): void {
    this.#bar?.finish()
    this.#bar = undefined
  }

  #begin(walId: string, totalBytes: number): void {
    this.finish()
    this.#bar = createProgress({ total: totalBytes, label: `log ${walId}, bytes` })
    this.#walId = walId
    this.#shown = 0
  }
}
