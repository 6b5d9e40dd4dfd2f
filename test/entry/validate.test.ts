import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { idOfKey } from '../../src/entry/entry-id.ts'
import { MAX_DIMENSIONS } from '../../src/entry/limits.ts'
import { validateEmbedding, validateId, validateInput } from '../../src/entry/validate.ts'
import { ThermoclineError } from '../../src/errors.ts'

const NOW = 1_800_000_000_000
const ID = '0191e4a0-7b1a-7c3e-8f00-112233445566'
const CHUNK = { kind: 'chunk', text: 'a' }
const VECTOR = { kind: 'embedding', embedding: [1] }
const FACTS = { kind: 'metadata', metadata: {} }
const NODE = { kind: 'raptor', level: 0, summary: 's', children: [] }

const validate = (input: unknown) => validateInput(input, { namespace: 'acme', now: NOW })

function nested(levels: number): object {
  let value: object = {}
  for (let i = 0; i < levels; i++) value = { value }
  return value
}

/** Name of the refusal, the input, the field that the error names. */
const REFUSALS: readonly (readonly [string, unknown, string])[] = [
  ['no object', 'text', 'input'],
  ['null', null, 'input'],
  ['an array', [CHUNK], 'input'],
  ['no kind', { text: 'a' }, 'kind'],
  ['an unknown kind', { kind: 'document', text: 'a' }, 'kind'],
  ['a kind from the prototype', { kind: 'toString' }, 'kind'],
  ['an unknown field', { ...CHUNK, colour: 1 }, 'input'],
  ['a field of another kind', { ...CHUNK, level: 1 }, 'input'],
  ['a namespace of another view', { ...CHUNK, namespace: 'acme2' }, 'namespace'],
  ['a namespace that is no text', { ...CHUNK, namespace: null }, 'namespace'],
  ['an id that is no UUID', { ...CHUNK, id: 'readme' }, 'id'],
  ['an id in braces', { ...CHUNK, id: `{${ID}}` }, 'id'],
  ['an id with a newline', { ...CHUNK, id: `${ID}\n` }, 'id'],
  ['a null id', { ...CHUNK, id: null }, 'id'],
  ['an id that is not that of the key', { ...CHUNK, id: ID, key: 'a' }, 'id'],
  ['an empty key', { ...CHUNK, key: '' }, 'key'],
  ['a key that is no text', { ...CHUNK, key: 7 }, 'key'],
  ['a key over 512 bytes', { ...CHUNK, key: 'é'.repeat(257) }, 'key'],
  ['NUL in a key', { ...CHUNK, key: 'a\0b' }, 'key'],
  ['half a surrogate pair in a key', { ...CHUNK, key: 'a\ud800' }, 'key'],
  ['a chunk without text', { kind: 'chunk' }, 'text'],
  ['text that is no text', { ...CHUNK, text: 7 }, 'text'],
  ['NUL in text', { ...CHUNK, text: 'a\0b' }, 'text'],
  ['half a surrogate pair in text', { ...CHUNK, text: '\udc00' }, 'text'],
  ['an empty document id', { ...CHUNK, documentId: '' }, 'documentId'],
  ['a document id over 512 bytes', { ...CHUNK, documentId: 'a'.repeat(513) }, 'documentId'],
  ['NUL in a document id', { ...CHUNK, documentId: '\0' }, 'documentId'],
  ['a negative position', { ...CHUNK, position: -1 }, 'position'],
  ['a fractional position', { ...CHUNK, position: 1.5 }, 'position'],
  ['a position that is no number', { ...CHUNK, position: '1' }, 'position'],
  ['a position past int4', { ...CHUNK, position: 2 ** 31 }, 'position'],
  ['an embedding entry without embedding', { kind: 'embedding' }, 'embedding'],
  ['an embedding that is no array', { ...VECTOR, embedding: { length: 1, 0: 1 } }, 'embedding'],
  ['bytes for an embedding', { ...VECTOR, embedding: Buffer.of(0, 0, 128, 63) }, 'embedding'],
  ['integers of 64 bits for an embedding', { ...VECTOR, embedding: BigInt64Array.of(1n) }, 'embedding'],
  ['an empty embedding', { ...VECTOR, embedding: [] }, 'embedding'],
  ['NaN in an embedding', { ...VECTOR, embedding: [1, Number.NaN] }, 'embedding'],
  ['infinity in an embedding', { ...CHUNK, embedding: Float32Array.of(1, Number.POSITIVE_INFINITY) }, 'embedding'],
  ['a number beyond float32', { ...VECTOR, embedding: [1e39] }, 'embedding'],
  ['a text in an embedding', { ...VECTOR, embedding: [1, '1'] }, 'embedding'],
  // biome-ignore lint/suspicious/noSparseArray: the hole is what is tested
  ['a hole in an embedding', { ...VECTOR, embedding: [1, , 1] }, 'embedding'],
  ['an all-zero embedding', { ...VECTOR, embedding: [0, -0, 0] }, 'embedding'],
  ['an embedding that rounds to zero', { ...VECTOR, embedding: [1e-60] }, 'embedding'],
  ['an embedding whose square is no float32', { ...VECTOR, embedding: [1e20, 1e20] }, 'embedding'],
  ['an embedding whose square rounds to zero', { ...CHUNK, embedding: [1e-30, 1e-25] }, 'embedding'],
  ['too many dimensions', { ...VECTOR, embedding: new Float32Array(MAX_DIMENSIONS + 1).fill(1) }, 'embedding'],
  ['a null embedding', { ...CHUNK, embedding: null }, 'embedding'],
  ['an empty model name', { ...CHUNK, embeddingModel: '' }, 'embeddingModel'],
  ['a metadata entry without metadata', { kind: 'metadata' }, 'metadata'],
  ['metadata that is an array', { ...FACTS, metadata: [] }, 'metadata'],
  ['metadata that is a Map', { ...FACTS, metadata: new Map() }, 'metadata'],
  ['metadata with a Date', { ...CHUNK, metadata: { at: new Date() } }, 'metadata'],
  ['metadata with undefined in an array', { ...CHUNK, metadata: { a: [undefined] } }, 'metadata'],
  ['metadata that inherits', { ...CHUNK, metadata: Object.create({ a: 1 }) }, 'metadata'],
  ['metadata with a function', { ...CHUNK, metadata: { toJSON: () => 'other' } }, 'metadata'],
  ['metadata with a bigint', { ...CHUNK, metadata: { a: 1n } }, 'metadata'],
  ['metadata with NaN', { ...CHUNK, metadata: { a: [Number.NaN] } }, 'metadata'],
  ['metadata with infinity', { ...CHUNK, metadata: { a: Number.POSITIVE_INFINITY } }, 'metadata'],
  // biome-ignore lint/suspicious/noSparseArray: the hole is what is tested
  ['metadata with a hole', { ...CHUNK, metadata: { a: [1, , 2] } }, 'metadata'],
  ['NUL in a metadata text', { ...CHUNK, metadata: { a: ['\0'] } }, 'metadata'],
  ['NUL in a metadata key', { ...CHUNK, metadata: { 'a\0': 1 } }, 'metadata'],
  ['half a surrogate pair in metadata', { ...CHUNK, metadata: { a: '\ud800' } }, 'metadata'],
  ['metadata nested without end', { ...CHUNK, metadata: nested(101) }, 'metadata'],
  ['no level', { ...NODE, level: undefined }, 'level'],
  ['a negative level', { ...NODE, level: -1 }, 'level'],
  ['no summary', { ...NODE, summary: undefined }, 'summary'],
  ['NUL in a summary', { ...NODE, summary: '\0' }, 'summary'],
  ['no children', { ...NODE, children: undefined }, 'children'],
  ['a child that is no UUID', { ...NODE, children: [ID, 'x'] }, 'children'],
  ['a creation time that is none', { ...CHUNK, createdAt: 'yesterday' }, 'createdAt'],
  ['an invalid Date', { ...CHUNK, createdAt: new Date(Number.NaN) }, 'createdAt'],
  ['a fraction of a millisecond', { ...CHUNK, createdAt: 0.5 }, 'createdAt'],
  ['a creation time before 1970', { ...CHUNK, createdAt: -1 }, 'createdAt'],
  ['an expiry in the past', { ...CHUNK, expiresAt: NOW - 1 }, 'expiresAt'],
  ['an expiry now', { ...CHUNK, expiresAt: new Date(NOW) }, 'expiresAt'],
  ['an expiry past the year 9999', { ...CHUNK, expiresAt: 253_402_300_800_000 }, 'expiresAt'],
  ['a ttl of nothing', { ...CHUNK, ttl: 0 }, 'ttl'],
  ['a negative ttl', { ...CHUNK, ttl: -1 }, 'ttl'],
  ['a ttl that is none', { ...CHUNK, ttl: '5 minutes' }, 'ttl'],
  ['a ttl past the year 9999', { ...CHUNK, ttl: 1e15 }, 'ttl'],
  ['a ttl and an expiry', { ...CHUNK, ttl: 1, expiresAt: NOW + 1 }, 'ttl'],
]

describe('validateInput', () => {
  it.each(REFUSALS)('refuses %s', (_, input, field) => {
    const error = errorOf(() => validate(input))
    expect(error).toMatchObject({ code: 'ERR_INVALID_ENTRY', retryable: false, details: { field } })
    expect((error as Error).message).toContain(`\`${field}`)
  })

  it('names a field that it does not know', () => {
    expect(errorOf(() => validate({ ...CHUNK, colour: 1 }))).toMatchObject({
      message: expect.stringContaining('`colour`'),
    })
  })

  it.each([
    'id',
    'key',
    'documentId',
    'position',
    'embedding',
    'embeddingModel',
    'metadata',
    'createdAt',
    'ttl',
    'expiresAt',
  ])('says of a null `%s` that it is to be left out', (field) => {
    const message = expect.stringMatching(`\`${field}\` must not be null: leave it out`)
    expect(errorOf(() => validate({ ...CHUNK, [field]: null }))).toMatchObject({ message, details: { field } })
  })

  it.each<[string, object, string]>([
    ['a member', { a: { b: [0, 1, 2, () => 1] } }, 'metadata.a.b[3]'],
    ['a name that is none in code', { 'a b': { '1': Number.NaN } }, 'metadata["a b"]["1"]'],
    ['a Date', { at: new Date() }, 'metadata.at'],
    ['a bigint', { a: 1n }, 'metadata.a'],
    ['undefined in an array', { a: [[undefined]] }, 'metadata.a[0][0]'],
    ['a class of its own', { a: { b: new Map() } }, 'metadata.a.b'],
    [
      'a member after good ones',
      { ...Object.fromEntries(Array.from({ length: 9_999 }, (_, i) => [`k${i}`, { i }])), bad: 1n },
      'metadata.bad',
    ],
    ['the metadata itself', [], 'metadata'],
  ])('names the path of what JSON lacks: %s', (_, metadata, path) => {
    const message = expect.stringContaining(`\`${path}\` must`)
    expect(errorOf(() => validate({ ...CHUNK, metadata }))).toMatchObject({
      message,
      details: { field: 'metadata', path },
    })
  })

  it('shows a long path as far as it is readable', () => {
    const error = errorOf(() => validate({ ...CHUNK, metadata: { ['k'.repeat(10_000)]: 1n } })) as Error
    expect(error.message.length).toBeLessThan(400)
  })

  it('shows no value in a refusal', () => {
    const secret = 'canary-5f1d'
    const inputs = [
      { kind: secret },
      { ...CHUNK, namespace: secret },
      { ...CHUNK, embedding: [secret] },
      { ...CHUNK, id: secret },
      { ...CHUNK, key: `${secret}\0` },
      { ...CHUNK, text: `${secret}\0` },
      { ...CHUNK, metadata: { a: secret, b: Symbol(secret) } },
      { ...NODE, children: [secret] },
      { ...CHUNK, ttl: secret },
    ]
    for (const input of inputs) {
      const error = errorOf(() => validate(input)) as Error
      expect(error).toBeInstanceOf(ThermoclineError)
      expect(`${JSON.stringify(error)}${error.stack}`).not.toContain(secret)
    }
  })

  it('makes a whole record of a chunk', () => {
    const input = {
      ...CHUNK,
      id: ID.toUpperCase(),
      documentId: 'README.md',
      position: -0,
      embedding: [0.1, -0],
      embeddingModel: 'mini',
      metadata: { a: [1, null, { b: 'c' }] },
      createdAt: new Date(5),
      ttl: '1.5s',
    }
    expect(validate(input)).toEqual({
      namespace: 'acme',
      id: ID,
      key: null,
      kind: 'chunk',
      text: 'a',
      documentId: 'README.md',
      position: 0,
      level: null,
      children: null,
      childVersions: null,
      metadata: '{"a":[1,null,{"b":"c"}]}',
      embedding: Float32Array.of(0.1, -0),
      embeddingModel: 'mini',
      bytes: null,
      contentType: null,
      createdAt: 5,
      updatedAt: NOW,
      expiresAt: NOW + 1_500,
      slidingTtl: null,
      deletedAt: null,
    })
  })

  it('takes the smallest input of each kind, and fills in the rest', () => {
    for (const input of [CHUNK, VECTOR, FACTS, NODE])
      expect(validate(input)).toMatchObject({ kind: input.kind, createdAt: NOW, updatedAt: NOW, expiresAt: null })
    expect(validate(NODE)).toMatchObject({ text: 's', level: 0, children: [] })
    expect(validate({ ...CHUNK, text: '' }).text).toBe('')
  })

  it('takes an explicit undefined as left out', () => {
    const fields = ['id', 'key', 'metadata', 'embeddingModel', 'createdAt', 'ttl', 'expiresAt', 'position', 'embedding']
    const input = { ...CHUNK, ...Object.fromEntries(fields.map((field) => [field, undefined])) }
    expect(validate(input)).toMatchObject({ key: null, metadata: null, position: null, createdAt: NOW })
  })

  it('drops members of metadata that are undefined, as JSON does', () => {
    expect(validate({ ...CHUNK, metadata: { page: undefined, a: [{ b: undefined, c: 1 }] } }).metadata).toBe(
      '{"a":[{"c":1}]}',
    )
    expect(validate({ ...FACTS, metadata: { page: undefined } }).metadata).toBe('{}')
  })

  it('takes the fields that the store fills in of an entry that is put back, and ignores them', () => {
    const filledIn = {
      namespace: 'acme',
      version: '0'.repeat(24),
      updatedAt: new Date(7),
      lastAccessedAt: new Date(8),
      accessCount: 9,
    }
    expect(validate({ ...CHUNK, ...filledIn, id: ID, createdAt: new Date(5) })).toMatchObject({
      namespace: 'acme',
      createdAt: 5,
      updatedAt: NOW,
    })
  })

  it('takes values of another realm', () => {
    const make = (code: string): unknown => runInNewContext(code)
    const input = {
      text: 'a',
      embedding: make('new Float32Array([1, 2])'),
      metadata: make('({ a: [{ b: 1 }] })'),
      createdAt: make('new Date(5)'),
      expiresAt: make(`new Date(${NOW + 1})`),
    }
    const expected = { createdAt: 5, expiresAt: NOW + 1, metadata: '{"a":[{"b":1}]}', embedding: Float32Array.of(1, 2) }
    expect(validate({ ...CHUNK, ...input })).toMatchObject(expected)
    expect(validate({ ...VECTOR, embedding: make('[1, 2]') }).embedding).toEqual(Float32Array.of(1, 2))
    expect(validate(make('({ kind: "chunk", text: "a", metadata: Object.create(null) })')).metadata).toBe('{}')
    expect(errorOf(() => validate({ ...CHUNK, metadata: make('new Map()') }))).toMatchObject({
      details: { field: 'metadata' },
    })
    expect(errorOf(() => validate({ ...CHUNK, metadata: { a: make('new Date()') } }))).toMatchObject({
      details: { path: 'metadata.a' },
    })
  })

  it('rounds 64-bit floats as it rounds numbers', () => {
    expect(validate({ ...VECTOR, embedding: Float64Array.of(0.1) }).embedding).toEqual(Float32Array.of(0.1))
  })

  it('takes what stands just inside each bound', () => {
    expect(validate({ ...CHUNK, key: 'é'.repeat(256) }).key).toHaveLength(256)
    expect(validate({ ...CHUNK, position: 2 ** 31 - 1 }).position).toBe(2 ** 31 - 1)
    expect(validate({ ...CHUNK, metadata: nested(100) }).metadata).toContain('value')
    expect(validate({ ...CHUNK, expiresAt: NOW + 1 }).expiresAt).toBe(NOW + 1)
    expect(validate({ ...VECTOR, embedding: new Float32Array(MAX_DIMENSIONS).fill(1) }).embedding).toHaveLength(16_000)
  })

  it('copies: a caller who goes on using the input changes nothing', () => {
    const input = {
      ...NODE,
      children: [ID],
      embedding: Float32Array.of(1, 2),
      metadata: { a: [1] as number[] },
      createdAt: new Date(5),
    }
    const record = validate(input)
    const before = structuredClone(record)
    input.children.push('x')
    input.embedding.fill(9)
    input.metadata.a.push(2)
    input.createdAt.setTime(7)
    expect(record).toEqual(before)
  })
})

describe('ids', () => {
  it('are UUIDv7 where nothing is given, and differ', () => {
    const [a, b] = [validate(CHUNK).id, validate(CHUNK).id]
    expect(a).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/)
    expect(a).not.toBe(b)
  })

  it('are derived from the key where there is one', () => {
    expect(validate({ ...CHUNK, key: 'intro' }).id).toBe(idOfKey('acme', 'intro'))
    expect(validate({ ...CHUNK, key: 'intro', id: idOfKey('acme', 'intro').toUpperCase() }).key).toBe('intro')
  })

  it('may be any UUID, in any case', () => {
    for (const id of [ID, '00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff'])
      expect(validateId(id.toUpperCase())).toBe(id)
    expect(errorOf(() => validateId('x', 'children'))).toMatchObject({ details: { field: 'children' } })
  })

  it('say what a name of the caller is, where it is given for one', () => {
    expect(errorOf(() => validateId('ice'))).toMatchObject({
      message: '`id` must be a UUID; a name of your own is a `key`',
    })
  })
})

it('checks a query vector by the same rules, and copies it', () => {
  const query = Float32Array.of(1, 2)
  const checked = validateEmbedding(query)
  query.fill(0)
  expect(checked).toEqual(Float32Array.of(1, 2))
  expect(errorOf(() => validateEmbedding(query))).toMatchObject({ code: 'ERR_INVALID_ENTRY' })
})

function errorOf(work: () => unknown): unknown {
  try {
    work()
  } catch (error) {
    return error
  }
  throw new Error('nothing was refused')
}
