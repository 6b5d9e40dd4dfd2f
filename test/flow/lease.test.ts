import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import type { MemoryStore } from '../../src/index.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { LEASE_MS, Lease } from '../../src/sync/lease.ts'
import { GatedTiers } from './gate.ts'

const tiers = new GatedTiers()
let store: MemoryStore
beforeAll(async () => {
  store = await tiers.open()
})
afterAll(() => store.close())
afterEach(() => vi.useRealTimers())

const leaseOf = (name: string) => new Lease(tiers.cold.around(tiers.cold.tier), name, silentLogger)

test('a lease that is given back is not taken again by an extension on its way', async () => {
  const name = randomUUID()
  const lease = leaseOf(name)
  expect(await lease.hold()).toBe(true)
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  lease.keep(() => {})
  const extension = tiers.cold.hold('holdLease', 'before')
  vi.advanceTimersByTime(LEASE_MS)
  await extension.arrived
  const released = lease.release()
  extension.release()
  await released
  expect(await tiers.cold.tier.leaseHolder(name)).toBeUndefined()
})

test('whoever keeps a lease is told when another has it', async () => {
  const name = randomUUID()
  const [lease, other] = [leaseOf(name), randomUUID()]
  await lease.hold()
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const lost = new Promise<void>((resolve) => lease.keep(resolve))
  const holder = await tiers.cold.tier.leaseHolder(name)
  await tiers.cold.tier.releaseLease(name, holder!)
  expect(await tiers.cold.tier.holdLease(name, other, 60_000)).toBe(true)
  vi.advanceTimersByTime(LEASE_MS)
  await lost
  await lease.release()
  expect(await tiers.cold.tier.leaseHolder(name)).toBe(other)
})
