/**
 * Does atomic writes on an embedded store, always the same: over several files of the log and two checkpoints, the
 * second of which finds them partly shipped. Prints what atomic-child.ts does. Arguments: the data folder, name of the
 * writer.
 */
import { openMemoryStore } from '../../src/index.ts'
import { say } from '../../src/testkit/crash/say.ts'
import { bundleOf } from './atomic-state.ts'

const WRITER = process.argv[3]!
const BUNDLES = 24
const CHECKPOINT_EVERY = 9

const store = await openMemoryStore({
  dir: process.argv[2]!,
  checkpoint: { every: '1h' },
  sync: false,
  wal: { segmentBytes: 16 * 1024 },
})
for (let n = 1; n <= BUNDLES; n++) {
  say(`begin own ${n}`)
  await store.write(bundleOf(store.entries, WRITER, WRITER, n), { atomic: true })
  say(`ack own ${n}`)
  if (n % CHECKPOINT_EVERY === 0) await store.checkpoint()
}
await store.close()
