/** Every case is what a case should be, and names what is there. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { NUMBERS } from './cases/cost-of-numbers.ts'
import { caseNames, loadCase } from './harness/find-cases.ts'

const ROOT = join(import.meta.dirname, '../..')
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

describe.each(caseNames())('%s', (name) => {
  test('has a title of its own and rows', async () => {
    const { title, rows } = await loadCase(name)
    const titles = await Promise.all(caseNames().map(async (other) => (await loadCase(other)).title))
    expect(titles.filter((other) => other === title)).toHaveLength(1)
    expect(rows.length).toBeGreaterThan(0)
  })

  test('loads modules of the package by the paths that they have in src', () => {
    const calls = [...read(`test/bench/cases/${name}.ts`).matchAll(/bench\.module(?:Url)?(?:<.*?>)?\('([^']+)'\)/g)]
    expect(calls.map(([, path]) => path).filter((path) => !existsSync(join(ROOT, `src/${path}.ts`)))).toEqual([])
  })

  test('names peers that test/bench/package.json has', async () => {
    const { peers = [] } = await loadCase(name)
    expect(Object.keys(JSON.parse(read('test/bench/package.json')).dependencies)).toEqual(
      expect.arrayContaining([...peers]),
    )
  })
})

test.each(NUMBERS)('what counts in %s and is left out to measure it is there: %s', (file, code) => {
  expect(read(`src/${file}.ts`)).toContain(code)
})
