/** Every alert, raised by a real fault and cleared once that is over. */
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { describe, expect, test } from 'vitest'
import { type Alert, type MemoryStore, type MemoryStoreOptions, openMemoryStore } from '../../src/index.ts'
import { queryServer } from '../fault/edit-database.ts'
import { describeWithServers, QUIET, temporaryFolder } from '../flow/stores.ts'
import { longTest } from '../tools/budget.ts'
import { ManualClock } from '../tools/manual-clock.ts'
import { recordLines } from '../tools/recorded-lines.ts'
import { clientOf } from '../tools/services.ts'
import { describeWithSmallDisks, smallDisk } from '../wal/small-disk.ts'
import { describeWithPrivateServers } from './private-servers.ts'

interface Watched {
  readonly store: MemoryStore
  readonly clock: ManualClock
  /** Makes the fault, sees the alert with its text, mends it, and sees it go. */
  expectAlert(code: Alert['code'], text: RegExp, fault: () => unknown, mend: () => unknown): Promise<void>
}

async function watched(options: MemoryStoreOptions): Promise<Watched> {
  const clock = new ManualClock(Date.now())
  const { lines, logger } = recordLines()
  const store = await openMemoryStore({ ...QUIET, clock, logger, ...options })
  const told: string[] = []
  store.on('alert', ({ code }) => told.push(`${code} raised`))
  store.on('alert-cleared', ({ code }) => told.push(`${code} cleared`))
  const alertOf = async (code: string) => (await store.alerts()).find((alert) => alert.code === code)
  return {
    store,
    clock,
    expectAlert: async (code, text, fault, mend) => {
      expect(await alertOf(code), `${code} before`).toBeUndefined()
      await fault()
      await expect.poll(() => alertOf(code)).toBeDefined()
      const { severity, message, value, threshold } = (await alertOf(code))!
      expect(message).toMatch(text)
      expect(value).not.toBe(threshold)
      expect(await store.metrics()).toContain(`thermocline_alert{code="${code}",severity="${severity}"} 1`)
      await mend()
      await expect.poll(() => alertOf(code)).toBeUndefined()
      expect(await store.metrics()).toContain(`thermocline_alert{code="${code}",severity="${severity}"} 0`)
      expect(told.filter((each) => each.startsWith(code))).toEqual([`${code} raised`, `${code} cleared`])
      const level = severity === 'critical' ? 'error' : 'warn'
      expect(lines.filter((line) => line.startsWith(level) && text.test(line))).toHaveLength(1)
      expect(lines).toContain(`info the alert ${code} is over`)
    },
  }
}

const FILLER = 'x'.repeat(1_000)

describe('an embedded store', () => {
  test('alerts of a hot tier that is full, or misses most, and of syncs that do not come', async () => {
    const hot = { kind: 'memory', maxEntries: 1_000 } as const
    const wal = { segmentBytes: 65_536, maxPendingBytes: 3_000_000 }
    const { store, clock, expectAlert } = await watched({ inMemory: true, hot, wal, promote: false })
    await using _ = store
    const put = (count: number) =>
      store.chunks
        .putMany(Array.from({ length: count }, () => ({ text: FILLER })))
        .then((all) => all.map(({ id }) => id))
    const ids: string[] = []
    await expectAlert(
      'hot-full',
      /hot is 100 % full \(limit 95 %\)/,
      async () => ids.push(...(await put(1_000))),
      () => store.sync(),
    )
    const fresh = await put(100)
    await expectAlert(
      'hit-ratio-low',
      /hot had 0 % of what was read/,
      () => store.chunks.getMany(ids),
      () => store.chunks.getMany(Array.from({ length: 500 }, (_, i) => fresh[i % 100]!)),
    )
    await expectAlert(
      'sync-overdue',
      /no sync has ended well/,
      () => clock.advance(800 * 86_400_000),
      () => store.sync(),
    )
  })

  longTest('alerts of a log that only grows', async () => {
    const { store, clock, expectAlert } = await watched({ dir: await temporaryFolder(), wal: { segmentBytes: 4_096 } })
    await using _ = store
    const put = () => store.chunks.putMany(Array.from({ length: 20 }, () => ({ text: FILLER })))
    await put()
    await expectAlert(
      'log-growing',
      /the log has only grown for 11 min/,
      async () => {
        clock.advance(660_000)
        await put()
      },
      () => store.checkpoint(),
    )
  })
})

describeWithServers('a store on servers', (servers) => {
  test('alerts of what waits for the database, of what that refuses, and of a Redis that is slow or full', async () => {
    const { cold, ...options } = await servers.storeOptions()
    const { url } = cold as { readonly url: string }
    // Whatever else this machine does meanwhile.
    const alerts = { hotLatency: '300ms' } as const
    const { store, clock, expectAlert } = await watched({
      ...options,
      cold: { url },
      wal: { maxPendingBytes: 50_000 },
      alerts,
    })
    await using _ = store
    const sql = clientOf(url)
    const redis = new Redis(servers.redisUrl)
    try {
      await sql.unsafe('BEGIN')
      await expectAlert(
        'checkpoint-lag',
        /the database lacks is 61 s old \(limit 60 s\).*holds a lock/,
        async () => {
          await sql.unsafe('LOCK TABLE thermocline.memory_entries IN EXCLUSIVE MODE')
          await store.chunks.put({ text: 'waits' })
          store.checkpoint().catch(() => {})
          clock.advance(61_000)
        },
        async () => {
          await sql.unsafe('COMMIT')
          await store.checkpoint()
        },
      )
      await expectAlert(
        'pending-full',
        /8\d(\.\d)? % of wal.maxPendingBytes are pending/,
        () => store.chunks.putMany(Array.from({ length: 35 }, () => ({ text: FILLER }))),
        () => store.checkpoint(),
      )
      const named = 'ALTER TABLE thermocline.memory_entries'
      await expectAlert(
        'dead-letters',
        /refused an acknowledged write .*thermocline dead-letters retry --all/,
        async () => {
          await queryServer(url, `${named} ADD CONSTRAINT no_13 CHECK (position IS DISTINCT FROM 13)`)
          await store.chunks.put({ text: 'refused', position: 13 })
          await store.checkpoint()
        },
        async () => {
          await queryServer(url, `${named} DROP CONSTRAINT no_13`)
          await store.retryDeadLetters('all')
        },
      )
      const used = Number(/used_memory:(\d+)/.exec(await redis.info('memory'))![1])
      await expectAlert(
        'hot-full',
        /hot is \d+(\.\d)? % full \(limit 95 %\).*maxmemory/,
        () => redis.config('SET', 'maxmemory', `${Math.round(used / 0.99)}`),
        () => redis.config('SET', 'maxmemory', '0'),
      )
      const { id } = await store.chunks.put({ text: 'read' })
      await expectAlert(
        'hot-slow',
        /took longer than \d+\.\d ms in the last minute/,
        async () => {
          for (let n = 0; n < 110; n++) {
            if (n % 30 === 0) await redis.call('CLIENT', 'PAUSE', '500', 'ALL')
            await store.chunks.get(id)
          }
        },
        async () => {
          for (let n = 0; n < 500; n++) await store.chunks.get(id)
        },
      )
    } finally {
      await redis.quit()
      await sql.end()
    }
  })

  test('counts from the end of a sync how long ago that was', async () => {
    const { cold, ...options } = await servers.storeOptions()
    const { store, clock } = await watched({ ...options, cold, sync: false })
    await using _ = store
    const startedAt = clock.now() / 1_000
    clock.advance(3_600_000)
    const isOverdue = async (durationMs: number): Promise<boolean> => {
      const run = `to_timestamp(${startedAt}), ${durationMs}, 1, 0, 0, 1`
      const columns = 'started_at, duration_ms, synced, skipped, errors, bytes'
      await queryServer((cold as { url: string }).url, `INSERT INTO thermocline.sync_runs (${columns}) VALUES (${run})`)
      return (await store.alerts()).some(({ code }) => code === 'sync-overdue')
    }
    expect(await isOverdue(1_000)).toBe(true)
    expect(await isOverdue(3_540_000)).toBe(false)
  })

  test('alerts of a clock that is apart from the database', async () => {
    let offset = 0
    const clock = { now: () => Date.now() + offset }
    const { store, expectAlert } = await watched({ ...(await servers.storeOptions()), clock })
    await using _ = store
    const set = (to: number) => () => {
      offset = to
      return store.sync()
    }
    await expectAlert('clock-drift', /is 2\.\d s from that of the database \(limit 1 s\)/, set(2_000), set(0))
  })
})

describeWithPrivateServers('a store whose servers stop', (servers) => {
  longTest('alerts of each that is away for long', async () => {
    const shared = await servers.shared()
    const { store, clock, expectAlert } = await watched({ dir: await temporaryFolder(), ...shared })
    await using _ = store
    const { id } = await store.chunks.put({ text: 'x' })
    await expectAlert(
      'hot-away',
      /Redis has not answered for 31 s \(limit 30 s\)/,
      async () => {
        await servers.redis.kill()
        await store.chunks.get(id)
        clock.advance(31_000)
      },
      () => servers.redis.restart(),
    )
    await expectAlert(
      'cold-away',
      /the database has not answered for 31 s/,
      async () => {
        await servers.postgres.stop()
        await store.chunks.count().catch(() => {})
        clock.advance(31_000)
      },
      () => servers.postgres.restart(),
    )
  })
})

describeWithSmallDisks('a store on a small disk', () => {
  longTest('alerts of it before it is full, also where only the log is there', async () => {
    const [dir, disk] = [await temporaryFolder(), await smallDisk(64)]
    const log = join(disk, 'log')
    await mkdir(log, { mode: 0o700 })
    await symlink(log, join(dir, 'wal'))
    const { store, expectAlert } = await watched({ dir })
    await using _ = store
    await expectAlert(
      'disk-low',
      /\d(\.\d)? % of the disk of the data folder are free \(limit 10 %\)/,
      () => writeFile(join(disk, 'filler'), Buffer.alloc(60 * 1024 * 1024)),
      () => rm(join(disk, 'filler')),
    )
  })
})
