/** Every single bit of a log is flipped, and every file cut at every byte: silent loss 0, wrong bytes 0. */
import { expect, test } from 'vitest'
import { MARK_FILE } from '../../src/wal/durable-mark.ts'
import { isThorough } from '../tools/budget.ts'
import { flip, HEADER_BYTES, placesIn, RecordedLog } from './recorded-log.ts'
import { createLog, payloadOf, range, reopenLog, temporaryFolder, typeOf } from './temporary-log.ts'
import { type Acknowledged, judge } from './verdict.ts'

const RECORDS = 14

/** Four segments, the third and fourth of a second epoch, with the last groups of several records; not closed. */
async function recordLog(): Promise<{ log: RecordedLog; acknowledged: Acknowledged }> {
  const dir = await temporaryFolder()
  const acknowledged = new Map(
    range(1, RECORDS).map((n) => [n, { type: typeOf(n), payload: payloadOf(n, 8 + (n % 9)) }]),
  )
  const options = { dir, segmentBytes: 400 }
  const first = await createLog(options)
  const append = (to: typeof first, n: number) => to.append(typeOf(n), acknowledged.get(n)!.payload, n, n)
  for (const n of range(1, 7)) await append(first, n)
  await first.close()
  const { log: second } = await reopenLog(options)
  for (const group of [[8], [9, 10], [11], [12, 13, 14]]) await Promise.all(group.map((n) => append(second, n)))
  return { log: await RecordedLog.of(dir, second.walId), acknowledged }
}

/** Every byte, or every third from one on that another run begins elsewhere. */
const EVERY = isThorough ? 1 : 3
const FIRST = Math.floor(Math.random() * EVERY)

/** Every bit, or one bit of each byte, another one in the next. */
function bitsToFlip(at: number): readonly number[] {
  return isThorough ? range(0, 7) : [at % 8]
}

/** Bytes under no checksum: the padding of records and of the slots of the mark. */
function unchecked(name: string, bytes: Buffer): Set<number> {
  if (name === MARK_FILE) return new Set([60, 61, 62, 63, 124, 125, 126, 127])
  return new Set(
    placesIn(bytes).flatMap(({ offset, bytes, payloadLength }) =>
      range(offset + 40 + payloadLength, offset + bytes - 1),
    ),
  )
}

test('a flip of any bit', { timeout: 120_000 }, async () => {
  const { log, acknowledged } = await recordLog()
  expect(log.segments.length).toBe(4)
  for (const [name, bytes] of [...log.files]) {
    const padding = unchecked(name, bytes)
    for (let at = FIRST; at < bytes.length; at += EVERY)
      for (const bit of bitsToFlip(at)) {
        flip(bytes, at, bit)
        const { corrupt, answered } = await judge(log.source, acknowledged, `${name}, bit ${bit} of byte ${at}`)
        flip(bytes, at, bit)
        // One bit costs one record at the most, and in a header or in a mark none.
        const isHeader = name !== MARK_FILE && at < HEADER_BYTES
        expect(answered.length).toBeGreaterThanOrEqual(RECORDS - (isHeader ? 0 : 1))
        if (padding.has(at) || name === MARK_FILE) expect(corrupt).toBeUndefined()
        else expect(corrupt).toBeDefined()
      }
  }
})

test('a cut at any byte', { timeout: 120_000 }, async () => {
  const { log, acknowledged } = await recordLog()
  for (const [name, bytes] of [...log.files]) {
    for (let length = FIRST; length < bytes.length; length += EVERY) {
      log.files.set(name, bytes.subarray(0, length))
      const { corrupt } = await judge(log.source, acknowledged, `${name} cut to ${length} bytes`)
      if (name === MARK_FILE) expect(corrupt).toBeUndefined()
      else expect(corrupt, `${name} cut to ${length} bytes`).toBeDefined()
    }
    log.files.set(name, bytes)
  }
})
