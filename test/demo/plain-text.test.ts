import { expect, test } from 'vitest'
import { plainText } from './plain-text.ts'

test.each([
  ['## Read [the docs](https://example.org/a) *now*', 'Read the docs now'],
  ['![build](https://example.org/badge.svg) <br>**Fast**', 'build Fast'],
  ['- one\n- `two()`\n\n```js\nthree()\n```', 'one two() three()'],
  ['| a | b |\n| - | - |\n| c | d |', 'a b c d'],
  ['<p align="center">Warm &amp; cold</p>', 'Warm &amp; cold'],
  ['***\n\n<br>', ''],
])('%j has the words %j', (markdown, words) => {
  expect(plainText(markdown)).toBe(words)
})
