/** What must hold of a log whose writer was killed anywhere in its script. */
import { expect } from 'vitest'
import { LockedLog } from '../../src/wal/locked-log.ts'
import { LogFolder } from '../../src/wal/log-folder.ts'
import { WriteAheadLog, type WriteAheadLogOptions } from '../../src/wal/write-ahead-log.ts'
import { payloadOf, typeOf } from '../wal/payloads.ts'
import { range, scanLog, sequencesOf } from '../wal/temporary-log.ts'
import { RECORDS } from './kill-script.ts'

export interface Witness {
  /** Highest sequence that was acknowledged. */
  readonly acknowledged: number
  /** Cold has everything up to here. */
  readonly shipped: number
}

/** Nothing acknowledged is lost, nothing is invented, recovering twice is recovering once, and the log goes on. */
export async function judgeKilled(options: WriteAheadLogOptions<number>, witness: Witness): Promise<void> {
  const [walId] = await new LogFolder(options.dir).list()
  if (walId === undefined) return expect(witness).toEqual({ acknowledged: 0, shipped: 0 })
  const once = await recoverAndWrite(walId, options, witness, 0)
  const twice = await recoverAndWrite(walId, options, witness, 1)
  expect(twice).toEqual(once)
  await recoverAndWrite(walId, options, { ...witness, acknowledged: once + 1 }, 0)
}

/** Answers the last sequence it found, before it adds so many records. */
async function recoverAndWrite(
  walId: string,
  options: WriteAheadLogOptions<number>,
  { acknowledged, shipped }: Witness,
  added: number,
): Promise<number> {
  const locked = await LockedLog.lock(options.dir, walId, options)
  const { records, report } = await scanLog(locked, { afterSequence: shipped })
  const log = await WriteAheadLog.continue(locked, report.end, options)
  try {
    expect(report.damage).toEqual([])
    expect(report.lastSequence).toBeGreaterThanOrEqual(acknowledged)
    expect(report.lastSequence).toBeLessThanOrEqual(RECORDS + 1)
    expect(sequencesOf(records)).toEqual(range(shipped + 1, report.lastSequence))
    for (const { sequence, type, payload } of records)
      if (type !== typeOf(sequence) || Buffer.compare(payload, payloadOf(sequence)) !== 0)
        throw new Error(`record ${sequence} was altered`)
    for (const n of range(report.lastSequence + 1, report.lastSequence + added))
      await log.append(typeOf(n), payloadOf(n), n, n)
    return report.lastSequence
  } finally {
    await log.close()
  }
}
