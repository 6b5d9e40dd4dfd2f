/** Writes wait for room, within bounds that hold however many come at once. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { isThermoclineError, type MemoryStore } from '../../src/index.ts'
import { ManualClock } from '../tools/manual-clock.ts'
import { describeGated, GatedTiers } from './gate.ts'
import { shareStore } from './stores.ts'

const KIB = 1_024
const text = 'x'.repeat(KIB)

describeGated('pending', (tiers) => {
  const BOUND = 20 * KIB
  const { store, view } = shareStore(tiers, { wal: { maxPendingBytes: BOUND } })
  const pending = async () => (await store().stats()).pending
  afterEach(async () => {
    tiers.cold.allow()
    await store().checkpoint()
  })

  test('what is to be deleted is looked at once there is room for that', async () => {
    const { chunks } = view()
    await chunks.put({ text, documentId: 'd' })
    tiers.cold.refuse('ship')
    for (let isFull = false; !isFull; ) {
      const refusal = await chunks.put({ text }, { timeout: 100 }).catch((error: unknown) => error)
      isFull = isThermoclineError(refusal, 'ERR_BACKPRESSURE')
    }
    const found = tiers.cold.hold('find')
    const deleted = chunks.deleteWhere({ documentId: 'd' })
    await found.arrived
    let looks = 0
    tiers.hot.onCall = (method) => method === 'read' && looks++
    found.release()
    for (let turn = 0; turn < 100; turn++) await nextTurn()
    expect(looks).toBe(0)
    tiers.cold.allow()
    await store().checkpoint()
    expect(await deleted).toEqual({ matched: 1, deleted: 1 })
    expect(looks).toBe(1)
    tiers.hot.onCall = () => {}
  })

  test('is bounded by what was written, not by what was asked at once', async () => {
    const { chunks } = view()
    tiers.cold.refuse('ship')
    const patience = new AbortController()
    let written = 0
    const writes = Array.from({ length: 200 }, () =>
      chunks.put({ text }, { signal: patience.signal }).then(() => {
        written++
      }),
    )
    const outcomes = Promise.allSettled(writes)
    // What began has become durable and was acknowledged once pending is full; the others wait.
    await vi.waitFor(
      async () => {
        const { entries, bytes } = await pending()
        expect(bytes).toBeGreaterThanOrEqual(BOUND)
        expect(written).toBe(entries)
      },
      { timeout: 20_000 },
    )
    // The one that took the last of the room may have taken more than was left.
    expect((await pending()).bytes).toBeLessThan(BOUND + 2 * KIB)
    await expect(chunks.put({ text }, { timeout: 1 })).rejects.toMatchObject({
      code: 'ERR_BACKPRESSURE',
      retryable: true,
      details: { outcome: 'none', id: expect.any(String) },
    })
    patience.abort()
    const refused = (await outcomes).filter((outcome) => outcome.status === 'rejected')
    expect(refused).toHaveLength(200 - written)
    for (const { reason } of refused)
      expect(reason).toMatchObject({ code: 'ERR_ABORTED', details: { outcome: 'none' } })
    tiers.cold.allow()
    expect(await chunks.count()).toBe(written)
  })

  test('a write that is rejected as not written is not there, however short the patience', async () => {
    const { chunks } = view()
    tiers.cold.refuse('ship')
    const writes = Array.from({ length: 200 }, (_, n) =>
      chunks.put({ text, key: `${n}` }, { timeout: (n % 8) * 2 + 1 }),
    )
    const outcomes = await Promise.allSettled(writes)
    tiers.cold.allow()
    await store().checkpoint()
    let unwritten = 0
    for (const [n, outcome] of outcomes.entries()) {
      const entry = await chunks.getByKey(`${n}`)
      if (outcome.status === 'fulfilled') expect(entry).toBeDefined()
      // Where patience ended while it was on its way, nobody knows: it may be there.
      else if (outcome.reason.details.outcome === 'none') {
        unwritten++
        expect(outcome.reason.code).toBe('ERR_BACKPRESSURE')
        expect(entry).toBeUndefined()
      } else expect(outcome.reason).toMatchObject({ code: 'ERR_TIMEOUT', details: { outcome: 'unknown' } })
    }
    expect(unwritten).toBeGreaterThan(100)
  })

  test('makes room again: what waited goes on by itself, in the order it came', async () => {
    const { chunks } = view()
    tiers.cold.refuse('ship')
    await chunks.putMany(Array.from({ length: 20 }, () => ({ text })))
    const done: number[] = []
    const waiting = [1, 2, 3].map(async (n) => {
      await chunks.put({ text, key: 'same', position: n })
      done.push(n)
    })
    tiers.cold.allow()
    await store().checkpoint()
    await Promise.all(waiting)
    expect(done).toEqual([1, 2, 3])
    expect((await chunks.getByKey('same'))?.position).toBe(3)
  })

  test('a write whose caller gives up waiting was not written', async () => {
    const { chunks } = view()
    tiers.cold.refuse('ship')
    await chunks.putMany(Array.from({ length: 20 }, () => ({ text })))
    const givingUp = new AbortController()
    const put = chunks.put({ text: 'never', key: 'k' }, { signal: givingUp.signal })
    givingUp.abort()
    await expect(put).rejects.toMatchObject({ code: 'ERR_ABORTED', details: { outcome: 'none' } })
    tiers.cold.allow()
    await store().checkpoint()
    expect(await chunks.getByKey('k')).toBeUndefined()
  })

  test('a putMany of many bytes is admitted in parts', async () => {
    const { chunks } = view()
    tiers.cold.refuse('ship')
    const inputs = Array.from({ length: 12 }, () => ({ text: 'x'.repeat(KIB * KIB) }))
    const patience = new AbortController()
    // A part that has to wait asks for a checkpoint.
    tiers.cold.onCall = (method) => method === 'ship' && patience.abort()
    const outcomes = await chunks.putMany(inputs, { settle: true, signal: patience.signal })
    tiers.cold.onCall = () => {}
    expect(outcomes[0]!.ok).toBe(true)
    expect(outcomes.at(-1)).toMatchObject({ ok: false, error: { code: 'ERR_ABORTED', details: { outcome: 'none' } } })
  })
})

describeGated('pending that needs a checkpoint', (tiers) => {
  const { store, view } = shareStore(tiers, { wal: { checkpointBytes: 4 * KIB } })
  afterEach(() => tiers.hot.allow())

  test.each(['there', 'away'])('is shipped by itself while hot is %s', async (is) => {
    const { chunks } = view()
    if (is === 'away') tiers.hot.refuse()
    await chunks.putMany(Array.from({ length: 8 }, () => ({ text })))
    await expect.poll(async () => (await store().stats()).pending.entries, { timeout: 10_000 }).toBe(0)
  })
})

describe('hot over its capacity', () => {
  const tiers = new GatedTiers()
  const clock = new ManualClock()
  let store: MemoryStore
  beforeAll(async () => {
    store = await tiers.open({ clock, hot: { maxEntries: 4 } })
  })
  afterAll(() => store.close())

  test('keeps what cold lacks, makes writes wait, and makes room once cold is back', async () => {
    const { chunks } = store.namespace('overfull')
    tiers.cold.refuse()
    const inputs = Array.from({ length: 12 }, (_, position) => ({ text: 'x', position }))
    const receipts = await chunks.putMany(inputs)
    expect((await tiers.hot.tier.size()).entries).toBe(12)
    await expect(chunks.put({ text: 'late' }, { timeout: 20 })).rejects.toMatchObject({ code: 'ERR_BACKPRESSURE' })
    // Every one of them can be read without cold.
    expect((await chunks.getMany(receipts.map(({ id }) => id))).map((entry) => entry?.position)).toEqual(
      inputs.map(({ position }) => position),
    )
    const waiting = chunks.put({ text: 'patient' })
    tiers.cold.allow()
    await store.checkpoint()
    await waiting
    await store.sync()
    expect((await tiers.hot.tier.size()).entries).toBeLessThanOrEqual(4)
    expect(await chunks.count()).toBe(13)
  })

  test('reading what is in cold does not fill it without bound', async () => {
    const { chunks } = store.namespace('promoted')
    const receipts = await chunks.putMany(Array.from({ length: 40 }, () => ({ text: 'x' })))
    await store.sync()
    // Until then nothing that has just left is promoted.
    clock.advance(tiers.hot.tier.markerTtl)
    for (const { id } of receipts) expect(await chunks.get(id)).toBeDefined()
    await expect.poll(async () => (await tiers.hot.tier.size()).entries).toBeLessThanOrEqual(4)
  })

  test('many that are promoted wait for room, as writes do', async () => {
    const { chunks } = store.namespace('moved')
    const receipts = await chunks.putMany(Array.from({ length: 160 }, () => ({ text: 'x' })))
    await store.sync()
    clock.advance(tiers.hot.tier.markerTtl)
    const sizes: number[] = []
    tiers.hot.onCall = async (method) => {
      if (method === 'write') sizes.push((await tiers.hot.tier.size()).entries)
    }
    const ids = receipts.map(({ id }) => id)
    const outcomes = await chunks.promote(ids)
    tiers.hot.onCall = () => {}
    expect(outcomes).toEqual(ids.map(() => 'promoted'))
    expect(sizes).toHaveLength(4)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(5)
  })

  test('what is in hot already waits for no room, and what is not is refused after a while', async () => {
    const { chunks } = store.namespace('asked')
    const { id: away } = await chunks.put({ text: 'x' })
    await store.sync()
    clock.advance(tiers.hot.tier.markerTtl)
    tiers.cold.refuse()
    const [first] = await chunks.putMany(Array.from({ length: 12 }, () => ({ text: 'x' })))
    expect(await chunks.promote(first!.id)).toBe('already-hot')
    const code = expect.stringMatching(/^ERR_(BACKPRESSURE|TIMEOUT)$/)
    await expect(chunks.promote(away, { timeout: 20 })).rejects.toMatchObject({ code })
    tiers.cold.allow()
    await store.checkpoint()
    expect(await chunks.promote(away)).toBe('promoted')
  })
})
