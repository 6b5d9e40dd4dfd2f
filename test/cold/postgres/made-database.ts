import { readdirSync } from 'node:fs'
import type postgres from 'postgres'
import { expect, it } from 'vitest'
import { openPostgresCold, type PostgresDriverOptions } from '../../../src/cold/postgres/postgres-driver.ts'
import { silentLogger } from '../../../src/kernel/logger.ts'
import { LogText } from '../../../src/testkit/contract/fresh-cold-tier.ts'
import { budget } from '../../tools/budget.ts'
import { PrivatePostgres } from '../../tools/services.ts'

/** All of them. */
const MIGRATIONS = readdirSync(new URL('../../../drizzle', import.meta.url)).filter((name) =>
  name.endsWith('.sql'),
).length

/** That start at once. */
const PROCESSES = budget({ short: 5, long: 20 })

export const OPTIONS = {
  max: 2,
  dimensions: [8, 2_500],
  metrics: ['cosine', 'l2'],
  migrate: 'auto',
  timeout: 30_000,
  logger: silentLogger,
} as const

export let server: PrivatePostgres
export let admin: postgres.Sql
export let database: string
let made = 0

export async function startServer(settings?: Record<string, string>): Promise<void> {
  server = await PrivatePostgres.start(settings && { settings })
  admin = server.client()
}

export async function stopServer(): Promise<void> {
  await admin.end()
  await server[Symbol.asyncDispose]()
}

/** An empty one for the next test. */
export async function createDatabase(): Promise<void> {
  database = `made_${++made}`
  await admin.unsafe(`CREATE DATABASE ${database}`)
}

/** In its place one that is migrated and has no index of vectors: for what is not about migrating. */
export async function createMigrated(): Promise<void> {
  database = `made_${++made}`
  await server.createMigrated(database)
}

export async function look(query: string): Promise<unknown[]> {
  const client = server.client(database)
  try {
    return [...(await client.unsafe(query))]
  } finally {
    await client.end()
  }
}

export async function reopen(options: Partial<PostgresDriverOptions> = {}): Promise<string> {
  const tier = await openPostgresCold({ ...OPTIONS, url: server.url(database), ...options })
  await tier.close()
  return tier.storeId
}

export function describeStartingAtOnce(url: () => string): void {
  it(`migrates once, and builds each index once, for ${PROCESSES} that start at once`, async () => {
    const logger = new LogText()
    const ids = await Promise.all(Array.from({ length: PROCESSES }, () => reopen({ url: url(), logger })))
    expect(new Set(ids).size).toBe(1)
    expect(await look('SELECT count(*)::int4 AS applied FROM thermocline.migrations')).toEqual([
      { applied: MIGRATIONS },
    ])
    expect(
      await look(`SELECT count(*)::int4 AS built, bool_and(indisvalid) AS all_valid FROM pg_index
        JOIN pg_class c ON c.oid = indexrelid WHERE relname LIKE '%hnsw%'`),
    ).toEqual([{ built: 4, all_valid: true }])
    expect(await look('SELECT * FROM thermocline.leases')).toEqual([])
  })
}
