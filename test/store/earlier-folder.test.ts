/**
 * Data folders that earlier versions left when they were killed, database and log as they were written: this version
 * opens them, migrates, reads all of it, finds it and goes on writing. record-folder.ts says how one is recorded.
 */
import { readdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readMigrations } from '../../src/cold/migrations.ts'
import { type MemoryStore, type NamespaceView, openMemoryStore } from '../../src/index.ts'
import { queryDatabase } from '../fault/edit-database.ts'
import { someOf } from '../tools/budget.ts'
import { NAMESPACES, OPTIONS, RECORDED, type RecordedFolder, saidIn, unpackInto } from './recorded-folder.ts'

const keysOf = (items: readonly { readonly key?: string | undefined }[]) => items.map(({ key }) => key)

describe.each(someOf(readdirSync(RECORDED).sort().reverse()))('the data folder %s', (name) => {
  let dir: string
  let recorded: RecordedFolder
  let store: MemoryStore | undefined
  const views = (): NamespaceView[] => NAMESPACES.map((namespace) => store!.namespace(...namespace.split('/')))
  const open = async (): Promise<void> => {
    store = await openMemoryStore({ dir, ...OPTIONS })
  }

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'thermocline-test-'))
    recorded = await unpackInto(dir, name)
  })
  afterAll(async () => {
    await store?.close()
    await rm(dir, { recursive: true, force: true })
  })

  test('is of before the latest migrations, which opening it applies', async () => {
    const applied = async () => (await queryDatabase(dir, 'SELECT hash FROM thermocline.migrations')).length
    expect(await applied()).toBe(Number(name.slice(0, 4)) + 1)
    await open()
    await store!.close()
    expect(await applied()).toBe(readMigrations().length)
    await open()
  })

  test('has every entry that was acknowledged, field by field', async () => {
    for (const view of views()) expect(await saidIn(view)).toEqual(recorded.entries[view.path])
    expect(Object.values(recorded.entries).map((entries) => entries.length)).toEqual([12, 12, 12])
    expect((await store!.root.stats()).entries).toBe(36)
    await store!.checkpoint()
    expect((await store!.stats()).cold).toMatchObject({ entries: 36, deadLetters: 0, pinned: 6 })
  })

  test('is searched by its indexes, by words of its language and down its tree', async () => {
    for (const { chunks, entries, raptorNodes } of views()) {
      const near = await chunks.search({ embedding: [1, 0.6, 0.5, -0.3], k: 1 })
      expect([keysOf(near.hits.map(({ entry }) => entry)), near.exact]).toEqual([['c6'], false])
      const running = (await entries.search({ text: 'run' })).hits.map(({ entry }) => entry)
      expect(keysOf(running).sort()).toEqual(['c0', 'c6', 'c7'])
      const high = await chunks.find({ where: { 'metadata.n': { gte: 6 } }, orderBy: 'metadata.n' })
      expect(keysOf(high.items)).toEqual(['c6', 'c7'])
      expect(keysOf((await raptorNodes.children(raptorNodes.idOf('r'))).items).sort()).toEqual(['c0', 'c1'])
      expect((await raptorNodes.staleNodes()).map(({ changed }) => changed)).toEqual([[chunks.idOf('c1')]])
    }
  })

  test('takes what this version writes, and has it when it is opened again', async () => {
    for (const { chunks, metadata, raptorNodes, entries } of views()) {
      await chunks.update(chunks.idOf('c0'), { metadata: { n: 100 } })
      await chunks.deleteByKey('c7')
      await chunks.put({ key: 'c2', text: 'where there was a tombstone', embedding: [1, 1, 1, 1] })
      await metadata.expire(metadata.idOf('m'), null)
      await raptorNodes.put({ key: 'r', level: 1, summary: 'anew', children: [chunks.idOf('c0')] })
      await entries.erase([chunks.idOf('c31')])
    }
    await store!.sync()
    const before = await Promise.all(views().map(saidIn))
    await store!.close()
    await open()
    expect(await Promise.all(views().map(saidIn))).toEqual(before)
    for (const { chunks, raptorNodes, metadata } of views()) {
      expect(await chunks.getByKey('c0')).toMatchObject({ metadata: { n: 100, deep: { list: [0, 'two', null] } } })
      expect(await chunks.getManyByKey(['c4', 'c5', 'c7', 'c31'])).toEqual([undefined, undefined, undefined, undefined])
      expect(await chunks.getByKey('c2')).toMatchObject({ text: 'where there was a tombstone' })
      expect(await metadata.getByKey('m')).not.toHaveProperty('expiresAt')
      expect(await raptorNodes.staleNodes()).toEqual([])
    }
    expect((await store!.stats()).cold).toMatchObject({ entries: 33, deadLetters: 0, unindexed: 0 })
  })
})
