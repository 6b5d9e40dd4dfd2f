/**
 * Shows the progress of long work: a bar on a terminal, elsewhere plain lines, at most one a second, so that a file of
 * them stays readable. It is written to stderr by default, since stdout is for results.
 */
import { SingleBar } from 'cli-progress'

export interface ProgressOptions {
  /** Steps in all. */
  readonly total: number
  readonly label: string
  readonly stream?: NodeJS.WriteStream | NodeJS.WritableStream
  /** Milliseconds, rising. @default performance.now */
  readonly now?: () => number
}

export interface Progress {
  advance(steps?: number): void
  /** Leaves the last state on screen. Call it in a `finally`: a terminal bar holds the line until then. */
  finish(): void
}

const LINE_INTERVAL_MS = 1_000

export function createProgress(options: ProgressOptions): Progress {
  const stream = options.stream ?? process.stderr
  return 'isTTY' in stream && stream.isTTY ? barOn(stream, options) : linesOn(stream, options)
}

function barOn(stream: NodeJS.WritableStream, { label, total }: ProgressOptions): Progress {
  const bar = new SingleBar({
    stream,
    // Not in the format: a label may hold braces.
    format: '{label} [{bar}] {percentage} % | {value}/{total} | {duration_formatted}',
    // Leaves the terminal as it is: a killed process could not put it back.
    hideCursor: null,
    linewrap: null,
    // The library would swallow the first SIGINT and SIGTERM; the commands handle those.
    gracefulExit: false,
  })
  bar.start(total, 0, { label })
  return { advance: (steps = 1) => bar.increment(steps), finish: () => bar.stop() }
}

function linesOn(stream: NodeJS.WritableStream, options: ProgressOptions): Progress {
  const { label, total, now = () => performance.now() } = options
  let done = 0
  let shown: number | undefined
  let shownAt = now()
  const show = (): void => {
    const percentage = total === 0 ? 100 : Math.floor((done / total) * 100)
    stream.write(`${label}: ${done}/${total} (${percentage} %)\n`)
    shown = done
    shownAt = now()
  }
  return {
    advance(steps = 1) {
      done += steps
      if (now() - shownAt >= LINE_INTERVAL_MS) show()
    },
    finish() {
      if (shown !== done) show()
    },
  }
}
