import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { readStoreOptions } from '../../src/cli/store-options.ts'
import { temporaryFolder } from '../flow/stores.ts'

const REDIS_URL = 'redis://cache:hunter2@127.0.0.1:1/3'
const DATABASE_URL = 'postgres://app:hunter2@127.0.0.1:1/app'
const SERVERS = { hot: { url: REDIS_URL }, cold: { url: DATABASE_URL } }

/** What `sync` needs. */
const WORKER = { hot: true, folder: 'if-embedded', waits: true } as const

function stubEnv(env: NodeJS.ProcessEnv): void {
  for (const name of ['REDIS_URL', 'DATABASE_URL', 'THERMOCLINE_DIR']) vi.stubEnv(name, env[name])
  onTestFinished(() => void vi.unstubAllEnvs())
}

async function configFile(source: string): Promise<string> {
  const file = join(await temporaryFolder(), 'config.mjs')
  await writeFile(file, `export default ${source}`)
  return file
}

/** A folder that is not there. */
const missing = async (): Promise<string> => join(await temporaryFolder(), 'missing')

async function existingStore(): Promise<string> {
  const dir = await temporaryFolder()
  await writeFile(join(dir, 'thermocline.json'), '{"format":1}')
  return dir
}

beforeEach(() => stubEnv({}))

describe('the data folder', () => {
  test('need not be there for a worker on servers, and reading the options does not make it', async () => {
    stubEnv({ REDIS_URL, DATABASE_URL })
    const dir = await missing()
    expect(await readStoreOptions({ dir }, WORKER)).toEqual({ ...SERVERS, dir })
    await expect(readdir(dir)).rejects.toMatchObject({ code: 'ENOENT' })
    expect(await readStoreOptions({}, WORKER)).toMatchObject({ dir: resolve('.thermocline') })
  })

  test('has to be there for a worker on the database in it', async () => {
    await expect(readStoreOptions({ dir: await missing() }, WORKER)).rejects.toThrow('is not there')
    const dir = await existingStore()
    expect(await readStoreOptions({ dir }, WORKER)).toEqual({ dir })
  })

  test('has to be there where it is what the command is about', async () => {
    stubEnv({ REDIS_URL, DATABASE_URL })
    await expect(readStoreOptions({ dir: await missing() })).rejects.toThrow('is not there')
    stubEnv({ REDIS_URL, DATABASE_URL, THERMOCLINE_DIR: await missing() })
    await expect(readStoreOptions({})).rejects.toThrow('is not there')
  })

  test('is made of an embedded database only where the command line names it', async () => {
    const needs = { folder: 'if-unnamed' } as const
    const dir = await missing()
    expect(await readStoreOptions({ dir }, needs)).toMatchObject({ dir })
    stubEnv({ THERMOCLINE_DIR: dir })
    await expect(readStoreOptions({}, needs)).rejects.toThrow('is not there')
    stubEnv({ DATABASE_URL })
    expect(await readStoreOptions({}, needs)).toMatchObject({ cold: { url: DATABASE_URL } })
  })

  test('is never one with other files', async () => {
    stubEnv({ REDIS_URL, DATABASE_URL })
    const dir = await temporaryFolder()
    expect(await readStoreOptions({ dir }, WORKER)).toMatchObject({ dir })
    // Of a process that makes the store at this moment.
    await mkdir(join(dir, 'lock'))
    expect(await readStoreOptions({ dir }, WORKER)).toMatchObject({ dir })
    await writeFile(join(dir, 'thesis.txt'), '')
    await expect(readStoreOptions({ dir }, WORKER)).rejects.toThrow('is no data folder')
  })
})

describe('a configuration over the environment', () => {
  const read = async (config: string) => {
    stubEnv({ REDIS_URL, DATABASE_URL, THERMOCLINE_DIR: await existingStore() })
    return readStoreOptions({ config: await configFile(config) }, WORKER)
  }

  test.each([
    ['{ cold: { dimensions: [3] } }', { ...SERVERS, cold: { url: DATABASE_URL, dimensions: [3] } }],
    ['{ cold: { max: 2 }, hot: undefined }', { ...SERVERS, cold: { url: DATABASE_URL, max: 2 } }],
    ['{ hot: {} }', SERVERS],
    ["{ cold: { url: 'postgres://db/x' } }", { ...SERVERS, cold: { url: 'postgres://db/x' } }],
    ["{ hot: { url: 'redis://cache' } }", { ...SERVERS, hot: { url: 'redis://cache' } }],
    ["{ hot: { kind: 'memory', maxEntries: 5 } }", { ...SERVERS, hot: { kind: 'memory', maxEntries: 5 } }],
    ["{ cold: { dir: 'cold' } }", { ...SERVERS, cold: { dir: 'cold' } }],
  ])('%s', async (config, expected) => {
    expect(await read(config)).toMatchObject(expected)
    expect(Object.keys((await read(config)).cold!)).toEqual(Object.keys(expected.cold))
  })

  test('is checked like any other', async () => {
    await expect(read('{ hot: { maxEntries: 5 } }')).rejects.toMatchObject({ details: { option: 'hot.maxEntries' } })
    await expect(read('{ cold: 5 }')).rejects.toMatchObject({ details: { option: 'cold' } })
  })

  test('that leaves the place of a tier undefined is not filled from the environment', async () => {
    await expect(read('{ cold: { url: undefined, max: 2 } }')).rejects.toMatchObject({
      details: { option: 'cold.url' },
    })
    await expect(read('{ hot: { client: undefined } }')).rejects.toMatchObject({ details: { option: 'hot.client' } })
  })

  test('that names a server in place of the folder is enough', async () => {
    const config = await configFile(JSON.stringify(SERVERS))
    expect(await readStoreOptions({ config, dir: await missing() }, WORKER)).toMatchObject(SERVERS)
  })
})

test('Redis need be named only where it is used', async () => {
  stubEnv({ DATABASE_URL })
  const dir = await existingStore()
  await expect(readStoreOptions({ dir }, WORKER)).rejects.toThrow('`hot.url` or REDIS_URL')
  expect(await readStoreOptions({ dir })).toMatchObject({ cold: { url: DATABASE_URL }, hot: { kind: 'memory' } })
})

test('only what runs unattended waits for a database that is away, unless told to', async () => {
  stubEnv({ REDIS_URL, DATABASE_URL })
  const dir = await existingStore()
  expect((await readStoreOptions({ dir })).timeouts).toEqual({ open: 0 })
  expect((await readStoreOptions({ dir }, WORKER)).timeouts).toBeUndefined()
  const config = await configFile("{ timeouts: { open: '5s', cold: '1s' } }")
  expect((await readStoreOptions({ dir, config })).timeouts).toEqual({ open: '5s', cold: '1s' })
})
