import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openMemoryStore } from '../../src/index.ts'
import { rotFirstRecord, segmentFiles } from '../fault/damage-log.ts'
import { queryDatabase } from '../fault/edit-database.ts'
import { longTest } from '../tools/budget.ts'
import { StoreTemplate } from '../tools/store-template.ts'
import { expectRefusal, runAll, runCli, startCli } from './run-cli.ts'
import { missingIn, startWriter, writeAndKill } from './written-folder.ts'

const template = new StoreTemplate()
beforeAll(() => template.make())
afterAll(() => template.remove())

/** Several batches, so that there is a middle. */
const MANY = [500, 8] as const

interface Report {
  readonly logs: readonly Record<string, unknown>[]
}

async function recover(
  dir: string,
  ...args: string[]
): Promise<{ code: number | null; stderr: string; logs: Report['logs'] }> {
  const { code, stdout, stderr } = await runCli(['recover', '--dir', dir, '--json', ...args])
  return { code, stderr, logs: (JSON.parse(stdout) as Report).logs }
}

test('ships what a process killed while writing had acknowledged, and does it once', async () => {
  const dir = await template.copy()
  const writer = startWriter(dir, 1, 1_000_000)
  await writer.printed(/(\S+\n){300}/)
  const ids = await writer.kill()

  const commands = ['inspect', 'recover', 'inspect', 'recover']
  const answers = await runAll(commands.map((command) => [command, '--dir', dir, '--json']))
  for (const { code, stderr } of answers) expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const [before, first, after, again] = answers.map(({ stdout }) => (JSON.parse(stdout) as Report).logs)
  expect((before![0] as { puts?: number }).puts).toBeGreaterThanOrEqual(ids.length)
  expect(first).toMatchObject([{ outcome: 'retired', alreadyInCold: 0, lost: [] }])
  expect(first![0]!.shipped).toBeGreaterThanOrEqual(ids.length)
  expect([after, again]).toEqual([[], []])
  expect(await missingIn(dir, ids)).toEqual([])
})

longTest('says in plain words what it found', async () => {
  const dir = await template.copy()
  await writeAndKill(dir, 10, 2)
  const { code, stdout } = await runCli(['recover', '--dir', dir])
  expect(code).toBe(0)
  expect(stdout).toMatch(/^log \S+: 20 records, 20 shipped, 0 already in the database\n/)
  expect(stdout).toContain('the log is done with')
  expect((await runCli(['recover', '--dir', dir])).stdout).toBe('no log was left behind: there is nothing to ship\n')
})

longTest('killed half-way, is simply run again', async () => {
  const dir = await template.copy()
  const ids = await writeAndKill(dir, ...MANY)
  const killed = startCli(['recover', '--dir', dir, '--verbose'])
  await killed.printed(/shipped a batch/)
  killed.child.kill('SIGKILL')
  expect((await killed.result).signal).toBe('SIGKILL')

  const { code, logs } = await recover(dir)
  expect(code).toBe(0)
  expect(logs).toMatchObject([{ records: ids.length, outcome: 'retired' }])
  expect(logs[0]!.shipped).toBeLessThan(ids.length)
  expect(await missingIn(dir, ids)).toEqual([])
})

describe('a signal', () => {
  const LONG = [500, 12] as const

  longTest('ends it after the batch under way, and the next run goes on', async () => {
    const dir = await template.copy()
    const ids = await writeAndKill(dir, ...LONG)
    const interrupted = startCli(['recover', '--dir', dir, '--json', '--verbose'])
    await interrupted.printed(/shipped a batch/)
    interrupted.child.kill('SIGTERM')
    const { code, stdout, stderr } = await interrupted.result
    expect(code).toBe(1)
    expect(stderr).toMatch(/^thermocline: interrupted: [^\n]*run this again[^\n]*$/m)
    const [told] = (JSON.parse(stdout) as Report).logs
    expect(told).toMatchObject({ outcome: 'interrupted' })

    const { code: last, logs } = await recover(dir)
    expect(last).toBe(0)
    expect(logs).toMatchObject([{ outcome: 'retired', records: ids.length, alreadyInCold: told!.shipped }])
    expect(await missingIn(dir, ids)).toEqual([])
  })

  longTest('and another one end it at once', async () => {
    const dir = await template.copy()
    const ids = await writeAndKill(dir, ...LONG)
    const interrupted = startCli(['recover', '--dir', dir, '--verbose'])
    await interrupted.printed(/shipped a batch/)
    interrupted.child.kill('SIGINT')
    interrupted.child.kill('SIGTERM')
    expect(await interrupted.result).toMatchObject({ code: 130, stdout: '' })
    expect((await recover(dir)).code).toBe(0)
    expect(await missingIn(dir, ids)).toEqual([])
  })
})

longTest('makes no database: the owner of the logs may write to one that it was not told of', async () => {
  const dir = await template.copy()
  const ids = await writeAndKill(dir, 10, 2)
  await rename(join(dir, 'cold'), join(dir, 'elsewhere'))
  expectRefusal(await runCli(['recover', '--dir', dir]), 2, /no database.*DATABASE_URL.*thermocline migrate/)
  expect(await readdir(dir)).not.toContain('cold')
  await rename(join(dir, 'elsewhere'), join(dir, 'cold'))
  expect(await recover(dir)).toMatchObject({ code: 0, logs: [{ shipped: ids.length }] })
})

describe('a damaged log', () => {
  /** A folder whose log lost its first record; answers the ids in the order of the log. */
  async function damaged(): Promise<{ dir: string; ids: string[]; segment: string; intact: Buffer }> {
    const dir = await template.copy()
    const ids = await writeAndKill(dir, ...MANY)
    const segment = (await segmentFiles(dir))[0]!
    const intact = await readFile(segment)
    await rotFirstRecord(segment)
    return { dir, ids, segment, intact }
  }

  const LOST = [{ from: 1, to: 1 }]

  longTest('is shipped as far as it verifies, left in place and refused, however often', async () => {
    const { dir, ids } = await damaged()
    for (const shipped of [ids.length - 1, 0]) {
      const { code, stderr, logs } = await recover(dir)
      expect(code).toBe(3)
      expect(stderr).toMatch(/^thermocline: [^\n]*--accept-loss[^\n]*\n$/)
      expect(logs).toMatchObject([{ records: ids.length - 1, shipped, outcome: 'kept', lost: LOST }])
    }
    expect((await runCli(['inspect', '--dir', dir])).code).toBe(3)
    const { stdout } = await runCli(['recover', '--dir', dir])
    expect(stdout).toMatch(
      /^ {2}damaged: \/.*\/wal\/.*\/000000000001\.wal, byte 80: .*\n {2}lost: record 1, written before 20\S+Z$/m,
    )
    expect(stdout).toMatch(/put intact copies of the damaged or missing files into \/.*--accept-loss/s)
    await expect(openMemoryStore({ dir })).rejects.toMatchObject({ code: 'ERR_WAL_CORRUPT' })
  })

  longTest('is set aside once its loss is accepted', async () => {
    const { dir, ids } = await damaged()
    const { code, stderr, logs } = await recover(dir, '--accept-loss')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const walId = logs[0]!.walId as string
    expect(logs).toMatchObject([{ outcome: 'quarantined', lost: LOST, movedTo: join(dir, 'quarantine', walId) }])
    expect(await readdir(join(dir, 'quarantine', walId))).toContain((await segmentNames(dir, walId))[0])
    expect(await readdir(join(dir, 'wal'))).not.toContain(walId)

    expect(
      await queryDatabase(dir, 'SELECT wal_id, first_sequence, last_sequence, reason FROM thermocline.accepted_losses'),
    ).toEqual([{ wal_id: walId, first_sequence: 1, last_sequence: 1, reason: 'a record does not verify' }])
    expect(await recover(dir, '--accept-loss')).toEqual({ code: 0, stderr: '', logs: [] })
    expect(await missingIn(dir, ids)).toEqual([ids[0]])
    // A log that cold still expected something of would keep every tombstone for good.
    expect(await queryDatabase(dir, 'SELECT wal_id FROM thermocline.wal_checkpoints')).toEqual([])
  })

  longTest('is whole again once its file is restored, also after a recovery', async () => {
    const { dir, ids, segment, intact } = await damaged()
    expect((await recover(dir)).code).toBe(3)
    await writeFile(segment, intact)
    expect(await recover(dir)).toMatchObject({ code: 0, logs: [{ shipped: 1, outcome: 'retired', lost: [] }] })
    expect(await missingIn(dir, ids)).toEqual([])
  })
})

longTest('a log whose whole folder is gone is told, and the store opens once its loss is accepted', async () => {
  const dir = await template.copy()
  await writeAndKill(dir, 10, 2)
  const [walId] = (await readdir(join(dir, 'wal'))) as [string]
  await rename(join(dir, 'wal', walId), join(dir, 'elsewhere'))
  const lost = { code: 'ERR_WAL_CORRUPT', details: { walId, missing: { from: 1 } } }
  await expect(openMemoryStore({ dir })).rejects.toMatchObject(lost)

  const { code, stderr, logs } = await recover(dir)
  expect(code).toBe(3)
  expect(stderr).toMatch(/^thermocline: [^\n]*folder of a log is gone[^\n]*--accept-loss[^\n]*\n$/)
  expect(logs).toEqual([
    { walId, outcome: 'missing', path: join(dir, 'wal', walId), lost: [{ from: 1 }], isAccepted: false },
  ])
  await rename(join(dir, 'elsewhere'), join(dir, 'wal', walId))
  expect(await recover(dir)).toMatchObject({ code: 0, logs: [{ outcome: 'retired', shipped: 20 }] })

  await writeAndKill(dir, 10, 2)
  await rm(join(dir, 'wal'), { recursive: true })
  expect(await recover(dir, '--accept-loss')).toMatchObject({
    code: 0,
    logs: [{ outcome: 'missing', isAccepted: true }],
  })
  await (await openMemoryStore({ dir })).close()
})

test('makes no database where there is no log either', async () => {
  const dir = await template.copy()
  await rm(join(dir, 'cold'), { recursive: true })
  expectRefusal(await runCli(['recover', '--dir', dir]), 2, /no database.*DATABASE_URL/)
  expect(await readdir(dir)).not.toContain('cold')
})

async function segmentNames(dir: string, walId: string): Promise<string[]> {
  const names = await readdir(join(dir, 'quarantine', walId))
  return names.filter((name) => /^\d+/.test(name)).sort()
}
