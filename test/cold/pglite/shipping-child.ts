/** Opens the folder given and ships batch after batch; says each sequence once it was acknowledged. */
import { openPgliteCold } from '../../../src/cold/pglite/pglite-driver.ts'
import { chunkOf, versionOf } from '../../../src/testkit/contract/cold-records.ts'
import { OPTIONS } from './pglite-template.ts'

const [dir, walId] = process.argv.slice(2) as [string, string]
const ROWS = 20

const tier = await openPgliteCold({ ...OPTIONS, dir })
const known = await tier.checkpointOf(walId)
const { epoch, sequence } = await tier.takeOver(walId, (known?.epoch ?? 0) + 1)
for (let from = sequence; ; from += ROWS) {
  const to = from + ROWS
  const records = Array.from({ length: ROWS }, (_, n) =>
    chunkOf('ns', from + n, from + n + 1, { embedding: new Float32Array(512).fill(from + 1) }),
  )
  const { status } = await tier.ship({ walId, epoch, from, to, records, shippedVersion: versionOf(to) })
  if (status !== 'moved') throw new Error(status)
  process.stdout.write(`${to}\n`)
}
