import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { segmentName } from '../../src/wal/format.ts'
import { longTest } from '../tools/budget.ts'
import { Child } from './child.ts'
import { flip } from './recorded-log.ts'
import { createLog, payloadOf, range, sourceOf, temporaryFolder } from './temporary-log.ts'

const RECORDS = 12_000
const MEGABYTES = 160
/** A few windows, and what a collector that is short of processor time has not looked at yet. */
const MOST_MEGABYTES = 112

longTest('the memory of a scan does not grow with the log, whole or damaged', { timeout: 60_000 }, async () => {
  const dir = await temporaryFolder()
  const log = await createLog({ dir, segmentBytes: 32 * 1024 * 1024 })
  const payload = payloadOf(1, (MEGABYTES * 1024 * 1024) / RECORDS)
  for (let n = 0; n < RECORDS; n += 1_000)
    await Promise.all(range(1, 1_000).map(() => log.append('put', payload, 0, 0)))
  await log.close()
  const { path, walId } = sourceOf(dir, log)

  expect(await scanInChild('drop')).toEqual({ records: RECORDS, isSmall: true })
  // That the measure would see it.
  expect(await scanInChild('keep')).toEqual({ records: RECORDS, isSmall: false })

  const first = join(path, segmentName(1))
  const bytes = await readFile(first)
  flip(bytes, 80 + 8)
  flip(bytes, 20_000_000)
  await writeFile(first, bytes)
  expect(await scanInChild('drop')).toEqual({ records: RECORDS - 2, isSmall: true })

  async function scanInChild(mode: 'keep' | 'drop'): Promise<{ records: number; isSmall: boolean }> {
    const child = new Child('scan-child.ts', [path, walId, mode], ['--max-old-space-size=64'])
    const [records, megabytes] = (await child.line())!.split(' ').map(Number)
    await child.kill()
    return { records: records!, isSmall: megabytes! <= MOST_MEGABYTES }
  }
})
