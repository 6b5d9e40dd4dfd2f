import { MARK_FILE } from '../../src/wal/durable-mark.ts'
import { encodeSegmentHeader } from '../../src/wal/format.ts'
import { entryType } from '../../src/wal/scan-report.ts'
import { flip, HEADER_BYTES, type Place, RecordedLog } from './recorded-log.ts'
import { createLog, payloadOf, range, reopenLog, temporaryFolder, typeOf } from './temporary-log.ts'
import type { Acknowledged } from './verdict.ts'

/** Of the recorded log: closed once, after the 12th; the last three in one group. */
export const LAST = 24
export const acknowledged: Acknowledged = new Map(
  range(1, LAST).map((n) => [n, { type: typeOf(n), payload: recorded(n) }]),
)

/** Of several lengths, all of which take 112 bytes in a segment. */
export function recorded(n: number): Buffer {
  return payloadOf(n, 65 + (n % 8))
}
export interface Recording {
  readonly log: RecordedLog
  /** The mark as it stood after record 18, as a power cut may leave it. */
  readonly staleMark: Buffer
  /** The last segment with a group of three more, which was written and synced, but never marked or acknowledged. */
  readonly lastWithGroup: Buffer
}

let made: Promise<Recording> | undefined

/** Recorded once: damage goes to a copy. */
export async function recording(): Promise<Recording> {
  made ??= record()
  const { log, staleMark, lastWithGroup } = await made
  return { log: log.copy(), staleMark: Buffer.from(staleMark), lastWithGroup: Buffer.from(lastWithGroup) }
}

export async function record(): Promise<Recording> {
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
export type Missing = readonly [from: number, to: number | undefined]

export interface Row {
  readonly damage: string
  readonly make: (recording: Recording) => void
  /** None: nothing is damaged, and everything is answered. */
  readonly missing: readonly Missing[]
  /** What is not answered when salvaging. @default what is missing */
  readonly unanswered?: readonly number[]
}

export const recordAt = (log: RecordedLog, sequence: number): { segment: Buffer; place: Place; index: number } => {
  for (const [index] of log.segments.entries()) {
    const place = log.places(index).find((other) => other.sequence === sequence && entryType(other.type) !== undefined)
    if (place !== undefined) return { segment: log.segment(index), place, index }
  }
  throw new Error(`no record ${sequence}`)
}

export const flipRecord = (log: RecordedLog, sequence: number, at: number): void => {
  const { segment, place } = recordAt(log, sequence)
  flip(segment, place.offset + at)
}

export const flipRecords = (log: RecordedLog, sequences: readonly number[], at: number): void => {
  for (const sequence of sequences) flipRecord(log, sequence, at)
}

export const firstOf = (log: RecordedLog, n: number): number => log.places(n)[0]!.sequence
export const lastOf = (log: RecordedLog, n: number): number => log.places(n).at(-1)!.sequence

/** Segments hold the records 1–7, 8–12, 13–19 and 20–24; the test below says so. */
export const SEGMENTS: readonly Missing[] = [
  [1, 7],
  [8, 12],
  [13, 19],
  [20, 24],
]

export const numbers = (...ranges: readonly Missing[]): number[] =>
  ranges.flatMap(([from, to]) => range(from, to ?? LAST))

export function foreign(log: RecordedLog, segment: number): Buffer {
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

export function without(all: Acknowledged, numbers: readonly number[]): Acknowledged {
  return new Map([...all].filter(([n]) => !numbers.includes(n)))
}
