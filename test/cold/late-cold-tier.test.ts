/** A cold tier that was away when the store opened, and is closed before it has opened. */
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import type { ColdTier } from '../../src/cold/cold-tier.ts'
import { LateColdTier } from '../../src/cold/late-cold-tier.ts'
import { openPostgresCold } from '../../src/cold/postgres/postgres-driver.ts'
import { ThermoclineError } from '../../src/errors.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { describeWithPostgres, PrivatePostgres } from '../tools/services.ts'

/** Whoever changes the schema waits for it. */
const LOCK = 'pg_advisory_lock(7310894251163)'
const CLOSED = { code: 'ERR_CLOSED' }

describeWithPostgres('a cold tier that opens late', () => {
  let postgres: PrivatePostgres
  let admin: ReturnType<PrivatePostgres['client']>
  beforeAll(async () => {
    postgres = await PrivatePostgres.start()
    admin = postgres.client()
  })
  afterAll(async () => {
    await admin.end()
    await postgres[Symbol.asyncDispose]()
  })

  const open = (signal?: AbortSignal): Promise<ColdTier> => {
    const options = { dimensions: [], metrics: [], migrate: 'auto', timeout: 30_000, logger: silentLogger } as const
    return openPostgresCold({ ...options, max: 2, url: postgres.url() }, signal)
  }

  const reason = new ThermoclineError('ERR_TIER_UNAVAILABLE', 'it was away', { tier: 'cold' })
  const later = (opening: (signal: AbortSignal) => Promise<ColdTier>) =>
    new LateColdTier({ storeId: 'any', open: opening, reason, logger: silentLogger })

  const sessions = async (where: string): Promise<number> => {
    const [row] = await admin.unsafe(
      `SELECT count(*)::int4 AS sessions FROM pg_stat_activity WHERE application_name = 'thermocline' AND ${where}`,
    )
    return row?.sessions as number
  }

  test('closes at once while it waits to migrate, and gives that up', async () => {
    await admin.unsafe(`SELECT ${LOCK}`)
    const unlock = () => admin.unsafe('SELECT pg_advisory_unlock_all()')
    onTestFinished(async () => {
      await unlock()
    })
    let opening: Promise<ColdTier> | undefined
    const tier = later((signal) => {
      opening = open(signal)
      return opening
    })
    await vi.waitFor(async () => expect(await sessions("wait_event = 'advisory'")).toBe(1), { timeout: 20_000 })
    await tier.close()
    await expect(opening).rejects.toThrow(ThermoclineError)
    await expect(tier.logs()).rejects.toMatchObject(CLOSED)
    await unlock()
    await vi.waitFor(async () => expect(await sessions('true')).toBe(0), { timeout: 20_000 })
  })

  test('says once that the database is that of another store, and waits for nothing else', async () => {
    onTestFinished(() => void vi.useRealTimers())
    const told: string[] = []
    let tell = (): void => {}
    const isTold = new Promise<void>((resolve) => {
      tell = resolve
    })
    const logger = {
      ...silentLogger,
      error: (_: object, message: string) => {
        told.push(message)
        // Whatever is to happen later is counted from here on, and does not happen.
        vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
        tell()
      },
    }
    const tier = new LateColdTier({ storeId: 'any', open, reason, logger })
    await isTold
    expect(told).toEqual(['the cold tier cannot be used'])
    expect(vi.getTimerCount()).toBe(0)
    await expect(tier.logs()).rejects.toMatchObject({
      code: 'ERR_TIER_UNAVAILABLE',
      message: expect.stringContaining('another store'),
    })
    await tier.close()
  })

  test('closes what has opened nevertheless, and uses none of it', async () => {
    let release = (): void => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    let isOpen = false
    const tier = later(async () => {
      const cold = await open()
      isOpen = true
      await held
      return cold
    })
    await vi.waitFor(() => expect(isOpen).toBe(true), { timeout: 20_000 })
    await tier.close()
    expect(await sessions('true')).toBeGreaterThan(0)
    release()
    await vi.waitFor(async () => expect(await sessions('true')).toBe(0), { timeout: 20_000 })
    await expect(tier.logs()).rejects.toMatchObject(CLOSED)
  })
  test('is that of the database once it is there', async () => {
    const cold = await open()
    const { storeId } = cold
    await cold.close()
    let attempts = 0
    const opening = () => (++attempts === 1 ? Promise.reject(reason) : open())
    const tier = new LateColdTier({ storeId, open: opening, reason, logger: silentLogger })
    expect(tier.isWaiting).toBe(true)
    await expect(tier.logs()).rejects.toBe(reason)
    await vi.waitFor(() => expect(tier.isWaiting).toBe(false), { timeout: 20_000 })
    expect(await tier.logs()).toEqual([])
    await tier.close()
    await expect(tier.logs()).rejects.toMatchObject(CLOSED)
  })
})
