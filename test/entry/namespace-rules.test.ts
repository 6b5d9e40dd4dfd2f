import { expect, it } from 'vitest'
import { isNamespacePattern, ruleFor } from '../../src/entry/namespace-rules.ts'

it.each([
  ['a', 'of a'],
  ['a/b', 'from a/b on'],
  ['a/b/c/d', 'from a/b on'],
  ['a/c/d', 'from a on'],
  ['ab', 'all'],
  ['toString', 'all'],
])('has the nearest rule of %s', (path, rule) => {
  const rules = { a: 'of a', 'a/**': 'from a on', 'a/b/**': 'from a/b on', '**': 'all' }
  expect(ruleFor(rules, path)).toBe(rule)
})

it('has none where none is given', () => {
  expect(ruleFor({ 'a/**': 1 }, 'ab')).toBeUndefined()
})

it('knows what a pattern is', () => {
  for (const pattern of ['**', 'a', 'a/**', 'a/b%2Fc/**']) expect(isNamespacePattern(pattern)).toBe(true)
  for (const pattern of ['', '/**', 'a/', '/a', 'a//b', 'a%2', '*', 'a/*', '*/a', 'a/**/**', 'x'.repeat(600)])
    expect(isNamespacePattern(pattern)).toBe(false)
})
