/**
 * Decides when a write may begin. While cold is away the log goes on taking writes, up to a bound; past it a write
 * waits for room, and is refused with `ERR_BACKPRESSURE` before anything of it was written.
 */
import type { CallOptions } from '../deadline.ts'
import { throwIfAborted, withDeadline } from '../deadline.ts'
import { isThermoclineError, ThermoclineError } from '../errors.ts'

export interface AdmissionOptions {
  /** Whether a write may begin now. Cheap: it is asked before every write. */
  readonly hasRoom: () => boolean
  /** Called when a write has to wait: whoever can make room should begin. */
  readonly onFull: () => void
  /** Longest wait in milliseconds where the caller named none. */
  readonly timeout: number
}

export class Admission {
  readonly #options: AdmissionOptions
  readonly #waiting = new Set<() => void>()

  constructor(options: AdmissionOptions) {
    this.#options = options
  }

  /** Undefined where there is room at once, so that the usual case costs no turn of the event loop. */
  enter(options: CallOptions): Promise<void> | undefined {
    throwIfAborted(options.signal, { outcome: 'none' })
    return this.#options.hasRoom() ? undefined : this.#wait(options)
  }

  /** Room may have been made: lets the waiting look again. */
  roomMade(): void {
    for (const look of this.#waiting) look()
  }

  async #wait({ signal, timeout = this.#options.timeout }: CallOptions): Promise<void> {
    let look = (): void => {}
    const room = new Promise<void>((resolve) => {
      look = () => {
        if (this.#options.hasRoom()) resolve()
      }
    })
    this.#waiting.add(look)
    try {
      this.#options.onFull()
      await withDeadline(room, { signal, timeout }, { outcome: 'none' })
    } catch (error) {
      if (!isThermoclineError(error, 'ERR_TIMEOUT')) throw error
      throw new ThermoclineError(
        'ERR_BACKPRESSURE',
        `no room for another write within ${timeout} ms: cold does not take what is pending fast enough, or is away`,
        { outcome: 'none' },
      )
    } finally {
      this.#waiting.delete(look)
    }
  }
}
