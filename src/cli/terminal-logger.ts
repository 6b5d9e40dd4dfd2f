/** Makes the loggers of the commands: JSON lines for a collector, plain lines for a person. */
import { Writable } from 'node:stream'
import { pino } from 'pino'
import { silentLogger } from '../default-options.ts'
import type { ResolvedOptions } from '../store/resolve-options.ts'
import type { CommonFlags } from './store-options.ts'

export type Logger = ResolvedOptions['logger']
type Level = 'debug' | 'info'

/** Returns the logger of a worker, whose output is what it tells: it goes to stdout. */
export function workerLogger({ verbose }: CommonFlags): Logger {
  const level = verbose ? 'debug' : 'info'
  // Synchronous, so that the last line before an exit is there.
  return process.stdout.isTTY ? plainLogger(process.stdout, level) : pino({ level }, pino.destination({ sync: true }))
}

/** Returns the logger of a command whose output is an answer: it tells nothing, or everything on stderr. */
export function commandLogger({ verbose }: CommonFlags): Logger {
  return verbose ? plainLogger(process.stderr, 'debug') : silentLogger
}

export function plainLogger(output: NodeJS.WritableStream, level: Level): Logger {
  const lines = new Writable({
    decodeStrings: false,
    write: (line: string, _, done) => {
      output.write(plainLine(JSON.parse(line) as PinoLine))
      done()
    },
  })
  return pino({ level }, lines)
}

interface PinoLine {
  readonly level: number
  readonly time: number
  readonly pid: number
  readonly hostname: string
  readonly msg: string
}

function plainLine({ level, time, pid: _, hostname: __, msg, ...fields }: PinoLine): string {
  const label = pino.levels.labels[level] ?? String(level)
  const rest = Object.entries(fields).map(([name, value]) => `${name}=${JSON.stringify(value)}`)
  return `${[new Date(time).toISOString(), label.toUpperCase().padEnd(5), msg, ...rest].join(' ')}\n`
}
