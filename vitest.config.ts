import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

interface Suite {
  readonly path: string
  readonly text: string
}

function suites(): Suite[] {
  const files = readdirSync(join(import.meta.dirname, 'test'), { recursive: true, encoding: 'utf8' })
  // What the benchmarks are measured against may be installed beside them.
  const own = files.filter((file) => file.endsWith('.test.ts') && !file.includes('node_modules'))
  const paths = own.map((file) => join('test', file))
  return paths.map((path) => ({ path, text: readFileSync(join(import.meta.dirname, path), 'utf8') }))
}

/** Suites that do more in `npm run test:long`, by test/tools/budget.ts or by what asks it for several of them. */
const hasBudget = ({ text }: Suite): boolean =>
  /\/(budget|made-database|planned-databases)\.ts'|describeMainPair\(/.test(text)

/**
 * Suites that change what a whole process has (a module, its arrays, its context manager) and leave it so, or depend on
 * what it did before. They get a process each, which loads everything anew. All others share a few, where modules and
 * the compiled database are loaded once: what they change (the environment, the folder, who listens) they set right again.
 */
const needsOwnProcess = ({ path, text }: Suite): boolean =>
  CHANGES_PROCESS.test(text) || /(entry-id|warnings)\.test\.ts$/.test(path)

const CHANGES_PROCESS =
  /vi\.(mock|stubGlobal)\(|memoryUsage\(|setGlobalContextManager\(|from 'drizzle-kit\/api'|keyvTestSuite\(/

export default defineConfig(({ mode }) => {
  const isLong = mode === 'long'
  const chosen = suites().filter((suite) => !isLong || hasBudget(suite))
  const project = (name: string, isolate: boolean) => ({
    test: {
      name,
      include: chosen.filter((suite) => needsOwnProcess(suite) === isolate).map(({ path }) => path),
      isolate,
      // A project has none by itself, and budget.ts goes by it.
      env: { MODE: mode },
      // Nothing here asserts how long it takes; the budgets of the long run fill two minutes where the machine is busy.
      testTimeout: isLong ? 600_000 : 120_000,
      hookTimeout: isLong ? 600_000 : 120_000,
      // What waits for a server waits longer than the second that is the default.
      expect: { poll: { timeout: 20_000 } },
    },
  })
  return {
    test: {
      globalSetup: ['test/tools/compile.ts'],
      // Of the short run, a third is waiting for servers, disks and processes: one more than the two cores of CI.
      maxWorkers: isLong ? 2 : 3,
      projects: [project('shared', false), project('alone', true)],
    },
  }
})
