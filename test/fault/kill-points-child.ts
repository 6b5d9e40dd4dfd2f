/** Runs the script on a real disk until it is killed. Prints `ack SEQUENCE` and `shipped SEQUENCE`. */
import { say } from '../../src/testkit/crash/say.ts'
import { runScript, scriptOptions } from './kill-script.ts'

await runScript(scriptOptions(process.argv[2]!), {
  onAcknowledged: (sequence) => say(`ack ${sequence}`),
  onShipped: (sequence) => say(`shipped ${sequence}`),
})
