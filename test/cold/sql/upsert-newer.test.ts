/** By which clock it is decided that an entry has expired, where that decides whether it may be lost. */
import { expect, test } from 'vitest'
import { ColdStore } from '../../../src/cold/cold-store.ts'
import { PgliteDriver } from '../../../src/cold/pglite/pglite-driver.ts'
import { silentLogger } from '../../../src/kernel/logger.ts'
import { chunkOf, PAST, versionOf } from '../../../src/testkit/contract/cold-records.ts'
import { lendDatabase } from '../../tools/lent-database.ts'

test.each([
  [PAST - 1, 1],
  [PAST + 1, 0],
])('what may not come back is kept while it lives by the clock of the store', async (now, rejected) => {
  const client = await lendDatabase()
  const terms = { mode: 'check', dimensions: [], metrics: [], logger: silentLogger, clock: { now: () => now } } as const
  const tier = await ColdStore.open(new PgliteDriver(client, 60_000, silentLogger), terms)
  try {
    await client.exec(`UPDATE thermocline.store_identity SET collected_version = '${versionOf(9)}'`)
    expect(await tier.upsert([chunkOf('ns', 1, 4, { expiresAt: PAST })])).toEqual({ written: 0, rejected })
  } finally {
    await client.exec(`UPDATE thermocline.store_identity SET collected_version = NULL;
      DELETE FROM thermocline.dead_letters`)
    await tier.close()
  }
})
