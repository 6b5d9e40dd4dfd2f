/** Each reason by which a store is not ready, made by a real fault; and ready again where that can be mended. */
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { isThermoclineError, type MemoryStore, type MemoryStoreOptions, openMemoryStore } from '../../src/index.ts'
import { queryServer } from '../fault/edit-database.ts'
import { describeWithServers, QUIET, temporaryFolder } from '../flow/stores.ts'
import { describeWithSmallDisks, smallDisk } from '../wal/small-disk.ts'
import { describeWithPrivateServers } from './private-servers.ts'

const FILLER = { text: 'x'.repeat(1_000) }
const AWAY = { code: 'ERR_TIER_UNAVAILABLE' }
const FAILED = { code: 'ERR_WAL_FAILED' }
const told = (code: string, text: RegExp) => ({ code, since: expect.any(Date), message: expect.stringMatching(text) })
const READY = { live: true, ready: true, degraded: false, reasons: [] }

/** The database takes no rows from now on, though it answers. */
const REFUSE_ROWS = `
  CREATE FUNCTION thermocline.refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'no more' USING ERRCODE = '55P03'; END $$;
  CREATE TRIGGER refuse BEFORE INSERT ON thermocline.memory_entries FOR EACH ROW EXECUTE FUNCTION thermocline.refuse()`
const TAKE_ROWS = 'DROP FUNCTION thermocline.refuse CASCADE'

async function putUntilRefused({ chunks }: MemoryStore): Promise<void> {
  for (let isFull = false; !isFull; ) {
    const outcome = await chunks.put(FILLER, { timeout: 200 }).catch((error: unknown) => error)
    isFull = isThermoclineError(outcome, 'ERR_BACKPRESSURE')
  }
}

describeWithServers('a store on servers', (servers) => {
  const open = async (options: MemoryStoreOptions = {}) => {
    const { cold, ...others } = await servers.storeOptions()
    const store = await openMemoryStore({ ...others, cold: cold!, ...options })
    const { url } = cold as { readonly url: string }
    return { store, edit: (statement: string) => queryServer(url, statement) }
  }

  test('is not ready while pending is full, is again once the database has it, and is not once closed', async () => {
    const { store, edit } = await open({ wal: { maxPendingBytes: 20_000 } })
    expect(store.health()).toMatchObject(READY)
    await edit(REFUSE_ROWS)
    await putUntilRefused(store)
    const reasons = [told('pending-full', /maxPendingBytes.* is full/)]
    expect(store.health()).toMatchObject({ live: true, ready: false, degraded: false, reasons })
    await edit(TAKE_ROWS)
    await store.checkpoint()
    expect(store.health()).toMatchObject(READY)
    await store.close()
    const closed = [told('closed', /is closed/)]
    expect(store.health()).toMatchObject({ live: false, ready: false, degraded: false, reasons: closed })
  })

  test('is not ready while the database gets again what it was set back by', async () => {
    const { store, edit } = await open()
    await using _ = store
    await store.chunks.put(FILLER)
    await store.checkpoint()
    await edit('UPDATE thermocline.wal_checkpoints SET sequence = 0')
    await edit('DELETE FROM thermocline.memory_entries')
    await edit(REFUSE_ROWS)
    await store.chunks.put(FILLER)
    await expect(store.checkpoint()).rejects.toMatchObject(AWAY)
    const setBack = { at: expect.any(Date), lost: [] }
    const reasons = [told('set-back', /gets again what the log holds: reads wait/)]
    expect(store.health()).toMatchObject({ live: true, ready: false, reasons, setBack })
    await edit(TAKE_ROWS)
    await store.checkpoint()
    expect(store.health()).toMatchObject({ ...READY, setBack })
  })

  test('is neither live nor ready once the database does not know its log, or another process has that', async () => {
    const forgotten = await open()
    await forgotten.store.chunks.put(FILLER)
    await forgotten.edit('DELETE FROM thermocline.wal_checkpoints')
    await expect(forgotten.store.checkpoint()).rejects.toMatchObject(FAILED)
    expect(forgotten.store.health()).toMatchObject({
      ...{ live: false, ready: false, error: FAILED },
      reasons: [told('stopped', /does not know log/), told('set-back', /open the store again/)],
    })
    await forgotten.store.close()
    const taken = await open()
    await taken.store.chunks.put(FILLER)
    await taken.edit('UPDATE thermocline.wal_checkpoints SET epoch = epoch + 1')
    await expect(taken.store.checkpoint()).rejects.toMatchObject(FAILED)
    const reasons = [told('stopped', /another process took over log/)]
    expect(taken.store.health()).toMatchObject({ live: false, ready: false, error: FAILED, reasons })
    await taken.store.close()
  })

  test('is neither once its log has failed, also when it is closed then', async () => {
    const dir = await temporaryFolder()
    const { store } = await open({ dir, wal: { segmentBytes: 4_096 } })
    await rm(join(dir, 'wal'), { recursive: true })
    const fill = async (): Promise<never> => {
      for (;;) await store.chunks.put(FILLER)
    }
    await expect(fill()).rejects.toMatchObject(FAILED)
    const failed = { live: false, ready: false, degraded: false, error: FAILED, reasons: [told('stopped', /./)] }
    expect(store.health()).toMatchObject(failed)
    await store.close()
    const reasons = [told('closed', /is closed/), told('stopped', /./)]
    expect(store.health()).toMatchObject({ ...failed, reasons })
  })
})

describeWithSmallDisks('a store', () => {
  describeWithServers('whose log fills its disk', (servers) => {
    test('is not ready while writes are refused for that, and is again once there is room', async () => {
      const dir = await smallDisk(4)
      const filler = join(dir, 'filler')
      await using store = await openMemoryStore({ ...(await servers.storeOptions()), dir })
      const fill = async () => {
        await expect(writeFile(filler, Buffer.alloc(4 * 1024 * 1024))).rejects.toMatchObject({ code: 'ENOSPC' })
        await expect(store.chunks.put(FILLER)).rejects.toMatchObject({ code: 'ERR_BACKPRESSURE' })
        const reasons = [told('disk-full', /disk under the log is full: have at least .* writes are refused/)]
        expect(store.health()).toMatchObject({ live: true, ready: false, degraded: false, reasons })
      }
      await fill()
      await rm(filler)
      // Nobody who goes by it sends a write that would find out.
      await expect.poll(() => store.health(), { timeout: 20_000 }).toMatchObject(READY)
      await fill()
      await rm(filler)
      await store.chunks.put(FILLER)
      expect(store.health()).toMatchObject(READY)
    })
  })
})

describeWithPrivateServers('a store whose servers go', (servers) => {
  const away = async (stop: () => Promise<unknown>, restart: () => Promise<unknown>, reason: object) => {
    const { hot, cold } = await servers.shared()
    await using store = await openMemoryStore({ ...QUIET, dir: await temporaryFolder(), hot, cold })
    await store.chunks.put(FILLER)
    await store.checkpoint()
    await stop()
    const look = () =>
      store.chunks.count().then(
        () => store.health(),
        () => store.health(),
      )
    await expect.poll(look).toMatchObject({ live: true, ready: true, degraded: true, reasons: [reason] })
    await restart()
    await expect.poll(look).toMatchObject(READY)
  }

  test('is degraded while Redis is away, or the database is', async () => {
    const { redis, postgres } = servers
    await away(
      () => redis.kill(),
      () => redis.restart(),
      told('hot-away', /go on without it/),
    )
    await away(
      () => postgres.stop(),
      () => postgres.restart(),
      told('cold-away', /what only it has cannot be read/),
    )
  })

  test('is not ready while hot is over its capacity and nothing leaves it', async () => {
    const cold = { url: await servers.database() }
    const hot = { kind: 'memory', maxEntries: 10 } as const
    await using store = await openMemoryStore({ ...QUIET, dir: await temporaryFolder(), hot, cold })
    await servers.postgres.stop()
    await putUntilRefused(store)
    const reasons = [told('cold-away', /./), told('hot-overfull', /over its capacity.* writes wait/)]
    expect(store.health()).toMatchObject({ live: true, ready: false, degraded: true, reasons })
    await servers.postgres.restart()
    await expect.poll(() => store.checkpoint().catch(() => {})).toBeDefined()
    await expect.poll(() => store.health()).toMatchObject(READY)
  })
})
