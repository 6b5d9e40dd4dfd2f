import { inspect } from 'node:util'
import { DrizzleQueryError } from 'drizzle-orm/errors'
import { describe, expect, it } from 'vitest'
import { isThermoclineError, ThermoclineError, withoutContent } from '../src/errors.ts'

const CANARY = 'canary-5f1d'

/** As postgres.js makes it: `detail`, `where` and `query` carry the row. */
function postgresError(): Error {
  return Object.assign(new Error(`duplicate key value (${CANARY})`), {
    name: 'PostgresError',
    code: '23505',
    severity: 'ERROR',
    detail: `Key (key)=(${CANARY}) already exists.`,
    where: CANARY,
    constraint_name: 'memory_entries_pkey',
    query: `insert … ${CANARY}`,
    parameters: [CANARY],
  })
}

/** As ioredis makes it: `command` carries the arguments. */
function redisError(): Error {
  return Object.assign(new Error(`ERR wrong value ${CANARY}`), {
    name: 'ReplyError',
    command: { name: 'evalsha', args: ['sha', '1', CANARY] },
    lastNodeError: new Error(CANARY),
  })
}

const FOREIGN: readonly (readonly [string, unknown, object])[] = [
  ['postgres.js', postgresError(), { name: 'PostgresError', code: '23505', constraint: 'memory_entries_pkey' }],
  [
    'drizzle around postgres.js',
    new DrizzleQueryError('insert …', [CANARY], postgresError()),
    { name: 'PostgresError', code: '23505', constraint: 'memory_entries_pkey' },
  ],
  ['drizzle alone', new DrizzleQueryError(`insert ${CANARY}`, [CANARY]), { name: 'Error' }],
  ['ioredis', redisError(), { name: 'ReplyError' }],
  [
    'a refused connection',
    Object.assign(new AggregateError([new Error(CANARY)], CANARY), { code: 'ECONNREFUSED' }),
    { name: 'AggregateError', code: 'ECONNREFUSED' },
  ],
  [
    'PGlite',
    Object.assign(new Error(CANARY), { code: '22021', constraint: 'c' }),
    { name: 'Error', code: '22021', constraint: 'c' },
  ],
  [
    'codes that are no text',
    Object.assign(new Error(CANARY), { code: { secret: CANARY }, constraint: [CANARY] }),
    { name: 'Error' },
  ],
  ['a plain object', { message: CANARY, payload: CANARY }, { name: 'Error' }],
  ['a thrown text', CANARY, { name: 'string' }],
  ['null', null, { name: 'object' }],
]

describe('withoutContent', () => {
  it.each(FOREIGN)('keeps only name, code and constraint of %s', (_, error, expected) => {
    expect(withoutContent(error)).toEqual(expected)
  })

  it('passes one of our own', () => {
    const own = new ThermoclineError('ERR_CLOSED', 'closed', {})
    expect(withoutContent(own)).toBe(own)
  })
})

describe('ThermoclineError', () => {
  it.each(FOREIGN)('shows nothing of %s, however it is printed', (_, cause) => {
    const error = new ThermoclineError('ERR_TIER_UNAVAILABLE', 'cold is away', { tier: 'cold' }, { cause })
    const printed = [inspect(error, { depth: 9, showHidden: true }), JSON.stringify(error), String(error), error.stack]
    expect(printed.join('\n')).not.toContain(CANARY)
  })

  it('serialises what a program needs', () => {
    const cause = new ThermoclineError('ERR_TIMEOUT', 'slow', { tier: 'cold' }, { cause: redisError() })
    const error = new ThermoclineError('ERR_WAL_FAILED', 'stopped', { id: 'x', outcome: 'unknown' }, { cause })
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      name: 'ThermoclineError',
      code: 'ERR_WAL_FAILED',
      message: 'stopped',
      retryable: false,
      details: { id: 'x', outcome: 'unknown' },
      cause: {
        name: 'ThermoclineError',
        code: 'ERR_TIMEOUT',
        message: 'slow',
        retryable: true,
        details: { tier: 'cold' },
        cause: { name: 'ReplyError' },
      },
    })
    expect(Object.keys(new ThermoclineError('ERR_CLOSED', 'closed', {}).toJSON())).not.toContain('cause')
  })

  it('is an Error with a stack, and knows what may be tried again', () => {
    const error = new ThermoclineError('ERR_BACKPRESSURE', 'full', {})
    expect(error).toBeInstanceOf(Error)
    expect(error.stack).toContain('errors.test.ts')
    expect(error.retryable).toBe(true)
    expect(new ThermoclineError('ERR_SCHEMA', 'old', {}).retryable).toBe(false)
  })

  it('is told from others, and by its code', () => {
    const error: unknown = new ThermoclineError('ERR_LOCKED', 'locked', { pid: 7 })
    expect(isThermoclineError(error)).toBe(true)
    expect(isThermoclineError(error, 'ERR_LOCKED') && error.details.pid).toBe(7)
    expect(isThermoclineError(error, 'ERR_CLOSED')).toBe(false)
    expect(isThermoclineError(new Error('ERR_LOCKED'))).toBe(false)
  })
})
