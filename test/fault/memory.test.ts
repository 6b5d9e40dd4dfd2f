/**
 * The memory that a recovery takes does not grow with the log. By hand: `MEMORY_MEGABYTES=2048 npx vitest run
 * --mode long test/fault/memory.test.ts`, which takes three times as much disk.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, onTestFinished } from 'vitest'
import { encodeRecord } from '../../src/entry/codec.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { chunkOf, seeded, vectorOf } from '../../src/testkit/contract/cold-records.ts'
import { WriteAheadLog } from '../../src/wal/write-ahead-log.ts'
import { longTest } from '../tools/budget.ts'
import { compiled } from '../tools/compiled.ts'
import { StoreTemplate } from '../tools/store-template.ts'

const LONG_LOG = Number(process.env.MEMORY_MEGABYTES ?? 128)
/** Long enough for caches and collectors to have taken what they take. */
const SHORT_LOG = 48
const MOST_GROWTH = 64
const MEGABYTE = 1024 * 1024
/** Of one entry, whose log record has about 2,700 bytes. */
const DIMENSIONS = 512
const TEXT = 'a chunk of a document '.repeat(28)
const RECORD_BYTES = 2_750
/** Entries of one fdatasync. */
const GROUP = 500
const CHILD = join(import.meta.dirname, 'memory-child.ts')

const template = new StoreTemplate()
beforeAll(() => template.make())
afterAll(() => template.remove())

const embedding = vectorOf(DIMENSIONS, seeded(1))

/** A log of so many megabytes in a folder of its own; answers how many entries it holds. */
async function write(dir: string, megabytes: number): Promise<number> {
  const log = await WriteAheadLog.create<number>({
    dir: join(dir, 'wal'),
    segmentBytes: 64 * MEGABYTE,
    lockTimeout: 0,
    logger: silentLogger,
    highestVersion: () => ({ millis: 0, counter: 0 }),
    onDurable: () => {},
  })
  const groups = Math.ceil((megabytes * MEGABYTE) / RECORD_BYTES / GROUP)
  for (let group = 0; group < groups; group++) {
    const numbers = Array.from({ length: GROUP }, (_, i) => group * GROUP + i + 1)
    await Promise.all(
      numbers.map((n) => log.append('put', encodeRecord(chunkOf('memory', n, n, { text: TEXT, embedding })), n, n)),
    )
  }
  await log.close()
  return groups * GROUP
}

/** MiB that the process needs to recover a log of so many megabytes, its embedded database included. */
async function memoryFor(megabytes: number): Promise<number> {
  const dir = await template.copy()
  const entries = await write(dir, megabytes)
  const child = spawn(process.execPath, [compiled(CHILD), dir], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  const [printed] = await Promise.all([text(child.stdout), once(child, 'close')])
  await rm(dir, { recursive: true })
  const [records, peak, main] = printed.split(' ').map(Number)
  expect(records).toBe(entries)
  console.log(`a log of ${megabytes} MB: ${peak} MiB in all, ${main} MiB of JavaScript in the main thread`)
  return peak!
}

longTest(`${LONG_LOG} MB need what ${SHORT_LOG} MB need`, { timeout: 3_600_000 }, async () => {
  const short = await memoryFor(SHORT_LOG)
  expect(await memoryFor(LONG_LOG)).toBeLessThanOrEqual(short + MOST_GROWTH)
})
