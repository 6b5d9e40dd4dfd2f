/** What is kept of generations of hot that have ended. */
import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { ColdStore } from '../../../src/cold/cold-store.ts'
import { PgliteDriver } from '../../../src/cold/pglite/pglite-driver.ts'
import { silentLogger } from '../../../src/kernel/logger.ts'
import { lendDatabase } from '../../tools/lent-database.ts'

test('those of a single process go once another is current, for nobody enters them again', async () => {
  const client = await lendDatabase()
  const terms = { mode: 'check', dimensions: [], metrics: [], logger: silentLogger } as const
  const tier = await ColdStore.open(new PgliteDriver(client, 60_000, silentLogger), terms)
  try {
    const shared = randomUUID()
    await tier.enterHotGeneration(shared)
    for (let n = 0; n < 3; n++) await tier.enterPrivateGeneration(randomUUID())
    const { rows } = await client.query('SELECT is_private FROM thermocline.hot_generations ORDER BY number')
    expect(rows).toEqual([{ is_private: false }, { is_private: true }])
    expect(await tier.enterHotGeneration(shared)).toBeUndefined()
  } finally {
    await tier.close()
  }
})
