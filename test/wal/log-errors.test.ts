import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { isThermoclineError } from '../../src/errors.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { BROKEN, Device, FULL, failNth } from './intercepted-device.ts'
import {
  answered,
  appendAll,
  codeOf,
  createLog,
  payloadOf,
  range,
  reopenLog,
  sequencesOf,
  temporaryFolder,
} from './temporary-log.ts'

describe('a disk that fails', () => {
  it('acknowledges nothing of the group, never syncs again and refuses what comes', async () => {
    const dir = await temporaryFolder()
    const device = new Device()
    const durable: number[] = []
    const log = await createLog({
      dir,
      openDevice: device.open,
      onDurable: (records) => durable.push(...sequencesOf(records)),
    })
    await appendAll(log, range(1, 5))
    device.intercept = failNth('fdatasync', 1, BROKEN)
    const doubtful = [6, 7].map((n) => log.append('put', payloadOf(n), n, n))
    await Promise.resolve()
    const queued = log.append('put', payloadOf(8), 8, 8)
    for (const { code, outcome } of await failures([...doubtful, queued]))
      expect({ code, outcome: ['unknown', 'none'].includes(outcome!) }).toEqual({
        code: 'ERR_WAL_FAILED',
        outcome: true,
      })
    expect((await failures(doubtful)).map(({ outcome }) => outcome)).toEqual(['unknown', 'unknown'])
    expect(durable).toEqual(range(1, 5))
    const operations = device.seen.length
    expect(await failures([log.append('put', payloadOf(9), 9, 9)])).toEqual([
      { code: 'ERR_WAL_FAILED', outcome: 'none' },
    ])
    expect(await log.release(5)).toEqual({ segments: 0, bytes: 0 })
    await log.close()
    expect(device.seen.length).toBe(operations)

    const { records, log: next } = await reopenLog({ dir })
    expect(sequencesOf(records).slice(0, 5)).toEqual(range(1, 5))
    expect(next.lastSequence).toBe(records.length)
  })

  it('tells once that it has stopped, and what stopped it', async () => {
    const device = new Device()
    const error = vi.fn()
    const logger = { ...silentLogger, error }
    const log = await createLog({ dir: await temporaryFolder(), openDevice: device.open, logger })
    device.intercept = failNth('fdatasync', 1, BROKEN)
    await failures([log.append('put', payloadOf(1), 1, 1)])
    await log.close()
    expect(error.mock.calls).toEqual([[{ walId: log.walId, code: 'EIO' }, 'the log has stopped']])
  })

  async function failures(promises: Promise<unknown>[]): Promise<{ code: string; outcome: string | undefined }[]> {
    return Promise.all(
      promises.map((promise) =>
        promise.then(
          () => ({ code: 'none', outcome: undefined }),
          (error) => ({ code: error.code, outcome: error.details.outcome }),
        ),
      ),
    )
  }

  it('names the remedy, and nothing of what was written', async () => {
    const device = new Device()
    const log = await createLog({ dir: await temporaryFolder(), openDevice: device.open })
    device.intercept = failNth('write', 1, BROKEN)
    const error = await log.append('put', Buffer.from('canary'), 1, 1).catch((reason) => reason)
    expect(error.message).toMatch(/EIO.*open the store again/)
    expect(JSON.stringify(error)).not.toContain('canary')
  })

  it('or a process that is short of something before a byte was written costs that group only', async () => {
    const dir = await temporaryFolder()
    for (const code of ['ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN']) {
      const device = new Device()
      const log = await createLog({ dir: join(dir, code), openDevice: device.open })
      await appendAll(log, range(1, 3))
      device.intercept = failNth('write', 1, { code })
      const refused = await Promise.allSettled(range(4, 6).map((n) => log.append('put', payloadOf(n), n, n)))
      expect(refused.map(codeOf)).toEqual(Array(3).fill('ERR_BACKPRESSURE'))
      expect(log.failure).toBeUndefined()
      await appendAll(log, range(4, 9))
      expect(log.lastSequence).toBe(9)
      expect(await answered(join(dir, code), log)).toEqual(range(1, 9))
    }
  })

  it('or a quota that is used up is known to be full until it takes something again', async () => {
    const dir = await temporaryFolder()
    const device = new Device()
    const log = await createLog({ dir, openDevice: device.open })
    let looks = 0
    const write = (outcome: { readonly code: string } | undefined) => {
      device.intercept = (operation) => {
        if (operation.op !== 'write') return undefined
        if (operation.handle === 'next') looks++
        return outcome
      }
    }
    write({ code: 'EMFILE' })
    await failures([log.append('put', payloadOf(1), 1, 1)])
    expect(log.fullDisk).toBeUndefined()
    write({ code: 'EDQUOT' })
    await failures([log.append('put', payloadOf(1), 1, 1)])
    await expect.poll(() => looks, { timeout: 20_000 }).toBeGreaterThan(1)
    expect(log.fullDisk).toMatch(/disk under the log is full/)
    write(undefined)
    await expect.poll(() => log.fullDisk, { timeout: 20_000 }).toBeUndefined()
    await appendAll(log, range(1, 3))
    expect(await answered(dir, log)).toEqual(range(1, 3))
    expect((await readdir(join(dir, log.walId))).filter((name) => name.endsWith('.new'))).toEqual([])
  })

  it.each([
    ['within the group', failNth('write', 1, { code: 'ENOSPC', written: 60 }, 'segment')],
    ['when it syncs', failNth('fdatasync', 1, FULL)],
    ['at the mark', failNth('write', 1, FULL, 'mark')],
  ])('that is full %s stops the log', async (_, intercept) => {
    const dir = await temporaryFolder()
    const device = new Device()
    const log = await createLog({ dir, openDevice: device.open })
    await appendAll(log, range(1, 3))
    device.intercept = intercept
    await expect(appendAll(log, [4, 5])).rejects.toMatchObject({
      code: 'ERR_WAL_FAILED',
      details: { outcome: 'unknown' },
    })
    await expect(log.append('put', payloadOf(6), 6, 6)).rejects.toMatchObject({ code: 'ERR_WAL_FAILED' })
    await log.close()
    const { records, report } = await reopenLog({ dir })
    expect(sequencesOf(records).slice(0, 3)).toEqual([1, 2, 3])
    expect(report.damage).toEqual([])
  })

  it('that is full does not keep the log from closing', async () => {
    const dir = await temporaryFolder()
    const device = new Device()
    const log = await createLog({ dir, openDevice: device.open })
    await appendAll(log, range(1, 3))
    device.intercept = (operation) => (operation.op === 'write' ? FULL : undefined)
    await log.close()
    const { records } = await reopenLog({ dir })
    expect(sequencesOf(records)).toEqual([1, 2, 3])
  })

  it('at the beginning leaves a log that opens', async () => {
    const dir = await temporaryFolder()
    const device = new Device()
    for (let n = 1; ; n++) {
      let count = 0
      device.intercept = () => (++count === n ? BROKEN : undefined)
      const path = join(dir, String(n))
      const created = await createLog({ dir: path, openDevice: device.open }).catch((error) => error)
      if (!isThermoclineError(created)) break
      expect(created.code).toBe('ERR_WAL_FAILED')
      const { report, log } = await reopenLog({ dir: path })
      expect(report).toMatchObject({ records: 0, damage: [] })
      await log.append('put', payloadOf(1), 1, 1)
      expect(await answered(path, log)).toEqual([1])
      expect(n).toBeLessThan(20)
    }
  })
})
