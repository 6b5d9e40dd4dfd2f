/** A process that appends is killed with -9 at a random moment, again and again, and the next one goes on. */
import { expect, test } from 'vitest'
import { LogFolder } from '../../src/wal/log-folder.ts'
import { randomFrom } from '../fault/seeded-random.ts'
import { budget } from '../tools/budget.ts'
import { Child } from './child.ts'
import { payloadOf, range, scanLog, sequencesOf, sourceOf, temporaryFolder, typeOf } from './temporary-log.ts'

const ROUNDS = budget({ short: 3, long: 10 })
const SEED = Number(process.env.FAULT_SEED ?? Date.now() % 1_000_000)

test(`${ROUNDS} kills lose nothing acknowledged (FAULT_SEED=${SEED})`, { timeout: 3_600_000 }, async () => {
  const random = randomFrom(SEED)
  const dir = await temporaryFolder()
  let total = 0
  for (let round = 1; round <= ROUNDS; round++) {
    const child = new Child('kill-child.ts', [dir])
    const wanted = Math.floor(random() * 400)
    // Also before it said anything: while it opens.
    const lines: string[] = []
    if (wanted > 20)
      for (let line = await child.line(); line !== undefined; line = await child.line()) {
        lines.push(line)
        if (lines.length >= wanted) break
      }
    await child.kill()
    lines.push(...(await child.rest()))
    const acknowledged = lines.filter((line) => line.startsWith('ack ')).map((line) => Number(line.slice(4)))
    total = Math.max(total, ...acknowledged)

    const [walId] = await new LogFolder(dir).list()
    if (walId === undefined) continue
    const { records, report } = await scanLog(sourceOf(dir, { walId }))
    const context = `round ${round}, ${wanted} lines`
    expect(report.damage, context).toEqual([])
    expect(records.length, context).toBeGreaterThanOrEqual(total)
    expect(sequencesOf(records), context).toEqual(range(1, records.length))
    for (const { sequence, type, payload } of records) {
      if (type !== typeOf(sequence) || Buffer.compare(payload, payloadOf(sequence)) !== 0)
        throw new Error(`${context}: record ${sequence} was altered`)
    }
    total = records.length
  }
  expect(total).toBeGreaterThan(0)
})
