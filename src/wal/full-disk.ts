/**
 * Knows whether the disk under a log is full: since a group was refused for that, until one is written or the disk is
 * seen to have room again. It is looked at every second meanwhile, for whoever sends writes to ready stores only would
 * never send the one that finds out.
 */

const LOOK_EVERY_MS = 1_000

export class FullDisk {
  readonly #hasRoomFor: (bytes: number) => Promise<boolean>
  #refused: { readonly bytes: number; readonly message: string } | undefined
  #timer: NodeJS.Timeout | undefined

  /** @param hasRoomFor looks whether a group of so many bytes would be written now; MUST NOT reject. */
  constructor(hasRoomFor: (bytes: number) => Promise<boolean>) {
    this.#hasRoomFor = hasRoomFor
  }

  /** What was said of the group that was refused last; undefined while the disk is not known to be full. */
  get message(): string | undefined {
    return this.#refused?.message
  }

  noteRefused(bytes: number, message: string): void {
    this.#refused = { bytes, message }
    this.#lookLater()
  }

  /** A group was written, or there will be none any more. */
  noteOver(): void {
    this.#refused = undefined
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  /** Keeps no process alive. */
  #lookLater(): void {
    this.#timer ??= setTimeout(() => void this.#look(), LOOK_EVERY_MS).unref()
  }

  async #look(): Promise<void> {
    const [timer, refused] = [this.#timer, this.#refused!]
    const hasRoom = await this.#hasRoomFor(refused.bytes)
    // A group was written meanwhile: what is known, if anything, began after it.
    if (this.#timer !== timer) return
    if (hasRoom && this.#refused === refused) return this.noteOver()
    this.#timer = undefined
    this.#lookLater()
  }
}
