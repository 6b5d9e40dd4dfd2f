/** What strace saw of a process: its system calls, with the bytes that they wrote. */

/** For `strace -e`. Whatever changes files; what is not simulated is there to be noticed. */
const CHANGING =
  'openat,write,pwrite64,writev,pwritev,pwritev2,ftruncate,truncate,fallocate,copy_file_range,sendfile,io_uring_setup,fsync,fdatasync,?rename,renameat,renameat2,?unlink,unlinkat,?mkdir,mkdirat,?rmdir,?link,linkat,symlinkat'

/** Arguments of strace that record into `file` what {@link momentsOf} reads. */
export function recordInto(file: string): string[] {
  return ['-f', '-y', '-x', '-s', String(64 * 1024 * 1024), '-e', `trace=${CHANGING}`, '-o', file]
}

export interface SystemCall {
  readonly name: string
  /** As strace writes them, between the parentheses. */
  readonly args: string
}

/** A call begins, or has come back. One that its process did not live to see come back has neither end. */
export type Moment =
  | { readonly what: 'begun' | 'failed'; readonly call: SystemCall }
  | { readonly what: 'done'; readonly call: SystemCall; readonly result: string }

const WHOLE = /^(\d+) +(\w+)\((.*)\) += (.+)$/s
const UNFINISHED = /^(\d+) +(\w+)\((.*) <unfinished \.\.\.>$/s
const RESUMED = /^(\d+) +<\.\.\. \w+ resumed>(.*)\) += (.+)$/s

/** Of all threads, in the order in which they were seen. */
export function* momentsOf(trace: string): Generator<Moment> {
  const begun = new Map<string, { name: string; args: string }>()
  for (const line of trace.split('\n')) {
    const [, thread = '', first = '', second = '', result = ''] =
      WHOLE.exec(line) ?? UNFINISHED.exec(line) ?? RESUMED.exec(line) ?? []
    if (line.endsWith(' <unfinished ...>')) {
      const call = { name: first, args: second }
      begun.set(thread, call)
      yield { what: 'begun', call }
    } else if (line.includes(' resumed>')) {
      const call = begun.get(thread)!
      begun.delete(thread)
      call.args += first
      yield* end(call, second)
    } else if (thread !== '') {
      const call = { name: first, args: second }
      yield { what: 'begun', call }
      yield* end(call, result)
    }
  }
}

function* end(call: SystemCall, result: string): Generator<Moment> {
  if (/^\d/.test(result)) yield { what: 'done', call, result }
  else if (!result.startsWith('?')) yield { what: 'failed', call }
}

/** Of the file that a call works on, by its descriptor. */
export function pathOfDescriptor({ args }: SystemCall): string | undefined {
  return /^\d+<([^>]*)>(?!\(deleted\))/.exec(args)?.[1]
}

/** The texts among the arguments: paths, or what is written. */
export function bytesIn({ args }: SystemCall): Buffer[] {
  return [...args.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, quoted]) => unquoted(quoted!))
}

export function numbersAtEnd({ args }: SystemCall): number[] {
  return (/(?:, -?\d+)+$/.exec(args)?.[0] ?? '').split(', ').slice(1).map(Number)
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', v: '\v', f: '\f' }

/** strace writes text as in C, and everything else as hex digits. */
function unquoted(text: string): Buffer {
  if (text.startsWith('\\x')) return Buffer.from(text.replaceAll('\\x', ''), 'hex')
  return Buffer.from(text.replace(/\\(.)/g, (_, letter: string) => ESCAPES[letter] ?? letter))
}
