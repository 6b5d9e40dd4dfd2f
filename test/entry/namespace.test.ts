import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { namespacePath, namespaceSegments } from '../../src/entry/namespace.ts'
import { compareText } from '../../src/entry/text.ts'
import { childRange, isWithin } from '../../src/query/scope.ts'
import { storableText } from '../../src/testkit/contract/arbitrary-record.ts'

const segment = fc.oneof(
  fc.string({ unit: fc.constantFrom('%', '2', '5', 'F', '/', '0', 'a'), minLength: 1, maxLength: 6 }),
  storableText.filter((text) => text !== '' && text.length < 20),
)
const segments = fc.array(segment, { minLength: 1, maxLength: 4 })

describe('namespaces', () => {
  it('give back their segments, whatever characters those have', () => {
    fc.assert(
      fc.property(segments, (path) => {
        expect(namespaceSegments(namespacePath(path))).toEqual(path)
      }),
    )
  })

  it('differ where their segments differ', () => {
    fc.assert(
      fc.property(segments, segments, (a, b) => {
        expect(namespacePath(a) === namespacePath(b)).toBe(JSON.stringify(a) === JSON.stringify(b))
      }),
    )
    expect(namespacePath(['a/b'])).toBe('a%2Fb')
    expect(namespacePath(['a%2Fb'])).toBe('a%252Fb')
    expect(namespacePath(['a', 'b'])).toBe('a/b')
  })

  it('include their children, segment by segment, and nothing else', () => {
    fc.assert(
      fc.property(segments, segments, (scope, path) => {
        const isChild = path.length > scope.length && scope.every((one, i) => one === path[i])
        const [scopePath, childPath] = [namespacePath(scope), namespacePath(path)]
        const { from, to } = childRange(scopePath)
        const isInRange = compareText(from, childPath) <= 0 && compareText(childPath, to) < 0
        expect(isInRange).toBe(isChild)
        expect(isWithin(childPath, scopePath, true)).toBe(isChild || childPath === scopePath)
        expect(isWithin(childPath, scopePath, false)).toBe(childPath === scopePath)
        const below = namespacePath(path, scopePath)
        expect(below).toBe(namespacePath([...scope, ...path]))
        expect(isWithin(below, scopePath, true) && compareText(from, below) <= 0 && compareText(below, to) < 0).toBe(
          true,
        )
      }),
    )
    expect(isWithin('acme-corp', 'acme', true)).toBe(false)
    expect(isWithin('acme', 'acme/a', true)).toBe(false)
  })

  it.each([
    ['no segment', []],
    ['an empty segment', ['a', '']],
    ['a segment that is no text', [7 as unknown as string]],
    ['NUL', ['a\0']],
    ['half a surrogate pair', ['\ud800']],
    ['a long segment', ['a'.repeat(513)]],
    ['a long path', ['a'.repeat(300), 'b'.repeat(300)]],
    ['a path that is long once escaped', ['/'.repeat(200)]],
  ])('refuse %s', (_, path) => {
    expect(() => namespacePath(path)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ENTRY', details: { field: 'namespace' } }),
    )
  })

  it('refuse a path that is too long below its parent', () => {
    expect(namespacePath(['b'.repeat(211)], 'a'.repeat(300))).toHaveLength(512)
    expect(() => namespacePath(['b'.repeat(212)], 'a'.repeat(300))).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ENTRY' }),
    )
  })
})
