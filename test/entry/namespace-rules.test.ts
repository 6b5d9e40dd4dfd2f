import { expect, it } from 'vitest'
import { isNamespacePattern, ruleFor } from '../../src/entry/namespace-rules.ts'

it.each([
  ['a', 'of a'],
  ['a/b', 'below a'],
  ['a/b/c/d', 'below a/b'],
  ['a/c/d', 'below a'],
  ['ab', 'all'],
  ['toString', 'all'],
])('has the nearest rule of %s', (path, rule) => {
  const rules = { a: 'of a', 'a/*': 'below a', 'a/b/*': 'below a/b', '*': 'all' }
  expect(ruleFor(rules, path)).toBe(rule)
})

it('has none where none is given', () => {
  expect(ruleFor({ 'a/*': 1 }, 'a')).toBeUndefined()
})

it('knows what a pattern is', () => {
  for (const pattern of ['*', 'a', 'a/*', 'a/b%2Fc/*']) expect(isNamespacePattern(pattern)).toBe(true)
  for (const pattern of ['', '/*', 'a/', '/a', 'a//b', 'a%2', 'x'.repeat(600)])
    expect(isNamespacePattern(pattern)).toBe(false)
})
