/** The real command line, in a process of its own. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, vi } from 'vitest'
import { compiled } from '../tools/compiled.ts'

// Every command is a process that starts a database: on a busy machine that takes its time.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 })

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const SEVERAL = fileURLToPath(new URL('./several-child.ts', import.meta.url))

export interface CliResult {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

interface CliOptions {
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
  /** What stdin has. @default it is closed */
  readonly input?: Uint8Array
}

export interface RunningCli {
  readonly child: ChildProcess
  readonly result: Promise<CliResult>
  /** Resolves once stdout and stderr together match; rejects when the process ends before. */
  printed(pattern: RegExp): Promise<void>
}

/** Settings of the machine that the tests run on are left out. */
function cleanEnv(env: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const { REDIS_URL: _, DATABASE_URL: __, THERMOCLINE_DIR: ___, ...rest } = process.env
  return { ...rest, ...env }
}

/** Starts a compiled file of this repository in a process of its own; it ends with the test at the latest. */
export function startNode(file: string, args: readonly string[], options: CliOptions = {}): RunningCli {
  const { cwd, env, input } = options
  const stdin = input === undefined ? 'ignore' : 'pipe'
  const settings: SpawnOptions = { cwd, env: cleanEnv(env), stdio: [stdin, 'pipe', 'pipe'] }
  const child = spawn(process.execPath, [compiled(file), ...args], settings)
  child.stdin?.end(input)
  let stdout = ''
  let stderr = ''
  let look = (): void => {}
  child.stdout!.setEncoding('utf8').on('data', (data: string) => {
    stdout += data
    look()
  })
  child.stderr!.setEncoding('utf8').on('data', (data: string) => {
    stderr += data
    look()
  })
  const result = once(child, 'close').then(([code, signal]) => ({ code, signal, stdout, stderr }) as CliResult)
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await result
  })
  const printed = async (pattern: RegExp): Promise<void> => {
    const seen = new Promise<void>((resolve) => {
      look = () => {
        if (pattern.test(stdout + stderr)) resolve()
      }
      look()
    })
    const ended = result.then((all) => {
      if (!pattern.test(all.stdout + all.stderr)) throw new Error(`ended without ${pattern}: ${JSON.stringify(all)}`)
    })
    await Promise.race([seen, ended])
  }
  return { child, result, printed }
}

export function startCli(args: readonly string[], options?: CliOptions): RunningCli {
  return startNode(MAIN, args, options)
}

export function runCli(args: readonly string[], options?: CliOptions): Promise<CliResult> {
  return startCli(args, options).result
}

/**
 * Command lines one after the other in one process, which loads our code once. For what is about answers and refusals:
 * signals, locks and what a process leaves behind need one of their own.
 */
export async function runAll(commands: readonly (readonly string[])[], options?: CliOptions): Promise<CliResult[]> {
  const end = `${randomUUID()}:`
  const whole = await startNode(SEVERAL, [end, compiled(MAIN), JSON.stringify(commands)], options).result
  const [stdout, stderr] = [whole.stdout.split(end), whole.stderr.split(end)]
  expect({ code: whole.code, ended: stdout.length - 1 }, whole.stderr).toEqual({ code: 0, ended: commands.length })
  // Before what a command prints stands how the one before ended.
  const printed = (nth: number) => (nth === 0 ? stdout[0]! : stdout[nth]!.replace(/^\d+\n/, ''))
  return commands.map((_, nth) => ({
    ...{ code: Number.parseInt(stdout[nth + 1]!, 10), signal: null },
    ...{ stdout: printed(nth), stderr: stderr[nth]! },
  }))
}

/** Exit code, nothing on stdout, and exactly one line on stderr that holds the remedy. */
export function expectRefusal(result: CliResult, code: number, remedy: string | RegExp): void {
  expect(result.stderr).toMatch(/^thermocline: [^\n]+\n$/)
  expect(result.stderr).toMatch(remedy)
  expect(result.stderr).not.toMatch(/\bat .*:\d+:\d+/)
  expect({ code: result.code, stdout: result.stdout }).toEqual({ code, stdout: '' })
}
