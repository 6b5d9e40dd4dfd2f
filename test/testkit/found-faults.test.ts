/**
 * The suites for anybody's store find faults, and say what is wrong: they run in a vitest of their own over stores that
 * have some.
 */
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { longTest } from '../tools/budget.ts'
import { runChildVitest, type Told } from '../tools/child-vitest.ts'
import { compiled } from '../tools/compiled.ts'
import { describeWithRedis } from '../tools/services.ts'

let told: readonly Told[]

beforeAll(async () => {
  told = await runChildVitest(compiled(join(import.meta.dirname, 'faulty/faulty-suites.ts')))
}, 600_000)

/** The tests of a suite that failed, without what all of them begin with, and why. */
function failuresOf(suite: string): Readonly<Record<string, string>> {
  const own = told.filter(({ ancestorTitles }) => ancestorTitles.some((title) => title.includes(`: ${suite}`)))
  expect(own.length).toBeGreaterThan(4)
  // Where a suite could not begin, its tests are skipped.
  expect(own.filter(({ status }) => status !== 'passed' && status !== 'failed')).toEqual([])
  const failed = own.filter(({ status }) => status === 'failed')
  return Object.fromEntries(
    failed.map(({ ancestorTitles, title, failureMessages }) => {
      const kind = ancestorTitles.find((ancestor) => ancestor.startsWith('keeps apart '))
      return [kind ?? title, failureMessages.join('\n')]
    }),
  )
}

describe('isolation', () => {
  test('finds keys that are joined', () => {
    const failures = failuresOf('joined keys')
    expect(Object.keys(failures)).toEqual(
      expect.arrayContaining([
        'keeps apart names that begin with one another',
        'keeps apart names with separators in them',
        'keeps apart ids that go on where a namespace ends',
        'keeps apart what is written at the same time',
        'keeps apart random names, in random calls',
      ]),
    )
    expect(failures['keeps apart names with separators in them']).toContain('get(["a","b"], "1")')
  })

  test('shrinks what it finds by chance, and says how to see it again', () => {
    const failure = failuresOf('joined keys')['keeps apart random names, in random calls']!
    expect(failure).toMatch(/seed: 11, path: /)
    const [, shrunk] = failure.match(/Counterexample: \[(.*)\]\n/)!
    const { places } = JSON.parse(shrunk!)
    expect(places).toHaveLength(2)
  })

  test('finds names of another case, and nothing else of a store that folds them', () => {
    const inNames = Object.keys(failuresOf('folded names')).filter((title) => !/at the same time|random/.test(title))
    expect(inNames).toEqual(['keeps apart letters of another case'])
  })

  test('finds what a search answers of other namespaces', () => {
    const failures = failuresOf('searched at large')
    expect(failures['keeps apart names that begin with one another']).toContain('search(["a"], …)')
  })

  test('finds what a delete takes out of the lists of others', () => {
    const failures = failuresOf('listed by id')
    expect(failures['keeps apart names that begin with one another']).toContain('list(["ab"]): without')
  })
})

const LOST = 'keeps every write that it acknowledged'
const BACK = 'brings nothing back that was deleted'

describe('crash safety', () => {
  test('finds nothing wrong with a store that writes before it acknowledges', () => {
    expect(failuresOf('none')).toEqual({})
  })

  test('finds what is flushed now and then, and names what is lost, the kill and the seed', () => {
    const failures = failuresOf('flushes now and then')
    expect([LOST, BACK]).toEqual(expect.arrayContaining(Object.keys(failures)))
    expect(failures[LOST]).toMatch(/\["(left|right)"\] "[abcd]": .+, after .+ was acknowledged/)
    expect(failures[LOST]).toMatch(/kill \d+ of 40, seed 11/)
  })

  test.each([
    ['keeps deletes in memory', BACK],
    ['writes in place', 'has no part of a value, and none that nobody wrote'],
    ['lists too little', 'lists what it has by id'],
    ['loses when closed', 'has the same once it is closed and opened again'],
  ])('finds a store that %s', (fault, title) => {
    expect(Object.keys(failuresOf(fault))).toEqual([title])
  })

  describeWithRedis('of a server that is killed as well', () => {
    longTest('finds that it keeps nothing without files, and what a log has of it with one', () => {
      expect(Object.keys(failuresOf('Redis without files'))).toEqual([LOST])
      expect(failuresOf('Redis with a log')).toEqual({})
    })
  })
})
