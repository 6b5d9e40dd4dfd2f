/** What `recoverFolder` makes of logs that have owners, of an order to end, and of what it can tell of a loss. */
import fs, { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { ColdTier } from '../../src/cold/cold-tier.ts'
import { parseVersion } from '../../src/entry/version.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { isUuid } from '../../src/kernel/uuid.ts'
import { type RecoverFolderOptions, recoverFolder } from '../../src/recovery/recover-folder.ts'
import { segmentNumber } from '../../src/wal/format.ts'
import { LockedLog } from '../../src/wal/locked-log.ts'
import { openLent } from '../cold/pglite/pglite-template.ts'
import type { RecordedLog } from '../wal/recorded-log.ts'
import { damage, layOut, recordLog, SEGMENT_BYTES, WRITES, writeOf } from './recovery-logs.ts'
import { shipInSmallBatches } from './small-batches.ts'
import { volatileFolder } from './volatile-folder.ts'

shipInSmallBatches()

let root: string
let cold: ColdTier
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'thermocline-recovery-'))
  cold = await openLent()
})
afterAll(async () => {
  await cold.close()
  await rm(root, { recursive: true, force: true })
})
beforeEach(() => rm(join(root, 'wal'), { recursive: true, force: true }))

async function recover(logs: readonly RecordedLog[], options: Partial<RecoverFolderOptions> = {}) {
  await layOut(logs, join(root, 'wal'))
  return recoverFolder({ ...common(), ...options })
}

function common(): RecoverFolderOptions {
  return {
    wal: { dir: join(root, 'wal'), segmentBytes: SEGMENT_BYTES, lockTimeout: 0, logger: silentLogger },
    quarantine: join(root, 'quarantine'),
    cold,
    logger: silentLogger,
    acceptLoss: false,
  }
}

test('a log whose owner lives is left to it, and the others are recovered', async () => {
  const [first, owned, last] = [await recordLog(12), await recordLog(12), await recordLog(12)]
  await layOut([first, owned, last], join(root, 'wal'))
  await using _ = await LockedLog.lock(join(root, 'wal'), owned.walId, { lockTimeout: 0 }).then((log) => ({
    [Symbol.asyncDispose]: () => log.release(),
  }))
  const recoveries = await recoverFolder(common())
  expect(recoveries).toHaveLength(3)
  expect(recoveries).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ walId: first.walId, outcome: 'retired' }),
      { walId: owned.walId, outcome: 'locked', pid: process.pid },
      expect.objectContaining({ walId: last.walId, outcome: 'retired' }),
    ]),
  )
  expect(await readdir(join(root, 'wal'))).toEqual([owned.walId])
})

test('told to end, it finishes the batch under way, and the next run goes on from there', async () => {
  const [log, other] = [await recordLog(WRITES), await recordLog(WRITES)]
  const end = new AbortController()
  let shipped = 0
  const recoveries = await recover([log, other], {
    signal: end.signal,
    cold: new Proxy(cold, {
      get: (target, name) =>
        name === 'ship'
          ? async (...args: Parameters<ColdTier['ship']>) => {
              end.abort()
              const result = await target.ship(...args)
              if (result.status === 'moved') shipped = args[0].records.length - result.superseded
              return result
            }
          : Reflect.get(target, name).bind?.(target),
    }),
  })
  // Which of the two came first is not known: they were made at the same time.
  const [interrupted, waiting] = recoveries
  expect(shipped).toBeGreaterThan(0)
  expect(interrupted).toEqual({ walId: expect.any(String), outcome: 'interrupted', shipped })
  expect(waiting).toEqual({ walId: expect.any(String), outcome: 'interrupted', shipped: 0 })
  expect((await readdir(join(root, 'wal'))).sort()).toEqual([log.walId, other.walId].sort())

  const rest = await recoverFolder(common())
  expect(rest).toMatchObject([{ outcome: 'retired' }, { outcome: 'retired' }])
  expect(await readdir(join(root, 'wal'))).toEqual([])
})

test('a loss is dated by the writes before and behind it', async () => {
  const log = await recordLog(WRITES)
  const lost = damage(log)
  const timeOf = (n: number): string => new Date(parseVersion(writeOf(n).version).millis).toISOString()
  const expected = lost.map((n) => ({ from: n, to: n, writtenAfter: timeOf(n - 1), writtenBefore: timeOf(n + 1) }))
  expect(await recover([log])).toMatchObject([{ outcome: 'kept', lost: expected }])
  // The second run knows what the first one shipped, and tells the same.
  expect(await recoverFolder(common())).toMatchObject([{ outcome: 'kept', lost: expected, shipped: 0 }])
})

test('a log on another disk than the quarantine is set aside as well', async () => {
  const log = await recordLog(WRITES)
  const lost = damage(log)
  const wal = await volatileFolder()
  await layOut([log], wal)
  const options = { ...common(), wal: { ...common().wal, dir: wal }, acceptLoss: true }
  const movedTo = join(root, 'quarantine', log.walId)
  expect(await recoverFolder(options)).toMatchObject([
    { outcome: 'quarantined', movedTo, lost: lost.map((n) => ({ from: n, to: n })) },
  ])
  expect(await readdir(wal)).toEqual([])
  expect((await readdir(movedTo)).filter((name) => segmentNumber(name) !== undefined)).toEqual(log.segments)
  expect(await readFile(join(movedTo, log.segments[1]!))).toEqual(log.segment(1))
  expect((await readdir(join(root, 'quarantine'))).filter((name) => !isUuid(name))).toEqual([])
})

test('a loss at the end of the log is dated by what stands before it', async () => {
  const log = await recordLog(WRITES)
  const { sequence } = log.places(-2).findLast(({ type }) => type === 1 || type === 2)!
  log.delete(-1)
  const [recovery] = await recover([log])
  const writtenAfter = new Date(parseVersion(writeOf(sequence).version).millis).toISOString()
  expect(recovery).toMatchObject({ outcome: 'kept', lost: [{ from: sequence + 1, writtenAfter }] })
  expect(recovery).not.toHaveProperty('lost.0.writtenBefore')
})

test('a segment is opened once for its head and once for its records', async () => {
  const log = await recordLog(WRITES)
  await layOut([log], join(root, 'wal'))
  await cold.takeOver(log.walId, 1)
  const { open } = fs
  const opened: string[] = []
  fs.open = (path, ...options) => {
    opened.push(basename(String(path)))
    return open(path, ...options)
  }
  syncBuiltinESMExports()
  try {
    expect(await recoverFolder(common())).toMatchObject([{ outcome: 'retired', records: WRITES }])
  } finally {
    fs.open = open
    syncBuiltinESMExports()
  }
  expect(opened.filter((name) => segmentNumber(name) !== undefined).sort()).toEqual(
    log.segments.flatMap((name) => [name, name]),
  )
})
