import { describe, expect, it } from 'vitest'
import { Markers } from '../../../src/hot/in-process/markers.ts'
import { ManualClock } from '../../tools/manual-clock.ts'

describe('Markers', () => {
  it('forgets those that ended while new ones come, so that no more stand than one lifetime brings', () => {
    const clock = new ManualClock()
    const markers = new Markers(1_000, clock)
    for (let n = 0; n < 10_000; n++) {
      clock.advance(10)
      markers.set(`key ${n}`, '1')
      expect(markers.count).toBeLessThanOrEqual(101)
    }
  })

  it('works off a burst two at a time', () => {
    const clock = new ManualClock()
    const markers = new Markers(1_000, clock)
    for (let n = 0; n < 1_000; n++) markers.set(`burst ${n}`, '1')
    clock.advance(1_000)
    expect(markers.get('burst 999')).toBeUndefined()
    for (let n = 0; n < 500; n++) {
      const before = markers.count
      markers.set(`later ${n}`, '1')
      expect(markers.count).toBe(before - 1)
    }
  })

  it('lives anew when set again', () => {
    const clock = new ManualClock()
    const markers = new Markers(1_000, clock)
    markers.set('a', '1')
    clock.advance(900)
    markers.set('a', '2')
    clock.advance(900)
    expect(markers.get('a')).toBe('2')
  })
})
