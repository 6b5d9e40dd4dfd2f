/** What a log's writer does before it is killed at one of its steps: always the same, and enough of everything. */
import { silentLogger } from '../../src/kernel/logger.ts'
import { WriteAheadLog, type WriteAheadLogOptions } from '../../src/wal/write-ahead-log.ts'
import { payloadOf, typeOf } from '../wal/payloads.ts'

const GROUPS = 50
const GROUP_RECORDS = 4
/** Records written in all. */
export const RECORDS = GROUPS * GROUP_RECORDS
/** Groups between two checkpoints. */
const CHECKPOINT_GROUPS = 8
/** Rotates every seven groups or so. */
const SEGMENT_BYTES = 5_000

export interface Observer {
  readonly onAcknowledged: (sequence: number) => void
  /** Cold has everything up to here, and the log is about to hear of it. */
  readonly onShipped: (sequence: number) => void
}

export function scriptOptions(dir: string): WriteAheadLogOptions<number> {
  return {
    dir,
    segmentBytes: SEGMENT_BYTES,
    lockTimeout: 5_000,
    logger: silentLogger,
    highestVersion: () => ({ millis: 0, counter: 0 }),
    onDurable: () => {},
  }
}

/** The record with sequence n has the payload of n. Rejects where the log stops. */
export async function runScript(options: WriteAheadLogOptions<number>, observer: Observer): Promise<void> {
  const log = await WriteAheadLog.create(options)
  try {
    for (let group = 0; group < GROUPS; group++) {
      const numbers = Array.from({ length: GROUP_RECORDS }, (_, i) => group * GROUP_RECORDS + i + 1)
      await Promise.all(
        numbers.map(async (n) => {
          const { sequence } = await log.append(typeOf(n), payloadOf(n), n, n)
          observer.onAcknowledged(sequence)
        }),
      )
      if (group % CHECKPOINT_GROUPS !== CHECKPOINT_GROUPS - 1) continue
      observer.onShipped(log.lastSequence)
      await log.release(log.lastSequence)
    }
  } finally {
    await log.close()
  }
}
