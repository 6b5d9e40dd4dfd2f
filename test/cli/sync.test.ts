import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { longTest } from '../tools/budget.ts'
import { StoreTemplate } from '../tools/store-template.ts'
import { runAll, startCli } from './run-cli.ts'
import { missingIn, writeAndKill } from './written-folder.ts'

const template = new StoreTemplate()
beforeAll(() => template.make())
afterAll(() => template.remove())

const linesOf = (stdout: string): { level: number; msg: string }[] =>
  stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { level: number; msg: string })

longTest.each(['SIGTERM', 'SIGINT'] as const)(
  'runs until %s, syncs on schedule and logs JSON lines',
  async (signal) => {
    const dir = await template.copy()
    const config = join(dir, 'config.json')
    await writeFile(config, JSON.stringify({ dir, sync: { schedule: '* * * * * *' } }))
    const worker = startCli(['sync', '--config', config])
    await worker.printed(/"msg":"synced"/)
    worker.child.kill(signal)
    const { code, stdout, stderr } = await worker.result
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(linesOf(stdout).map(({ msg }) => msg)).toEqual(
      expect.arrayContaining([
        'the sync worker runs',
        'synced',
        'the sync worker finishes',
        'the sync worker has stopped',
      ]),
    )
  },
)

longTest('runs the sync that the backends leave to it', async () => {
  const dir = await template.copy()
  const config = join(dir, 'config.mjs')
  await writeFile(config, `export default { dir: ${JSON.stringify(dir)}, sync: false }`)
  const worker = startCli(['sync', '--config', config])
  await worker.printed(/"nextRun":"\d{4}-/)
  worker.child.kill('SIGTERM')
  expect((await worker.result).code).toBe(0)
})

longTest('told to end with work in progress, finishes it and exits 0 in time', async () => {
  const dir = await template.copy()
  const ids = await writeAndKill(dir, 500, 8)
  const worker = startCli(['sync', '--dir', dir, '--verbose'])
  await worker.printed(/shipped a batch/)
  const began = performance.now()
  worker.child.kill('SIGTERM')
  expect((await worker.result).code).toBe(0)
  expect(performance.now() - began).toBeLessThan(10_000)
  expect(await missingIn(dir, ids)).toEqual([])
})

longTest('told a second time, ends at once, and nothing is lost', async () => {
  const dir = await template.copy()
  const ids = await writeAndKill(dir, 500, 8)
  const worker = startCli(['sync', '--dir', dir, '--verbose'])
  await worker.printed(/shipped a batch/)
  worker.child.kill('SIGTERM')
  worker.child.kill('SIGINT')
  expect(await worker.result).toMatchObject({ code: 130, stderr: '' })
  expect(await missingIn(dir, ids)).toEqual([])
})

test('--once syncs and says what it did', async () => {
  const dir = await template.copy()
  const ids = await writeAndKill(dir, 10, 1)
  const once = ['sync', '--once', '--dir', dir]
  const [plain, json] = await runAll([once, [...once, '--json']])
  expect(plain).toMatchObject({ code: 0, stderr: '' })
  expect(plain!.stdout).toMatch(/^synced in \d+ ms: [^\n]+\n$/)
  expect(JSON.parse(json!.stdout)).toMatchObject({ errors: 0, durationMs: expect.any(Number) })
  expect(await missingIn(dir, ids)).toEqual([])
})
