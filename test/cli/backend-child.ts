/**
 * A backend on the servers of the environment that writes and ships nothing: what it puts is in its log and in hot. It
 * prints each entry as it reads it back, one JSON line each, then `done`, and stays until it is killed.
 * Arguments: the data folder, and how many entries of each kind to put.
 */

import { optionsFromEnv } from '../../src/cli/environment.ts'
import { openMemoryStore } from '../../src/index.ts'
import { asJson } from './entry-json.ts'

const [dir, count] = process.argv.slice(2) as [string, string]
const store = await openMemoryStore({ ...optionsFromEnv(), dir, checkpoint: { every: '1h' }, sync: false })

/** Floats whose every bit matters. */
const embedding = (n: number): Float32Array => Float32Array.of(n / 3, -0, 1e-45, 9.8765432e17, -Math.PI * (n + 1))
const common = (n: number) => ({
  metadata: { n, nested: { text: 'Grüße, 世界 🌊', list: [1.5, null, true] } },
  embeddingModel: 'model-é',
  ttl: '30d',
})
const children = ['0199d6f2-5a5e-7b1c-9c41-7a3f2f0f6c11']

const { entries } = store.namespace('tenant', 'a:{b}%')
for (let n = 0; n < Number(count); n++) {
  const receipts = await entries.putMany([
    { kind: 'embedding', embedding: embedding(n), ...common(n) },
    {
      kind: 'chunk',
      text: `line one\n\t"${n}"`,
      documentId: 'a/é.md',
      position: n,
      embedding: embedding(n),
      ...common(n),
    },
    { kind: 'metadata', key: `settings ${n}`, ...common(n) },
    { kind: 'raptor', level: 2, summary: `summary ${n}`, children, embedding: embedding(n), ...common(n) },
  ])
  const read = await entries.getMany(receipts.map(({ id }) => id))
  const lines = read.map((entry) => `${asJson(entry)}\n`).join('')
  // It goes on when all of it is in the pipe: the kill cannot unsay it.
  await new Promise<void>((resolve) => process.stdout.write(lines, () => resolve()))
}
process.stdout.write('done\n')
setInterval(() => {}, 60_000)
