import { EXIT } from './exit-code.ts'

/**
 * SIGTERM and SIGINT ask a worker to finish: the answered signal aborts. A second one ends the process at once, which
 * loses nothing: the log holds what cold does not have.
 */
export function listenForInterrupt(): AbortSignal {
  const controller = new AbortController()
  const interrupt = (): void => {
    if (controller.signal.aborted) process.exit(EXIT.interruptedTwice)
    controller.abort()
  }
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, interrupt)
  return controller.signal
}
