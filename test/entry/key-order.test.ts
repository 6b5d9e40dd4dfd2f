import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { inKeyOrder, keyOrderOf } from '../../src/entry/key-order.ts'

/** As jsonb gives it back: by length of the names in bytes, then by bytes. */
function asJsonb(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(asJsonb)
  const names = Object.keys(value).sort(
    (a, b) => Buffer.byteLength(a) - Buffer.byteLength(b) || Buffer.compare(Buffer.from(a), Buffer.from(b)),
  )
  return Object.fromEntries(names.map((name) => [name, asJsonb((value as Record<string, unknown>)[name])]))
}

const throughJsonb = (json: string): string => JSON.stringify(asJsonb(JSON.parse(json)))

describe('the order of members', () => {
  it('comes back after jsonb', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 4 }), (given) => {
        const json = JSON.stringify(JSON.parse(given))
        expect(inKeyOrder(throughJsonb(json), keyOrderOf(json))).toBe(json)
      }),
    )
  })

  it.each([
    '{"b":1,"a":{"__proto__":1,"2":0,"10":0}}',
    '[{"bb":1,"a":[{"é":1,"z":2}]},3]',
    '{"4294967295":1,"4294967294":2,"a":3}',
    '{"toString":{"length":1,"a":2},"constructor":[]}',
  ])('comes back for %s', (given) => {
    const json = JSON.stringify(JSON.parse(given))
    expect(inKeyOrder(throughJsonb(json), keyOrderOf(json))).toBe(json)
  })

  it('takes no room where jsonb keeps it', () => {
    expect(['{}', '[]', '1', '{"a":1,"b":2,"aa":{"c":[{}]}}', 'no JSON'].map(keyOrderOf)).toEqual(Array(5).fill(null))
  })

  it('changes nothing but the order where it is that of another value', () => {
    fc.assert(
      fc.property(fc.json(), fc.json(), (json, other) => {
        expect(JSON.parse(inKeyOrder(json, keyOrderOf(other)))).toEqual(JSON.parse(json))
      }),
    )
  })
})
