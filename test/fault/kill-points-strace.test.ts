/** A log's writer is killed as it enters any of the system calls with which it changes the disk. */
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { budget } from '../tools/budget.ts'
import { describeWithStrace } from '../tools/services.ts'
import { temporaryFolder } from '../wal/temporary-log.ts'
import { RECORDS, scriptOptions } from './kill-script.ts'
import { judgeKilled } from './kill-verdict.ts'
import { type Lines, sample, TracedWriter } from './traced-writer.ts'

/** So many points at random; more than there are: each of them once. */
const RUNS = budget({ short: 2, long: 4 })
const SEED = Number(process.env.FAULT_SEED ?? Date.now() % 1_000_000)

function highest(lines: Lines, what: string): number {
  return Math.max(0, ...lines.filter((line) => line.startsWith(`${what} `)).map((line) => Number(line.split(' ')[1])))
}

describeWithStrace('a writer that is killed as it enters a system call', () => {
  it(`loses nothing acknowledged (FAULT_SEED=${SEED})`, { timeout: 3_600_000 }, async () => {
    const parent = await temporaryFolder()
    const writer = new TracedWriter('kill-points-child.ts')
    const { points, lines } = await writer.pointsOf([join(parent, 'dry')], join(parent, 'calls'))
    expect(lines.filter((line) => line.startsWith('ack'))).toHaveLength(RECORDS)
    const chosen = sample(points, RUNS, SEED)
    for (const point of chosen) {
      const dir = join(parent, `${point.call}-${point.nth}`)
      const told = await writer.killAt(point, [dir])
      const witness = { acknowledged: highest(told, 'ack'), shipped: highest(told, 'shipped') }
      await judgeKilled(scriptOptions(dir), witness).catch((cause) => {
        throw new Error(`killed at ${point.call} number ${point.nth}`, { cause })
      })
    }
    console.info(`killed at ${chosen.length} of ${points.length} system calls`)
  })
})
