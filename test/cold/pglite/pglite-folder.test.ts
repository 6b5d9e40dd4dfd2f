import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { openPgliteCold } from '../../../src/cold/pglite/pglite-driver.ts'
import { chunkOf, keyOf } from '../../../src/testkit/contract/cold-records.ts'
import { longTest } from '../../tools/budget.ts'
import { compiled } from '../../tools/compiled.ts'
import { OPTIONS, PgliteTemplate } from './pglite-template.ts'

const template = new PgliteTemplate()
beforeAll(() => template.make())
afterAll(() => template.remove())

const childFile = (name: string): string => join(import.meta.dirname, name)

function startChild(dir: string, walId: string): ChildProcess {
  const child = spawn(process.execPath, [compiled(childFile('shipping-child.ts')), dir, walId], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  return child
}

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'thermocline-folder-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

describe('a new folder', () => {
  it('is made with its parents, closed to others, and opened again with what was written', async () => {
    const dir = join(await temporaryFolder(), 'deep', 'er', 'cold é')
    const first = await openPgliteCold({ ...OPTIONS, dir })
    await first.upsert([chunkOf('ns', 1, 1)])
    const { storeId } = first
    await first.close()
    expect(await readdir(dir)).toEqual(['data'])
    for (const folder of [dir, join(dir, 'data')]) expect((await stat(folder)).mode & 0o777).toBe(0o700)
    for (let again = 0; again < 2; again++) {
      const tier = await openPgliteCold({ ...OPTIONS, dir })
      expect(tier.storeId).toBe(storeId)
      expect((await tier.read([keyOf('ns', 1)]))[0]?.record).toEqual(chunkOf('ns', 1, 1))
      await tier.close()
    }
  })

  it('leaves nothing that cannot be opened when its making is killed', async () => {
    const dir = await temporaryFolder()
    const child = startChild(dir, randomUUID())
    const isBegun = (name: string): boolean => name.startsWith('data')
    await vi.waitFor(async () => expect((await readdir(dir)).some(isBegun)).toBe(true), {
      timeout: 30_000,
      interval: 1,
    })
    child.kill('SIGKILL')
    await once(child, 'exit')
    const tier = await openPgliteCold({ ...OPTIONS, dir })
    expect(await tier.highestVersion()).toBeUndefined()
    await tier.close()
    expect(await readdir(dir)).toEqual(['data'])
  })

  longTest('is not begun from what another process left unfinished', async () => {
    const dir = await temporaryFolder()
    await mkdir(join(dir, 'data.new-1', 'base'), { recursive: true })
    await writeFile(join(dir, 'data.new-1', 'PG_VERSION'), '18\n')
    await (await openPgliteCold({ ...OPTIONS, dir })).close()
    expect(await readdir(dir)).toEqual(['data'])
  })

  it('is refused with the tier at fault where it cannot be made', async () => {
    const parent = await temporaryFolder()
    await writeFile(join(parent, 'file'), '')
    await expect(openPgliteCold({ ...OPTIONS, dir: join(parent, 'file', 'cold') })).rejects.toMatchObject({
      code: 'ERR_TIER_UNAVAILABLE',
      details: { tier: 'cold' },
    })
  })
})

describe('an existing folder', () => {
  it('is refused when another major version of Postgres wrote it', async () => {
    const dir = await temporaryFolder()
    await mkdir(join(dir, 'data'))
    await writeFile(join(dir, 'data', 'PG_VERSION'), '17\n')
    await expect(openPgliteCold({ ...OPTIONS, dir })).rejects.toMatchObject({
      code: 'ERR_SCHEMA',
      message: expect.stringContaining('PostgreSQL 17'),
    })
  })

  it('opens whatever a power cut left of the lock file of Postgres', async () => {
    const dir = await template.copy()
    await writeFile(join(dir, 'data', 'postmaster.pid'), '')
    await (await openPgliteCold({ ...OPTIONS, dir })).close()
  })

  it('is refused when it is damaged', async () => {
    const dir = await template.copy()
    await rm(join(dir, 'data', 'global', 'pg_control'))
    await expect(openPgliteCold({ ...OPTIONS, dir })).rejects.toMatchObject({ code: 'ERR_TIER_UNAVAILABLE' })
  })
})

describe('a killed process', () => {
  longTest('loses no batch that was acknowledged, and leaves none half written', async () => {
    const dir = await template.copy()
    const walId = randomUUID()
    let expected = 0
    for (const acknowledgements of [1, 7, 30]) {
      const child = startChild(dir, walId)
      let left = acknowledgements
      for await (const line of createInterface({ input: child.stdout! })) {
        expected = Number(line)
        if (--left === 0) child.kill('SIGKILL')
      }
      expect(left).toBeLessThanOrEqual(0)
      const tier = await openPgliteCold({ ...OPTIONS, dir })
      const checkpoint = await tier.checkpointOf(walId)
      expect(checkpoint!.sequence).toBeGreaterThanOrEqual(expected)
      expected = checkpoint!.sequence
      expect((await tier.stats()).live).toBe(expected)
      const rows = await tier.read(Array.from({ length: expected }, (_, n) => keyOf('ns', n)))
      expect(rows.filter((row) => row?.record.embedding?.length !== 512)).toEqual([])
      await tier.close()
    }
  })
})

describe('a failed fsync', () => {
  it('ends the tier: nothing is acknowledged any more', async () => {
    const dir = await template.copy()
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--import', childFile('failing-fsync.mjs'), compiled(childFile('failing-fsync-child.ts')), dir],
      { env: { ...process.env, FAIL_FSYNC: template.path('fail') } },
    )
    expect(stdout.trim()).toBe('done ERR_TIER_UNAVAILABLE ERR_TIER_UNAVAILABLE done')
    const tier = await openPgliteCold({ ...OPTIONS, dir })
    expect((await tier.versions([keyOf('ns', 1)]))[0]).toBe(chunkOf('ns', 1, 1).version)
    await tier.close()
  })
})

describe('a deadline', () => {
  longTest('ends the wait, and not the database', async () => {
    const dir = await template.copy()
    const tier = await openPgliteCold({ ...OPTIONS, dir, timeout: 1_500 })
    // Each writes every row anew, for which no machine is too fast.
    const recordsOf = (version: number) => Array.from({ length: 1_000 }, (_, n) => chunkOf('ns', n, version))
    const outcomes = await Promise.allSettled(Array.from({ length: 150 }, (_, i) => tier.upsert(recordsOf(i + 1))))
    const late = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []))
    expect(late.length).toBeGreaterThan(0)
    for (const error of late) expect(error).toMatchObject({ code: 'ERR_TIER_UNAVAILABLE', retryable: true })
    expect(late[0].message).toContain('within 1500 ms')
    await tier.close()
    const again = await openPgliteCold({ ...OPTIONS, dir })
    expect(await again.upsert(recordsOf(1_000))).toMatchObject({ rejected: 0 })
    expect((await again.stats()).live).toBe(1_000)
    await again.close()
  })
})
