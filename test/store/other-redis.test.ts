/** When another Redis is noticed, and when not. */
import { expect, test } from 'vitest'
import { OtherRedis } from '../../src/store/other-redis.ts'
import { recordLines } from '../tools/recorded-lines.ts'

test('is told once while generations end again and again, anew after it was over, and not for a few', () => {
  const { lines, logger } = recordLines()
  let now = 0
  const other = new OtherRedis(logger, () => now)
  const endEvery = (ms: number, times: number) => {
    for (let n = 0; n < times; n++) {
      now += ms
      other.noteEnded()
    }
  }
  endEvery(500, 9)
  expect(other.isThere).toBe(false)
  now += 3_600_000
  endEvery(15_000, 20)
  expect(lines).toEqual([])
  endEvery(500, 1_000)
  expect(other.isThere).toBe(true)
  expect(lines).toEqual([expect.stringMatching(/^error another process .* uses another Redis.*hot\.url/)])
  now += 120_000
  expect(other.isThere).toBe(false)
  endEvery(500, 20)
  expect(lines).toHaveLength(2)
})
