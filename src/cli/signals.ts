/** Decides what SIGTERM and SIGINT do to a worker, and how long it may take to end. */
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { EXIT } from './exit-code.ts'
import { whenWrapperEnds } from './wrapper-end.ts'

/** How long a worker may go on opening or closing after a signal. Container runtimes kill after ten seconds. */
export const GRACE_MS = 8_000

/**
 * Returns an AbortSignal, which SIGTERM and SIGINT abort: its reason says why. A second signal ends the process at
 * once; that loses nothing, since the log holds what cold does not have. The end of a wrapper such as npx, which passes
 * no signal on, counts as a first signal, but never as a second.
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

/** Resolves {@link GRACE_MS} after the signal. */
export async function graceAfter(interrupted: AbortSignal): Promise<undefined> {
  if (!interrupted.aborted) await once(interrupted, 'abort')
  await delay(GRACE_MS, undefined, { ref: false })
}
