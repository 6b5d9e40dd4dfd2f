/**
 * Lets go of what the log of this process holds where another process asks for it, which has erased something (rule E5
 * of flow/README.md): what is in a file by then is in cold, or lost to a tombstone there.
 */
import type { ColdTier } from '../cold/cold-tier.ts'
import { SingleFlight } from '../kernel/single-flight.ts'
import type { Checkpointer } from './checkpointer.ts'

export interface AskedCutsParts {
  readonly cold: Pick<ColdTier, 'askedCut' | 'noteCut'>
  readonly checkpointer: Checkpointer
  /** Resolves once what has begun by now is in the log, or has failed. */
  readonly settled: () => Promise<unknown>
}

export class AskedCuts {
  readonly #parts: AskedCutsParts
  readonly #flight = new SingleFlight(() => this.#cutIfAsked())

  constructor(parts: AskedCutsParts) {
    this.#parts = parts
  }

  get isRunning(): boolean {
    return this.#flight.isRunning
  }

  /** Does nothing where nobody has asked. Rejects where cold is away. */
  run(): Promise<void> {
    return this.#flight.run()
  }

  async #cutIfAsked(): Promise<void> {
    const { cold, checkpointer, settled } = this.#parts
    const { walId, epoch, failure } = checkpointer.log
    // Whoever opens the log next can: whoever asked goes on naming it.
    if (checkpointer.fenced !== undefined || failure !== undefined) return
    const token = await cold.askedCut(walId)
    if (token === undefined && !checkpointer.wasUnknown) return
    // A write that began before may replace something older than the tombstone, and is yet to be logged.
    await settled()
    const { isWhole } = await checkpointer.cut()
    // The logger was told; asked for it is as long as it was not noted.
    if (isWhole && token !== undefined) await cold.noteCut(walId, epoch, token)
  }
}
