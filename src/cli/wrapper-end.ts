/**
 * Notices that the process which runs this command for somebody, such as npm or npx, has ended. The shell between the
 * two passes no signal on, so without this the command would run for ever.
 */
import { readFileSync } from 'node:fs'
import { isRunByWrapper } from './environment.ts'

const LOOK_EVERY_MS = 500
const SHELLS = new Set(['sh', 'dash', 'bash', 'ash', 'ksh', 'zsh'])

/** The wrappers as this module is loaded, which is as early as can be: one may end while the command starts. */
const wrappers = isRunByWrapper() ? runningWrappers() : undefined

/**
 * Calls `then` once, when the wrapper that runs this process has ended; never where none does. Keeps no process alive.
 */
export function whenWrapperEnds(then: () => void): void {
  if (wrappers === undefined) return
  const timer = setInterval(() => {
    if (runningWrappers() === wrappers) return
    clearInterval(timer)
    then()
  }, LOOK_EVERY_MS).unref()
}

/** Returns the ids of the parent and, where that is a shell, of its parent. They change when one ends. */
function runningWrappers(): string {
  const { ppid } = process
  const shell = readShell(ppid)
  return shell === undefined ? `${ppid}` : `${ppid} ${shell.ppid}`
}

/** Returns undefined where the process is no shell, or the system does not tell. */
function readShell(pid: number): { readonly ppid: string } | undefined {
  try {
    // `pid (name) state ppid …`, and the name may hold anything.
    const [, name = '', ppid = ''] = /^\d+ \((.*)\) \S (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? []
    return SHELLS.has(name) ? { ppid } : undefined
  } catch {
    return undefined
  }
}
