/**
 * A store opens what every earlier version left: rows in the database, of which each migration made what the next
 * version expects, and records in logs. All of it reads, counts, is found and is changed as what this version writes.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PgliteDriver } from '../../src/cold/pglite/pglite-driver.ts'
import { PostgresDriver } from '../../src/cold/postgres/postgres-driver.ts'
import { decodeRecord } from '../../src/entry/codec.ts'
import { toEntry } from '../../src/entry/record.ts'
import type { HotTier } from '../../src/hot/hot-tier.ts'
import type { MemoryStore, MemoryStoreOptions, NamespaceView } from '../../src/index.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { openCold } from '../../src/store/open-cold.ts'
import { openHot } from '../../src/store/open-hot.ts'
import { openMemoryStoreOver } from '../../src/store/open-store.ts'
import { RECORD_HEADER_BYTES, SEGMENT_HEADER_BYTES } from '../../src/wal/format.ts'
import { describeWithServers, QUIET } from '../flow/stores.ts'
import { emptyDatabase } from '../tools/empty-database.ts'
import { LOGS, liveThroughVersions, type Stage, unpacked, writeLogs } from './earlier-database.ts'

interface Opened {
  readonly store: MemoryStore
  readonly hot: HotTier
  readonly stages: readonly Stage[]
}

async function open(options: MemoryStoreOptions): Promise<Omit<Opened, 'stages'>> {
  let hot: HotTier | undefined
  const tiers = {
    openCold,
    openHot: async (...args: Parameters<typeof openHot>) => {
      const opened = await openHot(...args)
      hot = opened.tier
      return opened
    },
  }
  const store = await openMemoryStoreOver(tiers, options)
  return { store, hot: hot! }
}

async function openFolder(dir: string): Promise<Opened> {
  const data = join(dir, 'cold', 'data')
  await mkdir(data, { recursive: true, mode: 0o700 })
  const client = await emptyDatabase(data)
  const driver = new PgliteDriver(client, 60_000, silentLogger)
  const stages = await liveThroughVersions(driver)
  await driver.close()
  await writeLogs(dir)
  return { ...(await open({ dir, ...QUIET })), stages }
}

async function openServers(dir: string, servers: { hot: { url: string }; cold: { url: string } }): Promise<Opened> {
  const terms = { dimensions: [], metrics: [], max: 2, migrate: 'auto', timeout: 60_000 } as const
  const driver = await PostgresDriver.connect({ ...terms, url: servers.cold.url, logger: silentLogger })
  const stages = await liveThroughVersions(driver)
  await driver.close()
  await writeLogs(dir)
  return { ...(await open({ dir, ...servers, ...QUIET })), stages }
}

describe('a data folder of earlier versions', () => {
  let dir: string
  afterAll(() => rm(dir, { recursive: true, force: true }))
  describeOpened(async () => {
    dir = await mkdtemp(join(tmpdir(), 'thermocline-test-'))
    return openFolder(dir)
  })
})
describeWithServers('a database and a data folder of earlier versions', (servers) => {
  describeOpened(async () => {
    const cold = { url: await servers.databases.createEmpty() }
    return openServers(await servers.folder(), { hot: { url: servers.redisUrl }, cold })
  })
})

function describeOpened(open: () => Promise<Opened>): void {
  let opened: Opened
  beforeAll(async () => {
    opened = await open()
  }, 120_000)
  afterAll(async () => void (await opened.store.close()))
  const viewOf = (namespace: string): NamespaceView => opened.store.namespace(namespace)
  const counted = async () => {
    const pages = await opened.store.namespaces({ limit: 1_000 })
    return Object.fromEntries(pages.items.map(({ namespace, count }) => [namespace, count]))
  }

  test('has every entry that the rows and logs hold, field by field', async () => {
    for (const { live, gone, namespace } of opened.stages) {
      const { items } = await viewOf(namespace).entries.find()
      const expected = live.map((record) => toEntry(record, undefined))
      expect(items).toMatchObject(expected.map(({ lastAccessedAt, accessCount, ...entry }) => entry))
      expect(items.map(({ accessCount }) => accessCount)).toEqual(live.map((_, i) => (i === 0 ? 7 : 0)))
      expect(await viewOf(namespace).entries.getMany(gone.map(({ id }) => id))).toEqual([undefined, undefined])
    }
    for (const { namespace } of LOGS) await expectLogged(viewOf(namespace))
  })

  test('counts them, whoever kept the counts', async () => {
    const stages = opened.stages.map(({ namespace, live }) => [namespace, live.length])
    const logged = { v0000: 5, 'v0000/a%2Fb%25': 1, v0012: 8, 'v0012/a%2Fb%25': 1 }
    expect(await counted()).toEqual({ ...Object.fromEntries(stages), ...logged })
    const entries = await opened.store.root.entries.count()
    expect(Object.values(await counted()).reduce((sum, n) => sum + n, 0)).toBe(entries)
    expect((await opened.store.root.stats()).entries).toBe(entries)
    await opened.store.checkpoint()
    expect((await opened.store.stats()).cold).toMatchObject({ entries, deadLetters: 0 })
  })

  test('finds them by vector, by text, by conditions and in trees', async () => {
    for (const { namespace, live, name } of opened.stages) {
      const { chunks, entries, raptorNodes } = viewOf(namespace)
      const [chunk, embedding, , node] = live.map(({ id }) => id) as [string, string, string, string]
      const near = await entries.search({ embedding: [0.5, -0.25, 1] })
      expect(near.hits.map(({ entry }) => entry.id)).toEqual([chunk, embedding])
      const texts = await entries.search({ text: 'chunk summary' })
      expect(texts.hits).toEqual([])
      expect((await entries.search({ text: 'summary' })).hits.map(({ entry }) => entry.id)).toEqual([node])
      const found = await chunks.find({ where: { text: `chunk of ${name}`, 'metadata.deep.x': { contains: 'two' } } })
      expect(found.items.map(({ id }) => id)).toEqual([chunk])
      expect((await raptorNodes.children(node)).items.map(({ id }) => id)).toEqual([chunk])
      expect((await raptorNodes.parents(chunk)).items.map(({ id }) => id)).toEqual([node])
      expect(await raptorNodes.staleNodes()).toEqual([])
    }
  })

  test('changes them, and the counts with them', async () => {
    const before = await counted()
    for (const { namespace, live, gone } of opened.stages) {
      const { chunks, entries, raptorNodes } = viewOf(namespace)
      const [chunk, embedding, metadata, node, ...others] = live.map(({ id }) => id)
      await chunks.update(chunk!, { text: 'changed', metadata: { n: null } })
      await entries.delete(embedding!)
      await entries.expire(metadata!, null)
      await raptorNodes.put({ id: node!, level: 2, summary: 'anew', children: [chunk!] })
      await chunks.put({ id: gone[0]!.id, text: 'where there was a tombstone' })
      await entries.deleteMany(others)
    }
    await opened.store.sync()
    for (const { namespace, live, gone } of opened.stages) {
      const view = viewOf(namespace)
      const [chunk, , metadata, node] = live.map(({ id }) => id)
      expect(await view.chunks.get(chunk!)).toMatchObject({
        text: 'changed',
        metadata: { deep: { x: [1, 'two', null] } },
      })
      expect(await view.entries.get(metadata!)).not.toHaveProperty('expiresAt')
      expect(await view.raptorNodes.get(node!)).toMatchObject({ level: 2, children: [chunk] })
      expect(await view.entries.has(gone[0]!.id)).toBe(true)
      before[namespace] = 4
    }
    expect(await counted()).toEqual(before)
    const { entries, deadLetters } = (await opened.store.stats()).cold!
    expect([entries, deadLetters]).toEqual([await opened.store.root.entries.count(), 0])
  })

  test('knows the idempotency keys of before', async () => {
    const put = viewOf('d0014').chunks.put({ text: 'else' }, { idempotencyKey: 'asked' })
    await expect(put).rejects.toMatchObject({ code: 'ERR_IDEMPOTENCY' })
  })

  test('reads from hot what a process of the first version wrote there', async () => {
    const segment = unpacked(LOGS[0]!.files['000000000001.wal']!)
    const length = segment.readUInt32LE(SEGMENT_HEADER_BYTES + 8)
    const from = SEGMENT_HEADER_BYTES + RECORD_HEADER_BYTES
    const logged = segment.subarray(from, from + length)
    const { id, version, text } = decodeRecord(logged)
    // In another namespace, of a name as long, where cold has nothing.
    const payload = Buffer.from(logged)
    payload.write('hot00', payload.indexOf('v0000'))
    const key = { namespace: 'hot00', id }
    const written = { key, version, payload, deleted: false, expiresAt: null, reason: 'repush' } as const
    expect(await opened.hot.write([{ ...written, startedAt: opened.hot.now() }])).toEqual([{ status: 'stored' }])
    expect(await viewOf('hot00').chunks.get(id)).toMatchObject({ text, metadata: { b: 1, aa: ['x', { y: null }] } })
  })
}

/** What both logs have, and the later one more. */
async function expectLogged(view: NamespaceView): Promise<void> {
  const id = (n: number) => `0191e4a0-7b1a-7c3e-8f00-11223344550${n}`
  const common = [
    { id: id(1), kind: 'chunk', text: 'a chunk, whole \u{1f30a}', documentId: 'd', position: 3, embeddingModel: 'm' },
    { id: id(2), kind: 'embedding', embedding: new Float32Array([0.25, -0.5, 1, 0.125]) },
    { id: id(3), kind: 'metadata', metadata: { deep: { 10: 1, 9: 2 } }, expiresAt: new Date(Date.UTC(2100, 0, 1)) },
    { id: id(4), kind: 'raptor', level: 1, summary: 'both', children: [id(1), id(2)] },
  ]
  const later = [
    { id: id(7), kind: 'blob', bytes: new Uint8Array([0, 255, 7]), contentType: 'a/b', metadata: { b: 1, a: 2 } },
    { id: id(8), kind: 'chunk', text: 'together' },
    { id: id(9), kind: 'raptor', summary: 'of one', children: [id(8)] },
  ]
  const { items } = await view.entries.find({ where: { key: { exists: false } } })
  expect(items).toMatchObject(view.path === 'v0000' ? common : [...common, ...later])
  expect(items[0]).toMatchObject({ embedding: common[1]!.embedding, metadata: { b: 1, aa: ['x', { y: null }] } })
  expect(await view.chunks.getByKey('named')).toMatchObject({ text: 'second' })
  expect((await view.namespace('a/b%').entries.find()).items).toMatchObject([{ id: id(6), text: 'below' }])
  expect(await view.chunks.has(id(5))).toBe(false)
}
