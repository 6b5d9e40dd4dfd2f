/** Runs compiled files of tests in a vitest of their own, as a user does, also such as are to fail. */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { isThorough } from './budget.ts'
import { compiled } from './compiled.ts'

const VITEST = join(import.meta.dirname, '../../node_modules/vitest/vitest.mjs')

/** What became of a test. */
export interface Told {
  readonly ancestorTitles: readonly string[]
  readonly title: string
  readonly status: 'passed' | 'failed' | 'skipped'
  readonly failureMessages: readonly string[]
}

/** @param file compiled. */
export async function runChildVitest(file: string): Promise<readonly Told[]> {
  const folder = await mkdtemp(join(tmpdir(), 'thermocline-test-'))
  try {
    const output = join(folder, 'told.json')
    const config = compiled(join(import.meta.dirname, 'child-vitest-config.ts'))
    const flags = ['--config', config, '--reporter=json', '--outputFile', output]
    // A vitest writes its own mode into the environment, and budget.ts goes by it.
    const mode = isThorough ? ['--mode', 'long'] : []
    const args = [VITEST, 'run', basename(file), '--root', dirname(file), ...mode, ...flags]
    const printed = await new Promise<string>((resolve) => {
      execFile(process.execPath, args, (_, stdout, stderr) => resolve(stdout + stderr))
    })
    const json = await readFile(output, 'utf8').catch(() => '{"testResults":[]}')
    const told = JSON.parse(json).testResults.flatMap((one: { assertionResults: Told[] }) => one.assertionResults)
    if (told.length === 0) throw new Error(`no tests ran:\n${printed}${json}`)
    return told
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
