import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isThermoclineError } from '../../src/errors.ts'
import { MARK_FILE, readMark } from '../../src/wal/durable-mark.ts'
import { LockedLog } from '../../src/wal/locked-log.ts'
import { filesIn } from '../../src/wal/log-files.ts'
import { LogFolder } from '../../src/wal/log-folder.ts'
import { recordLines } from '../tools/recorded-lines.ts'
import { createLog, payloadOf, range, temporaryFolder } from './temporary-log.ts'

describe('the folder of the logs', () => {
  it('lists logs by age, and nothing else', async () => {
    const dir = await temporaryFolder()
    expect(await new LogFolder(join(dir, 'nowhere')).list()).toEqual([])
    const made: string[] = []
    for (const n of range(1, 3)) {
      const log = await createLog({ dir })
      made.push(log.walId)
      await log.append('put', payloadOf(n), n, n)
    }
    expect(await new LogFolder(dir).list()).toEqual(made)
  })

  it('of a retired log goes, whoever comes for its lock meanwhile', async () => {
    const dir = await temporaryFolder()
    const log = await createLog({ dir })
    const racing = Array.from({ length: 20 }, async (_, n) => {
      const lock = await lockUnlessGone()
      if (n % 2 === 0) await lock?.remove()
      else await lock?.release()
    })
    await log.retire(() => Promise.resolve())
    await Promise.all(racing)
    await (await lockUnlessGone())?.remove()
    expect(await readdir(dir)).toEqual([])

    async function lockUnlessGone(): Promise<LockedLog | undefined> {
      try {
        return await LockedLog.lock(dir, log.walId, { lockTimeout: 60_000 })
      } catch (error) {
        if (isThermoclineError(error, 'ERR_NOT_FOUND')) return undefined
        throw error
      }
    }
  })
})

describe('an epoch that a recovery takes', () => {
  it('is noted in the mark', async () => {
    const { log, lines } = await claimed()
    await log.noteEpoch(7)
    expect((await readMark(filesIn(log.path), log.walId))?.epoch).toBe(7)
    expect(lines).toEqual([])
    await log.release()
  })

  it('is told to the logger where it cannot be noted, and the recovery goes on', async () => {
    const { log, lines } = await claimed()
    await log.outline()
    await rm(join(log.path, MARK_FILE))
    await log.noteEpoch(7)
    expect(lines).toEqual(['warn the epoch of a log could not be noted'])
    await log.release()
  })

  async function claimed() {
    const dir = await temporaryFolder()
    const log = await createLog({ dir })
    await log.close()
    const { lines, logger } = recordLines()
    return { lines, log: await LockedLog.lock(dir, log.walId, { lockTimeout: 0, logger }) }
  }
})
