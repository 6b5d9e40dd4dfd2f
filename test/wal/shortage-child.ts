/**
 * Writes to a log while this process has no file descriptor left, and while another thread takes each that becomes
 * free. Argument: the folder. Prints `ack SEQUENCE` or `CODE OUTCOME` for each append, and `none left` and `enough` in
 * between.
 */
import { closeSync, openSync } from 'node:fs'
import { isThermoclineError } from '../../src/errors.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { say } from '../../src/testkit/crash/say.ts'
import { WriteAheadLog } from '../../src/wal/write-ahead-log.ts'
import { payloadOf, typeOf } from './payloads.ts'

const held: number[] = []
let next = 1

const log = await WriteAheadLog.create({
  dir: process.argv[2]!,
  // A segment a few records: each needs files of its own.
  segmentBytes: 4_096,
  lockTimeout: 0,
  logger: silentLogger,
  highestVersion: () => ({ millis: 0, counter: 0 }),
  onDurable: () => {},
})

/** What is refused as not written is tried again: the numbers stay those of the log. */
async function append(): Promise<void> {
  try {
    const { sequence } = await log.append(typeOf(next), payloadOf(next, 1_500), next, next)
    say(`ack ${sequence}`)
    next++
  } catch (error) {
    if (!isThermoclineError(error)) throw error
    say(`${error.code} ${(error.details as { outcome?: string }).outcome}`)
  }
}

function takeAll(): void {
  try {
    for (;;) held.push(openSync('/dev/null', 'r'))
  } catch {
    // None is left.
  }
}

function giveBack(): void {
  for (const descriptor of held.splice(0)) closeSync(descriptor)
}

await append()
takeAll()
say('none left')
for (let n = 0; n < 12; n++) await append()
// Whatever the log lets go of is gone at once, for a while.
const appending = append()
for (const until = performance.now() + 300; performance.now() < until; ) takeAll()
giveBack()
await appending
say('enough')
for (let n = 0; n < 12; n++) await append()
await log.close()
