/** Logs that a killed writer left, recorded once, damaged in named ways, and laid out again for each recovery. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeRecord } from '../../src/entry/codec.ts'
import type { EntryRecord } from '../../src/entry/record.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { chunkOf, tombstone } from '../../src/testkit/contract/cold-records.ts'
import { WriteAheadLog } from '../../src/wal/write-ahead-log.ts'
import { flip, HEADER_BYTES, RecordedLog } from '../wal/recorded-log.ts'

export const NAMESPACE = 'recovered'
export const WRITES = 70
/** Small, so that a log has several. */
export const SEGMENT_BYTES = 6 * 1024
/** Writes of one fdatasync. */
const GROUP = 10

/** Every seventh write is a delete, every fifth a new version of an entry written earlier; one each millisecond. */
export function writeOf(n: number): EntryRecord {
  const version = n * 2 ** 16
  if (n % 7 === 0) return tombstone(NAMESPACE, n - 3, version)
  return chunkOf(NAMESPACE, n % 5 === 0 ? n - 4 : n, version, { text: `write ${n} ${'x'.repeat(n % 90)}` })
}

/** @param writes How many. */
export async function recordLog(writes: number): Promise<RecordedLog> {
  const [log] = await recordGrowingLog(writes)
  return log!
}

/** One log as it was after so many writes, and after so many more. */
export async function recordGrowingLog(...writes: readonly number[]): Promise<RecordedLog[]> {
  const dir = await mkdtemp(join(tmpdir(), 'thermocline-recorded-'))
  const log = await WriteAheadLog.create<number>({
    dir,
    segmentBytes: SEGMENT_BYTES,
    lockTimeout: 0,
    logger: silentLogger,
    highestVersion: () => ({ millis: 0, counter: 0 }),
    onDurable: () => {},
  })
  const recorded: RecordedLog[] = []
  let written = 0
  try {
    for (const end of writes) {
      while (written < end) {
        const numbers = Array.from({ length: Math.min(GROUP, end - written) }, (_, i) => written + 1 + i)
        await Promise.all(
          numbers.map((n) => log.append(n % 7 === 0 ? 'delete' : 'put', encodeRecord(writeOf(n)), n, n)),
        )
        written += numbers.length
      }
      // As a killed process leaves it: not closed.
      recorded.push(await RecordedLog.of(dir, log.walId))
    }
    return recorded
  } finally {
    await log.close()
    await rm(dir, { recursive: true, force: true })
  }
}

/** The beginning of a write that never ended. */
export function tear(log: RecordedLog): void {
  const last = log.segment(-1)
  log.set(-1, Buffer.concat([last, log.segment(0).subarray(HEADER_BYTES, HEADER_BYTES + 57)]))
}

/** Two records in the middle of the log do not verify any more; answers their sequences. */
export function damage(log: RecordedLog): number[] {
  const places = log.places(1)
  const hit = [places[3]!, places[9]!]
  for (const { offset } of hit) flip(log.segment(1), offset + HEADER_BYTES)
  return hit.map(({ sequence }) => sequence)
}

/** Anew, and nothing else, in `dir`. */
export async function layOut(logs: readonly RecordedLog[], dir: string): Promise<void> {
  await rm(dir, { recursive: true, force: true })
  await mkdir(dir, { recursive: true })
  for (const log of logs) await log.layOut(dir)
}
