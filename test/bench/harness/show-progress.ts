/**
 * Says on stderr what is being measured: one line that changes on a terminal, elsewhere a line for each
 * case that is done.
 */
import { SingleBar } from 'cli-progress'

export interface RunProgress extends Disposable {
  begin(name: string): void
  /** What of the case is done now; undefined when it has ended. */
  readonly step: (step: string | undefined) => void
  /** Prints a text to stdout, whatever the bar does. */
  print(text: string): void
}

export function showProgress(cases: number, stream: NodeJS.WriteStream = process.stderr): RunProgress {
  return stream.isTTY ? barOf(cases, stream) : linesOf(cases, stream)
}

function barOf(cases: number, stream: NodeJS.WriteStream): RunProgress {
  const bar = new SingleBar({
    stream,
    // Not in the format: a name may hold braces.
    format: '[{bar}] {value}/{total} | {duration_formatted} | {what}',
    barsize: 20,
    hideCursor: null,
    linewrap: null,
    // The library would swallow the first SIGINT, which ends the run.
    gracefulExit: false,
  })
  let name = ''
  bar.start(cases, 0, { what: '' })
  return {
    begin: (next) => {
      name = next
      bar.update({ what: name })
    },
    step: (step) => (step === undefined ? bar.increment(1) : bar.update({ what: `${name}: ${step}` })),
    print: (text) => {
      bar.stop()
      console.log(text)
    },
    [Symbol.dispose]: () => bar.stop(),
  }
}

function linesOf(cases: number, stream: NodeJS.WritableStream): RunProgress {
  let begun = 0
  let began = 0
  let name = ''
  return {
    begin: (next) => {
      name = next
      begun++
      began = performance.now()
    },
    step: (step) => {
      const seconds = ((performance.now() - began) / 1_000).toFixed()
      if (step === undefined) stream.write(`${begun}/${cases} ${name} (${seconds} s)\n`)
    },
    print: (text) => console.log(text),
    [Symbol.dispose]: () => {},
  }
}
