import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isVersion, MAX_DRIFT_MS, newest, parseVersion, VersionClock, ZERO_VERSION } from '../../src/entry/version.ts'
import { ManualClock } from '../tools/manual-clock.ts'

const NOW = 1_800_000_000_000
/** By hand: `FAULT_RUNS=20000 npx vitest run test/entry/version.test.ts`. */
const HISTORIES = Number(process.env.FAULT_RUNS ?? 200)
/** Whatever is not about several keys is about this one. */
const KEY = { namespace: 'ns', id: 'key' }

describe('VersionClock', () => {
  it('writes milliseconds, counter and writer as 24 hex digits', () => {
    const versions = new VersionClock(new ManualClock(0x0123456789ab), 'cafe0001')
    expect(versions.next(KEY)).toBe('0123456789ab0000cafe0001')
    expect(versions.next(KEY)).toBe('0123456789ab0001cafe0001')
    expect(parseVersion('0123456789ab0001cafe0001')).toEqual({ millis: 0x0123456789ab, counter: 1 })
  })

  it('draws a writer id of its own each time', () => {
    const writer = (): string => new VersionClock(new ManualClock(NOW)).next(KEY).slice(16)
    expect(writer()).toMatch(/^[0-9a-f]{8}$/)
    expect(new Set(Array.from({ length: 20 }, writer)).size).toBe(20)
  })

  it('issues in rising order per key, as text, whatever the clock does, and whatever it is told or observes', () => {
    const far = fc.oneof(fc.integer({ min: -100_000, max: 100_000 }), fc.integer({ min: -7_200_000, max: 7_200_000 }))
    const key = fc.integer({ min: 0, max: 3 })
    const step = fc.oneof(
      fc.record({ do: fc.constant('issue' as const), key, times: fc.integer({ min: 1, max: 5 }) }),
      fc.record({ do: fc.constant('step' as const), by: far }),
      fc.record({
        do: fc.constantFrom('observe' as const, 'issue above' as const),
        key,
        ahead: far,
        counter: fc.constantFrom(0, 7, 0xffff),
        writer: fc.constantFrom('00000000', 'ffffffff'),
      }),
    )
    const history = fc.record({
      steps: fc.array(step, { maxLength: 50, size: 'max' }),
      room: fc.constantFrom(1, 2, 100),
    })
    fc.assert(
      fc.property(history, ({ steps, room }) => {
        const clock = new ManualClock(NOW)
        const versions = new VersionClock(clock, '80000000', room)
        const highest = new Map<number, string>()
        const rise = (key: number, version: string): void => {
          expect(isVersion(version)).toBe(true)
          expect(version > (highest.get(key) ?? ZERO_VERSION)).toBe(true)
          highest.set(key, version)
        }
        for (const one of steps) {
          if (one.do === 'step') {
            clock.advance(one.by)
            continue
          }
          const key = { namespace: 'ns', id: String(one.key) }
          if (one.do === 'issue') {
            for (let i = 0; i < one.times; i++) rise(one.key, versions.next(key))
            continue
          }
          const seen = versionAt(clock.now() + one.ahead, one.counter, one.writer)
          if (seen > (highest.get(one.key) ?? ZERO_VERSION)) highest.set(one.key, seen)
          if (one.do === 'observe') versions.observe(key, seen)
          else rise(one.key, versions.next(key, seen))
        }
      }),
      { numRuns: HISTORIES },
    )
  })

  it('goes on into the next millisecond when the counter is used up', () => {
    const versions = new VersionClock(new ManualClock(NOW), '00000001')
    versions.raise(NOW, 0xffff)
    expect(parseVersion(versions.next(KEY))).toEqual({ millis: NOW + 1, counter: 0 })
    expect(parseVersion(versions.next(KEY))).toEqual({ millis: NOW + 1, counter: 1 })
  })

  it('follows the wall clock again once that has caught up', () => {
    const clock = new ManualClock(NOW)
    const versions = new VersionClock(clock, '00000001')
    versions.raise(NOW + 1_000, 5)
    expect(parseVersion(versions.next(KEY))).toEqual({ millis: NOW + 1_000, counter: 6 })
    clock.advance(1_001)
    expect(parseVersion(versions.next(KEY))).toEqual({ millis: NOW + 1_001, counter: 0 })
  })

  it('issues whole milliseconds from a clock that has fractions of them', () => {
    const versions = new VersionClock({ now: () => NOW + 0.75 }, '00000001')
    expect([versions.next(KEY), versions.next(KEY)]).toEqual([
      versionAt(NOW, 0, '00000001'),
      versionAt(NOW, 1, '00000001'),
    ])
  })

  describe('far ahead of the wall clock', () => {
    const OTHER = { namespace: 'ns', id: 'another key' }
    const FAR = versionAt(NOW + MAX_DRIFT_MS + 1, 3, 'ffffffff')

    it('is not believed when observed', () => {
      const versions = new VersionClock(new ManualClock(NOW), '00000001')
      expect(versions.isCredible(FAR)).toBe(false)
      versions.observe(OTHER, FAR)
      expect(parseVersion(versions.next(KEY)).millis).toBe(NOW)
      const near = versionAt(NOW + MAX_DRIFT_MS, 3, 'ffffffff')
      expect(versions.isCredible(near)).toBe(true)
      versions.observe(OTHER, near)
      expect(parseVersion(versions.next(KEY))).toEqual({ millis: NOW + MAX_DRIFT_MS, counter: 4 })
    })

    it('raises the next version of its own key and no other', () => {
      const versions = new VersionClock(new ManualClock(NOW), '00000001')
      expect(versions.next(KEY, FAR)).toBe(versionAt(NOW + MAX_DRIFT_MS + 1, 4, '00000001'))
      expect(parseVersion(versions.next(OTHER)).millis).toBe(NOW)
      expect(versions.next(OTHER, versionAt(NOW + MAX_DRIFT_MS + 1, 0xffff, 'ffffffff'))).toBe(
        versionAt(NOW + MAX_DRIFT_MS + 2, 0, '00000001'),
      )
    })

    it('raises all further versions of its own key, issued or only seen, without anybody who says so', () => {
      const versions = new VersionClock(new ManualClock(NOW), '00000001')
      const first = versions.next(KEY, FAR)
      expect(versions.next(KEY) > first).toBe(true)
      versions.observe(OTHER, FAR)
      expect(versions.next(OTHER) > FAR).toBe(true)
    })

    it('is carried on, so that whoever begins above the highest issues above it', () => {
      const versions = new VersionClock(new ManualClock(NOW), '00000001')
      const issued = versions.next(KEY, FAR)
      const seen = versionAt(NOW + 2 * MAX_DRIFT_MS, 7, 'ffffffff')
      versions.observe(OTHER, seen)
      const later = new VersionClock(new ManualClock(NOW), '00000000')
      later.raise(versions.highest.millis, versions.highest.counter)
      expect(later.next(KEY) > issued).toBe(true)
      expect(later.next(OTHER) > seen).toBe(true)
    })

    it('is forgotten once the clock has passed it', () => {
      const clock = new ManualClock(NOW)
      const versions = new VersionClock(clock, '00000001')
      versions.next(KEY, FAR)
      clock.advance(MAX_DRIFT_MS + 2)
      expect(versions.next(KEY)).toBe(versionAt(NOW + MAX_DRIFT_MS + 2, 0, '00000001'))
    })

    it('raises the clock where more keys have such versions than are remembered', () => {
      const versions = new VersionClock(new ManualClock(NOW), '00000001', 3)
      const key = (n: number) => ({ namespace: 'ns', id: String(n) })
      for (let n = 0; n < 3; n++) versions.next(key(n), FAR)
      expect(parseVersion(versions.next(OTHER)).millis).toBe(NOW)
      const last = versions.next(key(3), FAR)
      expect(parseVersion(last)).toEqual(versions.highest)
      for (let n = 0; n < 4; n++) expect(versions.next(key(n)) > last).toBe(true)
    })

    it('is believed without doubt where our own log or cold tells it', () => {
      const versions = new VersionClock(new ManualClock(NOW), '00000001')
      versions.raise(NOW + 10 * MAX_DRIFT_MS, 0)
      expect(versions.highest).toEqual({ millis: NOW + 10 * MAX_DRIFT_MS, counter: 0 })
      expect(parseVersion(versions.next(KEY)).millis).toBe(NOW + 10 * MAX_DRIFT_MS)
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
    expect(parseVersion(watermark).millis).toBe(parseVersion(before).millis + 5)
    expect(versions.next(KEY) > watermark).toBe(true)
  })

  it('has a watermark at or above everything issued and below everything to come, by any writer', () => {
    const clock = new ManualClock(NOW)
    const versions = new VersionClock(clock, 'ffffffff')
    for (const advance of [0, 0, 5, -50, 0]) {
      clock.advance(advance)
      const before = versions.next(KEY)
      const watermark = versions.takeWatermark()
      expect(before <= watermark).toBe(true)
      expect(versions.next(KEY) > watermark).toBe(true)
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
