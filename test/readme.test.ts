import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { DEFAULTS } from '../src/index.ts'
import { describeWithServers } from './flow/stores.ts'
import { examplesOf, runExample } from './tools/examples.ts'

const ROOT = join(import.meta.dirname, '..')
const readme = await readFile(join(ROOT, 'README.md'), 'utf8')

const examples = examplesOf(readme)
const example = (nth: number): string => examples[nth]!.replace("'thermocline'", "'../src/index.ts'")

test('the example runs as it stands and prints what it found', async () => {
  expect(await runExample(example(0))).toMatch(/^A thermocline is .+ \{ theme: 'dark' \} 1 0\.9\d+\n$/)
})

test('the example of compare-and-set runs as it stands', async () => {
  const code = examples.find((one) => one.includes('expectedVersion'))!.replace("'thermocline'", "'../src/index.ts'")
  expect(await runExample(code)).toBe("{ state: 'done', tries: 1 }\n")
})

test('the example of `where` selects as it says', async () => {
  const code = examples.find((one) => one.includes('metadataPath'))!.replace("'thermocline'", "'../src/index.ts'")
  expect((await runExample(code)).split('\n')).toEqual([
    "[ 'Warm water floats' ]",
    "[ 'Ice floats', 'Warm water floats' ]",
    "[ 'Ice floats' ]",
    "[ 'Ice floats' ]",
    "[ 'Cold water sinks' ]",
    '',
  ])
})

test('the example of search and of pages answers in the order that it says', async () => {
  const code = examples.find((one) => one.includes('byText'))!.replace("'thermocline'", "'../src/index.ts'")
  expect((await runExample(code)).split('\n')).toEqual(['[ 1 ]', '3 3 1', '1 1 2', '[ 3, 2 ]', '[ 1 ]', ''])
})

test('the example of changing many counts what it says', async () => {
  const code = examples.find((one) => one.includes('updateWhere'))!.replace("'thermocline'", "'../src/index.ts'")
  expect((await runExample(code)).split('\n')).toEqual([
    '{ matched: 1, updated: 1, skipped: 0 }',
    '{ matched: 1, updated: 1, skipped: 0 }',
    '{ matched: 2, deleted: 0 }',
    '{ matched: 2, deleted: 2 }',
    '',
  ])
})

test('the example of documents embeds what is new, and lists what there is', async () => {
  const code = examples.find((one) => one.includes('replaceDocument'))!.replace("'thermocline'", "'../src/index.ts'")
  expect((await runExample(code)).split('\n')).toEqual([
    "embedding [ 'Ice floats', 'Warm water rises', 'Cold water sinks' ]",
    "embedding [ 'Warm water stays above' ]",
    '2 1 1',
    "[ '0 Ice floats', '1 Warm water stays above', '2 Cold water sinks' ]",
    "[ [ 'ice.md', 3 ] ]",
    '3',
    '',
  ])
})

test('the example of moving says what became of each', async () => {
  const code = examples.find((one) => one.includes('prefetch'))!.replace("'thermocline'", "'../src/index.ts'")
  expect(await runExample(code)).toBe('demoted\nrefused\n0\n')
})

describeWithServers('the example of Redis and Postgres', (servers) => {
  test('runs as it stands', async () => {
    const { hot, cold } = await servers.shared()
    expect(await runExample(example(1), { REDIS_URL: hot.url, DATABASE_URL: cold.url })).toBe(
      'shared by every backend\n',
    )
  })
})

test('there is no other example', () => {
  expect(examples.length).toBe(8)
})

test('every option stands in the table', () => {
  for (const [name, value] of Object.entries(DEFAULTS)) {
    if (typeof value === 'object' && !['logger', 'clock', 'sync', 'promote'].includes(name))
      for (const inner of Object.keys(value))
        if (inner !== 'kind') expect(readme, `${name}.${inner}`).toContain(`\`${name}.${inner}\``)
    expect(readme).toMatch(new RegExp(`\`${name}[\`.]`))
  }
})

test('every error code has a heading', async () => {
  const source = await readFile(join(ROOT, 'src/errors.ts'), 'utf8')
  const codes = new Set([...source.matchAll(/^ {2}(ERR_[A-Z_]+):/gm)].map(([, code]) => code))
  expect(codes.size).toBeGreaterThan(10)
  const headings = new Set([...readme.matchAll(/^### (ERR_[A-Z_]+)$/gm)].map(([, code]) => code))
  expect([...headings].sort()).toEqual([...codes].sort())
})
