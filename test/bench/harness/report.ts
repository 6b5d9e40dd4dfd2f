/** What a run found: for the page, and as it stands for `--json`. */
import { execFileSync } from 'node:child_process'
import { cpus } from 'node:os'
import type { Sample } from './bench-case.ts'
import type { Line } from './figures.ts'
import type { Flags } from './flags.ts'

export interface Report {
  readonly date: string
  /** With `+` where files were changed since. */
  readonly commit: string
  readonly machine: { readonly processors: string; readonly node: string }
  readonly rounds: number
  readonly cases: Record<string, CaseReport>
}

export interface CaseReport {
  readonly title: string
  readonly lines: readonly Line[]
  /** By subject, one sample a round. */
  readonly rounds: Readonly<Record<string, readonly Sample[]>>
}

export function machine(root: string, { rounds, dist }: Flags): Omit<Report, 'cases'> {
  const models = cpus().map(({ model }) => model)
  return {
    date: new Date().toISOString(),
    commit: dist === undefined ? commitOf(root) : `the build in ${dist}`,
    machine: { processors: `${models.length} × ${models[0]}`, node: process.version },
    rounds,
  }
}

function commitOf(root: string): string {
  try {
    const git = (...args: string[]): string => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim()
    const isChanged = git('status', '--porcelain', '--untracked-files=no') !== ''
    return git('rev-parse', '--short', 'HEAD') + (isChanged ? '+' : '')
  } catch {
    return 'unknown'
  }
}
