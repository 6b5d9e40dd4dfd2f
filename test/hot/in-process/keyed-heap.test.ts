import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { KeyedHeap } from '../../../src/hot/in-process/keyed-heap.ts'

const step = fc.record({ key: fc.nat({ max: 30 }), priority: fc.option(fc.nat({ max: 20 })) })

describe('KeyedHeap', () => {
  it('answers the smallest as a sorted map would, after any sets and deletes', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), fc.nat({ max: 40 }), fc.nat({ max: 25 }), (steps, limit, max) => {
        const heap = new KeyedHeap<number>()
        const model = new Map<number, number>()
        for (const { key, priority } of steps) {
          if (priority === null) {
            heap.delete(key)
            model.delete(key)
          } else {
            heap.set(key, priority)
            model.set(key, priority)
          }
        }
        const expected = [...model.values()].filter((priority) => priority <= max).sort((a, b) => a - b)
        const found = heap.smallest(limit, max)
        expect(new Set(found).size).toBe(found.length)
        expect(found.map((key) => model.get(key))).toEqual(expected.slice(0, limit))
        heap.clear()
        expect(heap.smallest(1, max)).toEqual([])
      }),
      { numRuns: 1_000 },
    )
  })
})
