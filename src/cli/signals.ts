/** What SIGTERM and SIGINT do to a worker, and how long it may take to end. */
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { EXIT } from './exit-code.ts'
import { whenWrapperEnds } from './wrapper-end.ts'

/** So long it may open or close once it was told to end: container runtimes kill after ten seconds. */
export const GRACE_MS = 8_000

/**
 * SIGTERM and SIGINT ask a worker to finish: the answered signal aborts, and its reason says why. A second one ends the
 * process at once, which loses nothing: the log holds what cold does not have. The end of a wrapper that would not pass
 * them on counts as one, but never as the second.
 */
export function listenForInterrupt(): AbortSignal {
  const controller = new AbortController()
  const interrupt = (name: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit(EXIT.interruptedTwice)
    controller.abort(name)
  }
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, interrupt)
  whenWrapperEnds(() => controller.abort('the process that ran this one has ended'))
  return controller.signal
}

/** Resolves when what the worker is at has had its time after the signal. */
export async function graceAfter(interrupted: AbortSignal): Promise<undefined> {
  if (!interrupted.aborted) await once(interrupted, 'abort')
  await delay(GRACE_MS, undefined, { ref: false })
}
