/**
 * What a scan makes of a damaged log. The table names the damage and its outcome; single bits are in
 * log-scan-every-bit.
 */
import { describe, expect, it } from 'vitest'
import { encodeMark, MARK_FILE } from '../../src/wal/durable-mark.ts'
import { crcOf, encodeSegmentHeader, RECORD_TYPES, segmentName } from '../../src/wal/format.ts'
import type { LogFiles } from '../../src/wal/log-files.ts'
import { LogOutline } from '../../src/wal/log-outline.ts'
import { NO_SEGMENTS } from '../../src/wal/scan-report.ts'
import { SegmentCursor } from '../../src/wal/segment-cursor.ts'
import { flip, HEADER_BYTES, type Place, RecordedLog } from './recorded-log.ts'
import {
  createLog,
  payloadOf,
  range,
  reopenLog,
  scanLog,
  sequencesOf,
  temporaryFolder,
  typeOf,
} from './temporary-log.ts'
import { type Acknowledged, judge } from './verdict.ts'

/** Of the recorded log: closed once, after the 12th; the last three in one group. */
const LAST = 24
const acknowledged: Acknowledged = new Map(range(1, LAST).map((n) => [n, { type: typeOf(n), payload: recorded(n) }]))

/** Of several lengths, all of which take 112 bytes in a segment. */
function recorded(n: number): Buffer {
  return payloadOf(n, 65 + (n % 8))
}
interface Recording {
  readonly log: RecordedLog
  /** The mark as it stood after record 18, as a power cut may leave it. */
  readonly staleMark: Buffer
  /** The last segment with a group of three more, which was written and synced, but never marked or acknowledged. */
  readonly lastWithGroup: Buffer
}

let made: Promise<Recording> | undefined

/** Recorded once: damage goes to a copy. */
async function recording(): Promise<Recording> {
  made ??= record()
  const { log, staleMark, lastWithGroup } = await made
  return { log: log.copy(), staleMark: Buffer.from(staleMark), lastWithGroup: Buffer.from(lastWithGroup) }
}

async function record(): Promise<Recording> {
  const options = { dir: await temporaryFolder(), segmentBytes: 900 }
  const first = await createLog(options)
  for (const n of range(1, 12)) await first.append(typeOf(n), recorded(n), n, n)
  await first.close()
  const { log } = await reopenLog(options)
  const append = (numbers: number[]) => Promise.all(numbers.map((n) => log.append(typeOf(n), recorded(n), n, n)))
  for (const n of range(13, 18)) await append([n])
  const stale = await RecordedLog.of(options.dir, log.walId)
  for (const n of range(19, 21)) await append([n])
  await append([22, 23, 24])
  const whole = await RecordedLog.of(options.dir, log.walId)
  await Promise.all([25, 26, 27].map((n) => log.append('put', payloadOf(n, 40), n, n)))
  const later = await RecordedLog.of(options.dir, log.walId)
  const lastWithGroup = later.files.get(whole.segments.at(-1)!)!
  return { log: whole, staleMark: stale.files.get(MARK_FILE)!, lastWithGroup }
}

/** First and last record that an error or a report calls missing. */
type Missing = readonly [from: number, to: number | undefined]

interface Row {
  readonly damage: string
  readonly make: (recording: Recording) => void
  /** None: nothing is damaged, and everything is answered. */
  readonly missing: readonly Missing[]
  /** What is not answered when salvaging. @default what is missing */
  readonly unanswered?: readonly number[]
}

const recordAt = (log: RecordedLog, sequence: number): { segment: Buffer; place: Place; index: number } => {
  for (const [index] of log.segments.entries()) {
    const place = log.places(index).find((other) => other.sequence === sequence && other.type <= RECORD_TYPES.delete)
    if (place !== undefined) return { segment: log.segment(index), place, index }
  }
  throw new Error(`no record ${sequence}`)
}

const flipRecord = (log: RecordedLog, sequence: number, at: number): void => {
  const { segment, place } = recordAt(log, sequence)
  flip(segment, place.offset + at)
}

const flipRecords = (log: RecordedLog, sequences: readonly number[], at: number): void => {
  for (const sequence of sequences) flipRecord(log, sequence, at)
}

const firstOf = (log: RecordedLog, n: number): number => log.places(n)[0]!.sequence
const lastOf = (log: RecordedLog, n: number): number => log.places(n).at(-1)!.sequence

/** Segments hold the records 1–7, 8–12, 13–19 and 20–24; the test below says so. */
const SEGMENTS: readonly Missing[] = [
  [1, 7],
  [8, 12],
  [13, 19],
  [20, 24],
]

const numbers = (...ranges: readonly Missing[]): number[] => ranges.flatMap(([from, to]) => range(from, to ?? LAST))

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
function foreign(log: RecordedLog, segment: number): Buffer {
  const { bytes } = encodeSegmentHeader({
    walId: '00000000-0000-4000-8000-000000000000',
    segment,
    epoch: 1,
    firstSequence: firstOf(log, segment - 1),
    previousLength: 120,
    previousChain: 0,
    highestVersion: { millis: 0, counter: 0 },
  })
  return Buffer.concat([bytes, log.segment(segment - 1).subarray(HEADER_BYTES)])
}

describe('damage', () => {
  it('is done to a log of four segments in two epochs', async () => {
    const { log } = await recording()
    expect(log.segments.map((_, i) => [firstOf(log, i), lastOf(log, i)])).toEqual(SEGMENTS)
    const { records, report } = await scanLog(log.source)
    expect(sequencesOf(records)).toEqual(range(1, LAST))
    expect(report).toMatchObject({
      records: LAST,
      puts: 20,
      deletes: 4,
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

function without(all: Acknowledged, numbers: readonly number[]): Acknowledged {
  return new Map([...all].filter(([n]) => !numbers.includes(n)))
}

describe('a group that was never acknowledged', () => {
  interface TornRow {
    readonly left: string
    readonly make: (group: { bytes: Buffer; places: readonly Place[] }) => Buffer
    readonly answered: number
    readonly torn?: { readonly records: number; readonly ambiguous: boolean }
  }
  const cutAt =
    (record: number, at: number): TornRow['make'] =>
    ({ bytes, places }) =>
      bytes.subarray(0, places[record]!.offset + at)
  const rows: readonly TornRow[] = [
    { left: 'whole', make: ({ bytes }) => bytes, answered: 27 },
    { left: 'cut between its records', make: cutAt(1, 0), answered: 25 },
    { left: 'cut in its first header', make: cutAt(0, 10), answered: 24, torn: { records: 0, ambiguous: false } },
    { left: 'cut in its first payload', make: cutAt(0, 60), answered: 24, torn: { records: 0, ambiguous: false } },
    { left: 'cut in its second payload', make: cutAt(1, 60), answered: 25, torn: { records: 0, ambiguous: false } },
    {
      left: 'torn with whole records behind it',
      make: ({ bytes, places }) => {
        flip(bytes, places[0]!.offset + 50)
        return bytes
      },
      answered: 24,
      torn: { records: 2, ambiguous: true },
    },
    {
      left: 'torn at the end, all its bytes there',
      make: ({ bytes, places }) => {
        flip(bytes, places[2]!.offset + 50)
        return bytes
      },
      answered: 26,
      torn: { records: 0, ambiguous: true },
    },
    {
      left: 'as zeros',
      make: ({ bytes, places }) => bytes.fill(0, places[0]!.offset),
      answered: 24,
    },
    {
      left: 'as zeros but for its last record',
      make: ({ bytes, places }) => bytes.fill(0, places[0]!.offset, places[2]!.offset),
      answered: 24,
      torn: { records: 1, ambiguous: true },
    },
  ]

  it.each(rows)('is dropped and counted, not called damage: $left', async ({ make, answered, torn }) => {
    for (const isStale of [false, true]) {
      const { log, staleMark, lastWithGroup } = await recording()
      if (isStale) log.files.set(MARK_FILE, staleMark)
      const places = new RecordedLog(log.walId, new Map([[segmentName(1), lastWithGroup]]))
        .places(0)
        .filter(({ sequence }) => sequence > LAST)
      const left = make({ bytes: lastWithGroup, places })
      log.set(-1, left)
      const { records, report } = await scanLog(log.source)
      expect(sequencesOf(records)).toEqual(range(1, answered))
      expect(report.damage).toEqual([])
      if (torn === undefined) expect(report.tornTail).toBeUndefined()
      else {
        const { offset } = places[answered - LAST]!
        expect(report.tornTail).toEqual({ segment: 4, offset, bytes: left.length - offset, ...torn })
        expect(report.end.validLength).toBe(offset)
      }
    }
  })

  it('is told from nothing that was synced, where the mark is gone as well', async () => {
    const { log, lastWithGroup } = await recording()
    log.files.delete(MARK_FILE)
    log.set(-1, lastWithGroup.subarray(0, lastWithGroup.length - 8))
    const { report } = await scanLog(log.source)
    expect(report.tornTail).toMatchObject({ ambiguous: true })
  })

  it('is not read in again, even where the segment that replaced it has a damaged header', async () => {
    const dir = await temporaryFolder()
    const options = { dir, segmentBytes: 100_000 }
    const first = await createLog(options)
    for (const n of range(1, 7)) await first.append(typeOf(n), payloadOf(n), n, n)
    const before = await RecordedLog.of(dir, first.walId)
    await Promise.all([8, 9, 10].map((n) => first.append(typeOf(n), payloadOf(n), n, n)))
    const torn = await RecordedLog.of(dir, first.walId)
    await first.close()
    torn.files.set(MARK_FILE, before.files.get(MARK_FILE)!)
    flip(torn.segment(0), torn.places(0)[7]!.offset + 45)
    await torn.layOut(dir)

    const { log, report } = await reopenLog(options)
    expect(report.tornTail).toMatchObject({ records: 2, ambiguous: true })
    const written = new Map(range(1, 7).map((n) => [n, { type: typeOf(n), payload: payloadOf(n) }]))
    for (const n of range(8, 12)) {
      written.set(n, { type: 'put', payload: payloadOf(n + 100) })
      await log.append('put', payloadOf(n + 100), n, n)
    }
    const replaced = await RecordedLog.of(dir, log.walId)
    expect((await judge(replaced.source, written, 'replaced')).corrupt).toBeUndefined()
    for (const at of [8, 32, 48, 56, 76]) {
      const damaged = replaced.copy()
      flip(damaged.segment(1), at)
      const { answered, corrupt } = await judge(damaged.source, written, `header byte ${at}`)
      expect(answered).toEqual(range(1, 12))
      expect(corrupt).toBeDefined()
    }
  })
})

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

describe('what a crash leaves', () => {
  it.each([
    ['nothing at all', () => []],
    ['a header on its way', (name: string) => [[`${name}.new`, Buffer.alloc(40, 1)]] as const],
    ['a segment without a header', (name: string) => [[name, Buffer.alloc(0)]] as const],
    ['half a header', (name: string) => [[name, Buffer.alloc(40, 1)]] as const],
    ['zeros', (name: string) => [[name, Buffer.alloc(4_096)]] as const],
  ])('%s, where a segment was being made', async (_, files) => {
    const { log } = await recording()
    for (const [name, bytes] of files(segmentName(5))) log.files.set(name, bytes)
    const { records, report } = await scanLog(log.source)
    expect(sequencesOf(records)).toEqual(range(1, LAST))
    expect(report.discarded).toBe(log.files.has(segmentName(5)) ? 5 : undefined)
    expect(report.end.segment).toBe(4)

    const empty = new RecordedLog(log.walId, new Map(files(segmentName(1))))
    expect((await scanLog(empty.source)).report).toMatchObject({
      records: 0,
      lastSequence: 0,
      end: { segment: undefined },
    })
  })

  it('never a segment that holds something without a header', async () => {
    const { log } = await recording()
    log.files.set(segmentName(5), Buffer.alloc(200, 1))
    await expect(scanLog(log.source)).rejects.toMatchObject({ code: 'ERR_WAL_CORRUPT', details: { segment: 5 } })
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

  it.each([RECORD_TYPES.prepared, 8, 200])('with records of type %i is refused by name', async (type) => {
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
