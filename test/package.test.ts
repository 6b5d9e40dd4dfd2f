/** What npm would publish, installed into an empty project: its types, its migrations, its workers, its command. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'

vi.setConfig({ testTimeout: 120_000 })

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

/** Answers stdout; a failure shows everything the program printed. */
function run(command: string, args: readonly string[], cwd: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(command, args, { cwd }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else reject(new Error(`${command} ${args.join(' ')} failed:\n${stdout}${stderr}`))
    })
  })
}

function writeJson(file: string, value: object): Promise<void> {
  return writeFile(join(project, file), JSON.stringify(value))
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'thermocline package é '))
  await run('npm', ['pack', '--pack-destination', folder], ROOT)
  tarball = join(folder, (await readdir(folder)).find((name) => name.endsWith('.tgz'))!)
  project = join(folder, 'project')
  await mkdir(project)
  await writeJson('package.json', { name: 'consumer', private: true, type: 'module' })
  await writeFile(join(project, 'consumer.ts'), CONSUMER)
  await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', tarball], project)
}, 300_000)

afterAll(() => rm(folder, { recursive: true, force: true }))

test('type-checks under bundler', async () => {
  const compilerOptions = { ...COMPILER_OPTIONS, module: 'esnext', moduleResolution: 'bundler', noEmit: true }
  await writeJson('tsconfig.bundler.json', { compilerOptions, files: ['consumer.ts'] })
  await run(join(BIN, 'tsc'), ['-p', 'tsconfig.bundler.json'], project)
})

test('type-checks under node16, runs, and leaves a store that its command reads', async () => {
  const compilerOptions = { ...COMPILER_OPTIONS, module: 'node16', moduleResolution: 'node16' }
  await writeJson('tsconfig.json', { compilerOptions, files: ['consumer.ts'] })
  await run(join(BIN, 'tsc'), ['-p', 'tsconfig.json'], project)
  expect(await run(process.execPath, ['consumer.js'], project)).toBe('["kept",1,0]\n')
  const inspected = await run('npx', ['--no-install', 'thermocline', 'inspect', '--dir', 'data', '--json'], project)
  expect(JSON.parse(inspected)).toMatchObject({ logs: [] })
})

test('brings a command that explains itself', async () => {
  const help = await run('npx', ['--no-install', 'thermocline', '--help'], project)
  for (const command of ['sync', 'recover', 'inspect', 'migrate']) expect(help).toContain(`  ${command} `)
})

test('holds what it needs and nothing else', async () => {
  const files = (await run('tar', ['-tzf', tarball], folder)).trim().split('\n')
  const allowed = /^package\/(dist\/.+\.(js|d\.ts)|drizzle\/.+\.(sql|json)|package\.json|README\.md|LICENSE)$/
  expect(files.filter((file) => !allowed.test(file))).toEqual([])
})

test('satisfies publint and attw', async () => {
  await run(join(BIN, 'publint'), ['run', tarball, '--strict'], ROOT)
  await run(join(BIN, 'attw'), [tarball, '--profile', 'esm-only'], ROOT)
})
