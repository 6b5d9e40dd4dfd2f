/** What must hold of a damaged log, whatever the damage: silent loss 0, wrong bytes 0. */
import { expect } from 'vitest'
import { isThermoclineError, type SequenceRange } from '../../src/errors.ts'
import type { ScannedRecord, ScanReport, ScanSource } from '../../src/wal/log-scan.ts'
import { scanLog } from './temporary-log.ts'

/** Sequence to what was acknowledged under it. */
export type Acknowledged = ReadonlyMap<number, { readonly type: ScannedRecord['type']; readonly payload: Uint8Array }>

export interface Verdict {
  /** Undefined where a plain scan answers everything. */
  readonly corrupt: { readonly segment: number; readonly offset: number; readonly missing: SequenceRange } | undefined
  /** What salvaging answers and reports. */
  readonly answered: readonly number[]
  readonly report: ScanReport
}

/** Scans both ways and checks one against the other and against what was acknowledged. `context` names the damage. */
export async function judge(source: ScanSource, acknowledged: Acknowledged, context: string): Promise<Verdict> {
  const corrupt = await scanLog(source).then(
    ({ records }) => {
      sameAs(records, acknowledged, context)
      expect(records.length, `${context}: answered without an error`).toBe(acknowledged.size)
      return undefined
    },
    (error: unknown) => {
      if (isThermoclineError(error, 'ERR_WAL_CORRUPT')) return error.details
      throw new Error(`${context}: no other error may come of damage`, { cause: error })
    },
  )
  const { records, report } = await scanLog(source, { salvage: true })
  sameAs(records, acknowledged, context)
  expect(report.damage.length > 0, `${context}: both scans see the damage`).toBe(corrupt !== undefined)
  const answered = new Set(records.map(({ sequence }) => sequence))
  const ranges = report.damage.map(({ missing }) => missing)
  for (const sequence of acknowledged.keys())
    if (!answered.has(sequence) && !ranges.some((range) => isWithin(sequence, range)))
      throw new Error(`${context}: record ${sequence} is lost without a word`)
  for (const sequence of answered)
    if (ranges.some((range) => isWithin(sequence, range)))
      throw new Error(`${context}: record ${sequence} is called missing and was answered`)
  const last = Math.max(...acknowledged.keys())
  for (const { to } of ranges)
    if (to !== undefined && to > last) throw new Error(`${context}: record ${to} is called missing and never was`)
  return { corrupt, answered: [...answered], report }
}

/** Each record once, in order, byte for byte. */
function sameAs(records: readonly ScannedRecord[], acknowledged: Acknowledged, context: string): void {
  let last = 0
  for (const { sequence, type, payload } of records) {
    if (sequence <= last) throw new Error(`${context}: record ${sequence} comes after ${last}`)
    last = sequence
    const written = acknowledged.get(sequence)
    if (written === undefined) throw new Error(`${context}: record ${sequence} was invented`)
    if (type !== written.type || Buffer.compare(payload, written.payload) !== 0)
      throw new Error(`${context}: record ${sequence} was altered`)
  }
}

function isWithin(sequence: number, { from, to }: SequenceRange): boolean {
  return sequence >= from && sequence <= (to ?? Infinity)
}
