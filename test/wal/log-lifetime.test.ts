/** How a log is closed, gone on with by the next owner, and retired. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { MARK_FILE } from '../../src/wal/durable-mark.ts'
import { segmentName } from '../../src/wal/format.ts'
import { LockedLog } from '../../src/wal/locked-log.ts'
import { LogFolder } from '../../src/wal/log-folder.ts'
import { isThorough } from '../tools/budget.ts'
import { BROKEN, Device, failNth } from './intercepted-device.ts'
import { RecordedLog } from './recorded-log.ts'
import {
  answered,
  appendAll,
  createLog,
  payloadOf,
  range,
  reopenLog,
  scanLog,
  sequencesOf,
  sourceOf,
  temporaryFolder,
} from './temporary-log.ts'

/** Of the operations to stop at. */
const EVERY = isThorough ? 1 : 3

describe('close', () => {
  it('waits for what is queued, seals, and refuses what comes later', async () => {
    const dir = await temporaryFolder()
    const log = await createLog({ dir })
    const queued = appendAll(log, range(1, 20))
    const closing = log.close()
    await expect(log.append('put', payloadOf(21), 21, 21)).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    await Promise.all([queued, closing, log.close()])
    const { records, report } = await scanLog(sourceOf(dir, log))
    expect(sequencesOf(records)).toEqual(range(1, 20))
    expect(report.segments.at(-1)).toMatchObject({ sealed: true })
    expect(report.closed).toBe(false)
    expect(await log.release(20)).toEqual({ segments: 0, bytes: 0 })
  })

  it('lets go of the lock, also where the seal fails', async () => {
    const dir = await temporaryFolder()
    const device = new Device()
    const log = await createLog({ dir, openDevice: device.open })
    await log.append('put', payloadOf(1), 1, 1)
    await expect(LockedLog.lock(dir, log.walId, { lockTimeout: 0 })).rejects.toMatchObject({ code: 'ERR_LOCKED' })
    device.intercept = failNth('fdatasync', 1, BROKEN)
    await expect(log.close()).rejects.toMatchObject({ code: 'ERR_WAL_FAILED' })
    const lock = await LockedLog.lock(dir, log.walId, { lockTimeout: 0 })
    await lock.release()
  })
})

describe('continue', () => {
  it('goes on in a new segment and a new epoch, and leaves the old files as they are', async () => {
    const dir = await temporaryFolder()
    const first = await createLog({ dir, segmentBytes: 400 })
    await appendAll(first, range(1, 10))
    await first.close()
    const before = await RecordedLog.of(dir, first.walId)
    const { log, records } = await reopenLog({ dir })
    expect(sequencesOf(records)).toEqual(range(1, 10))
    expect(log).toMatchObject({ walId: first.walId, epoch: 2, lastSequence: 10 })
    expect(await log.append('put', payloadOf(11), 11, 11)).toMatchObject({ sequence: 11 })
    const after = await RecordedLog.of(dir, first.walId)
    for (const name of before.segments) expect(Buffer.compare(after.files.get(name)!, before.files.get(name)!)).toBe(0)
    expect(after.segments.length).toBe(before.segments.length + 1)
    await log.close()
    expect(await answered(dir, log)).toEqual(range(1, 11))
  })

  it('twice is as good as once', async () => {
    const dir = await temporaryFolder()
    const first = await createLog({ dir })
    await appendAll(first, range(1, 10))
    await first.close()
    for (const epoch of range(2, 6)) {
      const { log, records, report } = await reopenLog({ dir })
      expect(sequencesOf(records)).toEqual(range(1, 10))
      expect(report).toMatchObject({ damage: [], tornTail: undefined, epoch: epoch - 1 })
      expect(log.epoch).toBe(epoch)
      await log.close()
    }
    const { log } = await reopenLog({ dir })
    await log.append('put', payloadOf(11), 11, 11)
    expect(await log.release(11)).toMatchObject({ segments: 6 })
    await log.close()
    expect(sequencesOf((await reopenLog({ dir, afterSequence: 10 })).records)).toEqual([11])
  })

  it('makes durable what a killed owner had written and not synced, before it counts on it', async () => {
    const dir = await temporaryFolder()
    const first = await createLog({ dir })
    await appendAll(first, range(1, 3))
    await first.close()
    const device = new Device()
    await reopenLog({ dir, openDevice: device.open })
    expect(device.seen.slice(1, 4)).toEqual([
      { op: 'open', name: segmentName(1), handle: 'previous' },
      { op: 'fdatasync', handle: 'previous' },
      { op: 'close', handle: 'previous' },
    ])
  })
})

describe('retire', () => {
  it('says that the log is closed, forgets it and removes the folder, the segment that says so last', async () => {
    const dir = await temporaryFolder()
    const device = new Device()
    const log = await createLog({ dir, openDevice: device.open, segmentBytes: 400 })
    for (const n of range(1, 6)) await log.append('put', payloadOf(n, 80), n, n)
    device.seen.length = 0
    await log.retire(async () => {
      const { report } = await scanLog(sourceOf(dir, log))
      expect(report).toMatchObject({ closed: true, records: 6 })
    })
    expect(device.seen.map((operation) => ('name' in operation ? operation.name : operation.op))).toEqual([
      'write',
      'fdatasync',
      'owner',
      'write',
      'owner',
      ...[MARK_FILE, 'owner', segmentName(1), segmentName(2), segmentName(3)].flatMap((name) => [name, 'fsync-folder']),
    ])
    expect(await readdir(dir)).toEqual([])
    await expect(log.append('put', payloadOf(7), 7, 7)).rejects.toMatchObject({ code: 'ERR_CLOSED' })
  })

  it('interrupted at any operation opens cleanly', async () => {
    const dir = await temporaryFolder()
    for (let n = 1; ; n += EVERY) {
      const device = new Device()
      const path = join(dir, String(n))
      const log = await createLog({ dir: path, openDevice: device.open, segmentBytes: 400 })
      for (const k of range(1, 6)) await log.append('put', payloadOf(k, 80), k, k)
      let count = 0
      let isForgotten = false
      // From the n-th operation on there is no process any more.
      device.intercept = () => (++count >= n ? BROKEN : undefined)
      const retired = await log
        .retire(() => {
          isForgotten = true
          return Promise.resolve()
        })
        .then(
          () => true,
          () => false,
        )
      if (retired) break
      const locked = await LockedLog.lock(path, log.walId, { lockTimeout: 0 })
      const { records, report } = await scanLog(locked)
      expect(report.damage, `stopped at operation ${n}`).toEqual([])
      if (isForgotten) expect(report.closed || report.records === 0, `stopped at operation ${n}`).toBe(true)
      else expect(sequencesOf(records)).toEqual(range(1, 6))
      await locked.remove()
      expect(await new LogFolder(path).list()).toEqual([])
      expect(n).toBeLessThan(30)
    }
  })

  it('that fails keeps the log and lets go of the lock', async () => {
    const dir = await temporaryFolder()
    const log = await createLog({ dir })
    await appendAll(log, range(1, 3))
    await expect(log.retire(() => Promise.reject(new Error('cold is away')))).rejects.toThrow('cold is away')
    const { records, report, log: next } = await reopenLog({ dir })
    expect(sequencesOf(records)).toEqual([1, 2, 3])
    expect(report.closed).toBe(true)
    await next.append('put', payloadOf(4), 4, 4)
    const source = sourceOf(dir, next)
    await next.close()
    const again = await scanLog(source)
    expect(sequencesOf(again.records)).toEqual([1, 2, 3, 4])
    expect(again.report.closed).toBe(false)
  })

  it('is seen as undone once somebody goes on, before the first record even', async () => {
    const dir = await temporaryFolder()
    const log = await createLog({ dir })
    await appendAll(log, range(1, 3))
    await log.retire(() => Promise.reject(new Error('cold is away'))).catch(() => {})
    const { log: next } = await reopenLog({ dir })
    expect((await scanLog(sourceOf(dir, next))).report.closed).toBe(false)
  })
})
