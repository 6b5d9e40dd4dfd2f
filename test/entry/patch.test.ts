import { describe, expect, test } from 'vitest'
import { parsePatch, patched } from '../../src/entry/patch.ts'
import { chunkOf, FUTURE } from '../../src/testkit/contract/cold-records.ts'

const NOW = Date.UTC(2026, 0, 1)
const patchedBy = (patch: object, overrides: Parameters<typeof chunkOf>[3] = {}) =>
  patched(chunkOf('acme', 1, 1, overrides), parsePatch(patch, 'chunk'), NOW)

/** Target, patch and result of RFC 7396, appendix A, as far as both are objects. */
test.each([
  ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
  ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
  ['{"a":"b"}', '{"a":null}', '{}'],
  ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
  ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
  ['{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'],
  ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
  ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
  ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
  ['{}', '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
  ['{"a":1}', '{"__proto__":{"x":1}}', '{"a":1,"__proto__":{"x":1}}'],
])('merges %s with %s', (metadata, patch, result) => {
  expect(patchedBy({ metadata: JSON.parse(patch) }, { metadata }).metadata).toBe(result)
})

describe('a patch', () => {
  test('keeps what it does not name', () => {
    const kept = { key: null, documentId: 'd', metadata: '{"a":1}', embedding: Float32Array.of(1), expiresAt: FUTURE }
    const { version: _, ...record } = chunkOf('acme', 1, 1, { ...kept, text: 'new', updatedAt: NOW })
    expect(patchedBy({ text: 'new' }, kept)).toEqual(record)
  })

  test('removes by null, and metadata as a whole', () => {
    const before = { documentId: 'd', metadata: '{"a":1}', embedding: Float32Array.of(1), embeddingModel: 'm' }
    const patch = { documentId: null, metadata: null, embedding: null, embeddingModel: null, position: null }
    const none = { documentId: null, metadata: null, embedding: null, embeddingModel: null, position: null }
    expect(patchedBy(patch, before)).toMatchObject(none)
  })

  test.each<[object | null, object]>([
    [null, { field: 'patch' }],
    [{ level: 1 }, { field: 'patch' }],
    [{ key: 'other' }, { field: 'patch' }],
    [{ createdAt: 1 }, { field: 'patch' }],
    [{ text: null }, { field: 'text' }],
    [{ text: 1 }, { field: 'text' }],
    [{ metadata: { a: { b: new Date() } } }, { field: 'metadata', path: 'metadata.a.b' }],
    [{ metadata: [] }, { field: 'metadata' }],
  ])('%j is refused', (patch, details) => {
    expect(() => patchedBy(patch as object)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ENTRY' }))
    try {
      patchedBy(patch as object)
    } catch (error) {
      expect((error as { details: object }).details).toMatchObject(details)
    }
  })
})
