/** Several backends of one machine share one data folder: each has a log of its own in it. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { recoverStore } from '../../src/admin/recover-store.ts'
import { openMemoryStore } from '../../src/index.ts'
import { describeWithServers } from '../flow/stores.ts'
import { budget } from '../tools/budget.ts'

const LIVES = budget({ short: 2, long: 4 })

describeWithServers('one data folder', (servers) => {
  test('is opened, written to and closed by many at once, and nothing is left in it', async () => {
    const options = {
      ...(await servers.shared()),
      dir: await servers.folder(),
      // Adoption looks at all logs each second, also at those just made or about to go.
      sync: { schedule: '* * * * * *' },
    } as const
    const backend = async (name: string): Promise<void> => {
      for (let life = 0; life < LIVES; life++) {
        await using store = await openMemoryStore(options)
        await store.chunks.put({ key: `${name} ${life}`, text: name })
      }
    }
    await Promise.all(Array.from({ length: 6 }, (_, n) => backend(`backend ${n}`)))
    expect(await readdir(join(options.dir, 'wal'))).toEqual([])
    await using store = await openMemoryStore(options)
    expect(await store.chunks.count()).toBe(6 * LIVES)
  })

  test('belongs to one store: its logs are never shipped into the database of another', async () => {
    const shared = await servers.shared()
    const dir = await servers.folder()
    await using store = await openMemoryStore({ ...shared, dir, checkpoint: { every: '1h' } })
    await store.chunks.put({ text: 'x' })
    const other = await servers.shared()
    await (await openMemoryStore({ ...other, dir: await servers.folder() })).close()
    await using elsewhere = await openMemoryStore({ ...other, dir: await servers.folder() })
    await elsewhere.chunks.put({ text: 'not empty' })
    const refusal = { code: 'ERR_INVALID_OPTIONS', details: { option: 'dir' } }
    await expect(openMemoryStore({ ...other, dir })).rejects.toMatchObject(refusal)
    await expect(recoverStore({ ...other, dir })).rejects.toMatchObject(refusal)
  })
})
