/** Runs cases one after another, each in a process of its own, and collects what they say. */
import { type ChildProcess, fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Job } from './bench.ts'
import type { BenchCase, Sample } from './bench-case.ts'
import type { BenchServers } from './bench-servers.ts'
import type { CompiledCases } from './build.ts'
import type { Message } from './measure-case.ts'

const DEFAULT_LIMIT_S = 120

export interface CaseRunnerParts {
  readonly root: string
  readonly dist: string
  /** A folder of this run, on a disk. */
  readonly dir: string
  readonly servers: BenchServers
  readonly compiled: CompiledCases
  readonly rounds: number
  readonly isFull: boolean
  /** Is told what happens, and undefined when a case ends. */
  readonly onStep: (step: string | undefined) => void
}

/** What became of a case. */
export interface Outcome {
  readonly rounds: Readonly<Record<string, Sample[]>>
  /** Text of a profile, where one was asked for. */
  readonly profile: string | undefined
}

export class CaseRunner {
  readonly #parts: CaseRunnerParts
  #process: ChildProcess | undefined

  constructor(parts: CaseRunnerParts) {
    this.#parts = parts
  }

  /** Rejects where the case fails, takes longer than its limit, or is stopped. */
  async run(name: string, benchCase: BenchCase, profile?: string): Promise<Outcome> {
    const { root, dist, servers, isFull, rounds: asked } = this.#parts
    const dir = mkdtempSync(join(this.#parts.dir, 'case-'))
    try {
      const rounds = Math.min(asked, benchCase.mostRounds ?? asked)
      const addresses = await servers.addresses(benchCase.servers ?? [])
      return await this.#watch(name, benchCase, { root, dist, dir, isFull, profile, rounds, servers: addresses })
    } finally {
      rmSync(dir, { recursive: true, force: true })
      this.#parts.onStep(undefined)
    }
  }

  /** Ends the running case at once. */
  stop(): void {
    this.#process?.kill('SIGKILL')
  }

  #watch(name: string, { limit = DEFAULT_LIMIT_S }: BenchCase, job: Job): Promise<Outcome> {
    const { compiled, onStep, isFull } = this.#parts
    const child = fork(compiled.process, [compiled.case(name), JSON.stringify(job)], {
      execArgv: ['--expose-gc', '--no-warnings=ExperimentalWarning'],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      serialization: 'advanced',
    })
    this.#process = child
    const rounds: Record<string, Sample[]> = {}
    let profile: string | undefined
    let failure: string | undefined
    const seconds = isFull ? 10 * limit : limit
    const timer = setTimeout(() => {
      failure = `it took more than ${seconds} seconds`
      child.kill('SIGKILL')
    }, seconds * 1_000)
    child.on('message', (message: Message) => {
      if (message.is === 'step') onStep(message.text)
      else if (message.is === 'profile') profile = message.text
      else if (message.is === 'failure') failure = message.text
      else rounds[message.subject] = [...(rounds[message.subject] ?? []), message.sample]
    })
    return new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', (code, signal) => {
        clearTimeout(timer)
        this.#process = undefined
        if (code === 0) resolve({ rounds, profile })
        else reject(new Error(failure ?? `its process ended with ${signal ?? `exit code ${code}`}`))
      })
    })
  }
}
