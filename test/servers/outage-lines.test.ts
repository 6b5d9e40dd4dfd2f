/**
 * What an operator reads about servers: one line when one goes and one when it is back, and who migrated the database.
 */
import { expect, test, vi } from 'vitest'
import { readMigrations } from '../../src/cold/migrations.ts'
import { openMemoryStore } from '../../src/index.ts'
import { temporaryFolder } from '../flow/stores.ts'
import { longTest } from '../tools/budget.ts'
import { recordLines, withoutDetails } from '../tools/recorded-lines.ts'
import { describeWithPrivateServers } from './private-servers.ts'

const PATIENCE = { timeout: 60_000, interval: 20 }

describeWithPrivateServers('the log of a backend', (servers) => {
  test.each([
    ['cold', () => servers.postgres.stop(), () => servers.postgres.restart()],
    ['hot', () => servers.redis.kill(), () => servers.redis.restart()],
  ] as const)('has one line when the %s tier goes and one when it is back', async (tier, stop, restart) => {
    const { lines, logger } = recordLines()
    const about = (pattern: RegExp): string[] => withoutDetails(lines).filter((line) => pattern.test(line))
    const options = { ...(await servers.shared()), dir: await temporaryFolder(), logger }
    await using store = await openMemoryStore({ ...options, checkpoint: { every: '20ms' }, timeouts: { hot: 500 } })
    await store.chunks.put({ key: 'k', text: 'before' })
    await store.checkpoint()
    await stop()
    await store.chunks.put({ key: 'k', text: 'meanwhile' })
    const still = `debug the ${tier} tier is still away`
    await vi.waitFor(() => expect(lines.filter((line) => line === still).length).toBeGreaterThan(5), PATIENCE)
    await restart()
    await vi.waitFor(() => expect(lines).toContain(`info the ${tier} tier is back`), PATIENCE)
    expect(about(/tier is away|a background run failed|without hot/).map((line) => line.split(':')[0])).toEqual([
      `error the ${tier} tier is away`,
    ])
    expect(about(/tier is back/)).toHaveLength(1)
    await store.checkpoint()
  })

  longTest('says each migration once: in the process that applied it, however many begin together', async () => {
    const admin = servers.postgres.client()
    await admin`CREATE DATABASE never_migrated`
    await admin.end()
    const shared = { hot: { url: servers.redisUrl }, cold: { url: servers.postgres.url('never_migrated') } }
    const applied: string[] = []
    const logger = {
      ...recordLines().logger,
      info: (fields: object, message: string): void => {
        if (message === 'cold schema migrated') applied.push(...(fields as { migrations: string[] }).migrations)
      },
    }
    const stores = await Promise.all(
      [1, 2, 3].map(async () => openMemoryStore({ ...shared, dir: await temporaryFolder(), logger })),
    )
    for (const store of stores) await store.close()
    expect(applied.sort()).toEqual(readMigrations().map(({ name }) => name))
  })
})
