/**
 * A folder of a log that was copied, as by a backup or a clone of its volume, and was used in both places: the same
 * numbers stand for other records there. What cold has by number is then not what the folder lost.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { ColdTier } from '../../src/cold/cold-tier.ts'
import { encodeRecord } from '../../src/entry/codec.ts'
import { VersionClock } from '../../src/entry/version.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { openLog } from '../../src/recovery/adopt-logs.ts'
import { recoverFolder } from '../../src/recovery/recover-folder.ts'
import { resumeLog } from '../../src/recovery/resume-log.ts'
import { chunkOf, versionOf } from '../../src/testkit/contract/cold-records.ts'
import { openLent } from '../cold/pglite/pglite-template.ts'
import type { RecordedLog } from '../wal/recorded-log.ts'
import { damage, layOut, recordGrowingLog, SEGMENT_BYTES, WRITES, writeOf } from './recovery-logs.ts'
import { shipInSmallBatches } from './small-batches.ts'

shipInSmallBatches()

/** Writes in both places. */
const COMMON = 10
/** What a recovery that is asked to end does: it takes the log over, and ships nothing. */
const ENDED = AbortSignal.abort()

let root: string
let cold: ColdTier
let early: RecordedLog
/** Two of its records do not verify. */
let original: RecordedLog
let whole: RecordedLog
let hit: readonly number[]
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'thermocline-copies-'))
  cold = await openLent()
})
afterAll(async () => {
  await cold.close()
  await rm(root, { recursive: true, force: true })
})
beforeEach(async () => {
  const [first, last] = await recordGrowingLog(COMMON, WRITES)
  early = first!
  whole = last!
  original = whole.copy()
  hit = damage(original)
})

const dirOf = (name: string) => join(root, name)
const walIn = (name: string) => ({
  dir: dirOf(name),
  segmentBytes: SEGMENT_BYTES,
  lockTimeout: 0,
  logger: silentLogger,
})
const open = (name: string) =>
  openLog({
    wal: { ...walIn(name), onDurable: () => {} },
    cold,
    versions: new VersionClock(systemClock),
    logger: silentLogger,
  })
const recover = async ({ acceptLoss = false, signal = undefined as AbortSignal | undefined } = {}) => {
  const quarantine = dirOf('quarantine')
  const [recovery] = await recoverFolder({
    wal: walIn('original'),
    quarantine,
    cold,
    logger: silentLogger,
    acceptLoss,
    signal,
  })
  return recovery
}

/** Cold has the writes of the log up to there, by the process that made it. */
async function ship({ walId }: RecordedLog, to: number): Promise<void> {
  await cold.takeOver(walId, 1)
  const newest = new Map(Array.from({ length: to }, (_, i) => writeOf(i + 1)).map((write) => [write.id, write]))
  const batch = { walId, epoch: 1, from: 0, to, records: [...newest.values()], shippedVersion: versionOf(0) }
  expect(await cold.ship(batch)).toMatchObject({ status: 'moved' })
}

/** A process goes on with the copy, and ships up to there. */
async function useCopy(to = WRITES + 10): Promise<void> {
  await layOut([early], dirOf('copy'))
  const { log, checkpoint } = await open('copy')
  const records = Array.from({ length: to - checkpoint }, (_, i) => chunkOf('copied', i, i))
  const { walId, epoch } = log
  const batch = { walId, epoch, from: checkpoint, to, records, shippedVersion: versionOf(0) }
  expect(await cold.ship(batch)).toMatchObject({ status: 'moved' })
  await log.close()
}

describe('a log whose copy was used elsewhere', () => {
  const LOST = () => hit.map((n) => expect.objectContaining({ from: n, to: n }))

  test('has lost what is damaged, whatever number cold has from the copy', async () => {
    await ship(original, COMMON)
    await useCopy()
    await layOut([original], dirOf('original'))
    expect(await recover()).toMatchObject({ outcome: 'kept', lost: LOST() })
  })

  test('has lost it as well for the recovery after one that ended, or after opening, which refuses it', async () => {
    await ship(original, COMMON)
    await useCopy()
    await layOut([original], dirOf('original'))
    expect(await recover({ signal: ENDED })).toMatchObject({ outcome: 'interrupted' })
    await expect(open('original')).rejects.toMatchObject({ code: 'ERR_WAL_CORRUPT' })
    expect(await recover()).toMatchObject({ outcome: 'kept', lost: LOST() })
    expect(await recover({ acceptLoss: true })).toMatchObject({ outcome: 'quarantined', lost: LOST() })
  })
})

test('a log that went on while cold was away takes no epoch that its copy may have taken', async () => {
  await ship(whole, COMMON)
  await useCopy(WRITES + 2)
  await layOut([whole], dirOf('original'))
  const versions = new VersionClock(systemClock)
  const { log } = await resumeLog({
    wal: { ...walIn('original'), onDurable: () => {} },
    versions,
    logger: silentLogger,
  })
  for (let n = WRITES + 1; n <= WRITES + 5; n++) await log.append('put', encodeRecord(writeOf(n)), n, writeOf(n))
  await log.close()
  await (await open('original')).log.close()
  const writes = Array.from({ length: WRITES + 5 }, (_, i) => writeOf(i + 1))
  const versionsInCold = await cold.versions(writes)
  for (const [i, { version }] of writes.entries()) expect(versionsInCold[i]! >= version).toBe(true)
})

test('an owner that died before cold heard of its epoch took none that a copy may take', async () => {
  await ship(whole, COMMON)
  await layOut([whole], dirOf('original'))
  const takeOver = vi.spyOn(cold, 'takeOver').mockRejectedValueOnce(new Error('cold did not hear of it'))
  await expect(open('original')).rejects.toThrow('cold did not hear of it')
  takeOver.mockRestore()
  await useCopy(WRITES)
  await (await open('original')).log.close()
  const writes = Array.from({ length: WRITES }, (_, i) => writeOf(i + 1))
  const versionsInCold = await cold.versions(writes)
  for (const [i, { version }] of writes.entries()) expect(versionsInCold[i]! >= version).toBe(true)
})

describe('a log that was never used elsewhere', () => {
  test('has lost nothing that cold had before its recoveries, however many of them ended', async () => {
    await ship(original, WRITES)
    await layOut([original], dirOf('original'))
    for (let run = 1; run <= 3; run++) await recover({ signal: ENDED })
    expect(await recover()).toMatchObject({ outcome: 'quarantined', lost: [] })
  })

  test('has lost only what cold had not, also after opening, which refused it', async () => {
    await ship(original, hit[0]!)
    await layOut([original], dirOf('original'))
    for (let run = 1; run <= 2; run++) await expect(open('original')).rejects.toMatchObject({ code: 'ERR_WAL_CORRUPT' })
    expect(await recover()).toMatchObject({ outcome: 'kept', lost: [{ from: hit[1], to: hit[1] }] })
  })
})
