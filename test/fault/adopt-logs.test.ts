/** What `adoptLogs` makes of the logs beside its own: a process does so now and then, for owners that have died. */
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { ColdTier } from '../../src/cold/cold-tier.ts'
import { VersionClock } from '../../src/entry/version.ts'
import { ThermoclineError } from '../../src/errors.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { adoptLogs, openLog } from '../../src/recovery/adopt-logs.ts'
import { LogText } from '../../src/testkit/contract/fresh-cold-tier.ts'
import { LockedLog } from '../../src/wal/locked-log.ts'
import { LogFolder } from '../../src/wal/log-folder.ts'
import { OWNER_FILE } from '../../src/wal/log-owner.ts'
import { openLent } from '../cold/pglite/pglite-template.ts'
import { damage, layOut, recordLog, SEGMENT_BYTES, WRITES } from './recovery-logs.ts'

let root: string
let wal: string
let cold: ColdTier
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'thermocline-adoption-'))
  wal = join(root, 'wal')
  cold = await openLent()
})
afterAll(async () => {
  await cold.close()
  await rm(root, { recursive: true, force: true })
})
beforeEach(() => rm(wal, { recursive: true, force: true }))

function logOptions() {
  return { dir: wal, segmentBytes: SEGMENT_BYTES, lockTimeout: 0, logger: silentLogger, onDurable: () => {} }
}

function adopt(signal = new AbortController().signal, tier = cold): Promise<void> {
  const versions = new VersionClock(systemClock)
  return adoptLogs({ wal: logOptions(), cold: tier, versions, logger: silentLogger, signal })
}

test('logs without an owner are shipped and gone, and one with an owner is left to it', async () => {
  const [dead, owned] = [await recordLog(WRITES), await recordLog(WRITES)]
  await layOut([dead, owned], wal)
  const lock = await LockedLog.lock(wal, owned.walId, { lockTimeout: 0 })
  await adopt()
  expect(await new LogFolder(wal).list()).toEqual([owned.walId])
  await lock.release()
  await adopt()
  expect(await readdir(wal)).toEqual([])
  expect(await cold.logs()).toEqual([])
})

test('one that is damaged or cannot be read keeps none of the others, and is told', async () => {
  const [damaged, unreadable, whole] = [await recordLog(WRITES), await recordLog(WRITES), await recordLog(WRITES)]
  damage(damaged)
  await layOut([damaged, unreadable], wal)
  // The last in turn, however coarse the times of the file system are.
  while ((await new LogFolder(wal).list()).at(-1) !== whole.walId) {
    await rm(join(wal, whole.walId), { recursive: true, force: true })
    await whole.layOut(wal)
  }
  await mkdir(join(wal, unreadable.walId, OWNER_FILE))
  await expect(adopt()).rejects.toThrow()
  expect((await new LogFolder(wal).list()).sort()).toEqual([damaged.walId, unreadable.walId].sort())
  await expect(adopt()).rejects.toThrow()
  // Nobody holds it.
  await using left = await new LogFolder(wal).claimUnlessOwned(damaged.walId)
  expect(left).toBeDefined()
})

test('a lock that cannot be let go of is told to the logger, and does not hide why the log was let go of', async () => {
  await layOut([await recordLog(WRITES)], wal)
  const logger = new LogText()
  const away = new ThermoclineError('ERR_TIER_UNAVAILABLE', 'the database is away', { tier: 'cold' })
  const tier = new Proxy(cold, {
    get: (target, name) => {
      if (name !== 'takeOver') return Reflect.get(target, name).bind?.(target)
      return async () => {
        await spoilLocks(wal)
        throw away
      }
    },
  })
  const versions = new VersionClock(systemClock)
  const options = { wal: { ...logOptions(), logger }, cold: tier, versions, logger }
  await expect(adoptLogs({ ...options, signal: new AbortController().signal })).rejects.toBe(away)
  expect(logger.errors).toEqual([expect.stringContaining('letting go of the lock of a log failed')])
})

/** In the place of each flag is what cannot be removed as one. */
async function spoilLocks(dir: string): Promise<void> {
  for (const walId of await new LogFolder(dir).list()) {
    const lock = join(dir, walId, 'lock')
    for (const flag of await readdir(lock)) {
      await rm(join(lock, flag))
      await mkdir(join(lock, flag))
    }
  }
}

test('it ends where it is told to, and leaves the log to the next time', async () => {
  const log = await recordLog(WRITES)
  await layOut([log], wal)
  const end = new AbortController()
  const ended = new Proxy(cold, {
    get: (target, name) => {
      if (name === 'takeOver') end.abort()
      return Reflect.get(target, name).bind?.(target)
    },
  })
  await adopt(end.signal, ended)
  expect(await new LogFolder(wal).list()).toEqual([log.walId])
  // Nobody holds it.
  await adopt()
  expect(await readdir(wal)).toEqual([])
})

test('a log that is gone on with is held until it is closed', async () => {
  const recorded = await recordLog(WRITES)
  await layOut([recorded], wal)
  const folder = new LogFolder(wal)
  const { log } = await openLog({
    wal: logOptions(),
    cold,
    versions: new VersionClock(systemClock),
    logger: silentLogger,
  })
  expect(log.walId).toBe(recorded.walId)
  expect(await folder.claimUnlessOwned(log.walId)).toBeUndefined()
  await log.close()
  await using left = await folder.claimUnlessOwned(log.walId)
  expect(left).toBeDefined()
})
