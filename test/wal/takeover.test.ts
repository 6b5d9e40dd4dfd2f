/**
 * A log changes hands although its owner lives, as where a lock fails: the owner was paused, the file system is on the
 * network, the folder was moved. What the old owner acknowledges the new one has read; the rest it must refuse.
 */
import { readdir, readFile, rename, rm, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { inspectStore } from '../../src/admin/inspect-store.ts'
import { isThermoclineError } from '../../src/errors.ts'
import { LockedLog } from '../../src/wal/locked-log.ts'
import type { LogOperation } from '../../src/wal/log-device.ts'
import { LogFolder } from '../../src/wal/log-folder.ts'
import { OWNER_FILE } from '../../src/wal/log-owner.ts'
import { pick, randomFrom } from '../fault/seeded-random.ts'
import { budget, isThorough } from '../tools/budget.ts'
import { Child } from './child.ts'
import { intercepted } from './intercepted-device.ts'
import {
  appendAll,
  createLog,
  payloadOf,
  range,
  reopenLog,
  scanLog,
  sequencesOf,
  sourceOf,
  temporaryFolder,
  typeOf,
} from './temporary-log.ts'

/** Of the operations before which an owner is held. */
const EVERY = isThorough ? 1 : 9
const ROUNDS = budget({ short: 2, long: 4 })
const SEED = Number(process.env.FAULT_SEED ?? Date.now() % 1_000_000)

/** As a lock does that fails: the holder is not seen any more. */
async function breakLock(dir: string): Promise<string> {
  const [walId] = await new LogFolder(dir).list()
  const flags = join(dir, walId!, 'lock')
  for (const flag of await readdir(flags)) await rm(join(flags, flag))
  return walId!
}

const TAKEN_OVER = {
  code: 'ERR_WAL_FAILED',
  message: expect.stringMatching(/another process took the log over.*open the store again/),
  details: { outcome: 'unknown' },
}

describe('an owner', () => {
  const away: Record<string, (file: string, folder: string) => Promise<void>> = {
    'was overwritten': (file) => writeFile(file, 'x'),
    'was replaced by another file': async (file) => {
      await writeFile(`${file}.other`, 'another')
      await rename(`${file}.other`, file)
    },
    'is gone': (file) => unlink(file),
    'went with the folder': (_, folder) => rename(folder, `${folder}-moved`),
  }

  it.each(Object.keys(away))('whose token %s acknowledges nothing more and stops for good', async (how) => {
    const dir = await temporaryFolder()
    const durable: number[] = []
    const log = await createLog({ dir, onDurable: (records) => durable.push(...sequencesOf(records)) })
    await appendAll(log, range(1, 5))
    const { path } = sourceOf(dir, log)
    await away[how]!(join(path, OWNER_FILE), path)
    await expect(log.append('put', payloadOf(6), 6, 6)).rejects.toMatchObject(TAKEN_OVER)
    expect(durable).toEqual(range(1, 5))
    await expect(log.append('put', payloadOf(7), 7, 7)).rejects.toMatchObject({ details: { outcome: 'none' } })
  })

  it('does not delete the log of another', async () => {
    const dir = await temporaryFolder()
    const first = await createLog({ dir })
    await first.close()
    const stale = await LockedLog.lock(dir, first.walId, { lockTimeout: 0 })
    await breakLock(dir)
    const { log } = await reopenLog({ dir })
    await appendAll(log, range(1, 3))
    await expect(stale.remove()).rejects.toMatchObject({ code: 'ERR_WAL_FAILED' })
    await stale.release()
    expect(sequencesOf((await scanLog(sourceOf(dir, log))).records)).toEqual([1, 2, 3])
  })

  it('that retires a log which is no longer its own leaves it alone', async () => {
    const dir = await temporaryFolder()
    const owner = await createLog({ dir })
    await appendAll(owner, range(1, 3))
    await breakLock(dir)
    const { log } = await reopenLog({ dir })
    const forget = vi.fn(() => Promise.resolve())
    await expect(owner.retire(forget)).rejects.toMatchObject(TAKEN_OVER)
    expect(forget).not.toHaveBeenCalled()
    await log.append('put', payloadOf(4), 4, 4)
    expect(sequencesOf((await scanLog(sourceOf(dir, log))).records)).toEqual([1, 2, 3, 4])
  })
})

describe('the token', () => {
  it('is another for each owner, and a look at the log leaves it alone', async () => {
    const dir = await temporaryFolder()
    const wal = join(dir, 'wal')
    const log = await createLog({ dir: wal })
    const file = join(wal, log.walId, OWNER_FILE)
    const first = await readFile(file, 'utf8')
    await inspectStore(dir)
    expect(await readFile(file, 'utf8')).toBe(first)
    await log.append('put', payloadOf(1), 1, 1)
    await log.close()
    await reopenLog({ dir: wal })
    expect(await readFile(file, 'utf8')).not.toBe(first)
  })

  it('is made for a log that has none', async () => {
    const dir = await temporaryFolder()
    const first = await createLog({ dir })
    await appendAll(first, range(1, 3))
    await first.close()
    await unlink(join(dir, first.walId, OWNER_FILE))
    const { log, records } = await reopenLog({ dir })
    expect(sequencesOf(records)).toEqual([1, 2, 3])
    expect(await log.append('put', payloadOf(4), 4, 4)).toMatchObject({ sequence: 4 })
  })

  it('is replaced before the log is read', async () => {
    const dir = await temporaryFolder()
    const owner = await createLog({ dir })
    await appendAll(owner, range(1, 3))
    await breakLock(dir)
    const locked = await LockedLog.lock(dir, owner.walId, { lockTimeout: 0 })
    await expect(owner.append('put', payloadOf(4), 4, 4)).rejects.toMatchObject(TAKEN_OVER)
    await locked.release()
  })
})

/** So many records, two to a segment. */
const LAST = 3

/** An owner that writes, rotates and deletes, and is held before its n-th operation. */
class HeldOwner {
  readonly acknowledged = new Map<number, number>()
  readonly outcome: Promise<unknown>
  letGo = (): void => {}
  /** Resolves to the operation before which it is held; undefined where it came to its end before. */
  readonly held: Promise<LogOperation | undefined>

  constructor(dir: string, before: number) {
    let count = 0
    let hold: (operation: LogOperation | undefined) => void
    this.held = new Promise((resolve) => (hold = resolve))
    const released = new Promise<undefined>((resolve) => (this.letGo = () => resolve(undefined)))
    const openDevice = intercepted((operation) => {
      if (++count !== before) return undefined
      hold(operation)
      return released
    })
    this.outcome = this.#write(dir, openDevice).then(
      () => hold(undefined),
      (error) => {
        hold(undefined)
        return error
      },
    )
  }

  async #write(dir: string, openDevice: ReturnType<typeof intercepted>): Promise<void> {
    const log = await createLog({ dir, openDevice, segmentBytes: 400 })
    for (const n of range(1, LAST)) {
      const { sequence } = await log.append(typeOf(n), payloadOf(n, 120), n, n)
      this.acknowledged.set(sequence, n)
    }
    await log.close()
  }
}

it('an owner that is held before any of its operations loses nothing it acknowledges to whoever takes over', async () => {
  const parent = await temporaryFolder()
  const seen = new Set<string>()
  for (let n = 1; ; n += EVERY) {
    const dir = join(parent, String(n))
    const owner = new HeldOwner(dir, n)
    const operation = await owner.held
    if (operation === undefined) break
    seen.add(operation.op)
    const context = `held before operation ${n}, ${operation.op}`

    await breakLock(dir)
    const { log, records, report } = await reopenLog({ dir, segmentBytes: 400 })
    const added = range(101, 103)
    for (const k of added) await log.append(typeOf(k), payloadOf(k, 120), k, k)
    owner.letGo()
    // Only who was held behind the last look gets through: all it has done was read.
    if (!isThermoclineError(await owner.outcome, 'ERR_WAL_FAILED')) expect(owner.acknowledged.size, context).toBe(LAST)
    for (const k of added) await log.append(typeOf(k), payloadOf(k, 120), k, k)
    await log.close()

    const read = new Set(sequencesOf(records))
    for (const sequence of owner.acknowledged.keys()) expect(read, context).toContain(sequence)
    const after = await scanLog(sourceOf(dir, log))
    expect([...report.damage, ...after.report.damage], context).toEqual([])
    expect(
      after.records.map(({ payload }) => Buffer.from(payload).readUInt32LE()),
      context,
    ).toEqual([...range(1, records.length), ...added, ...added])
  }
  if (isThorough)
    expect([...seen].sort()).toEqual([
      'close',
      'create',
      'expect',
      'expect-room',
      'fdatasync',
      'fsync',
      'fsync-folder',
      'link',
      'open',
      'unlink',
      'write',
    ])
})

it(`${ROUNDS} owners are stopped while they append, taken over and woken (FAULT_SEED=${SEED})`, async () => {
  const random = randomFrom(SEED)
  for (let round = 1; round <= ROUNDS; round++) {
    const dir = await temporaryFolder()
    const child = new Child('kill-child.ts', [dir])
    const lines: string[] = []
    for (let left = pick(random, 2, 300); left > 0; left--) lines.push((await child.line())!)
    child.process.kill('SIGSTOP')
    await breakLock(dir)
    const { log, records } = await reopenLog({ dir, segmentBytes: 16 * 1024 })
    const taken = records.length
    const appending = appendAll(log, range(taken + 1, taken + 100))
    child.process.kill('SIGCONT')
    await appending
    lines.push(...(await child.rest()))

    const context = `round ${round}`
    expect(lines, context).toContain('ERR_WAL_FAILED unknown')
    const acknowledged = lines.filter((line) => line.startsWith('ack ')).map((line) => Number(line.slice(4)))
    expect(Math.max(...acknowledged), context).toBeLessThanOrEqual(taken)
    const after = await scanLog(sourceOf(dir, log))
    expect(after.report.damage, context).toEqual([])
    expect(sequencesOf(after.records), context).toEqual(range(1, taken + 100))
    for (const { sequence, payload } of after.records)
      if (Buffer.compare(payload, payloadOf(sequence)) !== 0)
        throw new Error(`${context}: record ${sequence} was altered`)
    await log.close()
  }
})
