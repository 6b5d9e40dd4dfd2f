/**
 * `export` and `import`, on each pair of drivers. What is damaged on the way is in {@link ./damaged-archives.test.ts}.
 */
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { Exporter } from '../../src/flow/exporter.ts'
import {
  type ImportProgress,
  type MemoryEntry,
  type MemoryStore,
  type NamespaceView,
  namespaceSegments,
} from '../../src/index.ts'
import { describeGated } from './gate.ts'
import { describePairs, shareStore, temporaryFolder, vectorOf } from './stores.ts'

/** One of each kind with all that it can have, in two namespaces, and one that is long read and one that expires. */
async function fill(view: NamespaceView, until: number): Promise<void> {
  const createdAt = new Date('2020-02-03T04:05:06.789Z')
  const common = { metadata: { b: 1, a: { 'ö "': [null, 1.5e300, '\u2028\n'] } }, embeddingModel: 'm', createdAt }
  const leaf = await view.chunks.put({
    ...{ ...common, text: 'ice \ud83e\uddca\u0001 floats', documentId: 'd', position: 3, key: 'leaf' },
    ...{ embedding: vectorOf(1), expiresAt: until },
  })
  await view.chunks.put({ text: '' })
  await view.embeddings.put({ embedding: [1e-7, -0, 3.4e9] })
  await view.metadata.put({ key: 'facts', metadata: { z: 1, 10: 2 } })
  await view.raptorNodes.put({ ...common, level: 1, summary: 's', children: [leaf.id], embedding: vectorOf(2) })
  await view.namespace('below', 'a/b %').blobs.put({ bytes: Uint8Array.of(0, 255, 10), contentType: 'image/png' })
  await view.namespace('below').blobs.put({ bytes: new Uint8Array() })
  for (let i = 0; i < 3; i++) await view.chunks.getByKey('leaf')
}

async function everything({ entries }: NamespaceView): Promise<MemoryEntry[]> {
  const all: MemoryEntry[] = []
  for await (const entry of entries.findAll({ recursive: true })) all.push(entry)
  return all
}

/** All but what is of the store: versions, and of reads what it did not know. */
const told = (entries: readonly MemoryEntry[]) =>
  entries.map(({ version: _, lastAccessedAt: __, accessCount: ___, ...entry }) => entry)

async function exported(view: NamespaceView | MemoryStore, options = {}): Promise<Buffer> {
  const to = new PassThrough()
  const [bytes] = await Promise.all([buffer(to), view.export({ to, ...options })])
  return bytes
}

/** Its lines of entries, without their versions. */
const linesOf = (archive: Buffer): string[] =>
  archive
    .toString()
    .split('\n')
    .filter((line) => line.startsWith('{"entry"'))
    .map((line) => line.replace(/"version":"[0-9a-f]{24}",|,"crc32":"[0-9a-f]{8}"/g, ''))

describePairs('an archive', (pair) => {
  const { store, view, clock } = shareStore(pair)

  test('gives another store all that was exported, with ids, keys, times and reads', async () => {
    const there = view()
    await fill(there, clock.now() + 3_600_000)
    await store().checkpoint()
    await store().sync()
    const archive = await exported(there)
    const other = await pair.open({ clock })
    try {
      const counts = { entries: 7, written: 7, unchanged: 0, skipped: 0, expired: 0 }
      expect(await other.import({ from: [archive] })).toEqual(counts)
      const copy = other.namespace(...there.path.split('/'))
      expect(told(await everything(copy))).toEqual(told(await everything(there)))
      await other.checkpoint()
      expect(linesOf(await exported(copy))).toEqual(linesOf(archive))
      expect(linesOf(await exported(other))).toEqual(linesOf(archive))
      const again = { ...counts, written: 0, unchanged: 7 }
      expect(await other.import({ from: [archive] })).toEqual(again)
      // Also as the database has it.
      for (const { namespace, id } of await everything(copy)) {
        const { entries } = other.namespace(...namespaceSegments(namespace))
        expect(await entries.demote(id)).toBe('demoted')
      }
      expect(await other.import({ from: [archive] })).toEqual(again)
    } finally {
      await other.close()
    }
  })

  test('goes into another namespace, with keys and children of there', async () => {
    const [from, to] = [view(), view().namespace('x')]
    await fill(from, clock.now() + 3_600_000)
    await to.import({ from: Readable.from([await exported(from)]) })
    const moved = (entries: readonly MemoryEntry[], { path }: NamespaceView) =>
      entries.map((entry) => ({ kind: entry.kind, place: entry.namespace.slice(path.length), key: entry.key })).sort()
    expect(moved(await everything(to), to)).toEqual(moved(await everything(from), from))
    const leaf = await to.chunks.getByKey('leaf')
    const { items } = await to.raptorNodes.find()
    expect(items[0]?.children).toEqual([leaf?.id])
    expect(leaf?.id).not.toBe((await from.chunks.getByKey('leaf'))?.id)
  })

  test('has what `where` selects, and what is pending, and nothing that was deleted or has expired', async () => {
    const there = view()
    await there.chunks.putMany([
      { text: 'a', position: 1 },
      { text: 'b', position: 2 },
      { text: 'c', ttl: '1s' },
    ])
    await store().checkpoint()
    const { id } = await there.chunks.put({ text: 'd', position: 4 })
    await there.chunks.put({ text: 'e', position: 5 })
    await there.chunks.delete(id)
    clock.advance(2_000)
    const texts = (archive: Buffer) =>
      linesOf(archive)
        .map((line) => JSON.parse(line).entry.text)
        .sort()
    expect(texts(await exported(there))).toEqual(['a', 'b', 'e'])
    expect(texts(await exported(there, { where: { position: { gt: 1 } } }))).toEqual(['b', 'e'])
  })

  test.each([
    ['skip', 'mine', { written: 1, skipped: 2 }, ['mine', 'mine']],
    ['newer', 'the later', { written: 2, skipped: 1 }, ['mine', 'theirs']],
    ['overwrite', 'theirs', { written: 3, skipped: 0 }, ['theirs', 'theirs']],
  ] as const)('of entries that are there: %s leaves %s', async (onConflict, _, counts, texts) => {
    const [from, to] = [view(), view()]
    await to.chunks.put({ key: 'older', text: 'mine' })
    clock.advance(1_000)
    for (const key of ['newer', 'older', 'same', 'absent']) await from.chunks.put({ key, text: 'theirs' })
    const archive = [await exported(from)]
    clock.advance(1_000)
    await to.chunks.put({ key: 'newer', text: 'mine' })
    await to.import({ from: [await exported(from, { where: { key: 'same' } })] })
    const refused = to.import({ from: archive })
    await expect(refused).rejects.toMatchObject({ code: 'ERR_CONFLICT', details: { line: expect.any(Number) } })
    expect(await to.chunks.getByKey('absent')).toBeUndefined()
    const expected = { entries: 4, unchanged: 1, expired: 0, ...counts }
    expect(await to.import({ from: archive, onConflict, dryRun: true })).toEqual(expected)
    expect(await to.chunks.getByKey('absent')).toBeUndefined()
    expect(await to.import({ from: archive, onConflict })).toEqual(expected)
    expect((await to.chunks.getManyByKey(['newer', 'older', 'absent'])).map((entry) => entry?.text)).toEqual([
      ...texts,
      'theirs',
    ])
  })

  test('leaves out what has expired since', async () => {
    const there = view()
    await there.chunks.putMany([{ text: 'a', ttl: '1m' }, { text: 'b' }])
    const archive = [await exported(there)]
    clock.advance(60_000)
    const to = view()
    expect(await to.import({ from: archive })).toMatchObject({ entries: 2, written: 1, expired: 1 })
    expect((await to.entries.find()).items).toMatchObject([{ text: 'b' }])
  })

  test('is at its path once it is whole, compressed by its name, and is told about', async () => {
    const there = view()
    const folder = await temporaryFolder()
    await there.chunks.putMany(Array.from({ length: 1_200 }, (_, i) => ({ text: `${i}` })))
    const [plain, small] = [join(folder, 'a.ndjson'), join(folder, 'a.ndjson.gz')]
    const steps: number[] = []
    const answer = await there.export({ to: plain, onProgress: ({ entries }) => steps.push(entries) })
    expect(answer).toMatchObject({ entries: 1_200, bytes: (await stat(plain)).size, exportedAt: expect.any(Date) })
    expect(steps).toEqual([500, 1_000, 1_200])
    await there.export({ to: small })
    expect(linesOf(gunzipSync(await readFile(small)))).toEqual(linesOf(await readFile(plain)))
    const stop = new AbortController()
    const stopped = there.export({ to: plain, signal: stop.signal, onProgress: () => stop.abort() })
    await expect(stopped).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    expect((await readdir(folder)).sort()).toEqual(['a.ndjson', 'a.ndjson.gz'])
    const told: string[] = []
    await view().import({ from: small, onProgress: ({ step, entries }) => told.push(`${step} ${entries}`) })
    expect(told.filter((step) => step.endsWith('1200'))).toEqual(['verify 1200', 'write 1200'])
  })
})

describeGated('an import', (tiers) => {
  const { store, view } = shareStore(tiers)

  test('goes on where it was interrupted, and leaves what it wrote', async () => {
    const [from, to] = [view(), view()]
    await from.chunks.putMany(Array.from({ length: 1_300 }, (_, i) => ({ key: `${i}`, text: `${i}` })))
    const archive = [await exported(from)]
    const stop = new AbortController()
    const onProgress = ({ step, entries }: ImportProgress) => {
      if (step === 'write' && entries === 1_000) stop.abort()
    }
    const interrupted = to.import({ from: archive, onProgress, signal: stop.signal })
    await expect(interrupted).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    const written = await to.chunks.count()
    expect(written).toBeGreaterThanOrEqual(1_000)
    expect(await to.import({ from: archive })).toMatchObject({ written: 1_300 - written, unchanged: written })
    expect(await to.chunks.count()).toBe(1_300)
  })

  test('brings counted reads with it, however often it was interrupted', async () => {
    const [from, to] = [view(), view()]
    const receipts = await from.chunks.putMany(Array.from({ length: 1_100 }, (_, i) => ({ key: `${i}`, text: `${i}` })))
    await store().checkpoint()
    await tiers.cold.tier.recordAccess(receipts.map((key) => ({ ...key, lastAccessedAt: 1e12, accesses: 3 })))
    const archive = [await exported(from)]
    for (const until of [500, 1_000]) {
      const stop = new AbortController()
      const onProgress = ({ step, entries }: ImportProgress) => {
        if (step === 'write' && entries === until) stop.abort()
      }
      await expect(to.import({ from: archive, onProgress, signal: stop.signal })).rejects.toThrow('aborted')
    }
    for (let i = 0; i < 2; i++) await to.import({ from: archive })
    expect(await to.chunks.count({ where: { accessCount: 3 } })).toBe(1_100)
  })

  test('says that it has come some of the way where cold does not take what it wrote', async () => {
    const [from, to] = [view(), view()]
    await from.chunks.putMany(Array.from({ length: 501 }, (_, i) => ({ key: `${i}`, text: `${i}` })))
    const archive = [await exported(from)]
    tiers.cold.refuse('ship')
    await expect(to.import({ from: archive, durability: 'cold' })).rejects.toMatchObject({
      code: 'ERR_TIER_UNAVAILABLE',
      details: { outcome: 'partial', imported: { written: 500 } },
    })
    tiers.cold.allow()
    expect(await to.import({ from: archive, durability: 'cold' })).toMatchObject({ written: 1, unchanged: 500 })
  })

  test('that may not change what is there says how many it wrote before something came', async () => {
    const [from, to] = [view(), view()]
    await from.chunks.putMany(Array.from({ length: 1_100 }, (_, i) => ({ key: `${i}`, text: `${i}` })))
    const archive = await exported(from)
    const { key } = JSON.parse(linesOf(archive).at(-1)!).entry as { key: string }
    let others: Promise<unknown> | undefined
    const onProgress = ({ step, entries }: ImportProgress) => {
      if (step !== 'write' || entries !== 1_000) return
      const look = tiers.hot.hold('read', 'before')
      others = look.arrived.then(() => to.chunks.put({ key, text: 'mine' })).finally(look.release)
    }
    const work = to.import({ from: [archive], onProgress })
    const imported = { entries: 1_000, written: 1_000, unchanged: 0, skipped: 0, expired: 0 }
    await expect(work).rejects.toMatchObject({
      ...{ code: 'ERR_CONFLICT', message: expect.stringContaining('1000 entries were written before that') },
      details: { line: 1_101, outcome: 'partial', imported },
    })
    await others
    expect(await to.chunks.count()).toBe(1_001)
    expect((await to.chunks.getByKey(key))?.text).toBe('mine')
  })

  test('looks at each entry when there is room for it', async () => {
    const [from, to] = [view(), view()]
    await from.chunks.put({ key: 'a', text: 'theirs' })
    const archive = [await exported(from)]
    const look = tiers.hot.hold('read', 'before')
    const work = to.import({ from: archive, onConflict: 'skip' })
    await look.arrived
    await to.chunks.put({ key: 'a', text: 'mine' })
    look.release()
    expect(await work).toMatchObject({ written: 0, skipped: 1 })
    expect((await to.chunks.getByKey('a'))?.text).toBe('mine')
  })
})

describeGated('an import beside writers', (tiers) => {
  const { view } = shareStore(tiers)

  test.each([['skip'], ['newer']] as const)(
    'takes nothing away that is acknowledged while it looks at tiers: %s',
    async (onConflict) => {
      const [from, to] = [view(), view()]
      await from.chunks.put({ key: 'a', text: 'theirs' })
      const archive = [await exported(from)]
      const look = tiers.hot.hold('read')
      const work = to.import({ from: archive, onConflict })
      await look.arrived
      await to.chunks.put({ key: 'a', text: 'mine' })
      look.release()
      expect(await work).toMatchObject({ written: 0, skipped: 1 })
      expect((await to.chunks.getByKey('a'))?.text).toBe('mine')
    },
  )
})

describeGated('an export', (tiers) => {
  const { store, view } = shareStore(tiers)

  test('fails where there are other entries than its header says', async () => {
    const { chunks, path } = view()
    await chunks.putMany([{ text: 'a' }, { text: 'b' }])
    const { tier } = tiers.cold
    const cold = {
      snapshot: async (query: Parameters<typeof tier.snapshot>[0]) => {
        const snapshot = await tier.snapshot(query)
        return { count: snapshot.count + 1, pages: () => snapshot.pages(), close: () => snapshot.close() }
      },
    }
    const shipper = { checkpointNow: () => store().checkpoint() }
    const exporter = new Exporter({ storeId: tier.storeId, cold, shipper, clock: Date })
    const to = new PassThrough().resume()
    const work = exporter.export({ namespace: path, recursive: true }, [], { to })
    await expect(work).rejects.toMatchObject({ code: 'ERR_TIER_UNAVAILABLE', message: expect.stringMatching(/2.*3/) })
    expect(to.destroyed).toBe(true)
  })
})
