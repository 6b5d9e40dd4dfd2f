import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { inspectStore } from '../../src/admin/inspect-store.ts'
import { openMemoryStore } from '../../src/index.ts'
import { rotFirstRecord, segmentFiles } from '../fault/damage-log.ts'
import { QUIET } from '../flow/stores.ts'
import { budget, longTest } from '../tools/budget.ts'
import { StoreTemplate } from '../tools/store-template.ts'
import { runAll, runCli } from './run-cli.ts'
import { startWriter, writeAndKill } from './written-folder.ts'

const template = new StoreTemplate()
beforeAll(() => template.make())
afterAll(() => template.remove())

/** Path, size and times of every file. */
async function snapshot(dir: string): Promise<string[]> {
  const paths = await readdir(dir, { recursive: true })
  const lines = paths.map(async (path) => {
    const { size, mtimeMs, ctimeMs } = await stat(join(dir, path))
    return [path, size, mtimeMs, ctimeMs].join(' ')
  })
  return (await Promise.all(lines)).sort()
}

test('says what a log holds, segment by segment, and changes nothing', async () => {
  const dir = await template.copy()
  await writeAndKill(dir, 100, 10)
  const before = await snapshot(dir)
  const [json, plain] = await runAll([
    ['inspect', '--dir', dir, '--json'],
    ['inspect', '--dir', dir],
  ])
  expect(json).toMatchObject({ code: 0, stderr: '' })
  const { logs } = JSON.parse(json!.stdout)
  expect(logs).toMatchObject([{ puts: 1_000, deletes: 0, damage: [], epoch: 1 }])
  expect(logs[0].segments.length).toBe((await segmentFiles(dir)).length)
  expect(logs[0].segments.length).toBeGreaterThan(1)
  expect(logs[0].segments[0]).toMatchObject({ firstSequence: 1, sealed: true })

  expect(plain!.stdout).toContain('1000 puts')
  expect(plain!.stdout).toContain('no damage')
  expect(await snapshot(dir)).toEqual(before)
})

longTest('says which records a damaged log lacks', async () => {
  const dir = await template.copy()
  await writeAndKill(dir, 100, 10)
  const [first, second] = await segmentFiles(dir)
  await rotFirstRecord(first!)
  await rm(second!)
  const { code, stdout, stderr } = await runCli(['inspect', '--dir', dir])
  expect(code).toBe(3)
  expect(stderr).toMatch(/^thermocline: [^\n]*recover[^\n]*\n$/)
  expect(stdout).toContain('damaged in segment 1 at offset 80: a record does not verify; record 1 is not in the log\n')
  expect(stdout).toMatch(
    /damaged in segment 2 at offset 0: a segment is missing; records \d+ to \d+ are not in the log\n/,
  )
})

test('sees no damage while the owner writes, ships and deletes segments', async () => {
  const dir = await template.copy()
  await using store = await openMemoryStore({ dir, ...QUIET, wal: { segmentBytes: 4_096 } })
  let isLooking = true
  const write = async (): Promise<void> => {
    while (isLooking) {
      await store.chunks.putMany(Array.from({ length: 20 }, () => ({ text: 'x'.repeat(500) })))
      await store.checkpoint()
    }
  }
  const writing = write()
  for (let look = 0; look < budget({ short: 8, long: 200 }); look++)
    expect(await inspectStore(dir)).toMatchObject([{ damage: [] }])
  isLooking = false
  await writing
})

longTest('sees no damage in a log that another process is writing', async () => {
  const dir = await template.copy()
  const writer = startWriter(dir, 1, 1_000_000)
  await writer.printed(/(\S+\n){50}/)
  for (let look = 0; look < 3; look++) {
    const { code, stdout } = await runCli(['inspect', '--dir', dir, '--json'])
    expect(code).toBe(0)
    expect(JSON.parse(stdout).logs).toMatchObject([{ damage: [] }])
  }
  await writer.kill()
})
