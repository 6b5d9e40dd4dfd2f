import { expect, test } from 'vitest'
import { CURVE_SHARES } from './harness/bench-case.ts'
import { chunk, DIMENSIONS } from './harness/entries.ts'
import { load } from './harness/load.ts'

test('as many calls are under way as there are callers, and each has its number', async () => {
  let running = 0
  let most = 0
  const numbers: number[] = []
  const { figures, curve } = await load(
    async (nth) => {
      numbers.push(nth)
      most = Math.max(most, ++running)
      await new Promise(setImmediate)
      running--
    },
    { callers: 8, calls: 50, ms: 60_000 },
  )
  expect(most).toBe(8)
  expect(numbers).toEqual(Array.from({ length: 50 }, (_, nth) => nth))
  expect(figures.calls).toBe(50)
  expect(figures.p50!).toBeLessThanOrEqual(figures.p99!)
  expect(curve).toHaveLength(CURVE_SHARES.length)
})

test('ends in time, and rejects as a call does', async () => {
  const { figures } = await load(() => new Promise(setImmediate), { ms: 20, callers: 2 })
  expect(figures.calls).toBeGreaterThan(0)
  await expect(load(() => Promise.reject(new Error('refused')), { ms: 20 })).rejects.toThrow('refused')
})

test('a chunk has 600 characters and 512 dimensions, and the same number gives the same', () => {
  expect(chunk(3).text).toHaveLength(600)
  expect(chunk(3).embedding).toHaveLength(DIMENSIONS)
  expect(chunk(3)).toEqual(chunk(3 + 997))
  expect(chunk(3).text).not.toBe(chunk(4).text)
  expect(Math.hypot(...chunk(3).embedding)).toBeCloseTo(1)
})
