/**
 * Decides what a command does when the reader of its stdout stops early: printed results may end there, an archive may
 * not.
 */
import { EXIT } from './exit-code.ts'

/** An answer may be read in part, as `head` does. */
export function letAnswersEndEarly(): void {
  process.stdout.on('error', endEarly)
}

/** Returns stdout for what is nothing in part, as an archive: whoever writes it hears that the other end is gone. */
export function stdoutForWhole(): NodeJS.WriteStream {
  process.stdout.off('error', endEarly)
  return process.stdout
}

function endEarly(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(EXIT.done)
  throw error
}
