/** Logs in folders of their own, written and read back as the store does it. */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { isThermoclineError } from '../../src/errors.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { LockedLog } from '../../src/wal/locked-log.ts'
import { LogFolder } from '../../src/wal/log-folder.ts'
import {
  LogScan,
  type ScannedRecord,
  type ScanOptions,
  type ScanReport,
  type ScanSource,
} from '../../src/wal/log-scan.ts'
import { WriteAheadLog, type WriteAheadLogOptions } from '../../src/wal/write-ahead-log.ts'
import { payloadOf, typeOf } from './payloads.ts'

export { payloadOf, typeOf }

/** Removed with the test. */
export async function temporaryFolder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'thermocline-wal-'))
  onTestFinished(() => rm(dir, { recursive: true, force: true }))
  return dir
}

export type LogOptions = Partial<WriteAheadLogOptions<number>> & { readonly dir: string }

function completed(options: LogOptions): WriteAheadLogOptions<number> {
  return {
    segmentBytes: 4_096,
    lockTimeout: 0,
    logger: silentLogger,
    highestVersion: () => ({ millis: 1_700_000_000_000, counter: 7 }),
    onDurable: () => {},
    ...options,
  }
}

/** Closed with the test, however that ends. */
export async function createLog(options: LogOptions): Promise<WriteAheadLog<number>> {
  return closedWithTest(await WriteAheadLog.create(completed(options)))
}

/** Locks the only log of the folder, reads it to its end and goes on with it. */
export async function reopenLog(
  options: LogOptions & ScanOptions,
): Promise<ScanResult & { log: WriteAheadLog<number> }> {
  const { salvage, afterSequence, ...wal } = options
  const [walId] = await new LogFolder(options.dir).list()
  const locked = await LockedLog.lock(options.dir, walId!, { lockTimeout: 0 })
  try {
    const scanned = await scanLog(locked, { ...(salvage && { salvage }), ...(afterSequence && { afterSequence }) })
    const log = await WriteAheadLog.continue(locked, scanned.report.end, completed(wal))
    return { ...scanned, log: closedWithTest(log) }
  } catch (error) {
    await locked.release()
    throw error
  }
}

function closedWithTest(log: WriteAheadLog<number>): WriteAheadLog<number> {
  onTestFinished(() => log.close().catch(() => {}))
  return log
}

export interface ScanResult {
  readonly records: readonly ScannedRecord[]
  readonly report: ScanReport
}

export async function scanLog(source: ScanSource, options?: ScanOptions): Promise<ScanResult> {
  const scan = new LogScan(source, options)
  const records: ScannedRecord[] = []
  for await (const record of scan) records.push(record)
  return { records, report: scan.report }
}

export function sourceOf(dir: string, { walId }: { readonly walId: string }): { path: string; walId: string } {
  return { path: join(dir, walId), walId }
}

/** Appends the payloads of these numbers at once, every fifth as a delete. */
export function appendAll(log: WriteAheadLog<number>, numbers: Iterable<number>): Promise<unknown> {
  return Promise.all([...numbers].map((n) => log.append(typeOf(n), payloadOf(n), n, n)))
}

/** From `from` to `to`, both included. */
export function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i)
}

export function sequencesOf(records: readonly { readonly sequence: number }[]): number[] {
  return records.map(({ sequence }) => sequence)
}

export async function segmentsOf(dir: string, { walId }: { walId: string }): Promise<string[]> {
  return (await readdir(join(dir, walId))).filter((name) => name.endsWith('.wal')).sort()
}

export async function answered(dir: string, log: { walId: string }): Promise<number[]> {
  return sequencesOf((await scanLog(sourceOf(dir, log))).records)
}

export function codeOf(outcome: PromiseSettledResult<unknown>): string | undefined {
  if (outcome.status === 'fulfilled') return undefined
  return isThermoclineError(outcome.reason) ? outcome.reason.code : String(outcome.reason)
}
