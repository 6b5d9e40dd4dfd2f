/**
 * A process is killed with -9 at any moment of `erase`; whoever erases the same then leaves nothing of it anywhere, and
 * loses nothing else. `FAULT_RUNS` says how many are killed; a failing run replays with `FAULT_SEED`.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { type EraseOptions, type MemoryStoreOptions, openMemoryStore } from '../../src/index.ts'
import { temporaryFolder } from '../flow/stores.ts'
import { canaryOf, filesWith, keysWith, tablesWith } from '../flow/traces.ts'
import { describeWithPrivateServers } from '../servers/private-servers.ts'
import { budget, longTest } from '../tools/budget.ts'
import { clientOf } from '../tools/services.ts'
import { Child } from '../wal/child.ts'
import { pick, type Random, randomFrom } from './seeded-random.ts'

const SEED = Number(process.env.FAULT_SEED ?? Date.now() % 1_000_000)
const TIMEOUT = 36_000_000
/** Batches of the erase: the kill comes before one of them, or while the log is cut after the last. */
const PAGES = 6
/** About as long as a batch, or the end of an erase, takes. */
const LONGEST_DELAY_MS = 60

/** Answers the ids of what is to stay. */
async function eraseAndKill(options: MemoryStoreOptions, canary: string, random: Random): Promise<string[]> {
  const child = new Child('../fault/erase-child.ts', [JSON.stringify(options), canary])
  const kept: string[] = []
  const [pages, delay] = [pick(random, 0, PAGES), random() * LONGEST_DELAY_MS]
  for (let seen = -1; seen < pages; ) {
    const line = await child.line()
    if (line === undefined || line === 'done') break
    if (line.startsWith('kept ')) kept.push(line.slice('kept '.length))
    else seen++
  }
  // No event tells of the steps of a batch.
  await sleep(delay)
  await child.kill()
  return kept
}

/** @param traces where a canary still is, once its erase was asked for again. */
async function killAgainAndAgain(
  kills: number,
  options: MemoryStoreOptions,
  again: EraseOptions,
  traces: (canary: string) => Promise<unknown[]>,
): Promise<void> {
  const kept: string[] = []
  for (let round = 0; round < kills; round++) {
    const replay = `FAULT_SEED=${SEED}, round ${round}`
    const canary = canaryOf()
    kept.push(...(await eraseAndKill(options, canary, randomFrom(SEED + round))))
    expect(kept.length, replay).toBe(2 * (round + 1))
    await using store = await openMemoryStore({ ...options, sync: false })
    const { chunks } = store.namespace('tenant')
    const { left } = await chunks.erase({ where: { 'metadata.user': canary } }, again)
    expect(
      left.filter(({ place }) => place === 'log' || place === 'hot'),
      replay,
    ).toEqual([])
    expect(await traces(canary), replay).toEqual([])
    expect(
      (await chunks.getMany(kept)).map((entry) => entry?.id),
      replay,
    ).toEqual(kept)
    expect(await chunks.count(), replay).toBe(kept.length)
  }
}

longTest(`embedded: nothing is left, and nothing else lost (FAULT_SEED=${SEED})`, { timeout: TIMEOUT }, async () => {
  const dir = await temporaryFolder()
  const kills = budget({ short: 1, long: 20 })
  await killAgainAndAgain(kills, { dir }, { vacuum: 'full' }, (canary) => filesWith(dir, [canary]))
})

describeWithPrivateServers('on servers', (servers) => {
  test(`nothing is left, and nothing else lost (FAULT_SEED=${SEED})`, { timeout: TIMEOUT }, async () => {
    const options = { ...(await servers.shared()), dir: await servers.folder() }
    const sql = clientOf(options.cold.url)
    try {
      await killAgainAndAgain(budget({ short: 1, long: 40 }), options, { vacuum: true }, async (canary) => [
        ...(await keysWith(servers.redisUrl, [canary])),
        ...(await tablesWith(sql, canary)),
        ...(await filesWith(options.dir, [canary])),
      ])
    } finally {
      await sql.end()
    }
  })
})
