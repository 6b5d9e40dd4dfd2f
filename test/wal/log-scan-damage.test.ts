/**
 * What a scan makes of a damaged log. The table names the damage and its outcome; single bits are in
 * log-scan-every-bit.
 */
import { describe, expect, it } from 'vitest'
import { MARK_FILE } from '../../src/wal/durable-mark.ts'
import { segmentName } from '../../src/wal/format.ts'
import { LogOutline } from '../../src/wal/log-outline.ts'
import { flip, HEADER_BYTES } from './recorded-log.ts'
import {
  acknowledged,
  firstOf,
  flipRecord,
  flipRecords,
  foreign,
  LAST,
  lastOf,
  numbers,
  type Row,
  recordAt,
  recording,
  SEGMENTS,
  without,
} from './recorded-scan.ts'
import { range, scanLog, sequencesOf, temporaryFolder } from './temporary-log.ts'
import { judge } from './verdict.ts'

const TABLE: readonly Row[] = [
  { damage: 'none', make: () => {}, missing: [] },
  { damage: 'the marker of a record', make: ({ log }) => flipRecord(log, 3, 0), missing: [[3, 3]] },
  { damage: 'the length of a record', make: ({ log }) => flipRecord(log, 3, 10), missing: [[3, 3]] },
  { damage: 'the payload of a record', make: ({ log }) => flipRecord(log, 3, 45), missing: [[3, 3]] },
  { damage: 'the first record of a segment', make: ({ log }) => flipRecord(log, 13, 45), missing: [[13, 13]] },
  { damage: 'the last record of a segment', make: ({ log }) => flipRecord(log, 7, 45), missing: [[7, 7]] },
  { damage: 'the last record of all', make: ({ log }) => flipRecord(log, LAST, 45), missing: [[LAST, LAST]] },
  {
    damage: 'neighbours',
    make: ({ log }) => flipRecords(log, [3, 4, 5], 4),
    missing: [[3, 5]],
  },
  {
    damage: 'places far apart',
    make: ({ log }) => flipRecords(log, [2, 6, 15, LAST], 50),
    missing: [
      [2, 2],
      [6, 6],
      [15, 15],
      [LAST, LAST],
    ],
  },
  {
    damage: 'the end of one segment and the beginning of the next',
    make: ({ log }) => flipRecords(log, [7, 8], 45),
    missing: [
      [7, 7],
      [8, 8],
    ],
  },
  {
    damage: 'the seal of a segment',
    make: ({ log }) => flip(log.segment(0), log.places(0).at(-1)!.offset),
    missing: [[8, 7]],
  },
  { damage: 'the header of the first segment', make: ({ log }) => flip(log.segment(0), 48), missing: [[1, 0]] },
  { damage: 'the header of a middle segment', make: ({ log }) => flip(log.segment(2), 48), missing: [[13, 12]] },
  { damage: 'the header of the last segment', make: ({ log }) => flip(log.segment(-1), 48), missing: [[20, 19]] },
  { damage: 'the salt of a segment', make: ({ log }) => flip(log.segment(2), 76), missing: [[13, 12]] },
  {
    damage: 'the header of a segment and its first record',
    make: ({ log }) => {
      flip(log.segment(2), 56)
      flipRecord(log, 13, 45)
    },
    missing: [[13, 13]],
  },
  {
    damage: 'a segment with zeros for a header',
    make: ({ log }) => log.segment(1).fill(0, 0, HEADER_BYTES),
    missing: [SEGMENTS[1]!],
  },
  { damage: 'a segment of zeros', make: ({ log }) => log.segment(1).fill(0), missing: [SEGMENTS[1]!] },
  { damage: 'an empty segment', make: ({ log }) => log.set(1, Buffer.alloc(0)), missing: [SEGMENTS[1]!] },
  { damage: 'the last segment empty', make: ({ log }) => log.set(-1, Buffer.alloc(0)), missing: [SEGMENTS[3]!] },
  {
    damage: 'a sealed segment cut short between records',
    make: ({ log }) => log.set(1, log.segment(1).subarray(0, recordAt(log, 11).place.offset)),
    missing: [[11, 12]],
  },
  {
    damage: 'a sealed segment cut short within a record',
    make: ({ log }) => log.set(1, log.segment(1).subarray(0, recordAt(log, 11).place.offset + 30)),
    missing: [[11, 12]],
  },
  {
    damage: 'zeros at the end of a sealed segment',
    make: ({ log }) => log.segment(1).fill(0, recordAt(log, 11).place.offset),
    missing: [[11, 12]],
  },
  {
    damage: 'the last segment cut short below the mark',
    make: ({ log }) => log.set(-1, log.segment(-1).subarray(0, recordAt(log, 22).place.offset)),
    missing: [[22, LAST]],
  },
  {
    damage: 'zeros below the mark',
    make: ({ log }) => log.segment(-1).fill(0, recordAt(log, 22).place.offset),
    missing: [[22, LAST]],
  },
  {
    damage: 'zeros beyond the mark',
    make: ({ log }) => log.set(-1, Buffer.concat([log.segment(-1), Buffer.alloc(4_096)])),
    missing: [],
  },
  {
    damage: 'the first segment missing',
    make: ({ log }) => log.delete(0),
    missing: [],
    unanswered: numbers(SEGMENTS[0]!),
  },
  { damage: 'a middle segment missing', make: ({ log }) => log.delete(1), missing: [SEGMENTS[1]!] },
  {
    damage: 'two middle segments missing',
    make: ({ log }) => {
      log.delete(2)
      log.delete(1)
    },
    missing: [[8, 19]],
  },
  { damage: 'the last segment missing', make: ({ log }) => log.delete(-1), missing: [[20, undefined]] },
  {
    damage: 'all segments missing',
    make: ({ log }) => {
      for (const name of log.segments) log.files.delete(name)
    },
    missing: [[1, undefined]],
  },
  {
    damage: 'a segment of another log in the middle',
    make: ({ log }) => log.set(1, foreign(log, 2)),
    missing: [SEGMENTS[1]!],
  },
  {
    damage: 'a segment of another log at the end',
    make: ({ log }) => log.set(3, foreign(log, 4)),
    missing: [[20, undefined]],
  },
  {
    damage: 'a copy of a segment under the next number',
    make: ({ log }) => void log.files.set(segmentName(5), Buffer.from(log.segment(1))),
    missing: [[LAST + 1, undefined]],
  },
  {
    damage: 'a copy of a segment in the place of another',
    make: ({ log }) => log.set(2, Buffer.from(log.segment(1))),
    missing: [SEGMENTS[2]!],
  },
  {
    damage: 'two segments swapped',
    make: ({ log }) => {
      const [one, two] = [log.segment(1), log.segment(2)]
      log.set(1, two)
      log.set(2, one)
    },
    missing: [[8, 19]],
  },
  {
    damage: 'both slots of the mark',
    make: ({ log }) => {
      for (const at of [0, 64]) flip(log.files.get(MARK_FILE)!, at)
    },
    missing: [],
  },
  { damage: 'the mark missing', make: ({ log }) => void log.files.delete(MARK_FILE), missing: [] },
  { damage: 'a stale mark', make: ({ log, staleMark }) => void log.files.set(MARK_FILE, staleMark), missing: [] },
  {
    damage: 'a stale mark, and a record that a later one knows to be synced',
    make: ({ log, staleMark }) => {
      log.files.set(MARK_FILE, staleMark)
      flipRecord(log, 20, 45)
    },
    missing: [[20, 20]],
  },
  {
    damage: 'a stale mark, and the header of the last segment',
    make: ({ log, staleMark }) => {
      log.files.set(MARK_FILE, staleMark)
      flip(log.segment(-1), 33)
    },
    missing: [[20, 19]],
  },
  {
    damage: 'a stale mark, and the last segment without a header',
    make: ({ log, staleMark }) => {
      log.files.set(MARK_FILE, staleMark)
      log.segment(-1).fill(0, 0, HEADER_BYTES)
    },
    missing: [[20, undefined]],
  },
  {
    damage: 'the mark of another log',
    make: ({ log }) => flip(log.files.get(MARK_FILE)!, 8),
    missing: [],
  },
]

/** What another log would have there. */

describe('damage', () => {
  it('is done to a log of four segments in two epochs', async () => {
    const { log } = await recording()
    expect(log.segments.map((_, i) => [firstOf(log, i), lastOf(log, i)])).toEqual(SEGMENTS)
    const { records, report } = await scanLog(log.source)
    expect(sequencesOf(records)).toEqual(range(1, LAST))
    expect(report).toMatchObject({
      records: LAST,
      puts: 17,
      deletes: 4,
      bundles: 3,
      controls: 3,
      firstSequence: 1,
      lastSequence: LAST,
      epoch: 2,
      highestVersion: { millis: 1_700_000_000_000, counter: 7 },
      damage: [],
      tornTail: undefined,
      discarded: undefined,
      closed: false,
      segments: [
        { number: 1, epoch: 1, firstSequence: 1, lastSequence: 7, records: 7, sealed: true },
        { number: 2, epoch: 1, firstSequence: 8, lastSequence: 12, records: 5, sealed: true },
        { number: 3, epoch: 2, firstSequence: 13, lastSequence: 19, records: 7, sealed: true },
        { number: 4, epoch: 2, firstSequence: 20, lastSequence: 24, records: 5, sealed: false },
      ],
      end: { segment: 4, validLength: log.segment(-1).length, lastSequence: LAST, epoch: 2 },
    })
    expect((await LogOutline.read(log, log.walId)).lastEpoch).toBe(2)
  })

  it.each(TABLE)('$damage', async ({ damage, make, missing, unanswered }) => {
    const recording_ = await recording()
    make(recording_)
    const source = await recording_.log.layOut(await temporaryFolder())
    // The first segments go in the ordinary way, so only who knows what was shipped can miss them.
    const expected = unanswered === undefined ? acknowledged : without(acknowledged, unanswered)
    const { corrupt, answered, report } = await judge(source, expected, damage)
    expect(report.damage.map((found) => [found.missing.from, found.missing.to])).toEqual(missing)
    const lost = new Set(unanswered ?? numbers(...missing))
    expect(answered).toEqual(range(1, LAST).filter((n) => !lost.has(n)))
    if (missing.length > 0) expect(corrupt?.missing).toEqual({ from: missing[0]![0], to: missing[0]![1] })
    else expect(corrupt).toBeUndefined()
  })
})
