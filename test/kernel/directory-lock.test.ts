/** The lock between real processes. */
import { mkdir, readdir, rename, utimes, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { DirectoryLock } from '../../src/kernel/directory-lock.ts'
import { budget } from '../tools/budget.ts'
import { Child } from '../wal/child.ts'
import { range, temporaryFolder } from '../wal/temporary-log.ts'

const NOW = { timeout: 0 }
const FOR_EVER = 0

async function socketsIn(dir: string): Promise<string[]> {
  return readdir(join(dir, 'lock'))
}

const PROCESSES = budget({ short: 6, long: 50 })
const CONTENDERS = budget({ short: 20, long: 200 })

describe('another process', () => {
  it('is refused with the pid of the holder and the remedy, and let in after the release', async () => {
    const dir = await temporaryFolder()
    const lock = await DirectoryLock.acquire(dir, NOW)
    expect(await new Child('../kernel/lock-child.ts', [dir, 0, 1]).line()).toBe(`ERR_LOCKED ${process.pid}`)
    await lock.release()
    expect(await new Child('../kernel/lock-child.ts', [dir, 0, 1]).rest()).toEqual(['held'])
  })

  it('holds it while it is stopped, and no longer than it lives', { timeout: 30_000 }, async () => {
    const dir = await temporaryFolder()
    const holder = new Child('../kernel/lock-child.ts', [dir, 0, FOR_EVER])
    expect(await holder.line()).toBe('held')
    const refusal = {
      code: 'ERR_LOCKED',
      details: { pid: holder.process.pid },
      message: expect.stringMatching(/stop it/),
    }
    await expect(DirectoryLock.acquire(dir, NOW)).rejects.toMatchObject(refusal)

    holder.process.kill('SIGSTOP')
    // As often as it takes to fill the backlog of a socket whose owner accepts nothing.
    for (let tries = 0; tries < 600; tries++)
      await expect(DirectoryLock.acquire(dir, NOW)).rejects.toMatchObject(refusal)

    await holder.kill()
    const lock = await DirectoryLock.acquire(dir, NOW)
    await lock.release()
  })

  it('that waits gets it as soon as the holder dies', async () => {
    const dir = await temporaryFolder()
    const holder = new Child('../kernel/lock-child.ts', [dir, 0, FOR_EVER])
    await holder.line()
    const waiting = DirectoryLock.acquire(dir, { timeout: 20_000 })
    await holder.kill()
    // Long before its patience ends, also on a busy machine.
    const late = delay(10_000, undefined, { ref: false })
    const lock = await Promise.race([waiting, late])
    expect(lock).toBeDefined()
    await lock!.release()
  })
})

it(`${PROCESSES} processes at once: one at a time, and each gets its turn`, { timeout: 120_000 }, async () => {
  const dir = await temporaryFolder()
  const children = range(1, PROCESSES).map(() => new Child('../kernel/lock-child.ts', [dir, 110_000, 2, 'wait']))
  for (const child of children) expect(await child.line()).toBe('ready')
  for (const child of children) child.process.stdin!.end()
  const outcomes = await Promise.all(children.map((child) => child.rest()))
  expect(outcomes).toEqual(Array(PROCESSES).fill(['held']))
  expect(await readdir(dir)).toEqual(['lock'])
  expect(await socketsIn(dir)).toEqual([])
})

it(`${CONTENDERS} contenders in one process: never two at once`, async () => {
  const dir = await temporaryFolder()
  let holders = 0
  let most = 0
  await Promise.all(
    range(1, CONTENDERS).map(async () => {
      const lock = await DirectoryLock.acquire(dir, { timeout: 50_000 })
      most = Math.max(most, ++holders)
      await new Promise((resolve) => setImmediate(resolve))
      holders--
      await lock.release()
    }),
  )
  expect(most).toBe(1)
})

describe('what dead processes left', () => {
  it('stands in nobody’s way and is cleared away', async () => {
    const dir = await temporaryFolder()
    const dead = new Child('../kernel/lock-child.ts', [dir, 0, FOR_EVER])
    await dead.line()
    await dead.kill()
    const [socket] = await socketsIn(dir)
    // A process that died long ago while it created its socket, and one that may be creating it now.
    await rename(join(dir, 'lock', socket!), join(dir, 'lock', '1-raised.flag'))
    await bindAndLeave(join(dir, 'lock', '2-hidden.new'))
    await utimes(join(dir, 'lock', '2-hidden.new'), 0, 0)
    await bindAndLeave(join(dir, 'lock', '3-hidden.new'))
    const lock = await DirectoryLock.acquire(dir, NOW)
    await lock.release()
    expect(await socketsIn(dir)).toEqual(['3-hidden.new'])
  })

  it('is not only sockets: a plain file with the name of a lock socket is nobody’s', async () => {
    const dir = await temporaryFolder()
    await mkdir(join(dir, 'lock'))
    await writeFile(join(dir, 'lock', '1-copied.flag'), '')
    const lock = await DirectoryLock.acquire(dir, NOW)
    await lock.release()
    expect(await socketsIn(dir)).toEqual([])
  })

  /** A socket file that nobody listens on. */
  async function bindAndLeave(path: string): Promise<void> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(`${path}.bound`, resolve))
    await rename(`${path}.bound`, path)
    await new Promise((resolve) => server.close(resolve))
  }
})

it('works in folders whose path is longer than a socket’s may be', async () => {
  const dir = join(await temporaryFolder(), 'a'.repeat(120), 'é'.repeat(60))
  await mkdir(dir, { recursive: true })
  const lock = await DirectoryLock.acquire(dir, NOW)
  await expect(DirectoryLock.acquire(dir, NOW)).rejects.toMatchObject({ code: 'ERR_LOCKED' })
  expect(await new Child('../kernel/lock-child.ts', [dir, 0, 1]).line()).toBe(`ERR_LOCKED ${process.pid}`)
  expect(await socketsIn(dir)).toHaveLength(1)
  await lock.release()
  expect(await new Child('../kernel/lock-child.ts', [dir, 0, 1]).line()).toBe('held')
})

describe('waiting', () => {
  it('ends with the timeout', async () => {
    const dir = await temporaryFolder()
    await using _ = await DirectoryLock.acquire(dir, NOW)
    const since = performance.now()
    await expect(DirectoryLock.acquire(dir, { timeout: 100 })).rejects.toMatchObject({ code: 'ERR_LOCKED' })
    expect(performance.now() - since).toBeGreaterThanOrEqual(99)
  })

  it('ends with the signal, before and while it waits', async () => {
    const dir = await temporaryFolder()
    await using _ = await DirectoryLock.acquire(dir, NOW)
    const aborted = { timeout: 60_000, signal: AbortSignal.abort() }
    await expect(DirectoryLock.acquire(dir, aborted)).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    const abort = new AbortController()
    const waiting = DirectoryLock.acquire(dir, { timeout: 60_000, signal: abort.signal })
    setImmediate(() => abort.abort())
    await expect(waiting).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    expect(await socketsIn(dir)).toHaveLength(1)
  })
})

it('is released once, however often that is asked', async () => {
  const dir = await temporaryFolder()
  const lock = await DirectoryLock.acquire(dir, NOW)
  await Promise.all([lock.release(), lock.release()])
  await using other = await DirectoryLock.acquire(dir, NOW)
  await lock.release()
  await expect(DirectoryLock.acquire(dir, NOW)).rejects.toMatchObject({ code: 'ERR_LOCKED' })
  expect(other).toBeDefined()
})
