/** What a scan answers where the bytes are whole: which of them count, and who has them already. */
import { describe, expect, it } from 'vitest'
import { encodeMark, MARK_FILE } from '../../src/wal/durable-mark.ts'
import { crcOf, encodeSegmentHeader, RECORD_TYPES, segmentName } from '../../src/wal/format.ts'
import type { LogFiles } from '../../src/wal/log-files.ts'
import { NO_SEGMENTS } from '../../src/wal/scan-report.ts'
import { SegmentCursor } from '../../src/wal/segment-cursor.ts'
import { flip, HEADER_BYTES, RecordedLog } from './recorded-log.ts'
import { acknowledged, flipRecord, LAST, numbers, recorded, recording, SEGMENTS } from './recorded-scan.ts'
import { payloadOf, range, scanLog, sequencesOf } from './temporary-log.ts'
import { type Acknowledged, judge } from './verdict.ts'

describe('bytes that verify by themselves, and come from another history of the log', () => {
  const WAL_ID = '00000000-0000-4000-8000-000000000001'

  /** Two segments of three records each; `other` is what the payload of record 2 is made from. */
  function history(other: number): RecordedLog {
    const from = (numbers_: number[]) =>
      numbers_.map((n) => ({ type: RECORD_TYPES.put, payload: recorded(n), keyHash: 0 }))
    const begin = NO_SEGMENTS
    const one = SegmentCursor.after(begin, WAL_ID, 1, { millis: 0, counter: 0 })
    const first = one.plan(from([1, other, 3]), 0)
    const two = first.next.successor(3, { millis: 0, counter: 0 })
    const second = two.plan(from([4, 5, 6]), 3)
    return new RecordedLog(
      WAL_ID,
      new Map([
        [segmentName(1), Buffer.concat([one.header, first.bytes])],
        [segmentName(2), Buffer.concat([two.header, second.bytes])],
      ]),
    )
  }

  it('is told by the chain: a record', async () => {
    const log = history(2)
    const { offset, bytes } = log.places(0)[1]!
    // Of the same length, so that what follows stays where it is.
    history(10)
      .segment(0)
      .copy(log.segment(0), offset, offset, offset + bytes)
    await expect(scanLog(log.source)).rejects.toMatchObject({ code: 'ERR_WAL_CORRUPT', details: { segment: 1 } })
  })

  it('is told by the chain: a segment', async () => {
    const log = history(2)
    log.set(0, history(10).segment(0))
    await expect(scanLog(log.source)).rejects.toMatchObject({
      code: 'ERR_WAL_CORRUPT',
      details: { segment: 2, offset: 0, missing: { from: 4, to: 3 } },
    })
  })
})

describe('what cold has already', () => {
  it('is verified and not answered', async () => {
    const { log } = await recording()
    for (const afterSequence of range(0, LAST)) {
      const { records, report } = await scanLog(log.source, { afterSequence })
      expect(sequencesOf(records)).toEqual(range(afterSequence + 1, LAST))
      expect(report).toMatchObject({ records: LAST, damage: [] })
    }
  })

  it.each([3, 7, 8, 13, 22, LAST])('is no loss when it is damaged: record %i', async (damaged) => {
    const { log } = await recording()
    flipRecord(log, damaged, 45)
    for (const afterSequence of range(0, LAST)) {
      const scan = scanLog(log.source, { afterSequence })
      if (afterSequence < damaged) {
        await expect(scan).rejects.toMatchObject({ details: { missing: { from: damaged, to: damaged } } })
        const { records } = await scanLog(log.source, { afterSequence, salvage: true })
        expect(sequencesOf(records)).toEqual(range(afterSequence + 1, LAST).filter((n) => n !== damaged))
      } else {
        const { records, report } = await scan
        expect(sequencesOf(records)).toEqual(range(afterSequence + 1, LAST))
        expect(report.damage).toMatchObject([{ missing: { from: damaged, to: damaged } }])
      }
    }
  })

  it('is what the oldest segment must reach back to', async () => {
    const { log } = await recording()
    log.delete(0)
    for (const afterSequence of range(0, LAST)) {
      const scan = scanLog(log.source, { afterSequence })
      if (afterSequence < 7)
        await expect(scan).rejects.toMatchObject({
          code: 'ERR_WAL_CORRUPT',
          details: { segment: 1, missing: { from: afterSequence + 1, to: 7 } },
        })
      else expect(sequencesOf((await scan).records)).toEqual(range(afterSequence + 1, LAST))
    }
  })

  it('is no excuse where the log cannot tell how far it went: a stale mark knows of nothing newer', async () => {
    const { log, staleMark } = await recording()
    log.files.set(MARK_FILE, staleMark)
    log.segment(-1).fill(0, 0, HEADER_BYTES)
    await expect(scanLog(log.source, { afterSequence: 19 })).rejects.toMatchObject({
      code: 'ERR_WAL_CORRUPT',
      details: { segment: 4, missing: { from: 20, to: undefined } },
    })
  })
})

describe('a disk that cannot read', () => {
  /** Fails reads that touch the pages in which these bytes of a segment lie. */
  function failing(log: RecordedLog, segment: number, first: number, last: number): LogFiles {
    const from = first - (first % 4_096)
    const to = last - (last % 4_096) + 4_096
    const name = log.segments.at(segment)!
    return {
      names: () => log.names(),
      async open(opened) {
        const file = await log.open(opened)
        if (opened !== name) return file
        return {
          ...file,
          read: (into, position) =>
            position < to && position + into.byteLength > from
              ? Promise.reject(Object.assign(new Error('i/o error'), { code: 'EIO' }))
              : file.read(into, position),
        }
      },
    }
  }

  it('goes on behind it, sector by sector', async () => {
    const log = manyRecords()
    const all: Acknowledged = new Map(range(1, 300).map((n) => [n, { type: 'put', payload: payloadOf(n, 1_000) }]))
    const bad = log.places(0)[100]!
    const source = { ...log.source, files: failing(log, 0, bad.offset + 500, bad.offset + 501) }
    const { corrupt, answered, report } = await judge(source, all, 'unreadable sector')
    expect(corrupt!.offset).toBeLessThanOrEqual(bad.offset)
    expect(report.damage).toMatchObject([{ reason: 'the disk could not read it' }])
    // What lies in the same sectors goes with it, and no more.
    expect(answered.length).toBeGreaterThanOrEqual(300 - 10)
  })

  it.each([0, 1, 3])('a whole segment, number %i', async (segment) => {
    const { log } = await recording()
    const source = { ...log.source, files: failing(log, segment, 0, 1_000_000) }
    const { answered, corrupt } = await judge(source, acknowledged, 'unreadable segment')
    expect(answered).toEqual(range(1, LAST).filter((n) => !numbers(SEGMENTS[segment]!).includes(n)))
    expect(corrupt?.segment).toBe(segment + 1)
  })

  it('beyond what was marked is damage too, not the end of the file', async () => {
    const log = manyRecords()
    const { offset } = log.places(0)[200]!
    const mark = { markNumber: 1, walId: log.walId, epoch: 1, segment: 1, offset, sequence: 200 }
    const { bytes, position } = encodeMark(mark)
    log.files.set(MARK_FILE, Buffer.concat([Buffer.alloc(position), bytes]))
    const source = { ...log.source, files: failing(log, 0, offset + 8_192, 1_000_000) }
    await expect(scanLog(source)).rejects.toMatchObject({
      code: 'ERR_WAL_CORRUPT',
      message: expect.stringContaining('the disk could not read it'),
    })
  })

  function manyRecords(): RecordedLog {
    const walId = '00000000-0000-4000-8000-000000000001'
    const end = NO_SEGMENTS
    let cursor = SegmentCursor.after(end, walId, 1, { millis: 0, counter: 0 })
    const parts = [cursor.header]
    for (const n of range(1, 300)) {
      const plan = cursor.plan([{ type: RECORD_TYPES.put, payload: payloadOf(n, 1_000), keyHash: 0 }], n - 1)
      parts.push(plan.bytes)
      cursor = plan.next
    }
    return new RecordedLog(walId, new Map([[segmentName(1), Buffer.concat(parts)]]))
  }
})

describe('a later version', () => {
  it('of the format is refused by name, salvaging or not', async () => {
    const { log } = await recording()
    const bytes = log.segment(1)
    bytes.writeUInt16LE(9, 8)
    bytes.writeUInt32LE(crcOf(bytes.subarray(0, 76)), 76)
    for (const salvage of [false, true])
      await expect(scanLog(log.source, { salvage })).rejects.toMatchObject({
        code: 'ERR_UNSUPPORTED',
        message: expect.stringMatching(/format 9.*up to 1.*upgrade/),
      })
  })

  /** A log of one record, one of a type from the future, and one more. */
  function withType(type: number, flags: number, countsUp: boolean): RecordedLog {
    const walId = '00000000-0000-4000-8000-000000000001'
    const end = NO_SEGMENTS
    const cursor = SegmentCursor.after(end, walId, 1, { millis: 0, counter: 0 })
    const record = (kind: number, n: number) => ({ type: kind, payload: payloadOf(n), keyHash: 0 })
    const one = cursor.plan([record(RECORD_TYPES.put, 1)], 0)
    const two = one.next.plan([record(type, 2)], countsUp ? 1 : 0)
    two.bytes.writeUInt8(flags, 13)
    const crc = crcOf(two.bytes.subarray(8, 40), cursor.header.readUInt32LE(76))
    two.bytes.writeUInt32LE(crc, 4)
    const three = two.next.plan([record(RECORD_TYPES.put, 3)], countsUp ? 2 : 1)
    three.bytes.writeUInt32LE(crc, 28)
    three.bytes.writeUInt32LE(crcOf(three.bytes.subarray(8, 40), cursor.header.readUInt32LE(76)), 4)
    return new RecordedLog(
      walId,
      new Map([[segmentName(1), Buffer.concat([cursor.header, one.bytes, two.bytes, three.bytes])]]),
    )
  }

  it.each([RECORD_TYPES.prepared, 10, 200])('with records of type %i is refused by name', async (type) => {
    await expect(scanLog(withType(type, 1, true).source)).rejects.toMatchObject({
      code: 'ERR_UNSUPPORTED',
      message: expect.stringContaining(`type ${type}`),
    })
  })

  it.each([true, false])('with records that may be passed over is read, counting up: %s', async (countsUp) => {
    const { records, report } = await scanLog(withType(200, 0x81, countsUp).source)
    expect(sequencesOf(records)).toEqual(countsUp ? [1, 3] : [1, 2])
    expect(report).toMatchObject({ controls: 1, damage: [], tornTail: undefined })
  })
})

describe('records of any length', () => {
  const LENGTHS = [0, 1, 7, 8, 1_048_536, 1_048_537, 2_500_000, 16 * 1024 * 1024, 3, 1_048_488, 900_000]

  function log(): { log: RecordedLog; all: Acknowledged } {
    const walId = '00000000-0000-4000-8000-000000000001'
    const end = NO_SEGMENTS
    const cursor = SegmentCursor.after(end, walId, 1, { millis: 0, counter: 0 })
    const payloads = LENGTHS.map((length, i) => payloadOf(i + 1, length))
    const plan = cursor.plan(
      payloads.map((payload) => ({ type: RECORD_TYPES.put, payload, keyHash: 0 })),
      0,
    )
    const files = new Map([[segmentName(1), Buffer.concat([cursor.header, plan.bytes])]])
    return {
      log: new RecordedLog(walId, files),
      all: new Map(payloads.map((p, i) => [i + 1, { type: 'put', payload: p }])),
    }
  }

  it('are read across the windows of the reader', async () => {
    const { log: recorded, all } = log()
    expect((await judge(recorded.source, all, 'long records')).answered).toEqual(range(1, LENGTHS.length))
  })

  it('are found again behind damage', async () => {
    for (const damaged of range(1, LENGTHS.length - 1)) {
      const { log: recorded, all } = log()
      // A segment behind it knows how long this one was.
      const bytes = recorded.segment(0)
      const next = encodeSegmentHeader({
        walId: recorded.walId,
        segment: 2,
        epoch: 1,
        firstSequence: LENGTHS.length + 1,
        previousLength: bytes.length,
        previousChain: bytes.readUInt32LE(recorded.places(0).at(-1)!.offset + 4),
        highestVersion: { millis: 0, counter: 0 },
      })
      recorded.files.set(segmentName(2), next.bytes)
      flip(bytes, recorded.places(0)[damaged - 1]!.offset + 16)
      const { answered, corrupt } = await judge(recorded.source, all, `record ${damaged}`)
      expect(corrupt?.missing).toEqual({ from: damaged, to: damaged })
      expect(answered).toEqual(range(1, LENGTHS.length).filter((n) => n !== damaged))
    }
  })

  it('a payload full of markers is no record', async () => {
    const { log: recorded } = await recording()
    const payload = Buffer.alloc(4_000)
    for (let at = 0; at < payload.length; at += 4) payload.writeUInt32LE(0xf3a51c7e, at)
    const cursor = SegmentCursor.after(NO_SEGMENTS, recorded.walId, 1, {
      millis: 0,
      counter: 0,
    })
    const plan = cursor.plan(
      [1, 2, 3].map((keyHash) => ({ type: RECORD_TYPES.put, payload, keyHash })),
      0,
    )
    const bytes = Buffer.concat([cursor.header, plan.bytes])
    const one = new RecordedLog(recorded.walId, new Map([[segmentName(1), bytes]]))
    flip(bytes, one.places(0)[1]!.offset)
    one.files.set(segmentName(1), bytes)
    const { records, report } = await scanLog(one.source, { salvage: true })
    expect(sequencesOf(records)).toEqual([1])
    expect(report.tornTail).toMatchObject({ records: 1, ambiguous: true })
  })
})
