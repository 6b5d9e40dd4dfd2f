import { expect, test } from 'vitest'
import { splitText } from './split-text.ts'

test.each([
  ['after a line', 'one two\nthree four', 12, ['one two\n', 'three four']],
  ['after a sentence', 'One. Two three four', 9, ['One. ', 'Two three', ' four']],
  ['after a word', 'one two three', 9, ['one two ', 'three']],
  ['anywhere where there is no better place', 'a-b-c-d-e', 4, ['a-b-', 'c-d-', 'e']],
  ['late rather than at a better place that leaves a crumb', 'a\nbcdefghij klm', 13, ['a\nbcdefghij ', 'klm']],
  ['not within a character', 'a😀😀😀', 4, ['a😀', '😀😀']],
  ['not at all where it fits', 'a\nb', 3, ['a\nb']],
  ['into nothing where there is nothing', '', 3, []],
])('cuts %s', (_, text, max, pieces) => {
  expect(splitText(text, max)).toEqual(pieces)
  expect(pieces.join('')).toBe(text)
})
