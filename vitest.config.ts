import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

/** Suites that could go on for hours, and do more of it in `npm run test:long`; see test/tools/budget.ts. */
function suitesWithBudget(): string[] {
  const files = readdirSync(join(import.meta.dirname, 'test'), { recursive: true, encoding: 'utf8' })
  const paths = files.filter((file) => file.endsWith('.test.ts')).map((file) => join('test', file))
  return paths.filter((path) => readFileSync(join(import.meta.dirname, path), 'utf8').includes("budget.ts'"))
}

export default defineConfig(({ mode }) => ({
  test: {
    include: mode === 'long' ? suitesWithBudget() : ['test/**/*.test.ts'],
    globalSetup: ['test/tools/compile.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Two cores: each file may start a database of its own.
    maxWorkers: 2,
  },
}))
