/**
 * Kills a real process by the kernel as it enters one of the system calls with which it changes the disk. strace counts
 * each call per thread and delivers the signal before the call is done.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect } from 'vitest'
import { compiled } from '../tools/compiled.ts'
import { pick, randomFrom } from './seeded-random.ts'

/** Some have another name on another processor: `?` passes over what is not there. */
const CALLS = ['pwrite64', 'fdatasync', 'fsync', '?link', '?linkat', '?rename', '?unlink', '?unlinkat']

export interface Point {
  readonly call: string
  /** Of those that one thread makes, from 1. */
  readonly nth: number
}

export interface TracedPoint extends Point {
  readonly args: string
}

/** What it printed. */
export type Lines = readonly string[]

export class TracedWriter {
  readonly #child: string

  /** @param child a file of this folder; its arguments are those of each run. */
  constructor(child: string) {
    this.#child = compiled(join(import.meta.dirname, child))
  }

  /**
   * Each call by which a thread of it is the first to have made so many, with its arguments, in which descriptors have
   * their paths.
   * @param since `first line`: those that come after it printed one.
   */
  async pointsOf(
    args: readonly string[],
    output: string,
    since: 'start' | 'first line' = 'start',
  ): Promise<{ readonly points: readonly TracedPoint[]; readonly lines: Lines }> {
    const { lines, signal } = await this.#run(args, ['-y', '-o', output, '-e', `trace=write,${CALLS}`])
    expect(signal).toBeNull()
    const counts = new Map<string, number>()
    const points: TracedPoint[] = []
    const seen = new Set<string>()
    let isOfInterest = since === 'start'
    for (const [, thread, call, callArgs] of (await readFile(output, 'latin1')).matchAll(/^(\d+) +(\w+)\((.*)$/gm)) {
      if (call === 'write') {
        isOfInterest ||= callArgs!.startsWith('1<')
        continue
      }
      const nth = (counts.get(`${thread} ${call}`) ?? 0) + 1
      counts.set(`${thread} ${call}`, nth)
      // Whichever thread is the first to come so far is the one that is killed there.
      if (seen.has(`${call} ${nth}`)) continue
      seen.add(`${call} ${nth}`)
      if (isOfInterest) points.push({ call: call!, nth, args: callArgs! })
    }
    return { points, lines }
  }

  /** Answers what it printed before. */
  async killAt({ call, nth }: Point, args: readonly string[]): Promise<Lines> {
    const injected = ['-o', '/dev/null', '-e', `trace=${call}`, '-e', `inject=${call}:signal=KILL:when=${nth}`]
    const { lines, signal } = await this.#run(args, injected)
    expect(signal, `${call} number ${nth}`).toBe('SIGKILL')
    return lines
  }

  async #run(args: readonly string[], straceArgs: readonly string[]): Promise<{ lines: Lines; signal: string | null }> {
    const child = spawn('strace', ['-f', '-qq', ...straceArgs, process.execPath, this.#child, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, UV_THREADPOOL_SIZE: '1' },
    })
    const exit = once(child, 'exit')
    const lines: string[] = []
    for await (const line of createInterface({ input: child.stdout })) lines.push(line)
    const [, signal] = await exit
    return { lines, signal }
  }
}

/** So many of them at random, or all. */
export function sample(points: readonly Point[], count: number, seed: number): Point[] {
  const random = randomFrom(seed)
  const left = [...points]
  const chosen: Point[] = []
  while (left.length > 0 && chosen.length < count) chosen.push(...left.splice(pick(random, 0, left.length - 1), 1))
  return chosen
}
