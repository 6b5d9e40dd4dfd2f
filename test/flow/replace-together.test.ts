/** Changes of different entries that wait for cold at the same time. */
import { expect, test } from 'vitest'
import { describeGated } from './gate.ts'
import { shareStore } from './stores.ts'

describeGated('changes at the same time', (tiers) => {
  const { view } = shareStore(tiers)
  const MANY = Array.from({ length: 20 }, (_, n) => n)

  test('of other entries are decided together', async () => {
    const { metadata } = view()
    const there = await metadata.putMany(MANY.map((n) => ({ key: `${n}`, metadata: { n, by: 0 } })))
    const calls: string[] = []
    tiers.cold.onCall = (method) => calls.push(method)
    await Promise.all(MANY.map((n) => metadata.update(there[n]!.id, { metadata: { n, by: 1 } })))
    tiers.cold.onCall = () => {}
    expect(calls.filter((method) => method === 'replaceEach')).not.toEqual([])
    expect(calls.filter((method) => /^replace/.test(method)).length).toBeLessThan(MANY.length)
    const found = await metadata.getMany(there.map(({ id }) => id))
    expect(found.map((entry) => entry?.metadata)).toEqual(MANY.map((n) => ({ n, by: 1 })))
  })

  test('are each refused or done by what they find', async () => {
    const { chunks } = view()
    const there = await chunks.putMany(MANY.map((n) => ({ key: `${n}`, text: 'before' })))
    const newer = await Promise.all(
      MANY.map((n) => (n % 3 === 0 ? chunks.update(there[n]!.id, { text: 'between' }) : undefined)),
    )
    const outcomes = await Promise.allSettled(
      MANY.map((n) => chunks.put({ key: `${n}`, text: 'after' }, { expectedVersion: there[n]!.version })),
    )
    for (const [n, outcome] of outcomes.entries()) {
      const actual = newer[n]?.version
      if (actual === undefined) expect(outcome.status).toBe('fulfilled')
      else expect(outcome).toMatchObject({ reason: { code: 'ERR_CONFLICT', details: { actual } } })
    }
  })

  test('are decided alone where one keeps the others from it', async () => {
    const { chunks } = view()
    const there = await chunks.putMany(MANY.map((n) => ({ key: `${n}`, text: 'before' })))
    tiers.cold.refuse('replaceEach')
    const done = await Promise.all(MANY.map((n) => chunks.update(there[n]!.id, { text: 'after' })))
    tiers.cold.allow()
    expect(new Set(done.map(({ durability }) => durability))).toEqual(new Set(['cold']))
    expect(await chunks.count({ where: { text: 'after' } })).toBe(MANY.length)
  })

  test('fail each by itself where cold goes away', async () => {
    const { chunks } = view()
    const there = await chunks.putMany(MANY.map((n) => ({ key: `${n}`, text: 'before' })))
    tiers.cold.refuse('replaceEach', 'replace')
    const outcomes = await Promise.allSettled(MANY.map((n) => chunks.update(there[n]!.id, { text: 'after' })))
    tiers.cold.allow()
    for (const [n, outcome] of outcomes.entries())
      expect(outcome).toMatchObject({ reason: { code: 'ERR_TIER_UNAVAILABLE', details: { id: there[n]!.id } } })
  })
})
