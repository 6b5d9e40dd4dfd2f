/** A store whose log ships nothing any more: what it answers until it is opened again, and what the logger is told. */
import { PassThrough } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { expect, test, vi } from 'vitest'
import type { MemoryStore, MemoryStoreOptions } from '../../src/index.ts'
import { queryServer } from '../fault/edit-database.ts'
import { GatedTiers } from '../flow/gate.ts'
import { describeWithServers } from '../flow/stores.ts'
import { recordLines, withoutDetails } from '../tools/recorded-lines.ts'

const STOPPED = { code: 'ERR_WAL_FAILED', message: expect.stringMatching(/does not know log.*open the store again/) }
const refused = (outcome: 'none' | 'applied') => ({ ...STOPPED, retryable: false, details: { outcome } })
const ENTRY = { text: 'x' }

/** Every kind of write that does not look at what is there first, each begun. */
function writesTo(store: MemoryStore, id: string, archive: Buffer): Record<string, Promise<unknown>> {
  const { chunks, raptorNodes } = store
  return {
    put: chunks.put(ENTRY),
    putInCold: chunks.put(ENTRY, { durability: 'cold' }),
    putMany: chunks.putMany([ENTRY, ENTRY]),
    putNode: raptorNodes.put({ summary: 'x', level: 1, children: [] }),
    putIfAbsent: chunks.put({ key: 'absent', ...ENTRY }, { expectedVersion: null }),
    update: chunks.update(id, ENTRY),
    expire: chunks.expire(id, '1h'),
    delete: chunks.delete(id),
    together: store.write([{ put: { kind: 'chunk', ...ENTRY } }, { delete: id }], { atomic: true }),
    import: store.import({ from: [archive] }),
  }
}

describeWithServers('a store whose log the database does not know any more', (servers) => {
  const open = async (more: MemoryStoreOptions = {}) => {
    const { cold, ...others } = await servers.storeOptions()
    const { url } = cold as { readonly url: string }
    const options = { ...others, cold: { url }, ...more }
    const tiers = new GatedTiers()
    /** As after a restore to before the log began. */
    const setBack = async () => {
      for (const table of ['wal_checkpoints', 'memory_entries'])
        await queryServer(url, `DELETE FROM thermocline.${table}`)
    }
    return { store: await tiers.open(options), tiers, options, setBack }
  }
  const archiveOf = async (store: MemoryStore): Promise<Buffer> => {
    const to = new PassThrough()
    const [archive] = await Promise.all([buffer(to), store.export({ to })])
    return archive
  }

  test('refuses every write that has not begun, whatever its durability, and answers what hot has', async () => {
    const { store, tiers, options, setBack } = await open()
    const { id } = await store.chunks.put({ text: 'before' })
    const archive = await archiveOf(store)
    await setBack()
    const { id: acknowledged } = await store.chunks.put({ text: 'in the log' })
    await expect(store.checkpoint()).rejects.toMatchObject(STOPPED)
    for (const [name, write] of Object.entries(writesTo(store, id, archive)))
      await expect(write, name).rejects.toMatchObject(refused('none'))
    expect((await store.chunks.get(id))?.text).toBe('before')
    expect((await store.chunks.get(acknowledged))?.text).toBe('in the log')
    await store.close()
    await using again = await tiers.open(options)
    expect(await again.chunks.find()).toMatchObject({ items: [{ id }, { id: acknowledged }] })
  })

  test('tells writes that were under way what became of them', async () => {
    const { store, tiers, setBack } = await open()
    const { chunks } = store
    await chunks.put(ENTRY)
    await store.checkpoint()
    await setBack()
    await chunks.put(ENTRY)
    const ship = tiers.cold.hold('ship')
    const checkpoint = store.checkpoint()
    await ship.arrived
    const held = [tiers.hot.hold('write'), tiers.hot.hold('write')]
    const writes = [chunks.put(ENTRY), chunks.put(ENTRY, { durability: 'cold' })]
    for (const { arrived } of held) await arrived
    ship.release()
    await expect(checkpoint).rejects.toMatchObject(STOPPED)
    for (const { release } of held) release()
    expect(await writes[0]).toMatchObject({ durability: 'wal' })
    await expect(writes[1]).rejects.toMatchObject(refused('applied'))
    await store.close()
  })

  test('tells it once, however often the background runs afterwards', async () => {
    const { lines, logger } = recordLines()
    const sync = { schedule: '* * * * * *' } as const
    const { store, tiers, setBack } = await open({ logger, checkpoint: { every: '10ms' }, sync })
    await store.chunks.put(ENTRY)
    await store.checkpoint()
    await setBack()
    // A sync may have found it out by now.
    await store.chunks.put(ENTRY).catch((error: unknown) => expect(error).toMatchObject(refused('none')))
    await vi.waitFor(() => expect(store.health().live).toBe(false), { timeout: 20_000 })
    let [repairs, syncs] = [0, 0]
    tiers.hot.onCall = (method) => void (method === 'verify' && repairs++)
    tiers.cold.onCall = (method) => void (method === 'releaseLease' && syncs++)
    await vi.waitFor(() => expect(Math.min(repairs, 10 * syncs)).toBeGreaterThan(10), { timeout: 20_000 })
    const errors = withoutDetails(lines).filter((line) => line.startsWith('error'))
    expect(errors).toEqual([expect.stringMatching(/nothing ships any more, and writes are refused/)])
    await store.close()
  })
})
