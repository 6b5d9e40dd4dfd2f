import { rename, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openMemoryStore } from '../../src/index.ts'
import { editDatabase, queryDatabase, queryServer } from '../fault/edit-database.ts'
import { describeWithServers, QUIET } from '../flow/stores.ts'
import { longTest } from '../tools/budget.ts'
import { StoreTemplate } from '../tools/store-template.ts'
import { expectRefusal, runAll, runCli, startNode } from './run-cli.ts'
import { missingIn, writeAndKill } from './written-folder.ts'

const template = new StoreTemplate()
beforeAll(() => template.make())
afterAll(() => template.remove())

interface Listed {
  readonly walId: string
  readonly [field: string]: unknown
}

async function listLogs(args: readonly string[], env?: NodeJS.ProcessEnv): Promise<Listed[]> {
  const { code, stdout, stderr } = await runCli(['logs', '--json', ...args], { env: env ?? {} })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return (JSON.parse(stdout) as { logs: Listed[] }).logs
}

longTest('says where a log is, how long it has been silent, and what it owes', async () => {
  const dir = await template.copy()
  expect((await runCli(['logs', '--dir', dir])).stdout).toMatch(/^no log is registered/)
  const ids = await writeAndKill(dir, 10, 3)
  const [log, ...others] = await listLogs(['--dir', dir])
  expect(others).toEqual([])
  const heartbeatAt = expect.stringMatching(/^\d{4}-.*Z$/)
  expect(log).toMatchObject({ isHere: true, owed: ids.length, isDamaged: false, epoch: 1, sequence: 0, heartbeatAt })
  expect(log).toMatchObject({ place: `${hostname()}:${dir}` })

  await editDatabase(dir, "UPDATE thermocline.wal_checkpoints SET heartbeat_at = now() - interval '150 minutes'")
  const { stdout } = await runCli(['logs', '--dir', dir])
  expect(stdout).toMatch(new RegExp(`^log ${log!.walId}, epoch 1, last sign of life 2 hours ago\n`))
  expect(stdout).toContain('the database has it up to record 0; it owes 30 writes\n')
})

longTest('a log whose files are there is recovered, not retired', async () => {
  const dir = await template.copy()
  const ids = await writeAndKill(dir, 10, 1)
  await editDatabase(dir, "UPDATE thermocline.wal_checkpoints SET heartbeat_at = now() - interval '1 hour'")
  const [log] = await listLogs(['--dir', dir])
  const result = await runCli(['logs', 'retire', log!.walId, '--accept-loss', '--dir', dir])
  expectRefusal(result, 2, /are in this data folder: run `thermocline recover`/)
  expect(await missingIn(dir, ids)).toEqual([])
})

longTest('a log whose files are gone is ended once its loss is accepted, and the loss is recorded', async () => {
  const dir = await template.copy()
  await writeAndKill(dir, 10, 1)
  const [log] = await listLogs(['--dir', dir])
  await rm(join(dir, 'wal'), { recursive: true })
  const retire = (...args: string[]) => runCli(['logs', 'retire', ...args, '--dir', dir])
  const registered = () => queryDatabase(dir, 'SELECT wal_id::text FROM thermocline.wal_checkpoints')
  const losses = () =>
    queryDatabase(dir, 'SELECT wal_id::text, first_sequence::int, last_sequence FROM thermocline.accepted_losses')

  expectRefusal(await retire(log!.walId, '--accept-loss'), 4, /was heard of \d+ s ago, so its owner lives/)
  await editDatabase(dir, "UPDATE thermocline.wal_checkpoints SET heartbeat_at = now() - interval '121 seconds'")
  expectRefusal(
    await retire(log!.walId),
    3,
    /log \S+ \(\S+\) was last heard of \d minutes ago, and its records from 1 on, .*would be lost: .*--accept-loss/,
  )
  expectRefusal(await retire('0199d6f2-5a5e-7b1c-9c41-7a3f2f0f6c11', '--accept-loss'), 1, /no log of that id/)
  expect(await registered()).toEqual([{ wal_id: log!.walId }])
  expect(await losses()).toEqual([])

  const { code, stdout, stderr } = await retire(log!.walId.toUpperCase(), '--accept-loss')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const givenUp = 'its records from 1 on, if there are any, are given up, which is recorded in the table'
  expect(stdout).toBe(`log ${log!.walId} is ended: ${givenUp} thermocline.accepted_losses\n`)
  expect(await registered()).toEqual([])
  expect(await losses()).toEqual([{ wal_id: log!.walId, first_sequence: 1, last_sequence: null }])
})

describeWithServers('logs on Redis and Postgres', (servers) => {
  test('tells of a log in the folder that the database does not know, and whether a process has it', async () => {
    const { hot, cold } = await servers.shared()
    const dir = await servers.folder()
    const env = { DATABASE_URL: cold.url, REDIS_URL: hot.url }
    const list = async (): Promise<string> => (await runCli(['logs', '--dir', dir], { env })).stdout
    expect(await list()).toMatch(/^no log is registered, and none is in /)
    const backend = startNode(join(import.meta.dirname, 'backend-child.ts'), [dir, '2'], { env })
    await backend.printed(/^done$/m)
    // As a restore to before the log began leaves it.
    await queryServer(cold.url, 'DELETE FROM thermocline.wal_checkpoints')
    const unknown = { isRegistered: false, isHere: true, owed: 8, isDamaged: false, epoch: 1, sequence: 0 }
    const place = `${hostname()}:${dir}`
    expect(await listLogs(['--dir', dir], env)).toMatchObject([{ ...unknown, place, isOwned: true }])
    expect(await list()).toContain('unknown to the database, and a process that lives has it; it owes 8 writes\n')
    const doctor = () => runCli(['doctor', '--dir', dir], { env })
    expect((await doctor()).stdout).not.toContain('log-owed')
    backend.child.kill('SIGKILL')
    await backend.result
    const [log] = await listLogs(['--dir', dir], env)
    expect(log).toMatchObject({ ...unknown, place, isOwned: false })
    expect((await doctor()).stdout).toMatch(/log-owed: log .* is unknown to the database, and owes 8 writes/)
    expectRefusal(await runCli(['logs', 'retire', log!.walId, '--dir', dir], { env }), 2, 'run `thermocline recover`')

    await using store = await openMemoryStore({ dir: await servers.folder(), hot, cold, ...QUIET })
    await store.chunks.put({ text: 'of another folder' })
    expect(await list()).toContain('its files are on')
    expect(await listLogs(['--dir', dir], env)).toHaveLength(2)
    expect(await store.logs()).toHaveLength(1)
    await queryServer(cold.url, 'DELETE FROM thermocline.wal_checkpoints')
    expect(await store.logs()).toMatchObject([{ isRegistered: false, isOwned: true, owed: 1 }])
  })

  test('tells the log of a living backend from one whose disk is gone, and ends only that one', async () => {
    const { hot, cold } = await servers.shared()
    // The command needs no Redis.
    const env = { DATABASE_URL: cold.url }
    const [dir, lost] = [await servers.folder(), await servers.folder()]
    await using store = await openMemoryStore({ dir, hot, cold, checkpoint: { every: '1h' }, sync: false })
    const backend = startNode(join(import.meta.dirname, 'backend-child.ts'), [lost, '2'], {
      env: { ...env, REDIS_URL: hot.url },
    })
    await backend.printed(/^done$/m)
    backend.child.kill('SIGKILL')
    await backend.result
    const atBackend = await listLogs(['--dir', lost], env)
    expect(atBackend.find(({ isHere }) => isHere)).toMatchObject({ owed: 8, place: `${hostname()}:${lost}` })
    await rename(join(lost, 'wal'), join(lost, 'out of reach'))

    const [json, plain] = await runAll(
      [
        ['logs', '--json', '--dir', dir],
        ['logs', '--dir', dir],
      ],
      { env },
    )
    const { logs } = JSON.parse(json!.stdout) as { logs: Listed[] }
    const ageless = ({ heartbeatAgeMs: _, ...log }: object & { readonly heartbeatAgeMs?: unknown }) => log
    const told = JSON.parse(JSON.stringify(await store.logs())) as Listed[]
    expect(told.map(ageless)).toEqual(logs.map(ageless))
    const [here, elsewhere] = [logs.find(({ isHere }) => isHere)!, logs.find(({ isHere }) => !isHere)!]
    expect(here).toMatchObject({ owed: 0, isDamaged: false })
    expect(elsewhere.owed).toBeUndefined()
    expect(plain!.stdout).toContain(`it owes what nobody can tell here: its files are on ${hostname()}:${lost}\n`)

    await queryServer(cold.url, "UPDATE thermocline.wal_checkpoints SET heartbeat_at = now() - interval '1 hour'")
    const retire = (id: string) => ['logs', 'retire', id, '--accept-loss', '--dir', dir, '--json']
    const [refused, ended, left] = await runAll([retire(here.walId), retire(elsewhere.walId), ['logs', '--json']], {
      env,
    })
    expectRefusal(refused!, 2, 'run `thermocline recover`')
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    expect(JSON.parse(ended!.stdout)).toEqual({ walId: elsewhere.walId, epoch: 1, lost: [{ from: 1 }] })
    expect((JSON.parse(left!.stdout) as { logs: Listed[] }).logs.map(({ walId }) => walId)).toEqual([here.walId])
  })
})
