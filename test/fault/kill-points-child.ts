/** Runs the script on a real disk until it is killed. Prints `ack SEQUENCE` and `shipped SEQUENCE`. */
import { writeSync } from 'node:fs'
import { runScript, scriptOptions } from './kill-script.ts'

await runScript(scriptOptions(process.argv[2]!), {
  onAcknowledged: (sequence) => writeSync(1, `ack ${sequence}\n`),
  onShipped: (sequence) => writeSync(1, `shipped ${sequence}\n`),
})
