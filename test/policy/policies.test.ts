/** What the built-in policies decide, by the numbers alone, and which policy an entry goes by. */
import { describe, expect, test } from 'vitest'
import type { EntryKind, EntryState, TieringPolicy } from '../../src/index.ts'
import { byAccessCount, byActivation, byIdleTime, tinyLfu } from '../../src/index.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { activationAt, idleAsActive } from '../../src/policy/decaying-activation.ts'
import { FrequencySketch } from '../../src/policy/frequency-sketch.ts'
import { slackAt } from '../../src/policy/memory-slack.ts'
import { PolicyTable, parseScope } from '../../src/policy/policy-table.ts'

const MINUTE = 60_000

const entry = (state: Partial<EntryState>): EntryState => ({
  ...{ tier: 'hot', namespace: 'a', kind: 'chunk', bytes: 100, idleMs: 0, ageMs: 0, accessCount: 0 },
  ...{ activation: 1, halfLifeMs: 10 * MINUTE, hotFill: 0, frequency: 0, rivalFrequency: 0, ...state },
})
const decide = (policy: TieringPolicy, state: Partial<EntryState>) => policy.decide(entry(state))

describe('a policy by', () => {
  test('idle time demotes from that on, and promotes what was read often enough', () => {
    const policy = byIdleTime({ after: '5m', minAccesses: 2 })
    expect(decide(policy, { idleMs: 5 * MINUTE - 1 })).toBe('stay')
    expect(decide(policy, { idleMs: 5 * MINUTE })).toBe('demote')
    expect(decide(policy, { tier: 'cold', accessCount: 1 })).toBe('stay')
    expect(decide(policy, { tier: 'cold', accessCount: 2 })).toBe('promote')
  })

  test('access count keeps for longer what was read often', () => {
    const policy = byAccessCount({ minAccesses: 3, after: '5m', atLatest: '1h' })
    expect(decide(policy, { idleMs: 6 * MINUTE, accessCount: 2 })).toBe('demote')
    expect(decide(policy, { idleMs: 6 * MINUTE, accessCount: 3 })).toBe('stay')
    expect(decide(policy, { idleMs: 60 * MINUTE, accessCount: 30 })).toBe('demote')
    const rank = (state: Partial<EntryState>) => policy.rank!(entry(state))
    expect(rank({ idleMs: 10, accessCount: 9 })).toBeLessThan(rank({ idleMs: 10, accessCount: 2 }))
  })

  test('activation keeps a few reads of late rather than a burst of long ago', () => {
    const policy = byActivation()
    const burst = activationAt({ value: 100, at: 0 }, 90 * MINUTE, 10 * MINUTE)
    const few = activationAt({ value: 3, at: 80 * MINUTE }, 90 * MINUTE, 10 * MINUTE)
    expect(decide(policy, { activation: burst })).toBe('demote')
    expect(decide(policy, { activation: few })).toBe('stay')
    expect(policy.rank!(entry({ activation: few }))).toBeLessThan(policy.rank!(entry({ activation: burst })))
    // What one read leaves after a time counts as idle for that time.
    expect(idleAsActive(activationAt({ value: 1, at: 0 }, 7_000, 3_000), 3_000)).toBeCloseTo(7_000)
  })

  test('TinyLFU lets nothing into a full tier that is read no more than what would leave', () => {
    const policy = tinyLfu({ base: byIdleTime({ after: '1m' }) })
    const read = { tier: 'cold', accessCount: 1, hotFill: 0.9 } as const
    expect(decide(policy, { ...read, frequency: 2, rivalFrequency: 2 })).toBe('stay')
    expect(decide(policy, { ...read, frequency: 3, rivalFrequency: 2 })).toBe('promote')
    expect(decide(policy, { ...read, hotFill: 0.7, rivalFrequency: 9 })).toBe('promote')
    expect(decide(policy, { idleMs: MINUTE })).toBe('demote')
  })

  test.each([
    ['after', () => byIdleTime({ after: 'soon' })],
    ['minAccesses', () => byAccessCount({ minAccesses: 0 })],
    ['below', () => byActivation({ below: 0 })],
    ['fullFrom', () => tinyLfu({ fullFrom: Number.NaN })],
  ])('%s is checked when it is made', (option, make) => {
    expect(make).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTIONS', details: { option } }))
  })
})

describe('the table of policies', () => {
  const named = (name: string): TieringPolicy => ({ name, decide: () => 'stay' })
  const table = (...scopes: string[]) =>
    new PolicyTable(
      scopes.map((name) => {
        const scope = parseScope(name)
        if (typeof scope === 'string') throw new Error(scope)
        return { scope, policy: named(name) }
      }),
      named('none'),
    )

  test.each<[scopes: string[], namespace: string, kind: EntryKind, policy: string]>([
    [['tenant/*', 'raptor'], 'tenant/a', 'raptor', 'tenant/*'],
    [['raptor', 'tenant/*'], 'tenant/a', 'raptor', 'raptor'],
    [['tenant/*'], 'tenant', 'chunk', 'none'],
    [['tenant/*'], 'tenant/a/b', 'chunk', 'none'],
    [['tenant/**'], 'tenant', 'chunk', 'tenant/**'],
    [['tenant/**'], 'tenant/a/b', 'chunk', 'tenant/**'],
    [['tenant/**'], 'tenants', 'chunk', 'none'],
    [['*/logs'], 'tenant/logs', 'chunk', '*/logs'],
    [['a/b c/**'], 'a/b c/d', 'chunk', 'a/b c/**'],
    [['a%2Fb/*'], 'a%2Fb/c', 'chunk', 'a%2Fb/*'],
    [['chunk', '**'], 'x', 'blob', '**'],
  ])('%j: %s, a %s, goes by %s', (scopes, namespace, kind, policy) => {
    expect(table(...scopes).of(namespace, kind).name).toBe(policy)
  })

  test.each(['chunks', '', 'a/**/b', 'a//b', '/'])('%j is neither a kind nor a pattern', (name) => {
    expect(typeof parseScope(name)).toBe('string')
  })

  const tellingOf = (policy: TieringPolicy) => {
    const told: object[] = []
    const logger = { ...silentLogger, warn: (fields: object) => told.push(fields) }
    return { told, policy: new PolicyTable([], policy, logger).fallback }
  }

  test('has stay where it is what a policy answers no decision for, and tells that once', () => {
    const { told, policy } = tellingOf({ name: 'mine', decide: () => true as never })
    for (let n = 0; n < 3; n++) expect(policy.decide(entry({}))).toBe('stay')
    expect(told).toEqual([{ policy: 'mine', err: expect.objectContaining({ code: 'ERR_INVALID_OPTIONS' }) }])
  })

  test('goes by idle time where `rank` throws, and tells no content', () => {
    const fail = ({ namespace }: EntryState): never => {
      throw new TypeError(namespace)
    }
    const { told, policy } = tellingOf({ name: 'mine', decide: fail, rank: fail })
    for (let n = 0; n < 3; n++) {
      expect(policy.rank(entry({ idleMs: 7 }))).toBe(7)
      expect(policy.decide(entry({}))).toBe('stay')
    }
    expect(told).toEqual([1, 2].map(() => ({ policy: 'mine', err: { name: 'TypeError' } })))
  })
})

describe('the sketch of frequencies', () => {
  test('tells often read keys from others, of many more than it has entries', () => {
    const sketch = new FrequencySketch(100)
    for (let n = 0; n < 500; n++) {
      sketch.count(`rare ${n}`)
      if (n % 25 === 0) sketch.count('often')
    }
    const rare = Array.from({ length: 100 }, (_, n) => sketch.guess(`rare ${n}`))
    expect(sketch.guess('often')).toBeGreaterThanOrEqual(10)
    expect(rare.filter((guess) => guess > 5)).toEqual([])
  })

  test('forgets what is not read any more', () => {
    const sketch = new FrequencySketch(10)
    for (let n = 0; n < 15; n++) sketch.count('before')
    for (let n = 0; n < 400; n++) sketch.count(`since ${n}`)
    expect(sketch.guess('before')).toBeLessThanOrEqual(2)
  })
})

test('idle times shrink in proportion where memory is short', () => {
  expect([0, 0.8, 0.9, 1, 1.2].map((use) => Math.round(100 * slackAt(use)))).toEqual([100, 100, 50, 5, 5])
})
