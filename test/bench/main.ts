/**
 * `npm run bench`: thermocline against what one would pick instead. Each case runs in a process of its own, which
 * measures ours and its references in turn, round by round; ratios are of the same round. Exits 1 where a case failed,
 * 2 where it was called wrongly; a missed goal is told and is no failure.
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { whenWrapperEnds } from '../../src/cli/wrapper-end.ts'
import { removeFolderWhenWeEnd } from '../tools/services.ts'
import type { BenchCase, Row } from './harness/bench-case.ts'
import { BenchServers } from './harness/bench-servers.ts'
import { buildPackage, CompiledCases } from './harness/build.ts'
import { type Line, linesOf } from './harness/figures.ts'
import { caseNames, loadCase } from './harness/find-cases.ts'
import { BenchUsageError, type Flags, parseFlags } from './harness/flags.ts'
import { pageOf } from './harness/page.ts'
import { machine, type Report } from './harness/report.ts'
import { CaseRunner } from './harness/run-cases.ts'
import { showProgress } from './harness/show-progress.ts'
import { summary, tableOf } from './harness/table.ts'
import { Peers } from './peers.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const TMPFS = 0x01021994

const tell = (line: string): void => {
  process.stderr.write(`${line}\n`)
}

async function main(): Promise<number> {
  const names = caseNames()
  const flags = parseFlags(process.argv.slice(2), names)
  if (flags === undefined) return 0
  const cases = new Map<string, BenchCase>()
  for (const name of names) cases.set(name, await loadCase(name))
  if (flags.list) return list(cases)
  const chosen = choose(cases, flags)
  installPeers(chosen)
  const dist = flags.dist === undefined ? buildPackage(ROOT, tell) : resolve(flags.dist)
  return await runOn(chosen, flags, dist)
}

function list(cases: ReadonlyMap<string, BenchCase>): number {
  for (const [name, { title, rows, isLong }] of cases) {
    const references = [...new Set(rows.flatMap((row) => row.reference?.subject ?? []))]
    const against = references.length === 0 ? '' : `; against ${references.join(', ')}`
    console.log(`${name}\n    ${title}${against}${isLong ? ' (with --full)' : ''}`)
  }
  return 0
}

function choose(cases: ReadonlyMap<string, BenchCase>, { only, profile, full }: Flags): Map<string, BenchCase> {
  const asked = profile === undefined ? only : [profile]
  return new Map(
    [...cases].filter(([name, { isLong }]) => (asked.length === 0 ? full || !isLong : asked.includes(name))),
  )
}

/** Only where a chosen case is measured against something that is not there yet. */
function installPeers(cases: ReadonlyMap<string, BenchCase>): void {
  const missing = new Peers(ROOT).missing([...cases.values()].flatMap(({ peers }) => peers ?? []))
  if (missing.length === 0) return
  tell(`installing what is measured against, in test/bench: ${[...new Set(missing)].join(', ')}`)
  try {
    const args = ['ci', '--no-audit', '--no-fund', '--prefix', join(ROOT, 'test/bench')]
    execFileSync('npm', args, { cwd: join(ROOT, 'test/bench'), stdio: ['ignore', 'ignore', 'inherit'] })
  } catch {
    throw new BenchUsageError('that failed: run `npm install` in test/bench, or choose other cases with --only')
  }
}

async function runOn(cases: ReadonlyMap<string, BenchCase>, flags: Flags, dist: string): Promise<number> {
  const profile = flags.profile && join(tmpdir(), `thermocline-${flags.profile}.cpuprofile`)
  const dir = makeFolder()
  let runner: CaseRunner | undefined
  let isStopped = false
  const stop = (): void => {
    isStopped = true
    runner?.stop()
  }
  // Each time: whoever started this may pass a signal on that the terminal has sent already.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop)
  whenWrapperEnds(stop)
  try {
    await using servers = new BenchServers()
    using compiled = await CompiledCases.make(ROOT, [...cases.keys()])
    using progress = showProgress(cases.size)
    const { rounds, full: isFull } = flags
    runner = new CaseRunner({ root: ROOT, dist, dir, servers, compiled, rounds, isFull, onStep: progress.step })
    const report: Report = { ...machine(ROOT, flags), cases: {} }
    let failures = 0
    for (const [name, benchCase] of cases) {
      if (isStopped) break
      progress.begin(name)
      try {
        const outcome = await runner.run(name, benchCase, profile)
        if (outcome.profile !== undefined) progress.print(`${outcome.profile}\n\nrecorded: ${profile}`)
        else
          report.cases[name] = {
            title: benchCase.title,
            lines: linesOf({ ...benchCase, rows: rowsOf(benchCase, isFull) }, outcome.rounds),
            ...outcome,
          }
      } catch (error) {
        if (isStopped) break
        failures++
        tell(`${name} failed: ${error instanceof Error ? error.message : error}`)
      }
    }
    progress[Symbol.dispose]()
    // Also what was measured before it was stopped.
    if (Object.keys(report.cases).length > 0) await tellReport(report, flags)
    if (isStopped) {
      tell('stopped')
      return 130
    }
    return failures === 0 ? 0 : 1
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

function rowsOf({ rows, fullRows = [] }: BenchCase, isFull: boolean): readonly Row[] {
  return isFull ? [...rows, ...fullRows] : rows
}

async function tellReport(report: Report, { json, html }: Flags): Promise<void> {
  const lines: Line[] = Object.values(report.cases).flatMap((one) => one.lines)
  console.log(tableOf(lines))
  console.log(summary(lines))
  if (json !== undefined) await writeFile(json, `${JSON.stringify(report, undefined, 2)}\n`)
  if (html !== undefined) await writeFile(html, pageOf(report))
}

/** A folder for every file of this run, servers included, on a disk: syncing to memory costs nothing. */
function makeFolder(): string {
  const parent = [tmpdir(), '/var/tmp'].find((folder) => statfsSync(folder).type !== TMPFS)
  if (parent === undefined) throw new BenchUsageError('the temporary folder is on tmpfs: set TMPDIR to one on a disk')
  const dir = mkdtempSync(join(parent, 'thermocline-bench-'))
  // Postgres runs as another user where we are root.
  chmodSync(dir, 0o755)
  removeFolderWhenWeEnd(dir)
  process.env.TMPDIR = dir
  return dir
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    const isUsage = error instanceof BenchUsageError
    tell(isUsage ? error.message : String(error instanceof Error ? error.stack : error))
    process.exit(isUsage ? 2 : 1)
  },
)
