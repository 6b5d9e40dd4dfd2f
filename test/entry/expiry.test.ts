import { describe, expect, it } from 'vitest'
import { isLive, lifeOf } from '../../src/entry/expiry.ts'

describe('isLive', () => {
  it.each([
    ['neither deleted nor expiring', null, null, true],
    ['expiring later', null, 1_001, true],
    ['expiring now', null, 1_000, false],
    ['expired', null, 999, false],
    ['deleted', 1, null, false],
    ['deleted and expiring later', 1, 2_000, false],
  ])('%s', (_, deletedAt, expiresAt, expected) => {
    expect(isLive({ deletedAt, expiresAt }, 1_000)).toBe(expected)
  })
})

describe('the life of an input', () => {
  it.each([
    [{}, { expiresAt: null, slidingTtl: null }],
    [{ ttl: '1s' }, { expiresAt: 2_000, slidingTtl: null }],
    [
      { ttl: '1s', sliding: false },
      { expiresAt: 2_000, slidingTtl: null },
    ],
    [
      { ttl: 0.5, sliding: true },
      { expiresAt: 1_001, slidingTtl: 1 },
    ],
    [
      { ttl: '1s', sliding: true },
      { expiresAt: 2_000, slidingTtl: 1_000 },
    ],
    [
      { expiresAt: new Date(1_500), slidingTtl: 4_000 },
      { expiresAt: 1_500, slidingTtl: 4_000 },
    ],
  ])('%j', (given, expected) => {
    expect(lifeOf(given, 1_000)).toEqual(expected)
  })

  it.each([
    [{ sliding: true }, 'sliding'],
    [{ sliding: true, expiresAt: 2_000 }, 'sliding'],
    [{ ttl: 1, sliding: 'yes' }, 'sliding'],
    [{ ttl: 1, slidingTtl: 1 }, 'slidingTtl'],
    [{ slidingTtl: 1 }, 'slidingTtl'],
    [{ expiresAt: 2_000, slidingTtl: 0 }, 'slidingTtl'],
    [{ expiresAt: 2_000, slidingTtl: 1.5 }, 'slidingTtl'],
    [{ expiresAt: 2_000, slidingTtl: 253_402_300_799_999 }, 'slidingTtl'],
    [{ expiresAt: 2_000, slidingTtl: 1, sliding: true }, 'slidingTtl'],
  ])('%j is refused', (given, field) => {
    expect(() => lifeOf(given, 1_000)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ENTRY', details: { field } }),
    )
  })
})
