/**
 * Takes the lock of a folder and holds it. Arguments: the folder, milliseconds to wait for it, milliseconds to hold it;
 * 0: until killed; and `wait` to say `ready` and begin when its input ends. Prints `held` or the code of the error.
 * While it holds, a file stands in the folder that must not exist when it comes; `violated` says that it did.
 */
import { once } from 'node:events'
import { closeSync, openSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { ThermoclineError } from '../../src/errors.ts'
import { DirectoryLock } from '../../src/kernel/directory-lock.ts'
import { say } from '../../src/testkit/crash/say.ts'

const [dir, timeout, hold, wait] = process.argv.slice(2)

if (wait === 'wait') {
  say('ready')
  await once(process.stdin.resume(), 'end')
}

try {
  const lock = await DirectoryLock.acquire(dir!, { timeout: Number(timeout) })
  if (Number(hold) === 0) {
    say('held')
    // The lock socket alone keeps no process alive.
    setInterval(() => {}, 60_000)
  } else {
    const inside = join(dir!, 'inside')
    try {
      closeSync(openSync(inside, 'wx'))
    } catch {
      say('violated')
    }
    say('held')
    await pause(Number(hold))
    unlinkSync(inside)
    await lock.release()
  }
} catch (error) {
  if (!(error instanceof ThermoclineError)) throw error
  say(`${error.code} ${error.code === 'ERR_LOCKED' ? (error as ThermoclineError<'ERR_LOCKED'>).details.pid : ''}`)
}
