/**
 * The log on a real disk, through the real device; what the device is asked is seen, held back or failed on its way.
 */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { LogText } from '../../src/testkit/contract/fresh-cold-tier.ts'
import { MARK_FILE } from '../../src/wal/durable-mark.ts'
import { MAX_PAYLOAD_BYTES, segmentName } from '../../src/wal/format.ts'
import type { AppendedRecord } from '../../src/wal/log-contract.ts'
import type { LogOperation } from '../../src/wal/log-device.ts'
import { LogFolder } from '../../src/wal/log-folder.ts'
import type { WriteAheadLog } from '../../src/wal/write-ahead-log.ts'
import { BROKEN, Device, FULL, failNth, intercepted } from './intercepted-device.ts'
import {
  answered,
  appendAll,
  createLog,
  payloadOf,
  range,
  reopenLog,
  scanLog,
  segmentsOf,
  sequencesOf,
  sourceOf,
  temporaryFolder,
  typeOf,
} from './temporary-log.ts'

describe('append', () => {
  it('resolves with sequences from 1 on, in call order, across segments, and all of it can be read back', async () => {
    const dir = await temporaryFolder()
    const log = await createLog({ dir, segmentBytes: 4_096 })
    expect(log).toMatchObject({ epoch: 1, lastSequence: 0, failure: undefined })
    const appended: AppendedRecord<number>[] = []
    for (const first of range(0, 19).map((ten) => ten * 10 + 1))
      appended.push(
        ...(await Promise.all(range(first, first + 9).map((n) => log.append(typeOf(n), payloadOf(n), n, n)))),
      )
    expect(log.lastSequence).toBe(200)
    expect(appended.map(({ sequence, value }) => [sequence, value])).toEqual(range(1, 200).map((n) => [n, n]))
    expect((await segmentsOf(dir, log)).length).toBeGreaterThan(5)
    await log.close()
    const { records, report } = await scanLog(sourceOf(dir, log))
    expect(sequencesOf(records)).toEqual(range(1, 200))
    for (const [i, { type, payload }] of records.entries()) {
      expect(type).toBe(typeOf(i + 1))
      expect(Buffer.compare(payload, payloadOf(i + 1))).toBe(0)
      expect(appended[i]!.bytes).toBe(payload.length)
    }
    for (const { bytes } of report.segments) expect(bytes).toBeLessThanOrEqual(4_096 + 40)
  })

  it('tells onDurable first, in order, group by group, and then settles its promises', async () => {
    const dir = await temporaryFolder()
    const events: string[] = []
    const note = (records: readonly AppendedRecord<number>[]): void =>
      void events.push(`durable ${sequencesOf(records).join()}`)
    const log = await createLog({ dir, onDurable: note })
    await Promise.all([1, 2].map((n) => log.append('put', payloadOf(n), n, n).then(() => events.push(`ack ${n}`))))
    await log.append('put', payloadOf(3), 3, 3).then(() => events.push('ack 3'))
    expect(events).toEqual(['durable 1,2', 'ack 1', 'ack 2', 'durable 3', 'ack 3'])
  })

  it('writes, syncs and marks before it tells anybody', async () => {
    const dir = await temporaryFolder()
    const device = new Device()
    const order: string[] = []
    const log = await createLog({ dir, openDevice: device.open, onDurable: () => void order.push('durable') })
    device.intercept = (operation) =>
      void order.push('handle' in operation ? `${operation.op} ${operation.handle}` : operation.op)
    await log.append('put', payloadOf(1), 1, 1).then(() => order.push('ack'))
    expect(order).toEqual([
      'expect-room',
      'write segment',
      'fdatasync segment',
      'expect',
      'write mark',
      'durable',
      'ack',
    ])
  })

  it('takes what waits into one group: a thousand appends of one tick, one sync', async () => {
    const dir = await temporaryFolder()
    const device = new Device()
    const log = await createLog({ dir, openDevice: device.open, segmentBytes: 1_000_000 })
    const before = device.count('fdatasync')
    await appendAll(log, range(1, 1_000))
    expect(device.count('fdatasync') - before).toBe(1)
  })

  it('gathers the next group while one syncs', async () => {
    const dir = await temporaryFolder()
    const device = new Device()
    const log = await createLog({ dir, openDevice: device.open, segmentBytes: 1_000_000 })
    let letGo = (): void => {}
    const held = new Promise<undefined>((resolve) => (letGo = () => resolve(undefined)))
    const reached = new Promise<void>((resolve) => {
      device.intercept = (operation) => {
        if (operation.op !== 'fdatasync') return undefined
        resolve()
        return held
      }
    })
    const first = log.append('put', payloadOf(1), 1, 1)
    await reached
    const before = device.count('fdatasync')
    const rest = appendAll(log, range(2, 50))
    expect(log.lastSequence).toBe(0)
    letGo()
    await Promise.all([first, rest])
    expect(device.count('fdatasync') - before).toBe(1)
    expect(await answered(dir, log)).toEqual(range(1, 50))
  })

  it('cuts groups off before their first caller waits for megabytes, and gives a long record a segment of its own', async () => {
    const dir = await temporaryFolder()
    const device = new Device()
    const log = await createLog({ dir, openDevice: device.open })
    const long = [1, 2, 3].map((n) => log.append('put', payloadOf(n, 5_000_000), n, n))
    await Promise.all([...long, log.append('put', payloadOf(4, MAX_PAYLOAD_BYTES), 4, 4)])
    expect(device.count('create')).toBe(4)
    expect(await answered(dir, log)).toEqual([1, 2, 3, 4])
  })

  it('refuses a payload over the cap before it queues anything', async () => {
    const log = await createLog({ dir: await temporaryFolder() })
    const tooLong = log.append('put', new Uint8Array(MAX_PAYLOAD_BYTES + 1), 1, 1)
    await expect(tooLong).rejects.toMatchObject({ code: 'ERR_INVALID_ENTRY', details: { field: 'input' } })
    expect(await log.append('put', payloadOf(1), 1, 1)).toMatchObject({ sequence: 1 })
  })

  it('lets go of its folder where its thread cannot be started', async () => {
    const dir = await temporaryFolder()
    const openDevice = (): never => {
      throw new Error('no thread left')
    }
    await expect(createLog({ dir, openDevice })).rejects.toThrow('no thread left')
    const [walId] = await readdir(dir)
    await using claimed = await new LogFolder(dir).claimUnlessOwned(walId!)
    expect(claimed).toBeDefined()
  })

  it('lets go of its folder, and says why it does not begin, where its thread does not end', async () => {
    const dir = await temporaryFolder()
    const logger = new LogText()
    const failing = intercepted(() => ({ code: 'EIO' }))
    const openDevice = async (folder: string) => {
      const device = await failing(folder)
      return {
        run: device.run.bind(device),
        close: async () => {
          await device.close()
          throw new Error('the thread has failed')
        },
      }
    }
    await expect(createLog({ dir, openDevice, logger })).rejects.toMatchObject({ code: 'ERR_WAL_FAILED' })
    expect(logger.errors).toContainEqual(expect.stringContaining('letting go of the thread of a log failed'))
    const [walId] = await readdir(dir)
    await using claimed = await new LogFolder(dir).claimUnlessOwned(walId!)
    expect(claimed).toBeDefined()
  })

  it('keeps folder and files to their owner', async () => {
    const dir = await temporaryFolder()
    const log = await createLog({ dir: join(dir, 'made', 'here') })
    await log.append('put', payloadOf(1), 1, 1)
    const path = join(dir, 'made', 'here', log.walId)
    expect((await stat(path)).mode & 0o777).toBe(0o700)
    for (const name of [segmentName(1), MARK_FILE]) expect((await stat(join(path, name))).mode & 0o777).toBe(0o600)
  })
})

describe('rotation', () => {
  it('seals and syncs the old segment, and makes the new one durable, before a record goes into it', async () => {
    const dir = await temporaryFolder()
    const device = new Device()
    const log = await createLog({ dir, openDevice: device.open, segmentBytes: 200 })
    await log.append('put', payloadOf(1, 100), 1, 1)
    device.seen.length = 0
    await log.append('put', payloadOf(2, 100), 2, 2)
    const name = segmentName(2)
    const created = device.seen.find(({ op }) => op === 'create')
    const aside = created?.op === 'create' ? created.name : ''
    expect(device.seen.map((operation) => describeOperation(operation))).toEqual([
      'write segment at 224',
      'fdatasync segment',
      'expect owner',
      'write mark',
      `create ${aside}`,
      'write next at 0',
      'fsync next',
      'close next',
      'expect owner',
      `link ${aside} to ${name}`,
      `unlink ${aside}`,
      'fsync-folder',
      'close segment',
      `open ${name}`,
      'expect-room',
      'write segment at 80',
      'fdatasync segment',
      'expect owner',
      'write mark',
    ])
  })

  function describeOperation(operation: LogOperation): string {
    switch (operation.op) {
      case 'create':
      case 'open':
        return `${operation.op} ${operation.name}`
      case 'write':
        return operation.handle === 'mark' ? 'write mark' : `write ${operation.handle} at ${operation.position}`
      case 'link':
        return `link ${operation.from} to ${operation.to}`
      case 'unlink':
      case 'expect':
        return `${operation.op} ${operation.name}`
      default:
        return 'handle' in operation ? `${operation.op} ${operation.handle}` : operation.op
    }
  }

  it('goes on where it was once a full disk has room again', async () => {
    const dir = await temporaryFolder()
    const device = new Device()
    const log = await createLog({ dir, openDevice: device.open, segmentBytes: 400 })
    // Each record fills a segment, so that each append begins with a rotation.
    await log.append('put', payloadOf(1, 300), 1, 1)
    let n = 1
    for (const full of [
      failNth('write', 1, FULL, 'segment'),
      failNth('create', 1, FULL),
      failNth('write', 1, FULL, 'next'),
      failNth('write', 1, { code: 'ENOSPC', written: 40 }, 'next'),
      failNth('fsync', 1, FULL),
    ]) {
      device.intercept = full
      await expect(log.append('put', payloadOf(n + 1, 300), 0, 0)).rejects.toMatchObject({ code: 'ERR_BACKPRESSURE' })
      device.intercept = () => undefined
      n++
      expect(await log.append('put', payloadOf(n, 300), n, n)).toMatchObject({ sequence: n })
    }
    expect(log.failure).toBeUndefined()
    await log.close()
    expect(await answered(dir, log)).toEqual(range(1, n))
  })

  it.each([
    ['the seal is not synced', failNth('fdatasync', 1, BROKEN)],
    ['half of the seal is written', failNth('write', 1, { code: 'ENOSPC', written: 16 }, 'segment')],
    ['the new header is not synced', failNth('fsync', 1, BROKEN)],
    ['the new segment gets no name', failNth('link', 1, FULL)],
    ['another segment has its name', failNth('link', 1, { code: 'EEXIST' })],
    ['the file aside keeps its name', failNth('unlink', 1, BROKEN)],
    ['the folder is not synced', failNth('fsync-folder', 1, FULL)],
    ['the new segment does not open', failNth('open', 1, { code: 'EMFILE' })],
  ])('stops for good where %s, and reopening loses nothing', async (_, intercept) => {
    const dir = await temporaryFolder()
    const device = new Device()
    const log = await createLog({ dir, openDevice: device.open, segmentBytes: 400 })
    await log.append('put', payloadOf(1, 300), 1, 1)
    device.intercept = intercept
    await expect(log.append('put', payloadOf(2, 300), 2, 2)).rejects.toMatchObject({ code: 'ERR_WAL_FAILED' })
    expect(log.failure).toMatchObject({ code: 'ERR_WAL_FAILED' })
    const operations = device.seen.length
    await expect(log.append('put', payloadOf(3), 3, 3)).rejects.toMatchObject({ details: { outcome: 'none' } })
    expect(device.seen.length).toBe(operations)
    await log.close()
    const { records, log: next } = await reopenLog({ dir })
    expect(sequencesOf(records)).toEqual([1])
    expect(await next.append('put', payloadOf(2), 2, 2)).toMatchObject({ sequence: 2 })
  })
})

describe('release', () => {
  async function logOf(segments: number): Promise<{ dir: string; log: WriteAheadLog<number>; device: Device }> {
    const dir = await temporaryFolder()
    const device = new Device()
    const log = await createLog({ dir, openDevice: device.open, segmentBytes: 400 })
    // Two records to a segment.
    for (const n of range(1, segments * 2)) await log.append('put', payloadOf(n, 80), n, n)
    expect(await segmentsOf(dir, log)).toHaveLength(segments)
    return { dir, log, device }
  }

  it('deletes whole segments up to the sequence, oldest first, and never the newest', async () => {
    const { dir, log } = await logOf(5)
    const sizes = await Promise.all(
      range(1, 4).map(async (n) => (await stat(join(dir, log.walId, segmentName(n)))).size),
    )
    expect(await log.release(0)).toEqual({ segments: 0, bytes: 0 })
    expect(await log.release(1)).toEqual({ segments: 0, bytes: 0 })
    expect(await log.release(2)).toEqual({ segments: 1, bytes: sizes[0] })
    expect(await log.release(7)).toEqual({ segments: 2, bytes: sizes[1]! + sizes[2]! })
    expect(await segmentsOf(dir, log)).toEqual([segmentName(4), segmentName(5)])
    expect(await log.release(10)).toEqual({ segments: 1, bytes: sizes[3] })
    expect(await log.release(10)).toEqual({ segments: 0, bytes: 0 })
    expect(await segmentsOf(dir, log)).toEqual([segmentName(5)])
    expect(sequencesOf((await scanLog(sourceOf(dir, log), { afterSequence: 8 })).records)).toEqual([9, 10])
  })

  it('makes each deletion durable before the next', async () => {
    const { log, device } = await logOf(4)
    device.seen.length = 0
    await log.release(6)
    expect(device.seen.map((operation) => ('name' in operation ? operation.name : operation.op))).toEqual(
      range(1, 3).flatMap((n) => [segmentName(n), 'fsync-folder']),
    )
  })

  it('called twice at once deletes nothing twice and forgets nothing', async () => {
    const { dir, log } = await logOf(6)
    await Promise.all([log.release(2), log.release(4), log.release(6)])
    expect(await segmentsOf(dir, log)).toEqual(range(4, 6).map(segmentName))
    expect(await log.release(8)).toMatchObject({ segments: 1 })
    expect(await segmentsOf(dir, log)).toEqual(range(5, 6).map(segmentName))
  })

  it('in the midst of appends and rotations leaves the log whole', async () => {
    const dir = await temporaryFolder()
    const log = await createLog({ dir, segmentBytes: 400 })
    let last = 0
    const releases: Promise<unknown>[] = []
    for (const n of range(1, 200)) {
      const appended = log.append('put', payloadOf(n, 80), n, n)
      if (n % 7 === 0) releases.push(log.release(last))
      if (n % 3 === 0) last = (await appended).sequence
    }
    await Promise.all(releases)
    await log.close()
    const { records, report } = await scanLog(sourceOf(dir, log), { afterSequence: last })
    expect(sequencesOf(records)).toEqual(range(last + 1, 200))
    expect(report.damage).toEqual([])
    expect(report.segments.length).toBeLessThan(20)
  })

  it('that could not delete tries again the next time', async () => {
    const { dir, log, device } = await logOf(4)
    device.intercept = failNth('unlink', 2, BROKEN)
    expect(await log.release(6)).toEqual({ segments: 0, bytes: 0 })
    expect(await log.release(6)).toMatchObject({ segments: 3 })
    expect(await segmentsOf(dir, log)).toEqual([segmentName(4)])
    expect(log.failure).toBeUndefined()
  })
})
