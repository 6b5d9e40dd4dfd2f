/** What another user does with a folder, for tests that run as root. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { compiled } from '../tools/compiled.ts'

export const FolderChild = {
  /** Runs a command as this user, in the group of the same number and no other. */
  run(user: number, [command, ...args]: readonly [string, ...string[]]): void {
    execFileSync(command, args, { uid: user, gid: user, cwd: '/' })
  },

  /** Opens a data folder as this user; answers what came of it. */
  open(dir: string, user: number): string {
    const args = [compiled(join(import.meta.dirname, 'open-as-child.ts')), dir, String(user), String(user)]
    return execFileSync(process.execPath, args, { encoding: 'utf8' }).trim()
  },
}
