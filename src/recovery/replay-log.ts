/** Records that a log's segments still hold, in batches as cold takes them: for a database that lost what it had. */
import { decodeRecord } from '../entry/codec.ts'
import type { EntryRecord } from '../entry/record.ts'
import type { LogScan } from '../wal/log-scan.ts'
import { NewestPerKey } from './newest-per-key.ts'

export interface ReplayBatch {
  readonly records: readonly EntryRecord[]
  /** Sequence of the last record read. */
  readonly to: number
}

/** @param through sequence of the last record wanted; the owner may go on writing behind it. */
export async function* replay(scan: LogScan, through: number): AsyncGenerator<ReplayBatch> {
  const batch = new NewestPerKey()
  let to = 0
  for await (const { sequence, payload, bytes } of scan) {
    if (sequence > through) break
    batch.add(decodeRecord(payload), bytes)
    to = sequence
    if (batch.isFull) yield { records: batch.take(), to }
  }
  if (batch.added > 0) yield { records: batch.take(), to }
}
