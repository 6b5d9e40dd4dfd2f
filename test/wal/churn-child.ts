/**
 * Makes and removes logs, and adopts what it finds beside them, as backends do that share a data folder. Arguments: the
 * folder of the logs, and how many lives. Prints `ready`, begins when its input ends, and prints `done` or the error.
 */
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { ThermoclineError } from '../../src/errors.ts'
import { say } from '../../src/testkit/crash/say.ts'
import { LockedLog } from '../../src/wal/locked-log.ts'
import type { LogDevice } from '../../src/wal/log-device.ts'
import { LogFolder } from '../../src/wal/log-folder.ts'

const [dir, lives] = process.argv.slice(2)

/** In this thread: the real one takes longer to start than a log of no record lives. */
function deviceIn(path: string): LogDevice {
  return {
    run: async (operations) => {
      for (const operation of operations)
        if (operation.op === 'unlink') rmSync(join(path, operation.name), { force: true })
      return undefined
    },
    close: async () => {},
  }
}

const remove = (log: LockedLog): Promise<void> => log.remove(deviceIn(log.path))

/** Nothing was written to any: one without an owner is left over. */
async function adopt(): Promise<void> {
  const folder = new LogFolder(dir!)
  for (const walId of await folder.list()) {
    const log = await folder.claimUnlessOwned(walId)
    if (log !== undefined) await remove(log)
  }
}

say('ready')
await once(process.stdin.resume(), 'end')
try {
  for (let life = 0; life < Number(lives); life++) {
    const log = await LockedLog.create(dir!, { lockTimeout: 0 })
    await adopt()
    await Promise.all([remove(log), adopt(), adopt()])
  }
  say('done')
} catch (error) {
  say(error instanceof ThermoclineError ? `${error.code} ${error.message}` : String(error))
}
