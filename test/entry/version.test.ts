import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isVersion, MAX_DRIFT_MS, newest, parse, VersionClock, ZERO_VERSION } from '../../src/entry/version.ts'
import { ManualClock } from '../manual-clock.ts'

const NOW = 1_800_000_000_000

describe('VersionClock', () => {
  it('writes milliseconds, counter and writer as 24 hex digits', () => {
    const versions = new VersionClock(new ManualClock(0x0123456789ab), 'cafe0001')
    expect(versions.next()).toBe('0123456789ab0000cafe0001')
    expect(versions.next()).toBe('0123456789ab0001cafe0001')
    expect(parse('0123456789ab0001cafe0001')).toEqual({ millis: 0x0123456789ab, counter: 1 })
  })

  it('draws a writer id of its own each time', () => {
    const writer = (): string => new VersionClock(new ManualClock(NOW)).next().slice(16)
    expect(writer()).toMatch(/^[0-9a-f]{8}$/)
    expect(new Set(Array.from({ length: 20 }, writer)).size).toBe(20)
  })

  it('issues in rising order, as text, whatever the wall clock does and whatever it observes', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('issue' as const), times: fc.integer({ min: 1, max: 5 }) }),
      fc.record({ do: fc.constant('step' as const), by: fc.integer({ min: -100_000, max: 100_000 }) }),
      fc.record({
        do: fc.constant('observe' as const),
        ahead: fc.integer({ min: -100_000, max: MAX_DRIFT_MS }),
        counter: fc.constantFrom(0, 7, 0xffff),
        writer: fc.constantFrom('00000000', 'ffffffff'),
        asFloor: fc.boolean(),
      }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 50, size: 'max' }), (steps) => {
        const clock = new ManualClock(NOW)
        const versions = new VersionClock(clock, '80000000')
        let highest = ZERO_VERSION
        const issued = (version: string): void => {
          expect(isVersion(version)).toBe(true)
          expect(version > highest).toBe(true)
          highest = version
        }
        for (const one of steps) {
          if (one.do === 'step') clock.advance(one.by)
          else if (one.do === 'issue') for (let i = 0; i < one.times; i++) issued(versions.next())
          else {
            const seen = versionAt(clock.now() + one.ahead, one.counter, one.writer)
            if (seen > highest) highest = seen
            if (one.asFloor) issued(versions.next(seen))
            else expect(versions.observe(seen)).toBe(true)
          }
        }
      }),
    )
  })

  it('goes on into the next millisecond when the counter is used up', () => {
    const versions = new VersionClock(new ManualClock(NOW), '00000001')
    versions.raise(NOW, 0xffff)
    expect(parse(versions.next())).toEqual({ millis: NOW + 1, counter: 0 })
    expect(parse(versions.next())).toEqual({ millis: NOW + 1, counter: 1 })
  })

  it('follows the wall clock again once that has caught up', () => {
    const clock = new ManualClock(NOW)
    const versions = new VersionClock(clock, '00000001')
    versions.raise(NOW + 1_000, 5)
    expect(parse(versions.next())).toEqual({ millis: NOW + 1_000, counter: 6 })
    clock.advance(1_001)
    expect(parse(versions.next())).toEqual({ millis: NOW + 1_001, counter: 0 })
  })

  it('issues whole milliseconds from a clock that has fractions of them', () => {
    const versions = new VersionClock({ now: () => NOW + 0.75 }, '00000001')
    expect([versions.next(), versions.next()]).toEqual([versionAt(NOW, 0, '00000001'), versionAt(NOW, 1, '00000001')])
  })

  describe('far ahead of the wall clock', () => {
    const FAR = versionAt(NOW + MAX_DRIFT_MS + 1, 3, 'ffffffff')

    it('is not believed when observed', () => {
      const versions = new VersionClock(new ManualClock(NOW), '00000001')
      expect(versions.observe(FAR)).toBe(false)
      expect(parse(versions.next()).millis).toBe(NOW)
      expect(versions.observe(versionAt(NOW + MAX_DRIFT_MS, 3, 'ffffffff'))).toBe(true)
      expect(parse(versions.next())).toEqual({ millis: NOW + MAX_DRIFT_MS, counter: 4 })
    })

    it('raises the next version of its own key and no other', () => {
      const versions = new VersionClock(new ManualClock(NOW), '00000001')
      expect(versions.next(FAR)).toBe(versionAt(NOW + MAX_DRIFT_MS + 1, 4, '00000001'))
      expect(parse(versions.next()).millis).toBe(NOW)
      expect(versions.next(versionAt(NOW + MAX_DRIFT_MS + 1, 0xffff, 'ffffffff'))).toBe(
        versionAt(NOW + MAX_DRIFT_MS + 2, 0, '00000001'),
      )
    })

    it('is believed without doubt where our own log or cold tells it', () => {
      const versions = new VersionClock(new ManualClock(NOW), '00000001')
      versions.raise(NOW + 10 * MAX_DRIFT_MS, 0)
      expect(versions.highest).toEqual({ millis: NOW + 10 * MAX_DRIFT_MS, counter: 0 })
      expect(parse(versions.next()).millis).toBe(NOW + 10 * MAX_DRIFT_MS)
    })
  })

  it('is never raised backwards', () => {
    const versions = new VersionClock(new ManualClock(NOW), '00000001')
    versions.raise(NOW, 5)
    versions.raise(NOW, 4)
    versions.raise(NOW - 1, 9)
    expect(versions.highest).toEqual({ millis: NOW, counter: 5 })
  })

  it('has a watermark that rises with time, whether or not anything is issued', () => {
    const clock = new ManualClock(1_000)
    const versions = new VersionClock(clock)
    const before = versions.takeWatermark()
    clock.advance(5)
    const watermark = versions.takeWatermark()
    expect(parse(watermark).millis).toBe(parse(before).millis + 5)
    expect(versions.next() > watermark).toBe(true)
  })

  it('has a watermark at or above everything issued and below everything to come, by any writer', () => {
    const clock = new ManualClock(NOW)
    const versions = new VersionClock(clock, 'ffffffff')
    for (const advance of [0, 0, 5, -50, 0]) {
      clock.advance(advance)
      const before = versions.next()
      const watermark = versions.takeWatermark()
      expect(before <= watermark).toBe(true)
      expect(versions.next() > watermark).toBe(true)
    }
  })
})

it('tells versions from other text', () => {
  expect(isVersion(ZERO_VERSION)).toBe(true)
  for (const text of ['', '0'.repeat(23), '0'.repeat(25), 'A'.repeat(24), 'g'.repeat(24), `${ZERO_VERSION}\n`])
    expect(isVersion(text)).toBe(false)
})

it('takes the newest of two, either of which may be missing', () => {
  expect(newest('a', 'b')).toBe('b')
  expect(newest('b', 'a')).toBe('b')
  expect(newest(undefined, 'a')).toBe('a')
  expect(newest('a', undefined)).toBe('a')
  expect(newest(undefined, undefined)).toBeUndefined()
})

function versionAt(millis: number, counter: number, writer: string): string {
  return millis.toString(16).padStart(12, '0') + counter.toString(16).padStart(4, '0') + writer
}
