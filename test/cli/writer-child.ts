/**
 * Puts chunks into a data folder and prints the id of each one acknowledged. Nothing is shipped, so the log holds all of
 * it. Then it stays, with the folder open, until it is killed.
 * Arguments: the folder, how many chunks to put at a time, and how often.
 */
import { writeSync } from 'node:fs'
import { openMemoryStore } from '../../src/index.ts'

const [dir, group, times] = process.argv.slice(2)
const store = await openMemoryStore({
  dir: dir!,
  checkpoint: { every: '1h' },
  sync: false,
  wal: { segmentBytes: 64 * 1024 },
})
let position = 0
for (let time = 0; time < Number(times); time++) {
  const inputs = Array.from({ length: Number(group) }, () => ({ text: `chunk ${position}`, position: position++ }))
  for (const { id } of await store.chunks.putMany(inputs)) writeSync(1, `${id}\n`)
}
writeSync(1, 'done\n')
setInterval(() => {}, 60_000)
