/**
 * Recovers a data folder as `thermocline recover` does, and prints `RECORDS PEAK MAIN`: records shipped; the most
 * memory that the whole process took, the embedded database included; the most that the JavaScript of the main thread
 * held. Both in MiB.
 */
import { recoverStore } from '../../src/admin/recover-store.ts'
import { peakMemory } from '../tools/peak-memory.ts'

let main = 0
let records = 0
const measure = (): void => {
  const { heapUsed, external } = process.memoryUsage()
  main = Math.max(main, heapUsed + external)
}
const timer = setInterval(measure, 20)
for (const log of await recoverStore({ dir: process.argv[2]! }, { onProgress: () => {} }))
  if (log.outcome === 'retired') records += log.shipped
clearInterval(timer)
console.log(records, peakMemory(), Math.round(main / 1024 / 1024))
