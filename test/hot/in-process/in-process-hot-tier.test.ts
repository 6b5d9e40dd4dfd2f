import { describe, expect, it } from 'vitest'
import { InProcessHotTier } from '../../../src/hot/in-process/in-process-hot-tier.ts'
import { keyOf, writeOf } from '../../../src/testkit/contract/hot-writes.ts'
import { describeHotTier } from '../../../src/testkit/testkit.ts'
import { budget } from '../../tools/budget.ts'
import { ManualClock } from '../../tools/manual-clock.ts'

const CAPACITY = { maxEntries: 2, maxBytes: 1_000 }

describeHotTier('in-process', {
  movesClock: true,
  runs: budget({ short: 25, long: 300 }),
  async open(opening) {
    const clock = new ManualClock()
    const tier = new InProcessHotTier({ ...CAPACITY, ...opening, clock })
    return { tier, advance: (milliseconds) => clock.advance(milliseconds) }
  },
})

describe('in-process hot tier', () => {
  it('reports its capacity and drops nothing past it', async () => {
    const tier = new InProcessHotTier(CAPACITY)
    expect(tier.capacity).toEqual(CAPACITY)
    expect(tier.markerTtl).toBe(60_000)
    await tier.write([1, 2, 3].map((n) => writeOf(n, n, { startedAt: tier.now(), payload: new Uint8Array(900) })))
    expect(await tier.size()).toEqual({ entries: 3, bytes: 2_700 })
  })

  it('keeps no activations unless it is told how fast they fade', async () => {
    const tier = new InProcessHotTier(CAPACITY)
    await tier.write([writeOf(1, 1, { startedAt: tier.now() })])
    await tier.touch([{ key: keyOf(1), lastAccessedAt: tier.now(), accesses: 3 }])
    expect(await tier.activations([keyOf(1)], tier.now())).toEqual([undefined])
  })

  it('is another generation each time', () => {
    expect(new InProcessHotTier(CAPACITY).generationId).not.toBe(new InProcessHotTier(CAPACITY).generationId)
  })

  it('keeps no more of a key than namespace and id', async () => {
    const tier = new InProcessHotTier(CAPACITY)
    const record = { ...keyOf(1), text: 'a whole record fits where a key is asked for' }
    await tier.write([writeOf(1, 1, { startedAt: tier.now(), key: record })])
    const [candidate] = await tier.candidates({ limit: 1, idleSince: Number.MAX_SAFE_INTEGER })
    expect(Object.keys(candidate!.key)).toEqual(['namespace', 'id'])
  })

  it('draws different entries, and each of them in the end', async () => {
    const tier = new InProcessHotTier({ maxEntries: 100, maxBytes: 100_000 })
    const numbers = Array.from({ length: 20 }, (_, n) => n + 1)
    await tier.write(numbers.map((n) => writeOf(n, n, { startedAt: tier.now() })))
    const idsOf = async (limit: number) => (await tier.sample(limit)).map(({ key }) => key.id)
    expect((await idsOf(50)).sort()).toEqual(numbers.map((n) => keyOf(n).id))
    const seen = new Set<string>()
    for (let round = 0; round < 200; round++) {
      const drawn = await idsOf(5)
      expect(new Set(drawn).size).toBe(5)
      for (const id of drawn) seen.add(id)
    }
    expect(seen.size).toBe(20)
  })

  it('lets no marker end early when the wall clock steps back', async () => {
    const clock = new ManualClock()
    const tier = new InProcessHotTier({ ...CAPACITY, markerTtl: 60_000, clock })
    const startedAt = tier.now()
    const write = writeOf(1, 1, { startedAt, reason: 'promotion' })
    await tier.write([write])
    clock.advance(-50_000)
    await tier.remove([write])
    clock.advance(70_000)
    expect(await tier.write([write])).toEqual([{ status: 'late' }])
  })
})
