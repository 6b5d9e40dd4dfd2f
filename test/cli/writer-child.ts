/**
 * Puts chunks into a data folder and prints the id of each one acknowledged. Nothing is shipped, so the log holds all
 * of it. Then it stays, with the folder open, until it is killed. Arguments: the folder, how many chunks to put at a
 * time, and how often.
 */
import { openMemoryStore } from '../../src/index.ts'

const [dir, group, times] = process.argv.slice(2)
const store = await openMemoryStore({
  dir: dir!,
  checkpoint: { every: '1h' },
  sync: false,
  wal: { segmentBytes: 64 * 1024 },
})
/** Resolves once it is in the pipe, which may be full. */
const print = (text: string): Promise<void> => new Promise((resolve) => process.stdout.write(text, () => resolve()))

let position = 0
for (let time = 0; time < Number(times); time++) {
  const inputs = Array.from({ length: Number(group) }, () => ({ text: `chunk ${position}`, position: position++ }))
  const receipts = await store.chunks.putMany(inputs)
  await print(receipts.map(({ id }) => `${id}\n`).join(''))
}
await print('done\n')
setInterval(() => {}, 60_000)
