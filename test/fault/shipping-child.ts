/** Writes and ships, several segments at a time, and prints how many checkpoints it made. Argument: the data folder. */
import { openMemoryStore } from '../../src/index.ts'

const CHECKPOINTS = 4
const store = await openMemoryStore({
  dir: process.argv[2]!,
  checkpoint: { every: '1h' },
  sync: false,
  wal: { segmentBytes: 8 * 1024 },
})
for (let checkpoint = 0; checkpoint < CHECKPOINTS; checkpoint++) {
  for (let group = 0; group < 6; group++)
    await store.chunks.putMany(Array.from({ length: 10 }, () => ({ text: 'x'.repeat(600) })))
  await store.checkpoint()
}
await store.close()
console.log(CHECKPOINTS)
