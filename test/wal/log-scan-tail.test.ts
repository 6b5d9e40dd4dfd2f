/** What a scan makes of the end of a log: a group that was never acknowledged, and what a crash leaves. */
import { describe, expect, it } from 'vitest'
import { MARK_FILE } from '../../src/wal/durable-mark.ts'
import { segmentName } from '../../src/wal/format.ts'
import { flip, type Place, RecordedLog } from './recorded-log.ts'
import { LAST, recording } from './recorded-scan.ts'
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
import { judge } from './verdict.ts'

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
