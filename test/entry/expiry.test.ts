import { describe, expect, it } from 'vitest'
import { isLive } from '../../src/entry/expiry.ts'

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
