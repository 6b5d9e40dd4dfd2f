/** What an operator can recover where the disk of the data folder is full. */
import { readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { recoverStore } from '../../src/admin/recover-store.ts'
import { openMemoryStore } from '../../src/index.ts'
import { runCli } from '../cli/run-cli.ts'
import { describeWithServers, QUIET } from '../flow/stores.ts'
import { longTest } from '../tools/budget.ts'
import { copyFolder } from '../tools/store-template.ts'
import { describeWithSmallDisks, smallDisk } from '../wal/small-disk.ts'
import { queryServer } from './edit-database.ts'

/** The database takes no rows from now on, though it answers. */
const REFUSE_ROWS = `
  CREATE FUNCTION thermocline.refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'no more' USING ERRCODE = '55P03'; END $$;
  CREATE TRIGGER refuse BEFORE INSERT ON thermocline.memory_entries FOR EACH ROW EXECUTE FUNCTION thermocline.refuse()`
const TAKE_ROWS = 'DROP FUNCTION thermocline.refuse CASCADE'

/** Answers how to make room again. */
async function fillUp(disk: string, mebibytes: number): Promise<() => Promise<void>> {
  const filler = join(disk, 'filler')
  const more = Buffer.alloc(mebibytes * 1024 * 1024)
  await expect(writeFile(filler, more)).rejects.toMatchObject({ code: 'ENOSPC' })
  return () => rm(filler)
}

describeWithSmallDisks('on a full disk', () => {
  describeWithServers('beside servers', (servers) => {
    test('every log is shipped, and ended once there is room', async () => {
      const { hot, cold } = await servers.shared()
      const dir = await smallDisk(4)
      const options = { hot, cold, dir, ...QUIET, logger: false } as const
      const stores = [await openMemoryStore(options), await openMemoryStore(options)]
      await queryServer(cold.url, REFUSE_ROWS)
      for (const { chunks } of stores) await chunks.put({ text: 'acknowledged' })
      // As they end where the database takes nothing.
      for (const store of stores) expect(await store.close({ timeout: 300 })).toMatchObject({ remaining: 1 })
      await queryServer(cold.url, TAKE_ROWS)
      const entries = () => queryServer(cold.url, 'SELECT count(*)::int AS count FROM thermocline.memory_entries')

      const makeRoom = await fillUp(dir, 4)
      const shipped = { outcome: 'shipped', records: 1, shipped: 1, lost: [], damage: [] }
      expect(await recoverStore(options)).toMatchObject([shipped, shipped])
      expect(await entries()).toEqual([{ count: 2 }])
      const again = await runCli(['recover', '--dir', dir], { env: { DATABASE_URL: cold.url } })
      expect(again).toMatchObject({
        code: 1,
        stdout: expect.stringContaining('all of it is in the database; its files stay until the disk has room'),
        stderr: expect.stringContaining('its disk is full: make room there, and run this again to end it'),
      })
      await makeRoom()
      const retired = { outcome: 'retired', shipped: 0, alreadyInCold: 1 }
      expect(await recoverStore(options)).toMatchObject([retired, retired])
      expect(await entries()).toEqual([{ count: 2 }])
      expect(await readdir(join(dir, 'wal'))).toEqual([])
    })
  })

  longTest('an embedded database is what takes nothing, and the log stays as it is for when it does', async () => {
    const disk = await smallDisk(150)
    const options = { ...QUIET, logger: false } as const
    const store = await openMemoryStore({ ...options, dir: join(disk, 'a') })
    await store.chunks.putMany(Array.from({ length: 30 }, (_, i) => ({ text: `${i}`.repeat(10_000) })))
    // As a crash leaves it.
    const dir = join(disk, 'b')
    await copyFolder(join(disk, 'a'), dir)
    await store.close()
    await rm(join(disk, 'a'), { recursive: true })
    const makeRoom = await fillUp(disk, 150)
    await expect(recoverStore({ ...options, dir })).rejects.toMatchObject({
      ...{ code: 'ERR_TIER_UNAVAILABLE', retryable: true, details: { tier: 'cold' } },
      message: expect.stringContaining('the disk of the database is full: make room there'),
    })
    await makeRoom()
    expect(await recoverStore({ ...options, dir })).toMatchObject([{ outcome: 'retired', shipped: 30, lost: [] }])
  })
})
