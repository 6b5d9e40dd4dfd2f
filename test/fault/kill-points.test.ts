/**
 * A log's writer ends at each of its writes, syncs, links and deletions: killed, so that what it wrote stays in the
 * operating system's hands, or with the power, so that only what it synced is sure to stay.
 */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isThermoclineError } from '../../src/errors.ts'
import type { LogOperation, OpenLogDevice } from '../../src/wal/log-device.ts'
import { budget, stepsToTry } from '../tools/budget.ts'
import { runScript, scriptOptions } from './kill-script.ts'
import { judgeKilled } from './kill-verdict.ts'
import { randomFrom } from './seeded-random.ts'
import { SimulatedDisk } from './simulated-disk.ts'
import { volatileFolder } from './volatile-folder.ts'

/** Each round ends every operation in another way: before it, in the midst of it, after it. */
const ROUNDS = budget({ short: 1, long: 1 })
const SEED = Number(process.env.FAULT_SEED ?? Date.now() % 1_000_000)

async function operationsOf(dir: string): Promise<LogOperation[]> {
  const seen: LogOperation[] = []
  const disk = new SimulatedDisk(randomFrom(1))
  const openDevice: OpenLogDevice = async (folder) => {
    const device = await disk.open(folder)
    return {
      run: (operations) => {
        seen.push(...operations)
        return device.run(operations)
      },
      close: () => device.close(),
    }
  }
  await runScript({ ...scriptOptions(dir), openDevice }, { onAcknowledged: () => {}, onShipped: () => {} })
  return seen
}

/** Ends the script at its n-th operation and judges what is left. */
async function endAt(n: number, seed: number, dir: string, losesPower: boolean): Promise<void> {
  const disk = new SimulatedDisk(randomFrom(seed))
  const options = { ...scriptOptions(dir), openDevice: disk.open }
  const witness = { acknowledged: 0, shipped: 0 }
  disk.failAfter(n)
  const ending = runScript(options, {
    onAcknowledged: (sequence) => (witness.acknowledged = Math.max(witness.acknowledged, sequence)),
    onShipped: (sequence) => (witness.shipped = sequence),
  })
  const error = await ending.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error !== undefined && !isThermoclineError(error, 'ERR_WAL_FAILED')) throw error
  expect(disk.isDown).toBe(true)
  if (losesPower) disk.cutPower()
  await judgeKilled(options, witness)
}

describe('a writer that ends at any of its operations', () => {
  it('has enough of them: rotations, checkpoints, records', async () => {
    const operations = await operationsOf(await volatileFolder())
    const count = (op: LogOperation['op']): number => operations.filter((operation) => operation.op === op).length
    expect(count('link')).toBeGreaterThan(3)
    // Each rotation deletes the file aside; the rest are segments that a checkpoint let go of.
    expect(count('unlink') - count('link')).toBeGreaterThanOrEqual(5)
    expect(operations.length).toBeGreaterThan(250)
  })

  it.each([
    ['killed', false],
    ['with the power', true],
  ])(`%s loses nothing acknowledged (FAULT_SEED=${SEED})`, { timeout: 3_600_000 }, async (_, losesPower) => {
    const parent = await volatileFolder()
    const { length } = await operationsOf(join(parent, 'dry'))
    for (let round = 0; round < ROUNDS; round++)
      for (const n of stepsToTry(length, SEED)) {
        const seed = SEED + round
        const dir = join(parent, 'log')
        try {
          await endAt(n, seed * 10_000 + n, dir, losesPower)
        } catch (error) {
          throw new Error(`at operation ${n} of ${length}: FAULT_SEED=${seed}`, { cause: error })
        }
        await rm(dir, { recursive: true, force: true })
      }
  })
})
