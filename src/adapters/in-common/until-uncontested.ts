/** Does again what somebody else's write came before, as writers in several processes do to each other. */
import { setTimeout as pause } from 'node:timers/promises'
import { isThermoclineError } from '../../index.ts'

const MOST_TRIES = 64
const LONGEST_PAUSE_MS = 100

/**
 * Resolves as `attempt` does once it meets no `ERR_CONFLICT`: it must read anew what it decides by. Rejects with the
 * conflict of the 64th.
 */
export async function untilUncontested<T>(attempt: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt()
    } catch (error) {
      if (!isThermoclineError(error, 'ERR_CONFLICT') || tries === MOST_TRIES) throw error
    }
    // Of those who begin again together one alone gets through, so a crowd has to spread.
    await pause(Math.random() * Math.min(LONGEST_PAUSE_MS, 2 ** tries))
  }
}
