/** How a model is asked: in batches of what has come by then, few at a time, and so that one text fails alone. */
import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { retold } from '../../src/errors.ts'
import { Embedder, type EmbedderOptions } from '../../src/flow/embedder.ts'
import { isThermoclineError, ThermoclineError } from '../../src/index.ts'
import { gate, httpError, WORD_DIMENSIONS, WordModel, wordVector } from '../tools/word-model.ts'

function embedderOf(model: WordModel, given: Partial<EmbedderOptions> = {}): Embedder {
  return new Embedder({ ...model.options(), batchSize: 4, maxConcurrency: 2, timeout: 60_000, ...given })
}

const texts = (count: number, from = 0) => Array.from({ length: count }, (_, i) => `text ${from + i}`)

test('callers of one turn share calls, and each gets its own vectors in order', async () => {
  const model = new WordModel()
  const embedder = embedderOf(model)
  const asked = [['a', 'b'], ['b'], ['c', 'a', 'd'], ['e']]
  const answers = await Promise.all(asked.map((some) => embedder.embedAll(some, 'document', {})))
  expect(answers).toEqual(asked.map((some) => some.map((text) => wordVector(text))))
  expect(model.calls).toEqual([
    ['a', 'b', 'c'],
    ['a', 'd', 'e'],
  ])
  expect(embedder.counts).toEqual({ calls: 2, texts: 6, failedCalls: 0 })
})

test('no more calls are under way than it may, and what comes meanwhile fills the next; queries go first', async () => {
  const model = new WordModel()
  const held = gate()
  model.before = () => held.closed
  const embedder = embedderOf(model)
  const first = embedder.embedAll(texts(8), 'document', {})
  await expect.poll(() => model.calls.length).toBe(2)
  const more = texts(3, 8).map((text) => embedder.embedAll([text], 'document', {}))
  const query = embedder.embedAll(['a query'], 'query', {})
  await new Promise(setImmediate)
  expect(model.calls).toHaveLength(2)
  held.open()
  await Promise.all([first, ...more, query])
  expect(model.calls.slice(2)).toEqual([['a query'], texts(3, 8)])
  expect(model.purposes).toEqual(['document', 'document', 'query', 'document'])
})

test('a text that the model refuses fails alone, whoever it came together with', async () => {
  const model = new WordModel()
  model.before = (some) => {
    if (some.includes('bad')) throw httpError(400)
  }
  const embedder = embedderOf(model, { batchSize: 64 })
  const good = texts(40).map((text) => embedder.embedAll([text], 'document', {}))
  const bad = embedder.embedAll(['bad'], 'document', {})
  await expect(bad).rejects.toMatchObject({ code: 'ERR_EMBEDDING_FAILED', cause: { status: 400 } })
  expect(await Promise.all(good)).toEqual(texts(40).map((text) => [wordVector(text)]))
  expect(model.calls.length).toBeLessThan(20)
})

test('a model that fails altogether is asked again a few times at most', async () => {
  const model = new WordModel()
  model.before = () => {
    throw new Error('it is broken')
  }
  const outcomes = await embedderOf(model, { batchSize: 64 }).embedEach(texts(64), 'document', {})
  expect(outcomes.every((outcome) => isThermoclineError(outcome, 'ERR_EMBEDDING_FAILED'))).toBe(true)
  expect(model.calls.length).toBeLessThan(20)
})

test.each([
  ['a header of seconds', httpError(429, { 'retry-after': '7' }), 7_000],
  ['a header of milliseconds', httpError(429, { 'retry-after-ms': '1500' }), 1_500],
  ['plain headers', Object.assign(new Error('slow'), { headers: { 'retry-after': '2' } }), 2_000],
  ['a field', Object.assign(new Error('slow'), { retryAfterMs: 250 }), 250],
  ['nothing', httpError(503), undefined],
])('says when to ask again, told by %s, and asks once', async (_, error, retryAfterMs) => {
  const model = new WordModel()
  model.before = () => {
    throw error
  }
  const failure = await embedderOf(model)
    .embedAll(texts(3), 'document', {})
    .catch((thrown: unknown) => thrown)
  expect(failure).toMatchObject({
    ...{ code: 'ERR_EMBEDDING_FAILED', retryable: true, message: expect.stringContaining('words') },
    details: { model: 'words', outcome: 'none', ...(retryAfterMs === undefined ? {} : { retryAfterMs }) },
  })
  expect('retryAfterMs' in (failure as ThermoclineError).details).toBe(retryAfterMs !== undefined)
  if (retryAfterMs !== undefined) expect(model.calls).toHaveLength(1)
})

const unreadable = (): never => {
  throw new Error('nobody reads this')
}

test.each([
  ['a symbol', { retryAfterMs: Symbol('soon') }],
  ['an empty text', { retryAfterMs: '' }],
  ['no time', { retryAfterMs: 0 }],
  ['a header of no time', { headers: { 'retry-after': '0' } }],
  ['a date that has passed', { headers: { 'retry-after': new Date(0).toUTCString() } }],
  ['no number', { retryAfterMs: Number.NaN, headers: { 'retry-after': 'soon' } }],
])('is told when to ask again by no error that says %s', async (_, fields) => {
  const model = new WordModel()
  model.before = () => {
    throw Object.assign(new Error('slow'), { status: 429 }, fields)
  }
  const failure = await embedderOf(model)
    .embedAll(['a'], 'document', {})
    .catch((thrown: unknown) => thrown)
  expect(failure).toMatchObject({ code: 'ERR_EMBEDDING_FAILED', cause: { status: 429 } })
  expect((failure as ThermoclineError).details).not.toHaveProperty('retryAfterMs')
})

test.each([
  ['a field that throws', Object.defineProperty(new Error('x'), 'status', { get: unreadable })],
  ['headers that throw', Object.assign(new Error('x'), { headers: { get: unreadable } })],
  ['a proxy that throws', new Proxy({}, { get: unreadable, has: unreadable })],
  ['nothing', undefined],
  ['a text', 'the text that it was asked for'],
])('settles all callers where the model rejects with %s', async (_, error) => {
  const model = new WordModel()
  model.before = () => {
    throw error
  }
  const embedder = embedderOf(model)
  const outcomes = await embedder.embedEach(texts(4), 'document', {})
  expect(outcomes.every((outcome) => isThermoclineError(outcome, 'ERR_EMBEDDING_FAILED'))).toBe(true)
  expect(JSON.stringify(outcomes)).not.toContain('that it was asked for')
  model.before = () => {}
  expect(await embedder.embedAll(['a'], 'document', {})).toEqual([wordVector('a')])
})

test('an error of another store is the failure of a call, and says nothing of the write that waits', async () => {
  const model = new WordModel()
  const ofCache = new ThermoclineError('ERR_TIMEOUT', 'too late', { outcome: 'applied', id: 'cached' })
  model.before = () => {
    throw ofCache
  }
  await expect(embedderOf(model).embedAll(texts(4), 'document', {})).rejects.toMatchObject({
    ...{ code: 'ERR_EMBEDDING_FAILED', cause: ofCache },
    details: { model: 'words', outcome: 'none' },
  })
  expect(model.calls).toHaveLength(1)
})

test.each([
  ['few of many', texts(64), ['text 5', 'text 40', 'text 41']],
  ['all', texts(64), texts(64)],
])('texts that are refused by a status fail alone: %s', async (_, all, bad) => {
  const model = new WordModel()
  model.before = (some) => {
    if (some.some((text) => bad.includes(text))) throw httpError(400)
  }
  const embedder = embedderOf(model, { batchSize: 64 })
  const answers = await Promise.allSettled(all.map((text) => embedder.embedAll([text], 'document', {})))
  const refused = all.filter((_text, i) => answers[i]!.status === 'rejected')
  expect(refused).toEqual(bad)
  for (const answer of answers)
    if (answer.status === 'rejected')
      expect(answer.reason).toMatchObject({ retryable: false, details: { refused: true, outcome: 'none' } })
  expect(model.calls.length).toBeLessThan(2 * all.length)
})

test('a model that takes fewer texts at once than `batchSize` gets them in parts', async () => {
  const model = new WordModel()
  model.before = (some) => {
    if (some.length > 16) throw httpError(413)
  }
  const embedder = embedderOf(model, { batchSize: 256 })
  expect(await embedder.embedAll(texts(256), 'document', {})).toEqual(texts(256).map((text) => wordVector(text)))
})

test('queries do not wait until the refused texts of a batch are found', async () => {
  const model = new WordModel()
  let query: Promise<unknown> | undefined
  const embedder = embedderOf(model, { batchSize: 64, maxConcurrency: 1 })
  model.before = (some) => {
    if (some.length === 1) return
    query ??= embedder.embedAll(['a query'], 'query', {})
    throw httpError(400)
  }
  await embedder.embedAll(texts(8), 'document', {})
  await query
  expect(model.calls.findIndex(([text]) => text === 'a query')).toBeLessThan(3)
})

test('a text is not refused for the failure of others, nor for one that does not say what it is of', async () => {
  const model = new WordModel()
  model.before = () => {
    throw new Error('it is broken')
  }
  for (const outcome of await embedderOf(model).embedEach(texts(3), 'document', {}))
    expect(outcome).toMatchObject({ retryable: true, details: { model: 'words', outcome: 'none' } })
})

test('a vector that is none fails its own text, and nothing is asked twice for it', async () => {
  const model = new WordModel()
  const embedMany: EmbedderOptions['embedMany'] = async (some, options) => {
    const vectors = await model.embedMany(some, options)
    return vectors.map((vector, i) => (some[i] === 'empty' ? new Float32Array(WORD_DIMENSIONS) : vector))
  }
  const embedder = embedderOf(model, { embedMany })
  const outcomes = await embedder.embedEach(['a', 'empty', 'b'], 'document', {})
  expect(outcomes).toEqual([wordVector('a'), expect.any(ThermoclineError), wordVector('b')])
  expect(outcomes[1]).toMatchObject({ code: 'ERR_EMBEDDING_INVALID' })
  expect(embedder.counts).toEqual({ calls: 1, texts: 3, failedCalls: 1 })
})

test.each([
  ['too few vectors', async () => [], { expected: 2, actual: 0 }],
  ['other dimensions', async (some: string[]) => some.map(() => [1, 2, 3]), { expected: WORD_DIMENSIONS, actual: 3 }],
  ['no array', async () => 'vectors' as never, { expected: 2 }],
  ['no numbers', async (some: string[]) => some.map(() => ['1'] as never), {}],
])('refuses %s by name', async (_, embedMany, details) => {
  const embedder = embedderOf(new WordModel(), { embedMany })
  await expect(embedder.embedAll(['a', 'b'], 'document', {})).rejects.toMatchObject({
    ...{ code: 'ERR_EMBEDDING_INVALID', retryable: false },
    details: { model: 'words', outcome: 'none', ...details },
  })
})

test('a call is aborted once nobody waits for any text of it, and then makes room', async () => {
  const model = new WordModel()
  const held = gate()
  model.before = () => held.closed
  const embedder = embedderOf(model, { maxConcurrency: 1 })
  const [one, other] = [new AbortController(), new AbortController()]
  const asked = [one, other].map(({ signal }) => embedder.embedAll(['a'], 'document', { signal }))
  await expect.poll(() => model.calls.length).toBe(1)
  one.abort()
  await expect(asked[0]).rejects.toMatchObject({ code: 'ERR_ABORTED' })
  expect(model.signals[0]!.aborted).toBe(false)
  other.abort()
  await expect(asked[1]).rejects.toMatchObject({ code: 'ERR_ABORTED' })
  expect(model.signals[0]!.aborted).toBe(true)
  model.before = () => {}
  expect(await embedder.embedAll(['b'], 'document', {})).toEqual([wordVector('b')])
  held.open()
})

test('a call that takes too long has failed, is aborted, and makes room', async () => {
  const model = new WordModel()
  const held = gate()
  model.before = () => held.closed
  const embedder = embedderOf(model, { maxConcurrency: 1, timeout: 20 })
  await expect(embedder.embedAll(texts(3), 'document', {})).rejects.toMatchObject({
    ...{ code: 'ERR_EMBEDDING_FAILED', retryable: true, cause: { code: 'ERR_TIMEOUT' } },
    details: { model: 'words', outcome: 'none' },
  })
  expect(model.signals.map(({ aborted }) => aborted)).toEqual([true])
  model.before = () => {}
  expect(await embedder.embedAll(['b'], 'document', {})).toEqual([wordVector('b')])
  held.open()
})

test('closed, it rejects whoever waits, and aborts what it asks', async () => {
  const model = new WordModel()
  const held = gate()
  model.before = () => held.closed
  const embedder = embedderOf(model, { maxConcurrency: 1 })
  const asked = ['a', 'b'].map((text) => embedder.embedAll([text, text], 'document', {}))
  await expect.poll(() => model.calls.length).toBe(1)
  embedder.close()
  const closed = { code: 'ERR_CLOSED', details: { outcome: 'none' } }
  for (const one of [...asked, embedder.embedAll(['c'], 'query', {})]) await expect(one).rejects.toMatchObject(closed)
  expect(model.signals.map(({ aborted }) => aborted)).toEqual([true])
  held.open()
})

test('after the first failure of a call the rest of it is not asked for', async () => {
  const model = new WordModel()
  model.before = () => {
    throw httpError(401)
  }
  const embedder = embedderOf(model, { maxConcurrency: 1 })
  await expect(embedder.embedAll(texts(100), 'document', {})).rejects.toMatchObject({ code: 'ERR_EMBEDDING_FAILED' })
  expect(model.calls).toHaveLength(1)
  expect(await embedder.embedAll([], 'document', {})).toEqual([])
})

const failedWith = async (error: unknown, given: string[] = ['a']) => {
  const model = new WordModel()
  model.before = () => {
    throw error
  }
  return embedderOf(model)
    .embedAll(given, 'document', {})
    .catch((failure: unknown) => failure as ThermoclineError<'ERR_EMBEDDING_FAILED'>) as Promise<
    ThermoclineError<'ERR_EMBEDDING_FAILED'>
  >
}

test('a failure has what it was rejected with and its frames, and tells no log what that quotes', async () => {
  function functionOfTheCaller(): never {
    throw new TypeError('secret of the text')
  }
  let thrown: unknown
  try {
    functionOfTheCaller()
  } catch (error) {
    thrown = error
  }
  const failure = await failedWith(thrown)
  for (const one of [failure, retold(failure, { ...failure.details, index: 3 }, 'input 3: told again')]) {
    expect((one.details as { original?: unknown }).original).toBe(thrown)
    expect(one.stack).toContain('functionOfTheCaller')
    expect(one.stack!.startsWith(`ThermoclineError: ${one.message}\n`)).toBe(true)
    expect(one.retryable).toBe(false)
    for (const said of [inspect(one), JSON.stringify(one), one.stack]) expect(said).not.toContain('secret')
  }
})

test('a failure is not retryable where the function itself is wrong, or the model refuses whoever asks', async () => {
  const connection = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })
  for (const [error, retryable] of [
    ...[new TypeError('no'), new ReferenceError('no'), new SyntaxError('no')].map((one) => [one, false] as const),
    ...[400, 401, 403, 404].map((status) => [httpError(status), false] as const),
    [{ statusCode: 401 }, false],
    ...[408, 409, 429, 500, 503].map((status) => [httpError(status), true] as const),
    [httpError(403, { 'retry-after': '20' }), true],
    [new TypeError('fetch failed', { cause: connection }), true],
    [new Error('unknown'), true],
    [undefined, true],
  ] as const) {
    expect(await failedWith(error, ['a'])).toMatchObject({ code: 'ERR_EMBEDDING_FAILED', retryable })
    expect(await failedWith(error, ['a', 'b'])).toMatchObject({ code: 'ERR_EMBEDDING_FAILED', retryable })
  }
})
