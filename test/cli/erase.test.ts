/** `thermocline erase`, a process of its own. */
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { confirm } from '../../src/cli/confirm.ts'
import { type Erased, openMemoryStore } from '../../src/index.ts'
import { describeWithServers, QUIET } from '../flow/stores.ts'
import { canaryOf, filesWith } from '../flow/traces.ts'
import { RemoteBackend } from '../servers/remote-backend.ts'
import { longTest } from '../tools/budget.ts'
import { StoreTemplate } from '../tools/store-template.ts'
import { expectRefusal, runAll, runCli, startCli } from './run-cli.ts'

const template = new StoreTemplate()
beforeAll(() => template.make())
afterAll(() => template.remove())

test('what is erased is nowhere, the rest stays, and the exit code says whether all is done', async () => {
  const [dir, canary] = [await template.copy(), canaryOf()]
  {
    await using store = await openMemoryStore({ dir, ...QUIET })
    const { chunks } = store.namespace('tenant', 'acme')
    await chunks.put({ text: canary, metadata: { user: canary } }, { idempotencyKey: canary })
    await chunks.put({ text: canary, key: canary })
    await chunks.put({ text: 'kept' })
    await store.namespace('tenant', 'acme', 'below').chunks.put({ text: canary, metadata: { user: canary } })
  }
  const erase = (...commands: readonly string[][]) =>
    runAll(commands.map((flags) => ['erase', '--namespace', 'tenant/acme', ...flags, '--dir', dir]))
  const where = ['--where', JSON.stringify({ 'metadata.user': canary })]

  const [unasked, dry, counted, first, second] = await erase(
    where,
    [...where, '--dry-run'],
    [...where, '--recursive', '--dry-run', '--json'],
    [...where, '--recursive', '--yes', '--json'],
    ['--key', canary, '--vacuum', '--yes'],
  )
  expectRefusal(unasked!, 2, 'pass --yes where nobody can be asked')
  expect(dry).toMatchObject({ code: 0, stdout: '1 would be erased\n' })
  expect(JSON.parse(counted!.stdout)).toEqual({ namespace: 'tenant/acme', dryRun: true, matched: 2, left: [] })
  expect(first).toMatchObject({ code: 0, stderr: '' })
  expect(JSON.parse(first!.stdout)).toMatchObject({
    ...{ namespace: 'tenant/acme', dryRun: false, matched: 2, erased: 2, removed: { idempotencyKeys: 1 } },
    left: [
      { place: 'database-files', remedy: expect.any(String), isUnfinished: false },
      { place: 'database-log', isUnfinished: false },
    ],
  })
  expect(second).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/may still be in database-files: .*`--vacuum full`/),
  })
  expect(await filesWith(dir, [canary])).not.toEqual([])
  const aside = join(dir, 'quarantine', 'damaged')
  await mkdir(aside, { recursive: true })
  const [unfinished] = await erase(['--key', canary, '--yes'])
  expect(unfinished).toMatchObject({
    code: 5,
    stdout: expect.stringContaining(`  not yet gone from quarantine ${aside}: `),
  })
  await rm(aside, { recursive: true })
  const [third] = await erase(['--key', canary, '--vacuum', 'full', '--yes'])
  expect(third).toMatchObject({ code: 0, stdout: expect.stringContaining('nothing is known to be left'), stderr: '' })
  expect(await filesWith(dir, [canary])).toEqual([])
  await using store = await openMemoryStore({ dir, ...QUIET })
  expect((await store.root.chunks.find()).items.map(({ text }) => text)).toEqual(['kept'])
})

longTest('told to end it says how far it came, and goes on when it is run again', async () => {
  const dir = await template.copy()
  {
    await using store = await openMemoryStore({ dir, ...QUIET })
    const texts = Array.from({ length: 6_000 }, (_, i) => ({ text: `${i}` }))
    await store.namespace('many').chunks.putMany(texts)
  }
  const args = ['erase', '--namespace', 'many', '--all', '--yes', '--dir', dir]
  const first = startCli(args)
  await first.printed(/^erased: \d+\/6000/m)
  first.child.kill('SIGINT')
  const { code, stdout, stderr } = await first.result
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  const erased = Number(/^thermocline: interrupted: (\d+) entries were erased.*run it again/m.exec(stderr)![1])
  expect(erased).toBeGreaterThan(0)
  const again = await runCli([...args, '--vacuum', 'full', '--json'])
  expect(JSON.parse(again.stdout)).toMatchObject({ left: [] })
  expect((JSON.parse(again.stdout) as { erased: number }).erased).toBeLessThanOrEqual(6_000 - erased)
  await using store = await openMemoryStore({ dir, ...QUIET })
  expect(await store.namespace('many').chunks.count()).toBe(0)
})

describeWithServers('beside a backend', (servers) => {
  longTest('it waits until that has let go of what its log has, and has failed where it has not', async () => {
    const [dir, canary, shared] = [await servers.folder(), canaryOf(), await servers.shared()]
    const backend = await RemoteBackend.start({ dir, ...shared, sync: QUIET.sync })
    try {
      await backend.put(canary, canary)
      const env = { REDIS_URL: shared.hot.url, DATABASE_URL: shared.cold.url }
      const erase = (...flags: string[]) => {
        const args = ['erase', '--namespace', 'default', '--key', canary, ...flags]
        return runCli(args, { env, cwd: dir })
      }
      expectRefusal(await erase('--yes', '--wait', 'soon'), 2, 'a duration such as')
      expect(await erase('--dry-run')).toMatchObject({ code: 0, stdout: expect.stringContaining('1 other process') })
      const idle = await openMemoryStore({ dir: await servers.folder(), ...shared, ...QUIET })
      const unfinished = await erase('--yes', '--wait', '0s')
      await idle.close()
      expect(unfinished).toMatchObject({ code: 5, stdout: expect.stringContaining('not yet gone from log ') })
      const { code, stdout, stderr } = await erase('--yes', '--json', '--wait', '1m')
      expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('waiting until other processes') })
      const { left } = JSON.parse(stdout) as Erased
      expect(left.map(({ place }) => place)).toEqual(['redis-files', 'database-files', 'database-log'])
      expect(await filesWith(dir, [canary])).toEqual([])
    } finally {
      await backend.kill()
    }
  })
})

describe('a person is asked', () => {
  const asked = (signal = new AbortController().signal) => {
    const [input, output] = [new PassThrough(), new PassThrough()]
    return { input, output, answer: confirm('erase it?', signal, { input, output }) }
  }

  test.each([
    ['y\n', true],
    ['Yes \n', true],
    ['\n', false],
    ['yellow\n', false],
    ['', false],
  ])('and %j is %s', async (typed, expected) => {
    const { input, output, answer } = asked()
    input.end(typed)
    expect(await answer).toBe(expected)
    expect(output.read().toString()).toContain('erase it? [y/N] ')
  })

  test('until a signal comes, which is no', async () => {
    const stop = new AbortController()
    const { answer } = asked(stop.signal)
    stop.abort()
    expect(await answer).toBe(false)
  })
})
