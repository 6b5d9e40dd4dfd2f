/** What a rounded embedding may be off by, and that it is rounded once for all. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isKeptAs, roundVector, widenVector } from '../../src/entry/rounded-vector.ts'

const LARGEST_ERROR = { half: 1 / 65_000, int8: 1 / 250 }
const PRECISIONS = ['half', 'int8'] as const

/** Of lengths that entries may have, and more dimensions than one. */
const component = fc.float({ noNaN: true, min: -1, max: 1 })
const vector = fc
  .tuple(fc.array(component, { minLength: 1, maxLength: 33 }), fc.integer({ min: -50, max: 50 }))
  .map(([components, exponent]) => Float32Array.from(components, (each) => each * 2 ** exponent))
  .filter((each) => each.some((one) => Math.abs(one) > 1e-18))

function largestOf(each: Float32Array): number {
  return Math.max(...each.map(Math.abs))
}

describe.each(PRECISIONS)('a vector that is rounded by %s', (precision) => {
  it('is off by its bound at the most, in every component', () => {
    fc.assert(
      fc.property(vector, (exact) => {
        const read = widenVector(roundVector(exact, precision)!)
        const bound = largestOf(exact) * LARGEST_ERROR[precision]
        expect(read).toHaveLength(exact.length)
        for (const [i, each] of exact.entries()) expect(Math.abs(read[i]! - each)).toBeLessThanOrEqual(bound)
      }),
    )
  })

  it('is the same when it is rounded again', () => {
    fc.assert(
      fc.property(vector, (exact) => {
        const rounded = roundVector(exact, precision)!
        const again = roundVector(widenVector(rounded), precision)
        expect(again).toEqual(rounded)
        expect(isKeptAs(exact, widenVector(rounded), precision)).toBe(true)
      }),
    )
  })

  it('takes as little as it says', () => {
    const { steps } = roundVector(new Float32Array(513).fill(0.5), precision)!
    expect(steps.byteLength).toBe(precision === 'half' ? 1_026 : 514)
  })

  it('stays as it is where it is no normal number of steps', () => {
    for (const [first, second] of [
      [0, 0],
      [1e-44, 0],
      [2 ** -126, 0],
    ])
      expect(roundVector(new Float32Array([first!, second!]), precision)).toBeUndefined()
    expect(roundVector(new Float32Array([3.4e38, -65_505]), precision)).toBeDefined()
  })
})

describe('the rounding of a vector', () => {
  const exact = new Float32Array([0.1, -0.7, 0.3])
  const rounded = widenVector(roundVector(exact, 'int8')!)

  it('is told from any other', () => {
    const other = rounded.slice()
    other[1]! += 0.006
    for (const no of [other, new Float32Array([0.1, -0.7]), exact.map((each) => each * 1.01)])
      expect(isKeptAs(exact, no, 'int8')).toBe(false)
  })

  it('is told from that by another precision, and from none where it is kept in full', () => {
    for (const precision of ['half', 'full'] as const) {
      expect(isKeptAs(exact, rounded, precision)).toBe(false)
      expect(isKeptAs(exact, exact.slice(), precision)).toBe(true)
    }
  })
})
