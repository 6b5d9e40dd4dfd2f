import { describe, expect, test } from 'vitest'
import { BenchUsageError, parseFlags } from './harness/flags.ts'

const CASES = ['get', 'put']
const parse = (...args: string[]) => parseFlags(args, CASES)

test('without any flag it is all cases and five rounds', () => {
  expect(parse()).toEqual({ list: false, only: [], rounds: 5, full: false })
})

test('every flag has its value, and a case is not named twice', () => {
  const args = [
    '--only',
    'put',
    '--only',
    'get',
    '--only',
    'put',
    '--rounds',
    '7',
    '--full',
    '--json',
    'a',
    '--html',
    'b',
  ]
  expect(parse(...args, '--dist', 'd')).toMatchObject({
    only: ['put', 'get'],
    rounds: 7,
    full: true,
    json: 'a',
    html: 'b',
    dist: 'd',
  })
  expect(parse('--profile', 'put')).toMatchObject({ profile: 'put' })
})

describe('refuses', () => {
  test.each([
    [['--nowhere'], '--nowhere'],
    [['--only', 'del'], '--only'],
    [['--profile', 'del'], '--profile'],
    [['--rounds', '0'], '--rounds'],
    [['--rounds', '1.5'], '--rounds'],
    [['--rounds', 'many'], '--rounds'],
    [['--rounds', '101'], '--rounds'],
    [['--json'], '--json'],
    [['put'], 'too many arguments'],
    [['--profile', 'put', '--json', 'a'], '--json'],
  ])('%j by name', (args, name) => {
    expect(() => parse(...args)).toThrow(BenchUsageError)
    expect(() => parse(...args)).toThrow(name)
  })
})
