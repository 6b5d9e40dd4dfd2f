/** Disks that are really full, under the log alone and under a whole store with its database. */
import { readdir, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { isThermoclineError, type MemoryStore, openMemoryStore } from '../../src/index.ts'
import type { WriteAheadLog } from '../../src/wal/write-ahead-log.ts'
import { longTest } from '../tools/budget.ts'
import { describeWithSmallDisks, smallDisk } from './small-disk.ts'
import { createLog, payloadOf, range, reopenLog, scanLog, sequencesOf, sourceOf } from './temporary-log.ts'

const MIB = 1024 * 1024
const FULL = {
  code: 'ERR_BACKPRESSURE',
  message: expect.stringMatching(/disk under the log is full: have at least \d+ MiB free/),
  details: { outcome: 'none' },
}

async function freeBytes(dir: string): Promise<number> {
  const { bavail, bsize } = await statfs(dir)
  return bavail * bsize
}

/** Calls until one is refused; answers how many were not, and the refusal. */
async function untilRefused(call: (n: number) => Promise<unknown>): Promise<{ done: number; error: unknown }> {
  for (let n = 1; ; n++) {
    try {
      await call(n)
    } catch (error) {
      return { done: n - 1, error }
    }
  }
}

describeWithSmallDisks('a log on a full disk', () => {
  const append = (log: WriteAheadLog<number>, n: number) => log.append('put', payloadOf(n, 10_000), n, n)

  it('refuses what does not fit, loses nothing, and goes on once segments are gone', async () => {
    const dir = await smallDisk(2)
    const log = await createLog({ dir, segmentBytes: 256 * 1024 })
    const { done, error } = await untilRefused((n) => append(log, n))
    expect(error).toMatchObject(FULL)
    expect(log).toMatchObject({ failure: undefined, lastSequence: done })
    expect(sequencesOf((await scanLog(sourceOf(dir, log))).records)).toEqual(range(1, done))

    const shipped = Math.floor(done / 2)
    await log.release(shipped)
    expect(await append(log, done + 1)).toMatchObject({ sequence: done + 1 })
    await log.close()
    const { records } = await reopenLog({ dir, afterSequence: shipped })
    expect(sequencesOf(records)).toEqual(range(shipped + 1, done + 1))
  })

  it('is taken over as often as need be', async () => {
    const dir = await smallDisk(2)
    const log = await createLog({ dir, segmentBytes: 256 * 1024 })
    const { done } = await untilRefused((n) => append(log, n))
    await log.close()
    for (const _ of range(1, 5)) {
      const { log: next, records } = await reopenLog({ dir })
      expect(sequencesOf(records)).toEqual(range(1, done))
      await expect(append(next, done + 1)).rejects.toMatchObject(FULL)
      await next.close()
    }
  })

  it('leaves as much room free as it is told to', async () => {
    const dir = await smallDisk(2)
    const log = await createLog({ dir, segmentBytes: 256 * 1024, roomFor: (bytes) => bytes + MIB })
    const { error } = await untilRefused((n) => append(log, n))
    expect(error).toMatchObject(FULL)
    expect(await freeBytes(dir)).toBeGreaterThanOrEqual(MIB)
    expect(await freeBytes(dir)).toBeLessThan(1.5 * MIB)
  })
})

describeWithSmallDisks('a store on a disk that its writes fill', () => {
  const text = (key: number, round: number): string => `${key} ${round} `.repeat(4_000)
  const put = (store: MemoryStore, key: number, round: number) =>
    store.chunks.put({ key: String(key), text: text(key, round), embedding: incompressible(key) })

  longTest('checkpoints, deletes its segments, goes on, and has everything when it is opened again', async () => {
    const dir = await smallDisk(190)
    const options = {
      dir: join(dir, 'store'),
      sync: false,
      checkpoint: { every: '1h' },
      wal: { segmentBytes: 4 * MIB },
    } as const
    const segments = async (): Promise<number> => {
      const [walId] = await readdir(join(options.dir, 'wal'))
      return (await readdir(join(options.dir, 'wal', walId!))).filter((name) => name.endsWith('.wal')).length
    }
    const written: number[] = []
    {
      await using store = await openMemoryStore(options)
      for (const round of [1, 2]) {
        const { done, error } = await untilRefused((n) => put(store, n, round))
        expect(isThermoclineError(error, 'ERR_BACKPRESSURE')).toBe(true)
        expect(error).toMatchObject({ message: FULL.message })
        written.push(done)
        expect(await segments()).toBeGreaterThan(2)
        await store.checkpoint()
        expect(await segments()).toBe(1)
        await put(store, 0, round)
      }
    }
    await using store = await openMemoryStore(options)
    const [first, second] = written
    for (const key of range(1, Math.max(first!, second!)))
      expect((await store.chunks.getByKey(String(key)))?.text).toBe(text(key, key <= second! ? 2 : 1))
    expect((await store.chunks.getByKey('0'))?.text).toBe(text(0, 2))
  })
})

/** Vectors that no compression makes smaller. */
function incompressible(seed: number): Float32Array {
  return Float32Array.from({ length: 10_000 }, (_, i) => Math.sin(seed * 10_007 + i * i))
}
