/**
 * `npm run mutants` takes a quarter of an hour; that each of its patches still finds the code it breaks is seen here.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
const PATCHES = join(import.meta.dirname, 'mutants')

describe.each(readdirSync(PATCHES))('the mutant %s', (name) => {
  it('applies', () => {
    execFileSync('git', ['apply', '-C1', '--check', join(PATCHES, name)], { cwd: ROOT, stdio: 'pipe' })
  })

  it('names suites that are there', () => {
    const suites = /^Suites: (.+)$/m.exec(readFileSync(join(PATCHES, name), 'utf8'))![1]!.split(' ')
    expect(suites.filter((suite) => !existsSync(join(ROOT, suite)))).toEqual([])
  })
})
