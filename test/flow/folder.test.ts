/** Logs are never shipped into another database than the one they belong to. */
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { migrateStore } from '../../src/admin/migrate-store.ts'
import { recoverStore } from '../../src/admin/recover-store.ts'
import { openMemoryStore } from '../../src/index.ts'
import { GatedTiers } from './gate.ts'
import { QUIET, temporaryFolder } from './stores.ts'

test('a folder whose database is gone is refused, until an operator has its logs put into a new one', async () => {
  const dir = await temporaryFolder()
  const options = { dir, ...QUIET }
  const tiers = new GatedTiers()
  const store = await tiers.open(options)
  // Nothing is shipped any more, as after a crash.
  tiers.cold.refuse('ship')
  await store.chunks.put({ key: 'k', text: 'x' })
  expect((await store.close({ timeout: 500 })).remaining).toBe(1)
  await rm(join(dir, 'cold'), { recursive: true })
  await expect(openMemoryStore(options)).rejects.toMatchObject({
    code: 'ERR_INVALID_OPTIONS',
    details: { option: 'cold' },
  })
  // Its backends may write to a server, which nobody named here.
  await expect(migrateStore(options)).rejects.toMatchObject({ details: { option: 'cold' } })
  await mkdir(join(dir, 'cold'))
  await migrateStore(options)
  await expect(openMemoryStore(options)).rejects.toMatchObject({
    code: 'ERR_INVALID_OPTIONS',
    details: { option: 'dir' },
  })
  expect(await recoverStore(options)).toMatchObject([{ outcome: 'retired', shipped: 1 }])
  await using again = await openMemoryStore(options)
  expect((await again.chunks.getByKey('k'))?.text).toBe('x')
})
