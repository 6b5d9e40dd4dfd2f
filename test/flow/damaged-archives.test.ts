/** An archive that is not as it was written is refused, by its line, before anything of it is imported. */
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { crc32, gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { archivedText } from '../../src/entry/archived-entry.ts'
import { ArchiveWriter } from '../../src/flow/archive-format.ts'
import type { ArchiveSource, NamespaceView } from '../../src/index.ts'
import { chunkOf } from '../../src/testkit/contract/cold-records.ts'
import { embeddedPair, shareStore, temporaryFolder } from './stores.ts'

const { view } = shareStore(embeddedPair)

const texts = [1, 2, 3].map((n) => archivedText(chunkOf('ns', n, n), undefined))
const header = { store: chunkOf('ns', 1, 1).id, namespace: 'ns', exportedAt: new Date(0).toISOString(), entries: 3 }

function archiveOf(entries: readonly string[], counted = header.entries): Buffer {
  const writer = new ArchiveWriter()
  return Buffer.concat([writer.header({ ...header, entries: counted }), writer.entries(entries), writer.end()])
}

const archive = archiveOf(texts)
const lines = archive.toString().split(/(?<=\n)/)
const without = (n: number): string => lines.toSpliced(n - 1, 1).join('')
const changed = (n: number, change: (line: string) => string): string =>
  lines.with(n - 1, change(lines[n - 1]!)).join('')

async function rejection(there: NamespaceView, from: ArchiveSource): Promise<unknown> {
  const error = await there.import({ from, onConflict: 'overwrite' }).catch((error: unknown) => error)
  expect(await there.entries.count()).toBe(0)
  return error
}

test('is imported where nothing is wrong', async () => {
  const there = view()
  expect(await there.import({ from: [archive] })).toMatchObject({ written: 3 })
  expect(await there.entries.count()).toBe(3)
})

test.each<[string, string, number]>([
  ['nothing', '', 1],
  ['something else', 'id,text\n1,a\n', 1],
  ['a JSON of another program', '{"kind":"chunk"}\n', 1],
  ['no header', without(1), 1],
  ['a bit that flipped', changed(3, (line) => line.replace('version 2', 'versiom 2')), 3],
  ['a checksum that is gone', changed(2, (line) => line.replace(/,"crc32".*/, '}')), 2],
  ['a line written anew', changed(2, (line) => JSON.stringify(JSON.parse(line), null, 1).replaceAll('\n', '')), 2],
  ['an empty line', changed(2, (line) => `\n${line}`), 2],
  ['a line that is gone', without(3), 4],
  ['a line that stands twice', changed(3, (line) => line + line), 6],
  ['lines in another order', [0, 2, 1, 3, 4].map((n) => lines[n]).join(''), 5],
  ['no end', without(5), 5],
  ['half a line', archive.toString().slice(0, -90), 5],
  ['two archives', archive.toString().repeat(2), 6],
])('%s is damage', async (_, text, line) => {
  expect(await rejection(view(), [text])).toMatchObject({
    ...{ code: 'ERR_ARCHIVE_CORRUPT', details: { line } },
    message: expect.stringContaining(`line ${line} `),
  })
})

test('a header that counts other entries than there are is damage', async () => {
  expect(await rejection(view(), [archiveOf(texts, 4)])).toMatchObject({
    ...{ code: 'ERR_ARCHIVE_CORRUPT', details: { line: 5 } },
  })
})

test('so is what cannot be decompressed', async () => {
  const compressed = gzipSync(archive)
  for (const bytes of [compressed.subarray(0, -9), compressed.with(60, compressed[60]! ^ 1)])
    expect(await rejection(view(), Readable.from([bytes]))).toMatchObject({ code: 'ERR_ARCHIVE_CORRUPT' })
  expect(await view().import({ from: Readable.from([compressed]) })).toMatchObject({ written: 3 })
})

test.each<[string, (text: string) => string, string]>([
  ['a field of a later version', (text) => text.replace('{', '{"colour":"red",'), 'input'],
  ['another kind', (text) => text.replace('"chunk"', '"song"'), 'kind'],
  ['no namespace', (text) => text.replace('"namespace":"ns",', ''), 'namespace'],
  ['a namespace that was not exported', (text) => text.replace('"ns"', '"ns2"'), 'namespace'],
  ['a position that is none', (text) => text.replace('"position":', '"position":-'), 'position'],
  ['a time that is none', (text) => text.replace(/"updatedAt":"/, '"updatedAt":"x'), 'updatedAt'],
  ['an embedding that is no base64', (text) => text.replace('{', '{"embedding":"*",'), 'embedding'],
  ['an embedding that ends within a float', (text) => text.replace('{', '{"embedding":"AAA=",'), 'embedding'],
  ['an id that is none', (text) => text.replace(/"id":"/, '"id":"x'), 'id'],
])('%s is refused by its field and line', async (_, change, field) => {
  const bytes = archiveOf([texts[0]!, change(texts[1]!), texts[2]!])
  expect(await rejection(view(), [bytes])).toMatchObject({
    ...{ code: 'ERR_INVALID_ENTRY', details: { field, line: 3 } },
    message: expect.stringContaining('line 3 of the archive'),
  })
})

/** The archive with a header that says otherwise, its checksum right. */
function withHeader(change: (header: string) => string): string {
  const [, json] = /^\{"header":(.*),"crc32"/.exec(lines[0]!)!
  const changed = change(json!)
  return [`{"header":${changed},"crc32":"${crc32(changed).toString(16).padStart(8, '0')}"}\n`, ...lines.slice(1)].join(
    '',
  )
}

test('a format of a later version is refused', async () => {
  const later = withHeader((json) => json.replace('"format":1', '"format":2'))
  expect(await rejection(view(), [later])).toMatchObject({
    ...{ code: 'ERR_UNSUPPORTED', message: expect.stringContaining('upgrade') },
  })
})

test.each([
  ['format', '"format":1', '"format":0'],
  ['format', '"format":1', '"format":"1"'],
  ['format', /^.*$/, 'null'],
  ['store', '"store":', '"shop":'],
  ['namespace', '"namespace":"ns"', '"namespace":7'],
  ['exportedAt', '"exportedAt":"', '"exportedAt":"x'],
  ['entries', '"entries":3', '"entries":-3'],
])('a header whose %s is none is told by that, and not by the version', async (field, from, to) => {
  expect(await rejection(view(), [withHeader((json) => json.replace(from, to))])).toMatchObject({
    ...{ code: 'ERR_ARCHIVE_CORRUPT', details: { line: 1 } },
    message: expect.stringMatching(new RegExp(`no header.*\`${field}\`.*export again`)),
  })
})

test('what cannot be read or written is told by the option', async () => {
  const folder = await temporaryFolder()
  const [there, nowhere] = [view(), join(folder, 'absent', 'a.ndjson')]
  const invalid = (option: string) => ({ code: 'ERR_INVALID_OPTIONS', details: { option } })
  expect(await rejection(there, nowhere)).toMatchObject(invalid('from'))
  await expect(there.export({ to: nowhere })).rejects.toMatchObject(invalid('to'))
  await expect(there.export({ to: folder })).rejects.toMatchObject(invalid('to'))
  for (const to of ['', 7, {}, new Readable()])
    await expect(there.export({ to: to as never })).rejects.toMatchObject(invalid('to'))
  await expect(there.export({} as never)).rejects.toMatchObject(invalid('to'))
  await expect(there.import(undefined as never)).rejects.toMatchObject(invalid('from'))
})
