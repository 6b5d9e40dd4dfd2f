/** The lock where a folder is seen from two places: containers that share a volume, and copies of a log's folder. */
import { execFileSync } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openPgliteCold } from '../../src/cold/pglite/pglite-driver.ts'
import { DirectoryLock } from '../../src/kernel/directory-lock.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import type { MemoryStore } from '../../src/store/memory-store.ts'
import { openHot } from '../../src/store/open-hot.ts'
import type { TierOpeners } from '../../src/store/open-parts.ts'
import { openMemoryStoreOver } from '../../src/store/open-store.ts'
import { LockedLog } from '../../src/wal/locked-log.ts'
import { describeWherePermitted } from '../tools/services.ts'
import { Child } from '../wal/child.ts'
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
} from '../wal/temporary-log.ts'

const NOW = 0
const FOR_EVER = 0
/** Processes, networks and mounts of its own; the files are the same. */
const CONTAINER = ['unshare', '--mount', '--mount-proc', '--pid', '--net', '--fork', '--kill-child'] as const

describeWherePermitted([...CONTAINER, 'true'], 'containers that share a volume', () => {
  const contained = (dir: string, hold: number): Child =>
    new Child('../kernel/lock-child.ts', [dir, NOW, hold], [], CONTAINER)

  it('keep each other and their host out, and a killed one keeps nobody out', async () => {
    const dir = await temporaryFolder()
    const holder = contained(dir, FOR_EVER)
    expect(await holder.line()).toBe('held')
    expect(await contained(dir, 1).line()).toMatch(/^ERR_LOCKED/)
    await expect(DirectoryLock.acquire(dir, { timeout: NOW })).rejects.toMatchObject({ code: 'ERR_LOCKED' })
    await holder.kill()
    // Its death reaches what runs in it a moment later.
    await using _ = await DirectoryLock.acquire(dir, { timeout: 20_000 })
    expect(await contained(dir, 1).line()).toBe(`ERR_LOCKED ${process.pid}`)
  })
})

describe('a copy of a log’s folder', () => {
  const copy = (from: string, to: string): void => void execFileSync('cp', ['-r', from, to])

  it('made while the owner lives is nobody’s, and the owner keeps its own', async () => {
    const dir = await temporaryFolder()
    const owner = await createLog({ dir: join(dir, 'first') })
    await appendAll(owner, range(1, 10))
    copy(join(dir, 'first'), join(dir, 'second'))
    expect(await readdir(join(dir, 'second', owner.walId, 'lock'))).toHaveLength(1)

    const { log, records } = await reopenLog({ dir: join(dir, 'second') })
    expect(sequencesOf(records)).toEqual(range(1, 10))
    await log.append('put', payloadOf(11), 11, 11)
    await owner.append('put', payloadOf(11), 11, 11)
    await expect(LockedLog.lock(join(dir, 'first'), owner.walId, { lockTimeout: NOW })).rejects.toMatchObject({
      code: 'ERR_LOCKED',
    })
    expect(sequencesOf((await scanLog(sourceOf(join(dir, 'first'), owner))).records)).toEqual(range(1, 11))
  })

  it('made after the owner was killed opens, with what the dead left in it', async () => {
    const dir = await temporaryFolder()
    const child = new Child('kill-child.ts', [join(dir, 'first')])
    while (!(await child.line())?.startsWith('ack 20'));
    await child.kill()
    copy(join(dir, 'first'), join(dir, 'second'))
    const [walId] = await readdir(join(dir, 'second'))
    const before = await readdir(join(dir, 'second', walId!, 'lock'))
    const { records } = await reopenLog({ dir: join(dir, 'second') })
    expect(records.length).toBeGreaterThanOrEqual(20)
    expect(await readdir(join(dir, 'second', walId!, 'lock'))).not.toEqual(before)
    await reopenLog({ dir: join(dir, 'first') })
  })

  it('fences the original by its epoch, and what both acknowledged reaches the database they share', async () => {
    const dir = await temporaryFolder()
    const common = { dimensions: [], metrics: [], migrate: 'auto', timeout: 60_000, logger: silentLogger } as const
    const cold = await openPgliteCold({ ...common, dir: undefined })
    const shared = new Proxy(cold, { get: (tier, name) => (name === 'close' ? async () => {} : bound(tier, name)) })
    const tiers: TierOpeners = { openHot, openCold: () => Promise.resolve(shared) }
    const open = (name: string): Promise<MemoryStore> =>
      openMemoryStoreOver(tiers, { dir: join(dir, name), sync: false, checkpoint: { every: '1h' } })
    const put = async (store: MemoryStore, key: string): Promise<void> =>
      void (await store.chunks.put({ key, text: `of ${key}` }))

    const original = await open('first')
    await put(original, 'both')
    copy(join(dir, 'first'), join(dir, 'second'))
    await using second = await open('second')
    await put(second, 'copy')
    await second.checkpoint()
    // It is durable in its own folder, under the number that the copy gave to another record.
    await put(original, 'original')
    await expect(original.checkpoint()).rejects.toMatchObject({ code: 'ERR_WAL_FAILED' })

    // As a kill leaves it.
    copy(join(dir, 'first'), join(dir, 'third'))
    await using third = await open('third')
    for (const key of ['both', 'copy', 'original'])
      expect((await third.chunks.getByKey(key))?.text, key).toBe(`of ${key}`)
    await original.close()
  })
})

function bound(target: object, name: string | symbol): unknown {
  const value: unknown = Reflect.get(target, name)
  return typeof value === 'function' ? value.bind(target) : value
}
