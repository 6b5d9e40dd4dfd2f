/**
 * Turns an error into the one line that a command prints, which names the remedy. Messages of foreign errors are left
 * out unless the operating system wrote them: those of drivers quote rows and parameters.
 */
import { isThermoclineError } from '../errors.ts'
import { UsageError } from './exit-code.ts'

const MORE = 'run it again with --verbose for the place in the code'

export function describeError(error: unknown): string {
  if (isThermoclineError(error)) return oneLine(`${error.message} (${error.code})`)
  if (error instanceof UsageError) return oneLine(error.message)
  if (isSystemError(error)) return oneLine(`${error.message}: ${MORE}`)
  return oneLine(`unexpected failure, ${nameOf(error)}: ${MORE}`)
}

/** Where the error came from, and the errors behind it, without their messages. */
export function traceOf(error: unknown): string {
  const traces: string[] = []
  for (let next: unknown = error; next instanceof Error; next = next.cause) {
    const frames = (next.stack ?? '').split('\n').filter((line) => /^ {4}at /.test(line))
    traces.push([nameOf(next), ...frames].join('\n'))
  }
  return traces.join('\ncaused by ')
}

/** Of the file system and the like: it names a call and a path. */
function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error && typeof error.syscall === 'string'
}

function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error
  const { code } = error as NodeJS.ErrnoException
  return typeof code === 'string' ? `${error.name} ${code}` : error.name
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ').trim()
}
