/**
 * What a Postgres server may do to us: lose backends, crash, fall silent. Each test has a server or a database of its
 * own.
 */
import { randomUUID } from 'node:crypto'
import { sql } from 'drizzle-orm'
import type postgres from 'postgres'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { ColdStore } from '../../../src/cold/cold-store.ts'
import type { ColdTier } from '../../../src/cold/cold-tier.ts'
import { openPostgresCold, PostgresDriver } from '../../../src/cold/postgres/postgres-driver.ts'
import { Staging } from '../../../src/cold/sql/entry-staging.ts'
import { replace } from '../../../src/cold/sql/replace-version.ts'
import type { EntryRecord } from '../../../src/entry/record.ts'
import { silentLogger } from '../../../src/kernel/logger.ts'
import { chunkOf, keyOf, versionOf } from '../../../src/testkit/contract/cold-records.ts'
import { batchOf } from '../../../src/testkit/contract/cold-shipping.ts'
import { freshNamespace } from '../../../src/testkit/contract/fresh-cold-tier.ts'
import { describeWithPostgres, PrivatePostgres } from '../../tools/services.ts'

const AWAY = expect.objectContaining({ code: 'ERR_TIER_UNAVAILABLE', retryable: true })
const OPTIONS = {
  max: 4,
  dimensions: [],
  metrics: [],
  migrate: 'auto',
  timeout: 20_000,
  logger: silentLogger,
} as const

/** Waited for from the start, so that a rejection finds somebody. */
function outcomeOf(call: Promise<unknown>): Promise<unknown> {
  return call.catch((error: unknown) => error)
}

/** Takes what a replacement of the record waits for. */
type Hold = (holding: postgres.TransactionSql, record: EntryRecord) => PromiseLike<unknown>

const KEY = { namespace: freshNamespace(), key: 'a', digest: new Uint8Array([7]) }

const holdKey: Hold = (holding) => holding`
  INSERT INTO thermocline.idempotency_keys (namespace, key, digest, ids, versions, created_at)
  VALUES (${KEY.namespace}, ${KEY.key}, '', '{}', '{}', now())`

const holdRow: Hold = (holding, { namespace, id }) => holding`
  INSERT INTO thermocline.memory_entries (namespace, id, version, kind, text, created_at, updated_at)
  VALUES (${namespace}, ${id}, ${versionOf(1)}, 'chunk', 'x', now(), now())`

const holdNote: Hold = (holding, { namespace, id }) => holding`
  INSERT INTO thermocline.hot_misses (namespace, id, version) VALUES (${namespace}, ${id}, ${versionOf(1)})`

describeWithPostgres('a Postgres server with faults', () => {
  let server: PrivatePostgres
  let admin: postgres.Sql
  let driver: PostgresDriver
  let tier: ColdTier
  beforeAll(async () => {
    server = await PrivatePostgres.start({ settings: { synchronous_commit: 'off' } })
  })
  afterAll(() => server[Symbol.asyncDispose]())
  beforeEach(async () => {
    admin = server.client()
    driver = await PostgresDriver.connect({ ...OPTIONS, url: server.url() })
    tier = await ColdStore.open(driver, { mode: 'auto', dimensions: [], metrics: [], logger: silentLogger })
  })
  afterEach(async () => {
    await tier.close()
    await admin.end({ timeout: 1 })
  })

  /** Kills what is running such a statement; answers how many backends. */
  async function kill(statement: string): Promise<number> {
    const killed = await admin`
      SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE application_name = 'thermocline' AND query LIKE ${statement}`
    return killed.length
  }

  const killedWhileIn = (statement: string) => vi.waitUntil(() => kill(statement), { timeout: 30_000, interval: 5 })
  const registered = async () => {
    const walId = randomUUID()
    await tier.takeOver(walId, 1)
    return walId
  }
  const bigChunks = (namespace: string, count: number): EntryRecord[] =>
    Array.from({ length: count }, (_, n) =>
      chunkOf(namespace, n, n + 1, { embedding: new Float32Array(1_500).fill(n + 1) }),
    )

  describe('whose backends are killed', () => {
    it('connects anew after idle ones', async () => {
      await Promise.all([tier.stats(), tier.stats(), tier.stats()])
      await tier.upsert([chunkOf(freshNamespace(), 1, 1)])
      await server.stop('fast')
      // By the time it is up again, the news of the end of the old connections has arrived.
      await server.restart()
      await Promise.all([tier.stats(), tier.stats(), tier.stats()])
      expect(await tier.upsert([chunkOf(freshNamespace(), 1, 1)])).toEqual({ written: 1, rejected: 0 })
    })

    it('rejects what they were doing, and only that', async () => {
      const victim = outcomeOf(driver.query(sql`SELECT pg_sleep(60)`))
      await killedWhileIn('SELECT pg_sleep%')
      expect(await victim).toEqual(AWAY)
      // Twice: the first statement on a new connection is not blamed for the end of the old one.
      for (let i = 0; i < 2; i++) expect(await driver.query(sql`SELECT 1 AS one`)).toEqual([{ one: 1 }])
    })

    it('rejects a COPY, and takes the next', async () => {
      const namespace = freshNamespace()
      const records = bigChunks(namespace, 6_000)
      const outcome = outcomeOf(tier.upsert(records))
      await killedWhileIn('COPY%')
      expect(await outcome).toEqual(AWAY)
      expect(await tier.upsert(records.slice(0, 10))).toEqual({ written: 10, rejected: 0 })
    })

    it('settles every call, keeps what was acknowledged and never runs ahead of it', { timeout: 60_000 }, async () => {
      const namespace = freshNamespace()
      const acknowledged: number[] = []
      let rejected = 0
      let longest = 0
      let isOver = false
      const timed = async <T>(call: Promise<T>): Promise<T | undefined> => {
        const startedAt = performance.now()
        try {
          return await call
        } catch (error) {
          expect(error).toEqual(AWAY)
          rejected++
          return undefined
        } finally {
          longest = Math.max(longest, performance.now() - startedAt)
        }
      }
      const shipper = async (writer: number) => {
        const walId = await registered()
        for (let from = 0; !isOver; ) {
          const base = writer * 100_000 + from
          const records = Array.from({ length: 20 }, (_, n) => chunkOf(namespace, base + n, base + n + 1))
          const result = await timed(tier.ship(batchOf(walId, records, { from, to: from + 20 })))
          if (result === undefined) continue
          expect(result.status).toBe('moved')
          acknowledged.push(...records.map((_, n) => base + n))
          from += 20
        }
      }
      const reader = async () => {
        while (!isOver) await timed(tier.versions([keyOf(namespace, 0)]))
      }
      // On a busy machine it takes longer until enough has come through between two kills.
      const isEnough = (killed: number) => killed > 20 && rejected > 5 && acknowledged.length > 100
      const killer = async () => {
        for (let killed = 0; !isEnough(killed); killed += await kill('%'))
          await admin`SELECT pg_sleep(${Math.random() * 0.2})`
        isOver = true
      }
      await Promise.all([killer(), shipper(0), shipper(1), reader(), reader()])
      // Nothing had to wait for its deadline.
      expect(longest).toBeLessThan(OPTIONS.timeout / 2)
      const versions = await tier.versions(acknowledged.map((n) => keyOf(namespace, n)))
      expect(versions).toEqual(acknowledged.map((n) => versionOf(n + 1)))
    })
  })

  describe('that refuses a statement', () => {
    it('answers the next by itself, on the same connection, though the first had answered rows', async () => {
      const narrow = await PostgresDriver.connect({ ...OPTIONS, url: server.url(), max: 2 })
      const backend = sql`SELECT pg_backend_pid()::int4 AS pid`
      const before = await narrow.query(backend)
      const failsLate = sql`SELECT i::int4, 1 / (1000 - i) FROM generate_series(${1}::int4, 2000) AS i`
      await expect(narrow.query(failsLate)).rejects.toEqual(AWAY)
      expect(await narrow.query(sql`SELECT ${1}::int4 AS one`)).toEqual([{ one: 1 }])
      expect(await narrow.query(backend)).toEqual(before)
      await narrow.close()
    })
  })

  describe('on which statements meet', () => {
    it.each(['40001', '40P01'])('repeats one that gave way to another (SQLSTATE %s)', async (state) => {
      // A sequence counts on, whatever becomes of the transaction.
      await admin.unsafe(`
        CREATE OR REPLACE FUNCTION give_way(times int) RETURNS int LANGUAGE plpgsql AS $$ DECLARE nth int; BEGIN
          nth := nextval('given_way');
          IF nth < times THEN RAISE EXCEPTION USING ERRCODE = '${state}'; END IF;
          RETURN nth;
        END $$;
        DROP SEQUENCE IF EXISTS given_way; CREATE SEQUENCE given_way;`)
      expect(await driver.query(sql`SELECT give_way(4) AS attempts`)).toEqual([{ attempts: 4 }])
      await admin.unsafe('ALTER SEQUENCE given_way RESTART')
      await expect(driver.query(sql`SELECT give_way(1000)`)).rejects.toMatchObject({
        code: 'ERR_TIER_UNAVAILABLE',
        message: expect.stringContaining('give way'),
      })
      const [attempts] = await admin`SELECT last_value::int AS made FROM given_way`
      expect(attempts?.made).toBeLessThan(20)
    })

    it.each(['repeatable read', 'serializable'])(
      'runs at read committed, although its database is set to %s',
      async (level) => {
        await admin.unsafe('CREATE DATABASE isolated')
        await admin.unsafe(`ALTER DATABASE isolated SET default_transaction_isolation = '${level}'`)
        const isolated = await PostgresDriver.connect({ ...OPTIONS, url: server.url('isolated') })
        try {
          expect(await isolated.query(sql`SHOW transaction_isolation`)).toEqual([
            { transaction_isolation: 'read committed' },
          ])
        } finally {
          await isolated.close()
          await admin.unsafe('DROP DATABASE isolated WITH (FORCE)')
        }
      },
    )
  })

  describe('that crashes and comes back', () => {
    it('has what was acknowledged, although its role is set to acknowledge early', async () => {
      for (let round = 0; round < 5; round++) {
        const records = [chunkOf(freshNamespace(), round, 1)]
        await tier.ship(batchOf(await registered(), records))
        await server.stop('immediate')
        await server.restart()
        expect(await tier.versions(records)).toEqual([versionOf(1)])
      }
    })

    it('heals under load, and loses nothing that was acknowledged', { timeout: 60_000 }, async () => {
      const namespace = freshNamespace()
      const walId = await registered()
      let sequence = 0
      let isOver = false
      const shipping = (async () => {
        while (!isOver) {
          const records = [chunkOf(namespace, sequence, sequence + 1)]
          try {
            const result = await tier.ship(batchOf(walId, records, { from: sequence, to: sequence + 1 }))
            if (result.status === 'moved') sequence++
          } catch (error) {
            expect(error).toEqual(AWAY)
          }
        }
      })()
      for (let round = 0; round < 3; round++) {
        const before = sequence
        await vi.waitUntil(() => sequence > before + 20, { timeout: 20_000, interval: 5 })
        await server.stop('immediate')
        await server.restart()
      }
      const before = sequence
      await vi.waitUntil(() => sequence > before + 20, { timeout: 20_000, interval: 5 })
      isOver = true
      await shipping
      const versions = await tier.versions(Array.from({ length: sequence }, (_, n) => keyOf(namespace, n)))
      expect(versions).toEqual(Array.from({ length: sequence }, (_, n) => versionOf(n + 1)))
      expect(await tier.checkpointOf(walId)).toMatchObject({ sequence })
    })

    it('is away until then, and says so at once', async () => {
      await server.stop('fast')
      await expect(tier.stats()).rejects.toEqual(AWAY)
      await expect(tier.upsert([chunkOf('ns', 1, 1)])).rejects.toEqual(AWAY)
      await expect(openPostgresCold({ ...OPTIONS, url: server.url() })).rejects.toMatchObject({
        code: 'ERR_TIER_UNAVAILABLE',
        message: expect.stringContaining(server.dir),
      })
      await server.restart()
      await tier.stats()
    })
  })

  describe('that is slow', () => {
    const sleeping = async (): Promise<number> => {
      const rows = await admin`SELECT FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT pg_sleep(60%'`
      return rows.length
    }
    let impatient: PostgresDriver
    beforeEach(async () => {
      impatient = await PostgresDriver.connect({ ...OPTIONS, url: server.url(), timeout: 300 })
    })
    afterEach(() => impatient.close())

    it('is cancelled at the deadline, and the connection serves on', async () => {
      for (let i = 0; i < 5; i++) {
        const calls = Array.from({ length: 3 }, () => impatient.query(sql`SELECT pg_sleep(60)`))
        for (const { status } of await Promise.allSettled(calls)) expect(status).toBe('rejected')
      }
      await vi.waitUntil(async () => (await sleeping()) === 0, { timeout: 30_000 })
      expect(await impatient.query(sql`SELECT 1 AS one`)).toEqual([{ one: 1 }])
    })

    it('gives whoever waits in line the same deadline, and runs nothing late', async () => {
      const namespace = freshNamespace()
      const store = await ColdStore.open(impatient, {
        mode: 'check',
        dimensions: [],
        metrics: [],
        logger: silentLogger,
      })
      const calls = Array.from({ length: 9 }, () => impatient.query(sql`SELECT pg_sleep(60)`))
      const late = store.takeOver(randomUUID(), 1)
      for (const { status } of await Promise.allSettled([...calls, late])) expect(status).toBe('rejected')
      expect(await tier.versions([keyOf(namespace, 1)])).toEqual([undefined])
    })

    it('may stop answering altogether', async () => {
      const [backend] = await impatient.query(sql`SELECT pg_backend_pid()::int4 AS pid`)
      const pid = backend?.pid as number
      process.kill(pid, 'SIGSTOP')
      try {
        await expect(impatient.query(sql`SELECT 1 AS one`)).rejects.toEqual(AWAY)
        expect(await impatient.query(sql`SELECT 1 AS one`)).toEqual([{ one: 1 }])
      } finally {
        process.kill(pid, 'SIGCONT')
      }
    })

    it('settles what runs when the tier is closed', async () => {
      const call = outcomeOf(impatient.query(sql`SELECT pg_sleep(60)`))
      await impatient.close()
      expect(await call).toEqual(AWAY)
      await expect(impatient.query(sql`SELECT 1 AS one`)).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    })
  })

  describe('that several processes write to', () => {
    const waitingFor = (statement: string, count: number) => async () => {
      const waiting = admin`
        SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE ${statement}`
      return (await waiting).length === count
    }

    /** Both have read that cold holds version 1 before either writes. */
    it.each([
      ['newer', 'older'],
      ['older', 'newer'],
    ])('keeps the newer version where the %s comes first, then the %s', async (...order) => {
      const namespace = freshNamespace()
      const other = await openPostgresCold({ ...OPTIONS, url: server.url() })
      const numbers = Array.from({ length: 50 }, (_, n) => n)
      await tier.upsert(numbers.map((n) => chunkOf(namespace, n, 1)))
      const logs = [await registered(), await registered()]
      const blocker = server.client()
      const ships: Promise<unknown>[] = []
      await blocker.begin(async (held) => {
        await held`SELECT FROM thermocline.memory_entries WHERE namespace = ${namespace} FOR UPDATE`
        for (const [nth, which] of order.entries()) {
          const records = numbers.map((n) => chunkOf(namespace, n, which === 'newer' ? 3 : 2))
          ships.push([tier, other][nth]!.ship(batchOf(logs[nth]!, records)))
          await vi.waitUntil(waitingFor('%WITH gate%', nth + 1), { timeout: 30_000, interval: 5 })
        }
      })
      expect(await Promise.all(ships)).toMatchObject([{ status: 'moved' }, { status: 'moved' }])
      expect(await tier.versions(numbers.map((n) => keyOf(namespace, n)))).toEqual(numbers.map(() => versionOf(3)))
      await blocker.end()
      await other.close()
    })

    describe('and that decides about a replacement', () => {
      beforeEach(async () => {
        await admin`CREATE TABLE IF NOT EXISTS public.hands (at timestamptz)`
        await admin`TRUNCATE public.hands`
        await admin`INSERT INTO public.hands VALUES ('2030-01-01')`
        await admin`UPDATE thermocline.store_identity SET hot_generation = 1`
        // Volatile, so that it sees what was committed since the statement began.
        await admin`CREATE OR REPLACE FUNCTION public.hands_at() RETURNS timestamptz VOLATILE LANGUAGE sql
          AS 'SELECT at FROM public.hands'`
      })

      it.each([
        ['an idempotency key', KEY, holdKey],
        ['a row that is put', undefined, holdRow],
        ['a note for hot', undefined, holdNote],
      ])('writes nothing once its time is over, also where that was spent waiting for %s', async (_, key, hold) => {
        const namespace = freshNamespace()
        const record = chunkOf(namespace, 1, 1)
        const replacement = {
          changes: [{ record, base: undefined }],
          generationNumber: (await tier.hotMisses(1)).generationNumber,
          until: Date.parse('2030-01-02'),
          log: await tier.takeOver(randomUUID(), 1),
          idempotency: key,
        }
        const ask = () => replace(new Staging(driver), replacement, () => sql`public.hands_at()`)
        const blocker = server.client()
        let asked: Promise<unknown> | undefined
        const held = blocker.begin(async (holding) => {
          await hold(holding, record)
          asked = outcomeOf(ask())
          await vi.waitUntil(waitingFor('%WITH replacement%', 1), { timeout: 30_000, interval: 5 })
          await admin`UPDATE public.hands SET at = '2030-01-03'`
          throw new Error('given up')
        })
        await expect(held).rejects.toThrow('given up')
        expect(await asked).toBe('other')
        expect(await tier.versions([keyOf(namespace, 1)])).toEqual([undefined])
        if (key !== undefined) expect(await tier.answerTo(key)).toBeUndefined()
        expect(await ask()).toBe('closed')
        await admin`UPDATE public.hands SET at = '2030-01-01'`
        expect(await ask()).toBe('replaced')
        await blocker.end()
      })
    })
  })
})
