/** Counts of namespaces while several processes write to the same ones and sweep, in whatever order they come. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ColdTier } from '../../../src/cold/cold-tier.ts'
import { openPostgresCold } from '../../../src/cold/postgres/postgres-driver.ts'
import { silentLogger } from '../../../src/kernel/logger.ts'
import { chunkOf, FUTURE, tombstone } from '../../../src/testkit/contract/cold-records.ts'
import { budget } from '../../tools/budget.ts'
import { describeWithAnyPostgres, PostgresDatabases } from '../../tools/services.ts'

const WRITERS = 6
const NAMESPACES = 40

describeWithAnyPostgres('counts of namespaces', () => {
  let databases: PostgresDatabases
  const tiers: ColdTier[] = []
  beforeAll(async () => {
    databases = await PostgresDatabases.start()
    const url = await databases.create()
    const options = {
      max: 4,
      migrate: 'auto',
      timeout: 60_000,
      dimensions: [],
      metrics: [],
      logger: silentLogger,
    } as const
    for (let i = 0; i < 3; i++) tiers.push(await openPostgresCold({ url, ...options }))
  })
  afterAll(async () => {
    for (const tier of tiers) await tier.close()
    await databases[Symbol.asyncDispose]()
  })

  test('are those of the entries, once writers and sweeps beside each other have ended', async () => {
    const rounds = budget({ short: 4, long: 200 })
    const namespaceOf = (writer: number, n: number) => `n/${writer % 2 === 0 ? n : NAMESPACES - 1 - n}`
    const places = Array.from({ length: NAMESPACES }, (_, n) => n)
    let running = WRITERS
    /** Entries of its own in namespaces of everybody; the last round puts all of them. */
    const write = async (writer: number): Promise<void> => {
      for (let round = 1; round <= rounds; round++) {
        const isDeleting = round % 3 === 0 && round < rounds
        const records = places.map((n) => {
          const record = isDeleting && n % 2 === 0 ? tombstone : chunkOf
          return record(namespaceOf(writer, n), writer * 1_000 + n, round)
        })
        await tiers[writer % tiers.length]!.upsert(records)
      }
      running--
    }
    const sweep = async (tier: ColdTier): Promise<void> => {
      while (running > 0) await tier.sweep({ graceMs: 1e13, limit: 1_000 })
    }
    await Promise.all([...Array.from({ length: WRITERS }, (_, i) => write(i)), ...tiers.slice(0, 2).map(sweep)])
    const query = { prefix: ['n'], suffix: [], now: FUTURE, own: [] }
    for (let i = 0; i < 2; i++) {
      const found = await tiers[0]!.namespaces(query, 100)
      expect(found.map(({ entries }) => entries)).toEqual(places.map(() => WRITERS))
      await tiers[0]!.sweep({ graceMs: 1e13, limit: 1_000 })
    }
  })
})
