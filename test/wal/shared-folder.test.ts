/** Processes that make, adopt and remove logs in one folder at the same time. */
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { DirectoryLock } from '../../src/kernel/directory-lock.ts'
import { LockedLog } from '../../src/wal/locked-log.ts'
import { longTest } from '../tools/budget.ts'
import { Child } from './child.ts'
import { createLog, range, temporaryFolder } from './temporary-log.ts'

longTest('opens and closes undisturbed by others that do', { timeout: 120_000 }, async () => {
  const dir = join(await temporaryFolder(), 'wal')
  const children = range(1, 3).map(() => new Child('churn-child.ts', [dir, 100]))
  for (const child of children) expect(await child.line()).toBe('ready')
  for (const child of children) child.process.stdin!.end()
  expect(await Promise.all(children.map((child) => child.rest()))).toEqual(children.map(() => ['done']))
  expect(await readdir(dir)).toEqual([])
})

it('a log that is gone by the time its lock is asked for stays gone', async () => {
  const dir = await temporaryFolder()
  const log = await createLog({ dir })
  await log.retire(() => Promise.resolve())
  await expect(LockedLog.lock(dir, log.walId, { lockTimeout: 0 })).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' })
  expect(await readdir(dir)).toEqual([])
})

it('the lock of a folder that is gone is refused as such, however long one would wait', async () => {
  const dir = join(await temporaryFolder(), 'gone')
  await expect(DirectoryLock.acquire(dir, { timeout: 60_000 })).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' })
  await mkdir(dir)
  await using lock = await DirectoryLock.acquire(dir, { timeout: 0 })
  expect(lock).toBeDefined()
})
