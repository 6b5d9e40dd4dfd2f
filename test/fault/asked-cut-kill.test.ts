/**
 * A process is killed with -9 at any moment between being asked for a cut of its log, by another that has erased
 * something, and a while after: once its log was opened again, whoever waits is told so, and nothing of it is left.
 * `FAULT_RUNS` says how many are killed; a failing run replays with `FAULT_SEED`.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { openMemoryStore } from '../../src/index.ts'
import { QUIET } from '../flow/stores.ts'
import { canaryOf, filesWith, keysWith, tablesWith } from '../flow/traces.ts'
import { describeWithPrivateServers } from '../servers/private-servers.ts'
import { RemoteBackend } from '../servers/remote-backend.ts'
import { budget } from '../tools/budget.ts'
import { clientOf } from '../tools/services.ts'
import { randomFrom } from './seeded-random.ts'

const KILLS = budget({ short: 1, long: 20 })
const SEED = Number(process.env.FAULT_SEED ?? Date.now() % 1_000_000)
/** It looks every 40 ms or so, and a cut takes some more. */
const LONGEST_DELAY_MS = 80
const EAGER = { sync: QUIET.sync, checkpoint: { every: 40 }, wal: { segmentBytes: 64 * 1024 } } as const

describeWithPrivateServers('a process that is killed while it is asked for a cut', (servers) => {
  test(`leaves nothing of what was erased (FAULT_SEED=${SEED})`, { timeout: 36_000_000 }, async () => {
    const [shared, dir] = [await servers.shared(), await servers.folder()]
    await using store = await openMemoryStore({ dir: await servers.folder(), ...shared, ...QUIET })
    const sql = clientOf(shared.cold.url)
    let other = await RemoteBackend.start({ dir, ...shared, ...EAGER })
    try {
      for (let round = 0; round < KILLS; round++) {
        const replay = `FAULT_SEED=${SEED}, round ${round}`
        const [random, canary] = [randomFrom(SEED + round), canaryOf()]
        const ids = await Promise.all(Array.from({ length: 9 }, (_, i) => other.put(`${canary} ${i}`, canary)))
        const kept = await other.put(`kept ${round}`, 'kept')
        // It goes on writing, and each write may be its last.
        let isOver = false
        const writing = (async () => {
          for (let i = 0; !isOver; i++) await other.put(`busy ${i % 20}`, `busy ${i}`)
        })().catch(() => {})
        const erased = await store.chunks.erase(ids.map(({ id }) => id))
        await sleep(random() * LONGEST_DELAY_MS)
        // Some live, and do what they were asked.
        const isKilled = round === 0 || random() < 0.7
        if (isKilled) await other.kill()
        isOver = true
        await writing
        if (isKilled) other = await RemoteBackend.start({ dir, ...shared, ...EAGER })
        const left = await erased.done({ within: '5m' })
        expect(
          left.filter(({ place }) => place === 'log' || place === 'hot'),
          replay,
        ).toEqual([])
        expect(await filesWith(dir, [canary]), replay).toEqual([])
        expect(await tablesWith(sql, canary), replay).toEqual([])
        expect(await keysWith(servers.redisUrl, [canary]), replay).toEqual([])
        expect(await store.chunks.has(kept.id), replay).toBe(true)
      }
    } finally {
      await other.kill()
      await sql.end()
    }
  })
})
