/**
 * What npm would publish, installed into an empty project: its types, its migrations, its workers, its command, and
 * bundles of it.
 */
import { copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, vi } from 'vitest'
import { PgliteClient } from '../src/cold/pglite/pglite-client.ts'
import { longTest } from './tools/budget.ts'
import { BUNDLERS } from './tools/bundlers.ts'
import { makeProject, megabytesOf, PROGRAM, packed, run } from './tools/packed.ts'

vi.setConfig({ testTimeout: 600_000 })

const ROOT = join(import.meta.dirname, '..')
const BIN = join(ROOT, 'node_modules/.bin')

/** Uses the types as a user would, and proves by `@ts-expect-error` that none of them has become `any`. */
const CONSUMER = `
import { type ChunkEntry, openMemoryStore } from 'thermocline'
import { memoryEntries } from 'thermocline/schema'

const store = await openMemoryStore({ dir: 'data', cold: { dimensions: [3] } })
const { id } = await store.chunks.put({ text: 'kept', embedding: [1, 0, 0] })
await store.sync()
const entry: ChunkEntry | undefined = await store.chunks.get(id)
const { hits } = await store.chunks.search({ embedding: [1, 0, 0], k: 1 })
const { remaining } = await store.close()
console.log(JSON.stringify([entry?.text, hits.length, remaining]))

// @ts-expect-error a chunk's text is text
export const wrong: number | undefined = entry?.text
// @ts-expect-error there is no such option
export const open = () => openMemoryStore({ nowhere: true })
// @ts-expect-error a column of the table
export const column: number = memoryEntries.namespace
`

/** Neither driver is installed, and every declaration that is reached is checked. */
const STRICT_CONSUMER = `
import {
  type AnyThermoclineError,
  type HotTier,
  isThermoclineError,
  type MemoryStore,
  openMemoryStore,
  type PutOf,
} from 'thermocline'
import { type ColdTierSuite, describeHotTier, type TestedStore } from 'thermocline/testkit'

const input: PutOf<'chunk'> = { text: 'kept', embedding: [1, 0, 0] }
export async function use(store: MemoryStore): Promise<void> {
  await store.chunks.put(input)
  console.log(store.health().cold.is, (await store.stats()).cold?.entries)
}
export const openOne = () => openMemoryStore({ inMemory: true, logger: false })

export function explain(error: unknown): string | number | undefined {
  if (!isThermoclineError(error)) return undefined
  const known: AnyThermoclineError = error
  switch (known.code) {
    case 'ERR_TIER_UNAVAILABLE':
      return known.details.tier
    case 'ERR_WAL_CORRUPT':
      return known.details.segment
    case 'ERR_LOCKED':
      // @ts-expect-error the details of another code
      return known.details.tier
    default:
      return undefined
  }
}
export const values: TestedStore = { put: () => {}, get: () => null, delete: () => {} }
export const open = (tier: HotTier, { indexesVectors }: ColdTierSuite) =>
  describeHotTier('mine', { movesClock: indexesVectors, open: async () => ({ tier }) })
// @ts-expect-error there is no such option
describeHotTier('mine', { opens: undefined })
// @ts-expect-error parts of a store are nobody's business
export type { StoreParts } from 'thermocline'
`

/** What an application exports of ours without naming its type: its declarations must find a name for that. */
const DECLARED_CONSUMER = `
import { byIdleTime, isThermoclineError, type MemoryStore, metadataPath, tinyLfu } from 'thermocline'

export const policies = [byIdleTime(), tinyLfu()]
export const path = metadataPath('source', 'page')
export const hot = async (store: MemoryStore) => (await store.stats()).hot
export const cold = async (store: MemoryStore) => (await store.stats()).cold
export const last = async (store: MemoryStore) => (await store.stats()).sync.last
export const health = (store: MemoryStore) => store.health()
export const ran = (store: MemoryStore) => [store.sync(), store.checkpoint(), store.worker.checkpointNow()] as const
export const looked = (store: MemoryStore) => [store.logs(), store.deadLetters(), store.previewSync()] as const
export const moved = (store: MemoryStore) => [store.export({ to: 'a' }), store.import({ from: 'a' })] as const
export const view = (store: MemoryStore) => store.namespace('tenant').chunks
export const found = (store: MemoryStore) => store.chunks.find({ where: { documentId: 'a' }, select: ['text'] })
export const pages = (store: MemoryStore) => store.chunks.findAll({ orderBy: { position: 'asc' } })
export const hits = async (store: MemoryStore) => (await store.chunks.search({ embedding: [1], k: 1 })).hits
export const many = (store: MemoryStore) => store.chunks.searchMany([{ text: 'ice', k: 1 }])
export const document = (store: MemoryStore) => store.chunks.replaceDocument('a', [{ text: 'ice' }])
export const changed = (store: MemoryStore) => store.chunks.updateWhere({ documentId: 'a' }, { metadata: { a: 1 } })
export const gone = (store: MemoryStore) => [store.chunks.deleteWhere({}), store.namespaces()] as const
export const tree = (store: MemoryStore) => [store.raptorNodes.staleNodes(), store.raptorNodes.roots()] as const
export const written = (store: MemoryStore) =>
  store.write([{ put: { kind: 'chunk', text: 'ice' } }], { atomic: true })
export const failure = (error: unknown) => (isThermoclineError(error, 'ERR_WAL_FAILED') ? error.details : undefined)
export const lost = (error: unknown) => (isThermoclineError(error, 'ERR_WAL_CORRUPT') ? error.details : undefined)
`

const TYPED = { 'strict.ts': STRICT_CONSUMER, 'declared.ts': DECLARED_CONSUMER }

const COMPILER_OPTIONS = {
  target: 'es2022',
  strict: true,
  // Not ours: drizzle's own types need it.
  skipLibCheck: true,
  typeRoots: [join(ROOT, 'node_modules/@types')],
  types: ['node'],
}

let folder: string
let tarball: string
let project: string

function writeJson(file: string, value: object): Promise<void> {
  return writeFile(join(project, file), JSON.stringify(value))
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'thermocline package é '))
  tarball = await packed()
  project = join(folder, 'project')
  await makeProject(project, [tarball], { 'consumer.ts': CONSUMER, ...TYPED, 'app.mjs': PROGRAM })
  // What the application migrates its own database by lies where a bundle would look for ours.
  await mkdir(join(project, 'drizzle/meta'), { recursive: true })
  await writeFile(join(project, 'drizzle/0000_users.sql'), 'CREATE TABLE users (id int);')
  const entries = [{ idx: 0, version: '7', when: 1_700_000_000_000, tag: '0000_users', breakpoints: true }]
  await writeJson('drizzle/meta/_journal.json', { version: '7', dialect: 'postgresql', entries })
}, 600_000)

afterAll(() => rm(folder, { recursive: true, force: true }))

longTest('type-checks under bundler', async () => {
  const compilerOptions = { ...COMPILER_OPTIONS, module: 'esnext', moduleResolution: 'bundler', noEmit: true }
  await writeJson('tsconfig.bundler.json', { compilerOptions, files: ['consumer.ts'] })
  await run(join(BIN, 'tsc'), ['-p', 'tsconfig.bundler.json'], project)
})

longTest('type-checks under node16, runs, and leaves a store that its command reads', async () => {
  const compilerOptions = { ...COMPILER_OPTIONS, module: 'node16', moduleResolution: 'node16' }
  await writeJson('tsconfig.json', { compilerOptions, files: ['consumer.ts'] })
  await run(join(BIN, 'tsc'), ['-p', 'tsconfig.json'], project)
  expect(await run(process.execPath, ['consumer.js'], project)).toBe('["kept",1,0]\n')
  const inspected = await run('npx', ['--no-install', 'thermocline', 'inspect', '--dir', 'data', '--json'], project)
  expect(JSON.parse(inspected)).toMatchObject({ logs: [] })
})

longTest('type-checks without drivers and without skipLibCheck', async () => {
  expect((await readdir(join(project, 'node_modules'))).filter((name) => /^(ioredis|postgres)$/.test(name))).toEqual([])
  const compilerOptions = {
    ...COMPILER_OPTIONS,
    module: 'nodenext',
    moduleResolution: 'nodenext',
    skipLibCheck: false,
    noEmit: true,
  }
  await writeJson('tsconfig.strict.json', { compilerOptions, files: ['strict.ts'] })
  await run(join(BIN, 'tsc'), ['-p', 'tsconfig.strict.json'], project)
})

longTest('has a name for whatever its calls answer, so that who exports it need not say one', async () => {
  const compilerOptions = {
    ...COMPILER_OPTIONS,
    module: 'nodenext',
    moduleResolution: 'nodenext',
    declaration: true,
    outDir: 'declared',
  }
  await writeJson('tsconfig.declared.json', { compilerOptions, files: ['declared.ts'] })
  await run(join(BIN, 'tsc'), ['-p', 'tsconfig.declared.json'], project)
})

longTest('loads also by require, for a subpath what that needs alone, and names what is not installed', async () => {
  const load = (subpath: string): Promise<string> =>
    run(process.execPath, ['--input-type=module', '--eval', `await import('thermocline${subpath}')`], project)
  const required = "console.log(typeof require('thermocline').openMemoryStore)"
  expect(await run(process.execPath, ['--input-type=commonjs', '--eval', required], project)).toBe('function\n')
  for (const subpath of ['', '/schema', '/keyv', '/ai', '/openai-agents', '/anthropic', '/claude']) await load(subpath)
  await expect(load('/otel')).rejects.toThrow("Cannot find package '@opentelemetry/api'")
  await expect(load('/mcp')).rejects.toThrow("Cannot find package '@modelcontextprotocol/sdk'")
  await expect(load('/langchain')).rejects.toThrow("Cannot find package '@langchain/core'")
  await expect(load('/testkit')).rejects.toThrow("Cannot find package 'vitest'")
})

describe('bundled', () => {
  const tables = async (database: string): Promise<unknown[]> => {
    const client = await PgliteClient.start(database)
    try {
      const { rows } = await client.query(`SELECT schemaname::text AS schema, tablename::text AS name FROM pg_tables
        WHERE schemaname NOT IN ('pg_catalog', 'information_schema', 'thermocline')`)
      return rows
    } finally {
      await client.close()
    }
  }

  for (const { name, bundle } of BUNDLERS)
    longTest(`by ${name}, runs and applies only its own migrations`, async () => {
      const program = await bundle(project)
      const dir = join(project, `data of ${name}`)
      const stores = [{ inMemory: true }, { dir }].map((options) => JSON.stringify(options))
      expect(await run(process.execPath, [program, ...stores], project)).toBe('kept 1 0\nkept 1 0\n')
      expect(await tables(join(dir, 'cold/data'))).toEqual([])
    })

  longTest('and moved away from its packages, says what to do', async () => {
    const [esbuild] = BUNDLERS
    const moved = join(folder, 'moved.mjs')
    await copyFile(await esbuild!.bundle(project), moved)
    const { code, message } = JSON.parse(await run(process.execPath, [moved, '{"inMemory":true}'], folder))
    expect(code).toBe('ERR_UNSUPPORTED')
    expect(message).toContain("external: ['thermocline']")
  })
})

longTest('brings a command that explains itself', async () => {
  const help = await run('npx', ['--no-install', 'thermocline', '--help'], project)
  for (const command of ['sync', 'recover', 'inspect', 'migrate']) expect(help).toContain(`  ${command} `)
})

longTest('holds what it needs and nothing else', async () => {
  const files = (await run('tar', ['-tzf', tarball], folder)).trim().split('\n')
  const allowed =
    /^package\/(dist\/.+\.(js|d\.ts)|dist\/cold\/pglite\/database\.image|drizzle\/\d{4}_\w+\.sql|package\.json|README\.md|LICENSE)$/
  expect(files.filter((file) => !allowed.test(file))).toEqual([])
})

longTest('takes what README says', async () => {
  expect(await megabytesOf(join(project, 'node_modules'))).toBeLessThan(55)
})

longTest('satisfies publint and attw', async () => {
  await run(join(BIN, 'publint'), ['run', tarball, '--strict'], ROOT)
  await run(join(BIN, 'attw'), [tarball, '--profile', 'esm-only'], ROOT)
})
