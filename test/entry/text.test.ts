import fc from 'fast-check'
import { expect, it } from 'vitest'
import { parseDuration } from '../../src/entry/duration.ts'
import { compareText, nameFault, textFault } from '../../src/entry/text.ts'

it('orders text as its UTF-8 bytes, which is by code point', () => {
  const byCodePoint = (text: string): number[] => [...text].map((character) => character.codePointAt(0)!)
  const text = fc.string({ unit: fc.constantFrom('a', 'é', '\uff5e', '\u{1f30a}', '\ud7ff', '\ue000'), maxLength: 4 })
  fc.assert(
    fc.property(text, text, (a, b) => {
      const [x, y] = [byCodePoint(a), byCodePoint(b)]
      const at = x.findIndex((point, i) => point !== y[i])
      const expected = at === -1 ? x.length - y.length : x[at]! - (y[at] ?? -1)
      expect(Math.sign(compareText(a, b))).toBe(Math.sign(expected))
    }),
  )
})

it('says what cannot be stored', () => {
  expect(textFault('Größe \u{1f30a}')).toBeUndefined()
  expect(textFault('a\0')).toContain('NUL')
  expect(textFault('\ud83c')).toContain('surrogate')
  expect(nameFault('a'.repeat(512))).toBeUndefined()
  expect(nameFault('é'.repeat(257))).toContain('512 bytes')
  expect(nameFault('\0')).toContain('NUL')
})

it.each([
  [0, 0],
  [1.5, 1.5],
  ['500ms', 500],
  ['1s', 1_000],
  ['1.5m', 90_000],
  ['2h', 7_200_000],
  ['30d', 2_592_000_000],
  [-1, undefined],
  [Number.NaN, undefined],
  [Number.POSITIVE_INFINITY, undefined],
  ['', undefined],
  ['5', undefined],
  ['-5s', undefined],
  ['5 s', undefined],
  ['5S', undefined],
  ['5s\n', undefined],
  [null, undefined],
])('reads the duration %j as %s', (duration, expected) => {
  expect(parseDuration(duration)).toBe(expected)
})
