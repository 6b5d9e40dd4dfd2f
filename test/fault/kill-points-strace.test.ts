/**
 * A real writer is killed by the kernel as it enters one of the system calls with which it changes the disk. strace
 * counts each call per thread and delivers the signal before the call is done.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, it } from 'vitest'
import { budget } from '../tools/budget.ts'
import { compiled } from '../tools/compiled.ts'
import { describeWithStrace } from '../tools/services.ts'
import { temporaryFolder } from '../wal/temporary-log.ts'
import { RECORDS, scriptOptions } from './kill-script.ts'
import { judgeKilled } from './kill-verdict.ts'
import { pick, randomFrom } from './seeded-random.ts'

/** So many points at random; more than there are: each of them once. */
const RUNS = budget({ short: 2, long: 4 })
const SEED = Number(process.env.FAULT_SEED ?? Date.now() % 1_000_000)
/** Some have another name on another processor: `?` passes over what is not there. */
const CALLS = ['pwrite64', 'fdatasync', 'fsync', '?link', '?linkat', '?rename', '?unlink', '?unlinkat']

interface Point {
  readonly call: string
  readonly nth: number
}

/** Runs the writer under strace; answers the lines it printed and what became of it. */
async function trace(dir: string, straceArgs: readonly string[]): Promise<{ lines: string[]; signal: string | null }> {
  const writer = [process.execPath, compiled(join(import.meta.dirname, 'kill-points-child.ts')), dir]
  const child = spawn('strace', ['-f', '-qq', ...straceArgs, ...writer], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, UV_THREADPOOL_SIZE: '1' },
  })
  const exit = once(child, 'exit')
  const lines: string[] = []
  for await (const line of createInterface({ input: child.stdout })) lines.push(line)
  const [, signal] = await exit
  return { lines, signal }
}

/** Each call that one of the writer's threads makes, by the order in which that thread makes it. */
async function pointsOf(parent: string): Promise<Point[]> {
  const output = join(parent, 'calls')
  const { lines } = await trace(join(parent, 'dry'), ['-o', output, '-e', `trace=${CALLS}`])
  expect(lines.filter((line) => line.startsWith('ack'))).toHaveLength(RECORDS)
  const counts = new Map<string, Map<string, number>>()
  for (const [, thread, call] of (await readFile(output, 'utf8')).matchAll(/^(\d+) +(\w+)\(/gm)) {
    const threads = counts.get(call!) ?? new Map<string, number>()
    counts.set(call!, threads.set(thread!, (threads.get(thread!) ?? 0) + 1))
  }
  return [...counts].flatMap(([call, threads]) =>
    Array.from({ length: Math.max(...threads.values()) }, (_, i) => ({ call, nth: i + 1 })),
  )
}

function highest(lines: readonly string[], what: string): number {
  return Math.max(0, ...lines.filter((line) => line.startsWith(`${what} `)).map((line) => Number(line.split(' ')[1])))
}

/** Some of them at random, or all. */
function sample(points: Point[]): Point[] {
  const random = randomFrom(SEED)
  const left = [...points]
  const chosen: Point[] = []
  while (left.length > 0 && chosen.length < RUNS) chosen.push(...left.splice(pick(random, 0, left.length - 1), 1))
  return chosen
}

describeWithStrace('a writer that is killed as it enters a system call', () => {
  it(`loses nothing acknowledged (FAULT_SEED=${SEED})`, { timeout: 3_600_000 }, async () => {
    const parent = await temporaryFolder()
    const points = await pointsOf(parent)
    const chosen = sample(points)
    for (const { call, nth } of chosen) {
      const context = `${call} number ${nth}`
      const dir = join(parent, `${call}-${nth}`)
      const { lines, signal } = await trace(dir, [
        '-o',
        '/dev/null',
        '-e',
        `trace=${call}`,
        '-e',
        `inject=${call}:signal=KILL:when=${nth}`,
      ])
      expect(signal, context).toBe('SIGKILL')
      const witness = { acknowledged: highest(lines, 'ack'), shipped: highest(lines, 'shipped') }
      await judgeKilled(scriptOptions(dir), witness).catch((cause) => {
        throw new Error(`killed at ${context}`, { cause })
      })
    }
    console.info(`killed at ${chosen.length} of ${points.length} system calls`)
  })
})
