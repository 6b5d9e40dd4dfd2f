/**
 * A store is killed as it enters any of the system calls by which it changes its log or its database, in the midst of
 * atomic writes: each of them is there whole or not at all, and all that were acknowledged are there. `FAULT_RUNS` says
 * how many calls of each; a failing run replays with `FAULT_SEED`.
 */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect } from 'vitest'
import { openMemoryStore } from '../../src/index.ts'
import { temporaryFolder } from '../flow/stores.ts'
import { budget, longTest } from '../tools/budget.ts'
import { describeWithStrace } from '../tools/services.ts'
import { StoreTemplate } from '../tools/store-template.ts'
import { Told } from './atomic-state.ts'
import { type Lines, sample, TracedWriter } from './traced-writer.ts'

/** So many at random of the log, and of the database; more than there are: each of them once. */
const RUNS = budget({ short: 1, long: 12 })
const SEED = Number(process.env.FAULT_SEED ?? Date.now() % 1_000_000)
const WRITER = 'killed'

describeWithStrace('atomic writes of a store that is killed as it enters a system call', () => {
  const template = new StoreTemplate()
  beforeAll(() => template.make())
  afterAll(() => template.remove())

  async function verify(dir: string, lines: Lines, replay: string): Promise<void> {
    const told = new Told(WRITER)
    for (const line of lines) told.see(line)
    await using store = await openMemoryStore({ dir, sync: false })
    const known = {}
    await told.verify(store, known, replay)
    await store.checkpoint()
    await told.verify(store, known, replay)
  }

  longTest(`are there whole or not at all (FAULT_SEED=${SEED})`, { timeout: 36_000_000 }, async () => {
    const writer = new TracedWriter('atomic-kill-points-child.ts')
    const scratch = await temporaryFolder()
    const dry = [await template.copy(), WRITER]
    const { points, lines } = await writer.pointsOf(dry, join(scratch, 'calls'), 'first line')
    const ofLog = points.filter(({ args }) => args.includes('/wal/'))
    const ofDatabase = points.filter(({ args }) => args.includes('/cold/'))
    expect(lines.filter((line) => line.startsWith('ack')).length).toBeGreaterThan(20)
    const countOf = (name: RegExp): number => ofLog.filter(({ call }) => name.test(call)).length
    // What was written is synced, rotations, and what a checkpoint lets go of. The database has made more `pwrite64` by
    // then: those of the log alone are in kill-points-strace.test.ts.
    for (const name of [/^fdatasync/, /^link/, /^unlink/]) expect(countOf(name)).toBeGreaterThan(2)
    expect(ofDatabase.length).toBeGreaterThan(20)
    const chosen = [...sample(ofLog, RUNS, SEED), ...sample(ofDatabase, RUNS, SEED)]
    for (const point of chosen) {
      const dir = await template.copy()
      const replay = `killed at ${point.call} number ${point.nth}, FAULT_SEED=${SEED}`
      const told = await writer.killAt(point, [dir, WRITER])
      expect(told.length, replay).toBeGreaterThan(0)
      await verify(dir, told, replay)
      await rm(dir, { recursive: true })
    }
    console.info(`killed at ${chosen.length} of ${ofLog.length + ofDatabase.length} system calls`)
  })
})
