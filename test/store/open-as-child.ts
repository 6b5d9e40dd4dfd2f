/**
 * Opens a data folder and writes to a log in it as another user. Arguments: the folder, user and group; the process is
 * in no other group. Prints `opened`, or code and message of the error.
 */
import { ThermoclineError } from '../../src/errors.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { ReleaseStack } from '../../src/kernel/release-stack.ts'
import { openFolder } from '../../src/store/open-folder.ts'
import { resolveOptions } from '../../src/store/resolve-options.ts'
import { say } from '../../src/testkit/crash/say.ts'
import { LockedLog } from '../../src/wal/locked-log.ts'

const [dir, user, group] = process.argv.slice(2)
process.setgroups!([])
process.setgid!(Number(group))
process.setuid!(Number(user))

try {
  await ReleaseStack.within(silentLogger, async (releases) => {
    const folder = await openFolder(resolveOptions({ dir: dir! }), releases)
    const log = await LockedLog.create(folder.wal, { lockTimeout: 0 })
    await log.release()
  })
  say('opened')
} catch (error) {
  say(error instanceof ThermoclineError ? `${error.code} ${error.message}` : `raw ${error}`)
}
