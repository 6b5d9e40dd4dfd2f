import { describe, expect, it } from 'vitest'
import { isDueToSlide, mayHaveSlid } from '../../src/entry/sliding.ts'

describe('what slides', () => {
  it.each([
    ['has not begun to run out', 400, 1_400, false],
    ['has three quarters left', 400, 1_300, false],
    ['has less than three quarters left', 400, 1_299, true],
    ['has a millisecond left', 400, 1_001, true],
    ['has expired', 400, 1_000, false],
    ['does not slide', null, 1_001, false],
    ['does not expire', 400, null, false],
  ])('is due to be extended where it %s', (_, slidingTtl, expiresAt, expected) => {
    expect(isDueToSlide({ expiresAt, slidingTtl }, 1_000)).toBe(expected)
  })

  it.each([
    ['is live', { deletedAt: null, expiresAt: 1_001, slidingTtl: 1 }, false],
    ['has expired', { deletedAt: null, expiresAt: 1_000, slidingTtl: 1 }, true],
    ['has expired and does not slide', { deletedAt: null, expiresAt: 1_000, slidingTtl: null }, false],
    ['is deleted', { deletedAt: 1, expiresAt: null, slidingTtl: 1 }, false],
  ])('may live by cold where a copy %s', (_, copy, expected) => {
    expect(mayHaveSlid(copy, 1_000)).toBe(expected)
  })
})
