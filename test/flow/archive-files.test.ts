/** Files and streams that an export writes to and an import reads from, and what goes wrong with them. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough, Readable, Writable } from 'node:stream'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { NamespaceView } from '../../src/index.ts'
import { describeWithSmallDisks, smallDisk } from '../wal/small-disk.ts'
import { embeddedPair, shareStore, temporaryFolder } from './stores.ts'

const { view } = shareStore(embeddedPair)

async function filled(count = 3): Promise<NamespaceView> {
  const there = view()
  await there.chunks.putMany(Array.from({ length: count }, (_, i) => ({ key: `${i}`, text: `${i}` })))
  return there
}

test('what a killed export has left goes with the next one to that name, and nothing else does', async () => {
  const [there, folder] = [await filled(), await temporaryFolder()]
  const to = join(folder, 'a.ndjson')
  let aside: string | undefined
  const onProgress = () => {
    // As its file is begun by then.
    aside ??= execFileSync('ls', [folder]).toString().trim()
  }
  await there.export({ to, onProgress })
  const [, host] = /^a\.ndjson\.partial-([0-9a-f]{8})-\d+-[0-9a-f]{8}$/.exec(aside!)!
  expect(aside).toBe(`a.ndjson.partial-${host}-${process.pid}-${aside!.slice(-8)}`)

  const dead = spawn('true')
  await once(dead, 'exit')
  const left = [`a.ndjson.partial-${host}-${dead.pid}-00000001`, `a.ndjson.partial-${host}-${process.pid}-00000002`]
  const others = [
    `a.ndjson.partial-${host}-${process.ppid}-00000003`,
    `a.ndjson.partial-00000000-${dead.pid}-00000004`,
    `b.ndjson.partial-${host}-${dead.pid}-00000005`,
    'a.ndjson.partial-old',
  ]
  for (const name of [...left, ...others]) await writeFile(join(folder, name), '')
  await there.export({ to })
  expect((await readdir(folder)).sort()).toEqual(['a.ndjson', ...others].sort())
})

test('exports to one name at once let each other be, and one of them is there', async () => {
  const [there, folder] = [await filled(), await temporaryFolder()]
  const to = join(folder, 'a.ndjson')
  const answers = await Promise.all([1, 2, 3].map(() => there.export({ to })))
  expect(await readdir(folder)).toEqual(['a.ndjson'])
  expect(answers.map(({ bytes }) => bytes)).toContain((await stat(to)).size)
})

test('a pipe is not replaced by a file', async () => {
  const [there, folder] = [await filled(), await temporaryFolder()]
  const to = join(folder, 'pipe')
  execFileSync('mkfifo', [to])
  await expect(there.export({ to })).rejects.toMatchObject({
    ...{ code: 'ERR_INVALID_OPTIONS', details: { option: 'to' }, message: expect.stringContaining('stream') },
  })
  expect((await stat(to)).isFIFO()).toBe(true)
})

test('a stream that fails is told by the option', async () => {
  const there = await filled()
  const broken = Object.assign(new Error('secret'), { code: 'ECONNRESET' })
  const to = new Writable({ write: (_chunk, _encoding, done) => done(broken) })
  const told = (option: string) => ({
    ...{ code: 'ERR_INVALID_OPTIONS', details: { option } },
    message: expect.stringMatching(/stream failed.*ECONNRESET/),
  })
  await expect(there.export({ to })).rejects.toMatchObject(told('to'))
  const from = new Readable({ read: () => void from.destroy(broken) })
  await expect(there.import({ from })).rejects.toMatchObject(told('from'))
})

test('a stream that fails before it is read or written is told as well, and ends no process', async () => {
  const there = await filled()
  const broken = Object.assign(new Error('secret'), { code: 'ECONNRESET' })
  const told = { code: 'ERR_INVALID_OPTIONS', message: expect.stringContaining('ECONNRESET') }
  const [from, to] = [new Readable({ read: () => {} }), new Writable({ write: () => {} })]
  const works = [there.import({ from }), there.export({ to })]
  for (const stream of [from, to]) stream.destroy(broken)
  await Promise.all(works.map((work) => expect(work).rejects.toMatchObject(told)))
  const absent = join(await temporaryFolder(), 'absent')
  const notThere = { details: { option: 'from' }, message: expect.stringContaining('is not there') }
  await expect(there.import({ from: absent })).rejects.toMatchObject(notThere)
  const missing = createReadStream(absent)
  await expect(there.import({ from: missing })).rejects.toMatchObject({ message: expect.stringContaining('ENOENT') })
})

test('a file that cannot be read or written is told by its name, with what to name instead', async () => {
  const [there, folder] = [await filled(), await temporaryFolder()]
  await writeFile(join(folder, 'file'), '')
  const import_ = (name: string) => there.import({ from: join(folder, name) })
  const export_ = (name: string) => there.export({ to: join(folder, name) })
  const refused = (option: string, name: string, reason: string) => ({
    ...{ code: 'ERR_INVALID_OPTIONS', details: { option } },
    message: expect.stringContaining(`option \`${option}\`: ${join(folder, name)} cannot be used: ${reason}`),
  })
  await expect(import_('')).rejects.toMatchObject(refused('from', '', 'it is a folder: name a file that an export'))
  await expect(import_('file/a')).rejects.toMatchObject(refused('from', 'file/a', 'it is not there'))
  await expect(import_('a\0')).rejects.toMatchObject(refused('from', 'a\0', 'no file can have such a name'))
  await expect(export_('')).rejects.toMatchObject(refused('to', '', 'it is a folder: name a file in it'))
  await expect(export_('none/a')).rejects.toMatchObject(
    refused('to', 'none/a', 'the folder that it is to be in is not'),
  )
  await expect(export_('file/a')).rejects.toMatchObject(refused('to', 'file/a', 'a file stands where a folder'))
  expect(await readdir(folder)).toEqual(['file'])
})

test('a stream that nobody reads keeps no write waiting, and is let go with the signal', async () => {
  const there = await filled(2_000)
  const to = new PassThrough({ highWaterMark: 1 })
  const stop = new AbortController()
  const begun = once(to, 'readable')
  const work = there.export({ to, signal: stop.signal })
  work.catch(() => {})
  await begun
  await there.chunks.put({ text: 'meanwhile' }, { durability: 'cold' })
  stop.abort()
  await expect(work).rejects.toMatchObject({ code: 'ERR_ABORTED' })
  expect(to.destroyed).toBe(true)
})

test('a temporary folder that cannot be used is told with the remedy', async () => {
  const [there, folder] = [await filled(), await temporaryFolder()]
  const to = join(folder, 'a.ndjson')
  await there.export({ to })
  const nowhere = join(folder, 'absent')
  vi.stubEnv('TMPDIR', nowhere)
  onTestFinished(() => void vi.unstubAllEnvs())
  await expect(there.import({ from: createReadStream(to) })).rejects.toMatchObject({
    ...{ code: 'ERR_INVALID_OPTIONS', details: { option: 'from' } },
    message: expect.stringMatching(new RegExp(`${nowhere}.*a folder on the way is gone.*TMPDIR.*import from a path`)),
  })
  expect(await there.import({ from: to })).toMatchObject({ unchanged: 3 })
})

describeWithSmallDisks('a disk that is full', () => {
  test('is told with the remedy, and nothing is left on it', async () => {
    const [there, disk] = [view(), await smallDisk(1)]
    await there.blobs.put({ bytes: new Uint8Array(2 * 1024 * 1024).map((_, i) => (i * 7919) >> 3) })
    const to = join(await temporaryFolder(), 'a.ndjson')
    await there.export({ to })
    const full = { code: 'ERR_BACKPRESSURE', retryable: true, message: expect.stringContaining('disk is full') }
    await expect(there.export({ to: join(disk, 'a.ndjson') })).rejects.toMatchObject(full)
    expect(await readdir(disk)).toEqual([])
    vi.stubEnv('TMPDIR', disk)
    onTestFinished(() => void vi.unstubAllEnvs())
    const refused = there.import({ from: [await readFile(to)] })
    await expect(refused).rejects.toMatchObject({ ...full, message: expect.stringMatching(/disk is full.*TMPDIR/) })
    expect(await readdir(disk)).toEqual([])
  })
})
