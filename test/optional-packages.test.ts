/** The package installed without the embedded database: servers do, and an error says what to install. */
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, vi } from 'vitest'
import { describeWithServers } from './flow/stores.ts'
import { longTest } from './tools/budget.ts'
import { install, makeProject, megabytesOf, PROGRAM, packed, run } from './tools/packed.ts'

vi.setConfig({ testTimeout: 600_000 })

let project: string
let embedded: string

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'thermocline-without-'))
  embedded = join(project, 'node_modules/@electric-sql')
  await makeProject(project, ['--omit=optional', await packed(), 'ioredis', 'postgres'], { 'app.mjs': PROGRAM })
}, 600_000)

afterAll(() => rm(project, { recursive: true, force: true }))

/** What the program prints of a store with each of these options, line by line. */
async function use(...stores: object[]): Promise<string[]> {
  const options = stores.map((store) => JSON.stringify(store))
  return (await run(process.execPath, ['app.mjs', ...options], project)).trim().split('\n')
}

const cli = (...args: string[]): Promise<string> => run('npx', ['--no-install', 'thermocline', ...args], project)

longTest('takes half of what it is with it', async () => {
  expect(existsSync(embedded)).toBe(false)
  expect(await megabytesOf(join(project, 'node_modules'))).toBeLessThan(30)
})

describeWithServers('without the embedded database', (servers) => {
  longTest('a store on servers does', async () => {
    const { hot, cold, dir } = await servers.storeOptions()
    expect(await use({ hot, cold, dir })).toEqual(['kept 1 0'])
  })
})

longTest(
  'an embedded store says what to install, which then helps, and the doctor where it is gone again',
  async () => {
    const [inMemory, inFolder] = (await use({ inMemory: true }, { dir: 'data' })).map((line) => JSON.parse(line))
    expect(inMemory).toMatchObject({ code: 'ERR_UNSUPPORTED', retryable: false })
    expect(inFolder).toEqual(inMemory)
    const [, packages] = /`npm install ([^`]+)`/.exec(inMemory.message)!
    expect(inMemory.details).toEqual({ packages: packages!.split(' ') })
    // Of a store on servers, for all it knows.
    await expect(cli('find', '--dir', 'data')).rejects.toThrow(/no database.*DATABASE_URL/)

    await install(project, packages!.split(' '))
    expect(await use({ inMemory: true }, { dir: 'data' })).toEqual(['kept 1 0', 'kept 1 0'])

    await rm(embedded, { recursive: true })
    await expect(cli('find', '--dir', 'data')).rejects.toThrow(`npm install ${packages}`)
    const failed = await cli('doctor', '--dir', 'data', '--json').catch((error: Error) => error.message)
    expect(failed).toContain('"code":"package-missing"')
    expect(failed).toContain(`"remedy":"npm install ${packages}"`)
  },
)
