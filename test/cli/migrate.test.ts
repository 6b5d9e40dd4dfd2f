import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeWithServers, temporaryFolder } from '../flow/stores.ts'
import { longTest } from '../tools/budget.ts'
import { StoreTemplate } from '../tools/store-template.ts'
import { expectRefusal, runAll, runCli } from './run-cli.ts'
import { writeAndKill } from './written-folder.ts'

const template = new StoreTemplate()
beforeAll(() => template.make())
afterAll(() => template.remove())

test('makes the database of a folder that --dir names, and does it once', async () => {
  const cwd = await temporaryFolder()
  const migrate = ['migrate', '--dir', 'new']
  const [first, second] = await runAll([migrate, migrate], { cwd })
  expect(first).toMatchObject({ code: 0, stderr: '' })
  expect(first!.stdout).toMatch(/the database is up to date: .*new\n$/)
  expect(second).toMatchObject({ code: 0, stdout: expect.stringMatching(/^the database is .*new\n$/), stderr: '' })
  expect(await readdir(join(cwd, 'new'))).toEqual(expect.arrayContaining(['cold', 'thermocline.json']))
})

longTest('makes no database for the logs of a store whose own is elsewhere, unless its folder is made', async () => {
  const dir = await template.copy()
  const ids = await writeAndKill(dir, 10, 2)
  // As the folder of a store on servers.
  await rm(join(dir, 'cold'), { recursive: true })
  const migrate = () => runCli(['migrate', '--dir', dir])
  expectRefusal(await migrate(), 2, /holds 1 log and no database.*DATABASE_URL/)
  expect(await readdir(dir)).not.toContain('cold')
  await mkdir(join(dir, 'cold'))
  expect(await migrate()).toMatchObject({ code: 0, stderr: '' })
  const { code, stdout } = await runCli(['recover', '--json', '--dir', dir])
  expect({ code, ...JSON.parse(stdout) }).toMatchObject({ code: 0, logs: [{ shipped: ids.length }] })
})

test('makes none in the folder of a store that left no log either', async () => {
  const dir = await template.copy()
  await rm(join(dir, 'cold'), { recursive: true })
  expectRefusal(await runCli(['migrate', '--dir', dir]), 2, /no database.*DATABASE_URL/)
  expect(await readdir(dir)).not.toContain('cold')
})

describeWithServers('migrating', (servers) => {
  test('says which database it was, and not what logs in', async () => {
    const url = await servers.databases.create()
    const { code, stdout } = await runCli(['migrate', '--json'], { env: { DATABASE_URL: url } })
    const { database } = JSON.parse(stdout)
    expect({ code, database }).toEqual({ code: 0, database: expect.stringMatching(/^[^@]*\/[^/@?]+$/) })
  })
})
