/**
 * The process that starts servers for this one, and that ends them and removes their folders when this one has ended,
 * however that came. It is small: to fork a test's process, which has a gigabyte, takes thirty times as long.
 */
import { type ChildProcess, fork, type SpawnOptions } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { fileURLToPath } from 'node:url'

const PROGRAM = fileURLToPath(new URL('./supervisor-process.js', import.meta.url))

/** How a program ended, and what it had printed before it was ready. */
type End = [how: string | number | null, printed: string]

/** A server that has begun to serve. */
export class SupervisedServer {
  readonly #pid: number
  readonly #end: Promise<End>

  constructor(pid: number, end: Promise<End>) {
    this.#pid = pid
    this.#end = end
  }

  /** Sends a signal, at once; to one that is gone, in vain. */
  kill(signal: NodeJS.Signals): void {
    try {
      process.kill(this.#pid, signal)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }

  /** Resolves once it is gone. */
  async gone(): Promise<void> {
    await whileHeard(this.#end)
  }
}

/** Runs a command to its end; rejects unless that is good. */
export async function runSupervised(command: readonly string[], options?: SpawnOptions): Promise<void> {
  const end = await whileHeard(endOf(start(command, options)))
  if (end[0] !== 0) throw failure(command, end)
}

/** Starts a server; resolves once it has printed that it is `ready`, rejects if it ends before. */
export async function startSupervised(
  command: readonly string[],
  ready: string,
  options?: SpawnOptions,
): Promise<SupervisedServer> {
  const events = start(command, options, ready)
  const end = endOf(events)
  const failed = end.then((early) => Promise.reject(failure(command, early)))
  const [pid] = await whileHeard(Promise.race([once(events, 'ready'), failed]))
  return new SupervisedServer(pid, end)
}

export function removeFolderWhenWeEnd(folder: string): void {
  supervisor().send({ keep: folder })
}

/** Whoever had it removed did so. */
export function forgetFolder(folder: string): void {
  supervisor().send({ forget: folder })
}

/** Of each program that runs: `ready` with its pid, `end` with an {@link End}. */
const programs = new Map<number, EventEmitter>()
let lastId = 0
let own: ChildProcess | undefined
/** How many of us wait for what it says. */
let waits = 0

function supervisor(): ChildProcess {
  own ??= startSupervisor()
  return own
}

function startSupervisor(): ChildProcess {
  // A session of its own: what a terminal sends to end us would end it as well. And none of our flags.
  const started = fork(PROGRAM, [], { detached: true, execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  started.on('message', ([id, event, ...said]: [number, string, ...unknown[]]) =>
    programs.get(id)?.emit(event, ...said),
  )
  started.once('exit', () => {
    for (const events of programs.values()) events.emit('end', 'with its supervisor', '')
  })
  // Tests wait for what they use; it alone keeps nobody from ending.
  started.unref()
  started.channel!.unref()
  return started
}

function start([program, ...args]: readonly string[], options?: SpawnOptions, ready?: string): EventEmitter {
  const id = ++lastId
  const events = new EventEmitter()
  programs.set(id, events)
  events.once('end', () => programs.delete(id))
  supervisor().send({ id, program, args, options, ready })
  return events
}

function endOf(events: EventEmitter): Promise<End> {
  return once(events, 'end') as Promise<End>
}

function failure([program]: readonly string[], [how, printed]: End): Error {
  return new Error(`${program} ended (${how}):\n${printed}`)
}

async function whileHeard<T>(answer: Promise<T>): Promise<T> {
  const { channel } = supervisor()
  if (waits++ === 0) channel!.ref()
  try {
    return await answer
  } finally {
    if (--waits === 0) channel!.unref()
  }
}
