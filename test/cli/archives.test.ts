/** `thermocline export` and `thermocline import`, each a process of its own. */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { archivedText } from '../../src/entry/archived-entry.ts'
import { ArchiveWriter } from '../../src/flow/archive-format.ts'
import { openMemoryStore } from '../../src/index.ts'
import { chunkOf } from '../../src/testkit/contract/cold-records.ts'
import { temporaryFolder } from '../flow/stores.ts'
import { longTest } from '../tools/budget.ts'
import { StoreTemplate } from '../tools/store-template.ts'
import { expectRefusal, runAll, runCli, startCli } from './run-cli.ts'
import { startWriter } from './written-folder.ts'

const template = new StoreTemplate()
beforeAll(() => template.make())
afterAll(() => template.remove())

function archiveOf(entries: number, text = 'text'): Buffer {
  const store = chunkOf('tenant/a', 1, 1).id
  const writer = new ArchiveWriter()
  const header = { store, namespace: '', exportedAt: new Date(0).toISOString(), entries }
  const texts = Array.from({ length: entries }, (_, n) =>
    archivedText(chunkOf(n % 2 === 0 ? 'tenant/a' : 'tenant/b', n, n + 1, { text: `${text} ${n}` }), undefined),
  )
  return Buffer.concat([writer.header(header), writer.entries(texts), writer.end()])
}

/** Lines of entries, without what is of one store. */
const contentOf = (archive: string): string[] =>
  archive
    .split('\n')
    .filter((line) => line.startsWith('{"entry"'))
    .map((line) => line.replace(/"version":"[0-9a-f]{24}",|,"crc32":"[0-9a-f]{8}"/g, ''))

test('what one store exports another imports, whole or in part, by files and by pipes', async () => {
  const [from, to, folder] = [await template.copy(), await template.copy(), await temporaryFolder()]
  const given = archiveOf(20)
  const piped = await runCli(['import', '-', '--dir', from], { input: gzipSync(given) })
  const counts = '20 written, 0 there already, 0 skipped, 0 expired'
  expect(piped).toMatchObject({ code: 0, stdout: `imported 20 entries: ${counts}\n`, stderr: '' })

  const all = await runCli(['export', '-', '--dir', from])
  expect(all).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(/^exported 20 entries, \d+ bytes, as of 20\S+Z\n$/),
  })
  expect(contentOf(all.stdout)).toEqual(contentOf(given.toString()).sort((a, b) => compare(placeOf(a), placeOf(b))))

  const where = '{"position":{"gte":10},"updatedAt":{"lte":"2020-01-01T00:00:00.015Z"}}'
  const args = ['--namespace', 'tenant/a', '--where', where, '--json', '--dir', from]
  const file = join(folder, 'part.ndjson.gz')
  const into = ['--namespace', 'tenant/c', '--dir', to, '--json']
  const imports = [['import', file, ...into, '--dry-run'], ...[1, 2].map(() => ['import', file, ...into])]
  const results = await runAll([['export', 'part.ndjson.gz', ...args], ...imports], { cwd: folder })
  for (const { code, stderr } of results) expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const [part, ...answers] = results.map(({ stdout }) => JSON.parse(stdout) as object)
  const bytes = await readFile(join(folder, 'part.ndjson.gz'))
  expect(part).toMatchObject({ file: 'part.ndjson.gz', entries: 3, bytes: bytes.byteLength })
  expect(contentOf(gunzipSync(bytes).toString()).map((line) => JSON.parse(line).entry.position)).toEqual([10, 12, 14])
  expect(await readdir(folder)).toEqual(['part.ndjson.gz'])

  const would = { file, entries: 3, written: 3, unchanged: 0, skipped: 0, expired: 0 }
  expect(answers).toEqual([
    { ...would, dryRun: true },
    { ...would, dryRun: false },
    { ...would, dryRun: false, written: 0, unchanged: 3 },
  ])
  await using store = await openMemoryStore({ dir: to, sync: false })
  expect(await store.namespace('tenant', 'c').chunks.count()).toBe(3)
})

/** Namespace and id, in which order an archive has its lines. */
const placeOf = (line: string): string => {
  const { namespace, id } = JSON.parse(line).entry as { namespace: string; id: string }
  return `${namespace} ${id}`
}
const compare = (a: string, b: string): number => (a < b ? -1 : 1)

longTest('what cannot be done is one line with the remedy, and nothing is written', async () => {
  const [dir, folder] = [await template.copy(), await temporaryFolder()]
  const [good, other, damaged] = ['good', 'other', 'damaged'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  await writeFile(good, archiveOf(3))
  await writeFile(other, archiveOf(3, 'other'))
  await writeFile(damaged, archiveOf(3).toString().replace('text 1', 'text 7'))
  const [archive, absent] = [join(folder, 'a'), join(folder, 'absent')]
  const REFUSED = [
    [['import', damaged], 3, /line 3 of the archive is damaged.*ERR_ARCHIVE_CORRUPT/],
    [['import', absent], 2, /`from`.*absent.*ERR_INVALID_OPTIONS/],
    [['export', join(absent, 'a')], 2, /`to`.*ERR_INVALID_OPTIONS/],
    [['export', archive, '--where', '{"colour":"red"}'], 2, /^thermocline: --where: .*colour/],
    [['export', archive, '--namespace', ''], 2, 'as in tenant/acme'],
  ] as const
  const done = [
    ['import', good],
    ['import', other],
    ['import', other, '--on-conflict', 'skip'],
  ] as const
  const commands = [...REFUSED.map(([args]) => args), ...done.map((args) => [...args, '--json'])]
  const results = await runAll(commands.map((args) => [...args, '--dir', dir]))
  for (const [nth, [, code, remedy]] of REFUSED.entries()) expectRefusal(results[nth]!, code, remedy)
  const [first, conflict, skipping] = results.slice(REFUSED.length)
  expect(JSON.parse(first!.stdout)).toMatchObject({ written: 3 })
  expectRefusal(conflict!, 1, /line 2 .*`onConflict`.*ERR_CONFLICT/)
  expect(JSON.parse(skipping!.stdout)).toMatchObject({ skipped: 3 })
  for (const { code, stderr } of [first!, skipping!]) expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect((await readdir(folder)).sort()).toEqual(['damaged', 'good', 'other'])
})

longTest('a backend that has the folder is named', async () => {
  const dir = await template.copy()
  const writer = startWriter(dir, 1, 1)
  await writer.printed(/done/)
  const config = join(dir, 'impatient.json')
  await writeFile(config, JSON.stringify({ wal: { lockTimeout: 0 } }))
  const result = await runCli(['export', 'a.ndjson', '--dir', dir, '--config', config], { cwd: dir })
  expectRefusal(result, 4, new RegExp(`${writer.child.pid}.*ERR_LOCKED`))
})

longTest('told to end, both say what became of it, and an import goes on', async () => {
  const [dir, folder] = [await template.copy(), await temporaryFolder()]
  const file = join(folder, 'large.ndjson')
  await writeFile(file, archiveOf(6_000))
  const first = startCli(['import', file, '--dir', dir])
  await first.printed(/^verified: 6000\/6000 \(100 %\)$/m)
  first.child.kill('SIGINT')
  const { code, stdout, stderr } = await first.result
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  const [, written] = /^thermocline: interrupted: (\d+) entries were written, or a few more; run it again/m.exec(
    stderr,
  )!
  const again = await runCli(['import', file, '--dir', dir, '--json'])
  expect(again).toMatchObject({ code: 0, stderr: expect.stringContaining('imported: 6000/6000 (100 %)') })
  const answer = JSON.parse(again.stdout) as { written: number; unchanged: number }
  expect(answer.unchanged).toBeGreaterThanOrEqual(Number(written))
  expect(answer.written + answer.unchanged).toBe(6_000)

  const stalled = startCli(['export', '-', '--dir', dir])
  stalled.child.stdout!.once('data', () => {
    stalled.child.stdout!.pause()
    stalled.child.kill('SIGTERM')
  })
  await stalled.printed(/interrupted: there is no archive; run it again/)
  stalled.child.stdout!.resume()
  expect((await stalled.result).code).toBe(1)
})

longTest('a reader that stops early makes an export fail', async () => {
  const dir = await template.copy()
  await runCli(['import', '-', '--dir', dir], { input: archiveOf(2_000) })
  const cut = startCli(['export', '-', '--dir', dir])
  cut.child.stdout!.once('data', () => cut.child.stdout!.destroy())
  const { code, stderr } = await cut.result
  expect(code).toBe(2)
  expect(stderr).toMatch(/^thermocline: option `to`: the stream failed or was closed.*export again/)
})
