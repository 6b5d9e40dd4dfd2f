/**
 * Goes on with the only log of a folder, or creates one, and appends until it is killed. Prints `ack SEQUENCE` after
 * each append that resolved, and `CODE OUTCOME` of one that did not. The payload is that of its sequence, so a reader
 * knows what must stand there.
 */
import { isThermoclineError } from '../../src/errors.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { say } from '../../src/testkit/crash/say.ts'
import { LockedLog } from '../../src/wal/locked-log.ts'
import { LogFolder } from '../../src/wal/log-folder.ts'
import { LogScan } from '../../src/wal/log-scan.ts'
import { WriteAheadLog } from '../../src/wal/write-ahead-log.ts'
import { payloadOf, typeOf } from './payloads.ts'

const dir = process.argv[2]!
const options = {
  dir,
  segmentBytes: 16 * 1024,
  lockTimeout: 5_000,
  logger: silentLogger,
  highestVersion: () => ({ millis: 0, counter: 0 }),
  onDurable: () => {},
}

async function openLog(): Promise<WriteAheadLog<number>> {
  const [walId] = await new LogFolder(dir).list()
  if (walId === undefined) return WriteAheadLog.create(options)
  const locked = await LockedLog.lock(dir, walId, options)
  const scan = new LogScan(locked)
  for await (const _ of scan);
  return WriteAheadLog.continue(locked, scan.report.end, options)
}

const log = await openLog()
let next = log.lastSequence + 1
say(`from ${next}`)

async function appendUntilItFails(): Promise<void> {
  try {
    for (;;) {
      const n = next++
      const { sequence } = await log.append(typeOf(n), payloadOf(n), n, n)
      say(`ack ${sequence}`)
    }
  } catch (error) {
    if (!isThermoclineError(error, 'ERR_WAL_FAILED')) throw error
    say(`${error.code} ${error.details.outcome}`)
  }
}

await Promise.all(Array.from({ length: 8 }, appendUntilItFails))
