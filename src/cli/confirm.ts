/** Asks a person at a terminal to confirm. */
import { once } from 'node:events'
import { createInterface } from 'node:readline/promises'

export interface Terminal {
  readonly input: NodeJS.ReadableStream
  readonly output: NodeJS.WritableStream
}

/** The question goes to stderr: stdout is for answers. */
const CONSOLE: Terminal = { input: process.stdin, output: process.stderr }

/**
 * Returns whether the person says yes. Anything else is no, and so is the end of the input, or the signal.
 */
export async function confirm(question: string, signal: AbortSignal, terminal = CONSOLE): Promise<boolean> {
  // Not as a terminal: it would take Ctrl-C for a key, and no signal would come.
  const lines = createInterface({ ...terminal, terminal: false })
  try {
    const ended = once(lines, 'close').then(() => 'no')
    const answer = await Promise.race([lines.question(`${question} [y/N] `, { signal }), ended])
    return /^y(es)?$/i.test(answer.trim())
  } catch (error) {
    if (signal.aborted) return false
    throw error
  } finally {
    lines.close()
  }
}
