import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { decode } from '@msgpack/msgpack'
import { type BenchCase, ratioAtLeast } from '../harness/bench-case.ts'
import { chunk } from '../harness/entries.ts'
import { timed } from '../harness/timed.ts'

const RECORDS = 15_000
const BATCH = 500

/** Where a payload is in its file. */
interface Place {
  readonly file: string
  readonly from: number
  readonly length: number
}

export default {
  title: 'recovery scan of 15,000 records',
  rows: [
    { figure: 'perSecond', unit: '/s', reference: { subject: 'read, checksum, decode' }, goals: [ratioAtLeast(0.6)] },
  ],
  async setUp(bench) {
    const { LogScan } = await bench.module<typeof import('../../../src/wal/log-scan.ts')>('wal/log-scan')
    const { decodeRecord } = await bench.module<typeof import('../../../src/entry/codec.ts')>('entry/codec')
    const format = await bench.module<typeof import('../../../src/wal/format.ts')>('wal/format')
    const dir = await bench.folder()
    const store = await bench.openStore({ dir, sync: false, checkpoint: { every: '1h' } })
    for (let from = 0; from < RECORDS; from += BATCH)
      await store.chunks.putMany(Array.from({ length: BATCH }, (_, nth) => chunk(from + nth)))
    const walId = (await store.stats()).wal.id
    // A copy, since closing ships the log and ends it.
    const path = join(await bench.folder(), walId)
    cpSync(join(dir, 'wal', walId), path, { recursive: true, filter: (file) => !file.includes('/lock') })
    const places: Place[] = []
    for await (const { segment, offset, payload } of new LogScan({ path, walId }))
      places.push({
        file: join(path, format.segmentName(segment)),
        from: offset + format.RECORD_HEADER_BYTES,
        length: payload.byteLength,
      })
    if (places.length !== RECORDS) throw new Error(`the log has ${places.length} records, not ${RECORDS}`)
    return {
      thermocline: () =>
        timed(RECORDS, async () => {
          for await (const { payload } of new LogScan({ path, walId })) decodeRecord(payload)
        }),
      'read, checksum, decode': () => timed(RECORDS, async () => readAll(places, format.crcOf)),
    }
  },
} satisfies BenchCase

function readAll(places: readonly Place[], checksum: (bytes: Uint8Array) => number): void {
  const files = new Map<string, Buffer>()
  for (const { file, from, length } of places) {
    let bytes = files.get(file)
    if (bytes === undefined) {
      bytes = readFileSync(file)
      files.set(file, bytes)
    }
    const payload = bytes.subarray(from, from + length)
    checksum(payload)
    decode(payload)
  }
}
