/** A process of its own for one test, which reads it line by line. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { onTestFinished } from 'vitest'
import { compiled } from '../tools/compiled.ts'

export class Child {
  readonly process: ChildProcess
  readonly #lines: Interface
  readonly #iterator: AsyncIterator<string>

  /**
   * @param script In this folder.
   * @param within A command that runs the one behind it, such as `env`.
   */
  constructor(
    script: string,
    args: readonly (string | number)[],
    nodeArgs: readonly string[] = [],
    within: readonly string[] = [],
  ) {
    const node = [process.execPath, ...nodeArgs, compiled(join(import.meta.dirname, script))]
    const [program, ...rest] = [...within, ...node, ...args.map(String)]
    this.process = spawn(program!, rest, { stdio: ['pipe', 'pipe', 'inherit'] })
    // What is written to one that was killed is lost, as it was.
    this.process.stdin!.on('error', () => {})
    this.#lines = createInterface({ input: this.process.stdout! })
    this.#iterator = this.#lines[Symbol.asyncIterator]()
    onTestFinished(() => {
      this.process.kill('SIGKILL')
    })
  }

  /** The next line; undefined once it has ended. */
  async line(): Promise<string | undefined> {
    const { value, done } = await this.#iterator.next()
    return done ? undefined : value
  }

  /** All lines that are left. */
  async rest(): Promise<string[]> {
    const lines: string[] = []
    for (let line = await this.line(); line !== undefined; line = await this.line()) lines.push(line)
    return lines
  }

  /** Resolves once it is gone. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.process.kill(signal)
    await this.gone()
  }

  /** Resolves once it is gone, to the signal that ended it; null: it ended by itself. */
  async gone(): Promise<NodeJS.Signals | null> {
    if (this.process.exitCode === null && this.process.signalCode === null) await once(this.process, 'exit')
    return this.process.signalCode
  }
}
