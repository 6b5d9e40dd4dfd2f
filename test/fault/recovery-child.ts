/**
 * Recovers a data folder and prints the report as JSON, unless it is killed with -9 on the way: before its n-th step,
 * or some milliseconds after that step began. Arguments: the folder, n, milliseconds, and `accept-loss` or nothing.
 */
import { recoverStore } from '../../src/admin/recover-store.ts'
import { interceptSteps } from './recovery-steps.ts'

const [dir, last, milliseconds, acceptLoss] = process.argv.slice(2)
const kill = (): void => {
  process.kill(process.pid, 'SIGKILL')
}

let steps = 0
interceptSteps(() => {
  if (++steps !== Number(last)) return
  if (milliseconds === '0') kill()
  setTimeout(kill, Number(milliseconds))
})
const logs = await recoverStore({ dir: dir! }, { acceptLoss: acceptLoss === 'accept-loss' })
console.log(JSON.stringify({ steps, logs }))
