/** What is deleted or has expired is gone for good, and its traces go once nothing can bring it back. */
import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { MemoryStoreOptions } from '../../src/index.ts'
import { ManualClock } from '../tools/manual-clock.ts'
import { describeGated, GatedTiers } from './gate.ts'
import { shareStore } from './stores.ts'

const HOUR = 3_600_000

describeGated('tombstones by the clock of the database', (tiers) => {
  // The sweep of a server goes by its own clock, so what is written goes back instead: the store's is right for syncs
  // alone.
  const past = new ManualClock(Date.now() - 23 * HOUR)
  const open = (options: MemoryStoreOptions = {}) => tiers.open({ ...options, clock: past })
  const { store, view } = shareStore({ open })
  const syncNow = async () => {
    const behind = Date.now() - past.now()
    past.advance(behind)
    const stats = await store().sync()
    past.advance(-behind)
    return stats
  }

  test('a tombstone stays a day, and is collected when every log has shipped past it', async () => {
    const { chunks } = view()
    const young = await chunks.put({ text: 'deleted 23 hours ago' })
    await chunks.delete(young.id)
    await syncNow()
    expect(await syncNow()).toMatchObject({ collected: 0 })
    expect((await chunks.explain(young.id)).cold).toMatchObject({ deleted: true })

    past.advance(-2 * HOUR)
    const old = await chunks.put({ text: 'deleted 25 hours ago' })
    await chunks.delete(old.id)
    // A log of another process that has shipped nothing yet: what it brings may be older than the tombstone.
    const other = randomUUID()
    await tiers.cold.tier.takeOver(other, 1)
    await syncNow()
    expect(await syncNow()).toMatchObject({ collected: 0 })
    expect((await chunks.explain(old.id)).cold).toMatchObject({ deleted: true })

    await tiers.cold.tier.retire(other, 1)
    expect(await syncNow()).toMatchObject({ collected: 1 })
    expect((await chunks.explain(old.id)).cold).toBeUndefined()
    expect((await chunks.explain(young.id)).cold).toMatchObject({ deleted: true })
    expect(await chunks.get(old.id)).toBeUndefined()
  })

  test('an expired entry becomes a tombstone of the same version, without its content', async () => {
    const { chunks } = view()
    const { id, version } = await chunks.put({ text: 'brief', ttl: '1s' })
    await store().checkpoint()
    expect(await syncNow()).toMatchObject({ expired: 1 })
    expect((await chunks.explain(id)).cold).toEqual({ version, deleted: true, expired: false })
    const [row] = await tiers.cold.tier.read([{ namespace: chunks.namespace, id }])
    expect(row?.record).toMatchObject({ text: null, kind: null, metadata: null, embedding: null })
  })
})

describe('by the clock of the store', () => {
  const tiers = new GatedTiers()
  const { store, view, clock } = shareStore(tiers, { sync: { schedule: '0 0 0 1 1 *', hotToColdAge: '1h' } })

  test('an expired entry leaves hot with the next sync, however lately it was read', async () => {
    const { chunks } = view()
    const { id } = await chunks.put({ text: 'brief', ttl: '10s' })
    await store().checkpoint()
    clock.advance(9_999)
    expect((await chunks.get(id))?.text).toBe('brief')
    clock.advance(1)
    expect(await chunks.get(id)).toBeUndefined()
    await store().sync()
    expect((await chunks.explain(id)).hot).toBeUndefined()
    clock.advance(tiers.hot.tier.markerTtl)
    expect(await chunks.get(id)).toBeUndefined()
    expect((await chunks.explain(id)).hot).toBeUndefined()
  })

  test('a step of the clock backwards lets a delete win over the write before it', async () => {
    const { chunks } = view()
    const { id } = await chunks.put({ text: 'x' })
    clock.advance(-HOUR)
    await chunks.delete(id)
    expect(await chunks.get(id)).toBeUndefined()
    await store().sync()
    expect(await chunks.get(id)).toBeUndefined()
    const { version } = await chunks.put({ id, text: 'again' })
    expect((await chunks.get(id))?.version).toBe(version)
    await store().sync()
    expect((await chunks.get(id))?.version).toBe(version)
    clock.advance(HOUR)
  })
})
