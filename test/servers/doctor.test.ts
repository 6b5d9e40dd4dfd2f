/** What `thermocline doctor` finds: each planted fault by its code, and nothing in a store that is well. */
import { chmod, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { diagnoseStore } from '../../src/admin/diagnose-store.ts'
import { recoverStore } from '../../src/admin/recover-store.ts'
import { findingsOfLogs } from '../../src/admin/store-findings.ts'
import { readMigrations } from '../../src/cold/migrations.ts'
import { type MemoryStoreOptions, openMemoryStore } from '../../src/index.ts'
import { runCli } from '../cli/run-cli.ts'
import { rotFirstRecord, segmentFiles } from '../fault/damage-log.ts'
import { editDatabase, queryServer } from '../fault/edit-database.ts'
import { QUIET, redisUrlOf, temporaryFolder } from '../flow/stores.ts'
import { longTest } from '../tools/budget.ts'
import { describeWithPostgres, describeWithRedis, PrivatePostgres, PrivateRedis } from '../tools/services.ts'
import { copyFolder, StoreTemplate } from '../tools/store-template.ts'
import { describeWithSmallDisks, smallDisk } from '../wal/small-disk.ts'

const codes = async (options: MemoryStoreOptions): Promise<string[]> =>
  (await diagnoseStore({ logger: false, ...options })).findings.map(({ code }) => code)

/** Sets a fault on the server or in the database, and takes it back. */
interface Fault {
  readonly code: string
  readonly plant: string
  readonly mend: string
}

const SILENT_LOG = `INSERT INTO thermocline.wal_checkpoints (wal_id, epoch, sequence, shipped_version, heartbeat_at)
  VALUES ('0199d6f2-5a5e-7b1c-9c41-7a3f2f0f6c11', 1, 0, repeat('0', 24), now() - interval '1 day')`
const setting = (name: string, value: string, code: string): Fault => ({
  code,
  plant: `ALTER ROLE test SET ${name} = '${value}'`,
  mend: `ALTER ROLE test RESET ${name}`,
})

const DEAD_ROWS = [
  'ALTER TABLE thermocline.sync_runs SET (autovacuum_enabled = false)',
  `INSERT INTO thermocline.sync_runs (started_at, duration_ms, synced, skipped, errors, bytes)
    SELECT now(), 1, 1, 1, 1, 1 FROM generate_series(1, 11000)`,
  'DELETE FROM thermocline.sync_runs',
]

const newest = readMigrations().at(-1)!

const FAULTS: readonly Fault[] = [
  setting('synchronous_commit', 'off', 'commit-not-durable'),
  setting('jit_above_cost', '0', 'jit-eager'),
  setting('statement_timeout', '5s', 'statement-timeout'),
  {
    code: 'dead-letters',
    plant: "INSERT INTO thermocline.dead_letters (digest, reason, record) VALUES ('\\x01', '23514', '\\x02')",
    mend: 'DELETE FROM thermocline.dead_letters',
  },
  { code: 'log-owed', plant: SILENT_LOG, mend: 'DELETE FROM thermocline.wal_checkpoints' },
  {
    code: 'index-missing',
    plant: 'ALTER INDEX thermocline.idempotency_keys_age RENAME TO another',
    mend: 'ALTER INDEX thermocline.another RENAME TO idempotency_keys_age',
  },
  {
    code: 'index-invalid',
    plant:
      "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'thermocline.memory_entries_tombstones'::regclass",
    mend: "UPDATE pg_index SET indisvalid = true WHERE indexrelid = 'thermocline.memory_entries_tombstones'::regclass",
  },
  {
    code: 'migrations-pending',
    plant: `DELETE FROM thermocline.migrations WHERE hash = '${newest.hash}'`,
    mend: `INSERT INTO thermocline.migrations (hash, created_at) VALUES ('${newest.hash}', ${newest.createdAt})`,
  },
]

describeWithRedis('the doctor of a store', () => {
  describeWithPostgres('on servers', () => {
    let redis: PrivateRedis
    let postgres: PrivatePostgres
    const options = () => ({ hot: { url: redisUrlOf(redis) }, cold: { url: postgres.url(), dimensions: [4] }, dir })
    let dir: string
    beforeAll(async () => {
      redis = await PrivateRedis.start({ onPort: true })
      // As a server for other than tests is set.
      postgres = await PrivatePostgres.start({ settings: { fsync: 'on' } })
    })
    afterAll(async () => {
      await redis[Symbol.asyncDispose]()
      await postgres[Symbol.asyncDispose]()
    })

    test('finds nothing where all is well, beside a backend that writes', async () => {
      dir = await temporaryFolder()
      await using store = await openMemoryStore({ ...options(), ...QUIET })
      await store.chunks.put({ text: 'pending', embedding: [1, 0, 0, 0] })
      expect(await codes(options())).toEqual([])
    })

    test.each(FAULTS)('finds $code', async ({ code, plant, mend }) => {
      await queryServer(postgres.url(), plant)
      expect(await codes(options())).toEqual([code])
      await queryServer(postgres.url(), mend)
    })

    test('finds a Redis that evicts, one that is full, and one that is a replica', async () => {
      const client = new Redis(redisUrlOf(redis))
      const used = Number(/used_memory:(\d+)/.exec(await client.info('memory'))![1])
      await client.config('SET', 'maxmemory', '1gb')
      expect(await codes(options())).toEqual([])
      await client.config('SET', 'maxmemory-policy', 'allkeys-lru')
      expect(await codes(options())).toEqual(['redis-evicts'])
      await client.config('SET', 'maxmemory-policy', 'noeviction')
      await client.config('SET', 'maxmemory', `${Math.round(used / 0.99)}`)
      expect(await codes(options())).toEqual(['redis-full'])
      await client.config('SET', 'maxmemory', '0')
      await client.call('REPLICAOF', '127.0.0.1', '1')
      expect(await codes(options())).toEqual(['redis-replica'])
      await client.call('REPLICAOF', 'NO', 'ONE')
      await client.quit()
    })

    test('finds a Redis that cannot save, and one that does not tell of itself', async () => {
      await using other = await PrivateRedis.start({ onPort: true, args: ['--dir', '/proc'] })
      const client = new Redis(redisUrlOf(other))
      const hot = { url: redisUrlOf(other) }
      expect(await codes({ ...options(), hot })).toEqual([])
      await client.bgsave()
      await expect.poll(() => codes({ ...options(), hot })).toEqual(['redis-cannot-save'])
      await client.call('ACL', 'SETUSER', 'silent', 'on', '>secret', '~*', '&*', '+@all', '-info')
      const url = hot.url.replace('redis://', 'redis://silent:secret@')
      expect(await codes({ ...options(), hot: { url } })).toEqual(['redis-info-blocked'])
      await client.quit()
    })

    test('finds rows that are dead, a clock that is apart, and a role without rights', async () => {
      const url = postgres.url()
      const apart = { clock: { now: () => Date.now() - 3_000 } }
      expect(await codes({ ...options(), ...apart })).toEqual(['clock-drift'])
      for (const statement of DEAD_ROWS) await queryServer(url, statement)
      await expect.poll(() => codes(options())).toEqual(['rows-dead'])
      await queryServer(url, 'TRUNCATE thermocline.sync_runs')
      await queryServer(url, 'CREATE ROLE reader LOGIN')
      await queryServer(url, 'GRANT USAGE ON SCHEMA thermocline TO reader')
      await queryServer(url, 'GRANT SELECT ON ALL TABLES IN SCHEMA thermocline TO reader')
      const asReader = { ...options(), cold: { url: postgres.url('postgres', 'reader') } }
      await expect.poll(() => codes(asReader)).toEqual(['rights-missing'])
    })

    test('finds each right that a role lacks, until it has what the remedy grants it, and its limit', async () => {
      const url = postgres.url()
      const own = { ...options(), dir: await temporaryFolder() }
      await (await openMemoryStore({ ...own, ...QUIET })).close()
      await queryServer(url, 'CREATE ROLE clerk LOGIN')
      const asClerk = { ...own, cold: { url: postgres.url('postgres', 'clerk') }, logger: false } as const
      const find = async () => (await diagnoseStore(asClerk)).findings
      const what = (text: string) => expect.stringContaining(text)
      const [nothing] = await find()
      expect(nothing).toMatchObject({ code: 'rights-missing', what: what('on the schema thermocline') })
      const grants = nothing!.remedy.split(': ')[1]!.split('; ')
      const inOrder = ['on the table thermocline.migrations', 'may not use sync_runs_id_seq']
      for (const [n, missing] of inOrder.entries()) {
        await queryServer(url, grants[n]!.replace('the role', 'clerk'))
        expect(await find()).toMatchObject([{ code: 'rights-missing', what: what(missing) }])
      }
      const run = "SELECT nextval('thermocline.sync_runs_id_seq')"
      await expect(queryServer(asClerk.cold.url, run)).rejects.toThrow('on the sequence thermocline.sync_runs_id_seq')
      await queryServer(url, grants[2]!.replace('the role', 'clerk'))
      expect(await find()).toEqual([])
      await queryServer(url, 'ALTER ROLE clerk CONNECTION LIMIT 0')
      expect(await find()).toMatchObject([
        { code: 'connection-limit', what: what('for this role: lower `cold.max`'), remedy: what('cold.max') },
      ])
    })

    test('finds a log that began and ended while the database was away, until it is recovered', async () => {
      const away = { ...options(), ...QUIET, dir: await temporaryFolder(), requireCold: false, timeouts: { open: 300 } }
      await (await openMemoryStore(away)).close()
      await postgres.stop()
      const store = await openMemoryStore({ ...away, logger: false })
      await store.chunks.putMany([{ text: 'first' }, { text: 'second' }])
      await store.close({ timeout: 300 })
      await postgres.restart()
      const { findings } = await diagnoseStore({ ...away, logger: false })
      expect(findings).toEqual([
        {
          code: 'log-owed',
          what: expect.stringMatching(/^log .* is unknown to the database, and owes 2 writes$/),
          why: expect.any(String),
          remedy: `open the store in that folder, or run \`npx thermocline recover --dir ${away.dir}\``,
        },
      ])
      expect(await recoverStore({ ...away, logger: false })).toMatchObject([{ records: 2, outcome: 'retired' }])
      expect(await codes(away)).toEqual([])
    })

    describeWithSmallDisks('with a small disk', () => {
      test('finds that it is nearly full', async () => {
        const small = { ...options(), dir: await smallDisk(2) }
        expect(await codes(small)).toEqual([])
        await writeFile(join(small.dir, 'filler'), Buffer.alloc(1_950_000))
        expect(await codes(small)).toEqual(['disk-low'])
        const dir = await temporaryFolder()
        await symlink(small.dir, join(dir, 'wal'))
        expect(await codes({ ...small, dir })).toEqual(['disk-low'])
      })
    })

    longTest('finds servers that are away, and exits 1 with what to do', async () => {
      const env = { REDIS_URL: redisUrlOf(redis), DATABASE_URL: postgres.url() }
      const cwd = await temporaryFolder()
      expect(await runCli(['doctor'], { cwd, env })).toMatchObject({
        code: 0,
        stdout: 'nothing is wrong\n',
        stderr: '',
      })
      await redis.kill()
      await postgres.stop()
      expect((await codes(options())).sort()).toEqual(['database-unreachable', 'redis-unreachable'])
      const { code, stdout } = await runCli(['doctor', '--json'], { cwd, env })
      expect(code).toBe(1)
      const { findings } = JSON.parse(stdout)
      expect(findings).toHaveLength(2)
      expect(findings[0]).toEqual({
        code: 'redis-unreachable',
        what: expect.stringContaining('Redis cannot be used'),
        why: expect.any(String),
        remedy: expect.stringContaining('REDIS_URL'),
      })
    })

    longTest('finds a server that is not set to be durable', async () => {
      await using fast = await PrivatePostgres.start({ settings: { fsync: 'off' } })
      await (await openMemoryStore({ hot: { kind: 'memory' }, cold: { url: fast.url() }, dir, ...QUIET })).close()
      expect(await codes({ hot: { kind: 'memory' }, cold: { url: fast.url() }, dir })).toEqual(['fsync-off'])
    })
  })
})

const ALSO_EMBEDDED = ['dead-letters', 'log-owed', 'index-missing', 'index-invalid']
/** Those that an embedded database reads as it starts. */
const OF_SETTINGS = ['full_page_writes = off', 'synchronous_commit = off', "statement_timeout = '5s'"].map(
  (setting) => `ALTER SYSTEM SET ${setting}`,
)
const CODES_OF_SETTINGS = ['fsync-off', 'commit-not-durable', 'statement-timeout']

test('a log that a living process has is owed once the database should have heard of it', () => {
  const log = {
    ...{
      walId: '0199d6f2-5a5e-7b1c-9c41-7a3f2f0f6c11',
      epoch: 1,
      sequence: 0,
      place: 'host:/data',
      heartbeatAt: new Date(),
    },
    ...{ isRegistered: false, isHere: true, isOwned: true, isDamaged: false, owed: 3 },
  }
  expect(findingsOfLogs([{ ...log, heartbeatAgeMs: 1_000 }], '/data')).toEqual([])
  expect(findingsOfLogs([{ ...log, heartbeatAgeMs: 300_000, owed: 0 }], '/data')).toEqual([])
  const silent = { ...log, isRegistered: true, isOwned: false, heartbeatAgeMs: 3 * 86_400_000 }
  expect(findingsOfLogs([silent], '/data')).toMatchObject([{ what: expect.stringContaining('heard of for 3 days') }])
  expect(findingsOfLogs([{ ...log, heartbeatAgeMs: 300_000 }], '/data')).toMatchObject([
    {
      code: 'log-owed',
      what: expect.stringContaining('its process lives'),
      remedy: expect.stringContaining('open its'),
    },
  ])
})

describe('the doctor of an embedded store', () => {
  const template = new StoreTemplate()
  beforeAll(() => template.make())
  afterAll(() => template.remove())

  test('finds nothing where all is well, and then each fault', async () => {
    const dir = await template.copy()
    expect(await codes({ dir })).toEqual([])
    const ofDatabase = FAULTS.filter(({ code }) => ALSO_EMBEDDED.includes(code))
    await editDatabase(dir, ...ofDatabase.map(({ plant }) => plant), ...OF_SETTINGS)
    await chmod(dir, 0o755)
    const hot = { kind: 'memory', maxBytes: 2 ** 50 } as const
    const found = [...ALSO_EMBEDDED, ...CODES_OF_SETTINGS, 'folder-open', 'memory-short']
    expect((await codes({ dir, hot })).sort()).toEqual(found.sort())
  })

  describeWithSmallDisks('with a small disk', () => {
    test('finds that it is nearly full', async () => {
      const [dir, disk] = [await template.copy(), await smallDisk(2)]
      await writeFile(join(disk, 'filler'), Buffer.alloc(1_950_000))
      await rm(join(dir, 'wal'), { recursive: true, force: true })
      await symlink(disk, join(dir, 'wal'))
      expect(await codes({ dir })).toEqual(['disk-low'])
    })
  })

  longTest('finds a log that is damaged, and a database that is behind, or of another version', async () => {
    const dir = await temporaryFolder()
    const store = await openMemoryStore({ dir: join(dir, 'a'), ...QUIET })
    await store.chunks.put({ text: 'first' })
    await store.chunks.put({ text: 'second' })
    // As a crash leaves it.
    await copyFolder(join(dir, 'a'), join(dir, 'b'))
    await store.close()
    const options = { dir: join(dir, 'b') }
    await rotFirstRecord((await segmentFiles(options.dir))[0]!)
    expect(await codes(options)).toEqual(['log-damaged'])
    const pending = FAULTS.find(({ code }) => code === 'migrations-pending')!
    await editDatabase(options.dir, pending.plant)
    expect(await codes(options)).toEqual(['migrations-pending'])
    await writeFile(join(options.dir, 'cold', 'data', 'PG_VERSION'), '12\n')
    expect(await codes(options)).toEqual(['database-unreachable'])
  })

  test('finds a log of which the oldest file is gone, though the rest of it is whole', async () => {
    const [from, dir] = [await template.copy(), await temporaryFolder()]
    const store = await openMemoryStore({ dir: from, ...QUIET, wal: { segmentBytes: 4_096 } })
    for (let n = 0; n < 40; n++) await store.chunks.put({ text: 'x'.repeat(400) })
    // As a crash leaves it.
    await copyFolder(from, join(dir, 'a'))
    await store.close()
    expect(await codes({ dir: join(dir, 'a') })).toEqual([])
    await rm((await segmentFiles(join(dir, 'a')))[0]!)
    expect(await codes({ dir: join(dir, 'a') })).toEqual(['log-damaged'])
  })

  longTest('misses pgvector where vectors are kept, and be they rounded', async () => {
    const dir = await temporaryFolder()
    const open = () => openMemoryStore({ dir, ...QUIET, cold: { precision: 'int8' }, logger: false })
    await (await open()).close()
    await editDatabase(dir, 'DROP EXTENSION IF EXISTS vector CASCADE')
    expect(await codes({ dir })).toEqual([])
    const store = await open()
    await store.embeddings.put({ embedding: [1, 0.5] })
    await store.sync()
    await store.close()
    await editDatabase(dir, 'DROP EXTENSION IF EXISTS vector CASCADE')
    expect(await codes({ dir })).toEqual(['vectors-unindexed'])
  })
})
