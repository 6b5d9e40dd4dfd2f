/** Machines whose clocks differ agree on the time of the database that they share. */
import { readdir } from 'node:fs/promises'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { ColdTier } from '../../src/cold/cold-tier.ts'
import { parseVersion } from '../../src/entry/version.ts'
import type { MemoryStoreOptions } from '../../src/index.ts'
import { openCold } from '../../src/store/open-cold.ts'
import { openHot } from '../../src/store/open-hot.ts'
import { openMemoryStoreOver } from '../../src/store/open-store.ts'
import { DatabaseClock } from '../../src/sync/database-clock.ts'
import { LogText } from '../../src/testkit/contract/fresh-cold-tier.ts'
import { QUIET, temporaryFolder } from '../flow/stores.ts'
import { ManualClock } from '../tools/manual-clock.ts'
import { describeWithPrivateServers, openBackend } from './private-servers.ts'

/** Longer than a busy machine takes for a statement. */
const SLACK = 2_000
const HOUR = 3_600_000

/** A database whose clock is ahead of ours; everything else of it is as it is. */
function ahead(cold: ColdTier, milliseconds: number | (() => number)): ColdTier {
  const by = () => (typeof milliseconds === 'number' ? milliseconds : milliseconds())
  return new Proxy(cold, {
    get: (target, name) => {
      if (name === 'time') return async () => (await target.time()) + by()
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

describeWithPrivateServers('the clock of a backend', (servers) => {
  const openWithDatabaseAhead = (milliseconds: number | (() => number), options: MemoryStoreOptions) =>
    openMemoryStoreOver(
      { openHot, openCold: async (...args) => ahead(await openCold(...args), milliseconds) },
      { ...QUIET, ...options },
    )

  test.each([4_000, -4_000])('follows that of the database, %d ms ahead', async (milliseconds) => {
    const options = { dir: await temporaryFolder(), ...(await servers.shared()) }
    await using store = await openWithDatabaseAhead(milliseconds, options)
    const before = Date.now()
    const { version } = await store.chunks.put({ text: 'x' })
    expect(parseVersion(version).millis).toBeGreaterThan(before + milliseconds - SLACK)
    expect(parseVersion(version).millis).toBeLessThan(Date.now() + milliseconds + SLACK)
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

  describe('of which the time is set while it runs', () => {
    const setForward = (by: number): void => {
      const now = Date.now.bind(Date)
      const spy = vi.spyOn(Date, 'now').mockImplementation(() => now() + by)
      onTestFinished(() => spy.mockRestore())
    }

    test.each([HOUR, -HOUR])('goes on as before, by %d ms and without a sync', async (step) => {
      const options = { dir: await temporaryFolder(), ...(await servers.shared()), sync: false } as const
      await using store = await openBackend(options).then((backend) => backend.store)
      const before = Date.now()
      const { id } = await store.chunks.put({ text: 'for a while', ttl: '30m' })
      setForward(step)
      expect((await store.chunks.get(id))?.text).toBe('for a while')
      const { version, id: later } = await store.chunks.put({ text: 'later', ttl: '30m' })
      expect(Math.abs(parseVersion(version).millis - before)).toBeLessThan(60_000)
      const expiresAt = (await store.chunks.get(later))!.expiresAt!.getTime()
      expect(Math.abs(expiresAt - before - HOUR / 2)).toBeLessThan(60_000)
      await store.checkpoint()
      expect((await store.chunks.find()).items).toHaveLength(2)
    })

    test('measures anew at once, and follows the database', async () => {
      let by = 0
      const options = { dir: await temporaryFolder(), ...(await servers.shared()), sync: false } as const
      await using store = await openWithDatabaseAhead(() => by, { ...options, checkpoint: { every: 20 } })
      by = 4_000
      setForward(HOUR)
      const ahead = async () =>
        parseVersion((await store.chunks.put({ text: 'x' })).version).millis - (Date.now() - HOUR)
      const isRight = async () => Math.abs((await ahead()) - 4_000) < 3 * SLACK
      await expect.poll(isRight).toBe(true)
    })
  })

  test('is measured with every sign of life, whoever syncs', async () => {
    let measured = 0
    const options = { dir: await temporaryFolder(), ...(await servers.shared()), sync: false } as const
    const asked = () => {
      measured++
      return 0
    }
    await using _ = await openWithDatabaseAhead(asked, { ...options, checkpoint: { every: 20 } })
    expect(measured).toBe(1)
    const now = performance.now.bind(performance)
    const spy = vi.spyOn(performance, 'now').mockImplementation(() => now() + 31_000)
    onTestFinished(() => spy.mockRestore())
    await expect.poll(() => measured).toBeGreaterThan(1)
  })

  test('that was given is told where it is far from that of the database, and kept', async () => {
    const logger = new LogText()
    const clock = { now: () => Date.now() + HOUR }
    const options = { dir: await temporaryFolder(), ...(await servers.shared()), clock, logger }
    await using store = await openWithDatabaseAhead(0, options)
    expect(logger.errors.filter((line) => /given as `clock` is 3\d{3}\.\d s ahead of/.test(line))).toHaveLength(1)
    expect(parseVersion((await store.chunks.put({ text: 'x' })).version).millis).toBeGreaterThan(
      Date.now() + HOUR - SLACK,
    )
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
    const clock = new DatabaseClock({ time }, own, { steady: own })
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
