/** The commands that only look: `get`, `find`, `search`, `namespaces`, `explain` and `stats`. */
import { readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readMigrations } from '../../src/cold/migrations.ts'
import { type MemoryStore, openMemoryStore } from '../../src/index.ts'
import { openStoreToLook } from '../../src/store/open-memory-store.ts'
import { editDatabase, queryDatabase, queryServer } from '../fault/edit-database.ts'
import { describeWithServers, QUIET, temporaryFolder } from '../flow/stores.ts'
import { longTest } from '../tools/budget.ts'
import { StoreTemplate } from '../tools/store-template.ts'
import { expectRefusal, runAll, runCli, startCli } from './run-cli.ts'

const TEXT = 'the water\u001b[31m turns cold\nbelow'

/** Answers the id of an entry with the key `depth`. */
async function fill(store: MemoryStore): Promise<string> {
  const { chunks, blobs } = store.namespace('tenant', 'a')
  const { id } = await chunks.put({ key: 'depth', text: TEXT, embedding: [1, 0], metadata: { rank: 2 } })
  await chunks.put({ text: 'the water is warm', metadata: { rank: 1 } })
  await blobs.put({ key: 'bytes', bytes: new Uint8Array(3) })
  await store.namespace('tenant', 'a', 'below').chunks.put({ text: 'more water' })
  await store.checkpoint()
  return id
}

const IN = ['--namespace', 'tenant/a']

const LOOKS = [
  ['get', '--key', 'depth', ...IN],
  ['explain', '--key', 'depth', ...IN],
  ['find', ...IN],
  ['search', 'water'],
  ['namespaces'],
  ['stats'],
  ['dead-letters', 'list'],
  ['mcp', '--read-only'],
  ['studio'],
]

const NEWEST = `WHERE hash = '${readMigrations().at(-1)!.hash}'`
/** As a database is beside a newer version of this program. */
const BEFORE_NEWEST = `DELETE FROM thermocline.migrations ${NEWEST}`
const HAS_NEWEST = `SELECT 1 FROM thermocline.migrations ${NEWEST}`

describeWithServers('looking', (servers) => {
  test('prints what the tiers have, and changes nothing', async () => {
    const shared = await servers.shared()
    await using store = await openMemoryStore({ ...shared, ...QUIET, dir: await servers.folder() })
    const id = await fill(store)
    const cwd = await temporaryFolder()
    const env = { REDIS_URL: shared.hot.url, DATABASE_URL: shared.cold.url }
    const commands = [
      ['get', '--key', 'depth', ...IN],
      ['get', id, ...IN, '--json'],
      ['explain', id, ...IN],
      ['find', ...IN, '--order-by', 'metadata.rank:desc', '--where', '{"kind":"chunk"}'],
      ['search', '"turns cold"'],
      ['namespaces'],
      ['stats', '--json'],
      ['stats', ...IN, '--recursive'],
    ]
    const results = await runAll(commands, { cwd, env })
    expect(results.map(({ code, stderr }) => ({ code, stderr }))).toEqual(commands.map(() => ({ code: 0, stderr: '' })))
    const [whole, one, explained, found, searched, namespaces, numbers, own] = results.map(({ stdout }) => stdout)

    expect(whole).toMatch(/^kind +chunk\n/m)
    expect(whole).toMatch(new RegExp(`^id +${id}\\n`, 'm'))
    expect(whole).toMatch(/^text +the water\ufffd\[31m turns cold\nbelow\n/m)
    expect(whole).toMatch(/^embedding +2 dimensions$/m)
    const json = JSON.parse(one!)
    expect(json).toMatchObject({ id, key: 'depth', text: TEXT, embedding: [1, 0], accessCount: 0 })
    expect(explained).toMatch(new RegExp(`^${id}\n  hot   has version ${json.version}\n  cold  has`))

    const line = `chunk      ${id}  tenant/a  depth  the water\ufffd[31m turns cold below`
    expect(found).toBe(`${line}\n${await lineOf(store, 'the water is warm')}\n`)
    expect(searched).toMatch(new RegExp(`^0\\.\\d{3}  chunk      ${id}`))
    expect(namespaces).toBe('        3  tenant/a\n        1  tenant/a/below\n')
    expect(JSON.parse(numbers!).cold).toMatchObject({ entries: 4, deadLetters: 0 })
    expect(own).toMatch(/^entries +4$/m)
    expect(await readdir(cwd)).toEqual([])
  })

  longTest('migrates nothing: it says what to run, and backends of the version before still open', async () => {
    const shared = await servers.shared()
    const env = { REDIS_URL: shared.hot.url, DATABASE_URL: shared.cold.url }
    const cwd = await temporaryFolder()
    const refuses = async (): Promise<void> => {
      for (const result of await runAll(LOOKS, { cwd, env })) expectRefusal(result, 1, /run `npx thermocline migrate`/)
    }
    await queryServer(shared.cold.url, 'DROP SCHEMA thermocline CASCADE')
    await refuses()
    const schemas = `SELECT 1 FROM pg_namespace WHERE nspname = 'thermocline'`
    expect(await queryServer(shared.cold.url, schemas)).toEqual([])

    await (await openMemoryStore({ ...shared, ...QUIET, dir: await servers.folder() })).close()
    await queryServer(shared.cold.url, BEFORE_NEWEST)
    await refuses()
    expect(await queryServer(shared.cold.url, HAS_NEWEST)).toEqual([])
  })

  longTest('registers no log, which a kill would leave behind', async () => {
    const shared = await servers.shared()
    const env = { REDIS_URL: shared.hot.url, DATABASE_URL: shared.cold.url }
    await (await openMemoryStore({ ...shared, ...QUIET, dir: await servers.folder() })).close()
    const logs = () => queryServer(shared.cold.url, 'SELECT wal_id FROM thermocline.wal_checkpoints')
    const watch = startCli(['stats', '--watch', '1', '--json'], { env, cwd: await temporaryFolder() })
    await watch.printed(/\n.*\n/)
    expect(await logs()).toEqual([])
    watch.child.kill('SIGKILL')
    await watch.result
    expect(await logs()).toEqual([])
    // Nor when a store closes, which sends a last sign of life.
    await queryServer(shared.cold.url, 'ALTER TABLE thermocline.wal_checkpoints RENAME COLUMN epoch TO refused')
    const errors: unknown[] = []
    const logger = { ...console, error: (...line: unknown[]) => errors.push(line) }
    const store = await openStoreToLook({ ...shared, logger })
    await expect(store.chunks.put({ text: 'unasked' })).rejects.toMatchObject({ code: 'ERR_UNSUPPORTED' })
    await queryServer(shared.cold.url, 'ALTER TABLE thermocline.wal_checkpoints RENAME COLUMN refused TO epoch')
    await store.close()
    expect(errors).toEqual([])
    expect(await logs()).toEqual([])
  })

  longTest('builds no index that the configuration declares', async () => {
    const shared = await servers.shared()
    await using store = await openMemoryStore({ ...shared, ...QUIET, dir: await servers.folder() })
    await fill(store)
    const config = join(await temporaryFolder(), 'config.json')
    await writeFile(config, JSON.stringify({ cold: { dimensions: [2], indexes: ['metadata.rank'] } }))
    const indexes = () =>
      queryServer(shared.cold.url, `SELECT indexname FROM pg_indexes WHERE schemaname = 'thermocline' ORDER BY 1`)
    const before = await indexes()
    const env = { REDIS_URL: shared.hot.url, DATABASE_URL: shared.cold.url }
    const [found] = await runAll([['find', ...IN, '--config', config]], { env })
    expect(found).toMatchObject({ code: 0, stderr: '' })
    expect(await indexes()).toEqual(before)
  })
})

async function lineOf(store: MemoryStore, text: string): Promise<string> {
  const { items } = await store.root.entries.find({ where: { text }, recursive: true })
  return `chunk      ${items[0]!.id}  tenant/a  ${text}`
}

const template = new StoreTemplate()
beforeAll(() => template.make())
afterAll(() => template.remove())

longTest('what an embedded database has is listed page by page, and what is wrong is told', async () => {
  const dir = await template.copy()
  {
    await using store = await openMemoryStore({ dir, ...QUIET })
    await fill(store)
  }
  const run = (...args: readonly string[]) => runCli([...args, '--dir', dir])
  const first = await run('find', '--limit', '3')
  expect(first).toMatchObject({ code: 0, stderr: expect.stringMatching(/^there is more: --cursor \S+\n$/) })
  const second = await run('find', '--cursor', first.stderr.trim().split(' ').at(-1)!)
  expect(second).toMatchObject({ code: 0, stderr: '' })
  expect(`${first.stdout}${second.stdout}`.match(/^(chunk|blob) .*$/gm)).toHaveLength(4)
  const blob = await run('get', '--key', 'bytes', ...IN, '--json')
  expect(JSON.parse(blob.stdout)).toMatchObject({ kind: 'blob', bytes: 'AAAA' })

  expectRefusal(await run('get', '--key', 'other', ...IN), 1, /no such entry.*ERR_NOT_FOUND/)
  expectRefusal(await run('get', ...IN), 2, 'name one entry: ID or --key')
  expectRefusal(await run('find', '--limit', '0'), 2, 'whole number above 0')
  expectRefusal(await run('find', '--order-by', 'colour'), 2, /--order-by.*colour/)
  expectRefusal(await run('search', 'water', '--where', '{"colour":1}'), 2, /^thermocline: --where: .*colour/)
})

longTest('an embedded database is neither migrated nor made by a look', async () => {
  const dir = await template.copy()
  await editDatabase(dir, BEFORE_NEWEST)
  // What serves until it is told to end opens an embedded database when it is asked.
  const looks = LOOKS.filter(([command]) => command !== 'mcp').map((args) => [...args, '--dir', dir])
  for (const result of await runAll(looks)) expectRefusal(result, 1, /run `npx thermocline migrate`/)
  expect(await queryDatabase(dir, HAS_NEWEST)).toEqual([])
  await rm(join(dir, 'cold'), { recursive: true })
  for (const result of await runAll(looks)) expectRefusal(result, 2, /no database.*DATABASE_URL/)
  expect(await readdir(dir)).not.toContain('cold')
})

longTest('a watch ends when it is told to', async () => {
  const watch = startCli(['stats', '--watch', '1', '--json', '--dir', await template.copy()])
  await watch.printed(/\n.*\n/)
  watch.child.kill('SIGINT')
  const { code, stdout } = await watch.result
  expect(code).toBe(0)
  for (const line of stdout.trim().split('\n')) expect(JSON.parse(line).cold).toMatchObject({ entries: 0 })
})
