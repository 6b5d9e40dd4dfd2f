/** Machines whose clocks differ agree on the time of the database that they share. */
import { readdir } from 'node:fs/promises'
import { expect, test } from 'vitest'
import type { ColdTier } from '../../src/cold/cold-tier.ts'
import { parse } from '../../src/entry/version.ts'
import type { MemoryStoreOptions } from '../../src/index.ts'
import { openCold } from '../../src/open-cold.ts'
import { openHot } from '../../src/open-hot.ts'
import { openMemoryStoreOver } from '../../src/open-store.ts'
import { DatabaseClock } from '../../src/sync/database-clock.ts'
import { QUIET, temporaryFolder } from '../flow/stores.ts'
import { ManualClock } from '../manual-clock.ts'
import { describeWithPrivateServers, openBackend } from './private-servers.ts'

/** Longer than a busy machine takes for a statement. */
const SLACK = 1_000

/** A database whose clock is ahead of ours; everything else of it is as it is. */
function ahead(cold: ColdTier, milliseconds: number): ColdTier {
  return new Proxy(cold, {
    get: (target, name) => {
      if (name === 'time') return async () => (await target.time()) + milliseconds
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

describeWithPrivateServers('the clock of a backend', (servers) => {
  const openWithDatabaseAhead = (milliseconds: number, options: MemoryStoreOptions) =>
    openMemoryStoreOver(
      { openHot, openCold: async (...args) => ahead(await openCold(...args), milliseconds) },
      { ...QUIET, ...options },
    )

  test.each([4_000, -4_000])('follows that of the database, %d ms ahead', async (milliseconds) => {
    const options = { dir: await temporaryFolder(), ...(await servers.shared()) }
    await using store = await openWithDatabaseAhead(milliseconds, options)
    const before = Date.now()
    const { version } = await store.chunks.put({ text: 'x' })
    expect(parse(version).millis).toBeGreaterThan(before + milliseconds - SLACK)
    expect(parse(version).millis).toBeLessThan(Date.now() + milliseconds + SLACK)
  })

  test.each([
    [7_000, /is \d\.\d s behind that of the database/],
    [-7_000, /is \d\.\d s ahead of that of the database/],
  ])('is refused when the database is %d ms ahead, and no log is begun', async (milliseconds, message) => {
    const options = { dir: await temporaryFolder(), ...(await servers.shared()) }
    await expect(openWithDatabaseAhead(milliseconds, options)).rejects.toMatchObject({
      code: 'ERR_TIER_UNAVAILABLE',
      message: expect.stringMatching(message),
    })
    expect(await readdir(options.dir)).not.toContain('wal')
  })

  test('is corrected by what is measured, and by what is measured anew', async () => {
    const { cold } = await openBackend({ dir: await temporaryFolder(), ...(await servers.shared()), ...QUIET })
    let drift = -4_000
    const clock = new DatabaseClock(cold, { now: () => Date.now() + drift })
    await clock.measureOrRefuse()
    expect(Math.abs(clock.now() - Date.now())).toBeLessThan(SLACK)
    drift = 60_000
    await expect(clock.measureOrRefuse()).rejects.toMatchObject({ code: 'ERR_TIER_UNAVAILABLE' })
    expect(await clock.measure()).toBeLessThan(-60_000 + SLACK)
    expect(Math.abs(clock.now() - Date.now())).toBeLessThan(SLACK)
  })

  test('is not moved by an answer that says nothing because it was slow', async () => {
    const own = new ManualClock()
    let [ahead, takes] = [2_000, [0, 0]]
    const time = async () => {
      own.advance(takes[0]!)
      const told = own.now() + ahead
      own.advance(takes[1]!)
      return told
    }
    const clock = new DatabaseClock({ time }, own)
    expect(await clock.measure()).toBe(2_000)
    takes = [6_000, 0]
    expect(await clock.measure()).toBe(2_000)
    takes = [0, 6_000]
    expect(await clock.measure()).toBe(2_000)
    ahead = -2_000
    takes = [100, 100]
    expect(await clock.measure()).toBe(-2_000)
  })
})
