/** What a program pays for that imports the package, and for tiers that its store does not use: nothing is loaded. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import type { MemoryStoreOptions } from '../../src/index.ts'
import { describeWithServers } from '../flow/stores.ts'
import { compiled } from '../tools/compiled.ts'

const CHILD = compiled(join(import.meta.dirname, 'loading-child.ts'))

/** Files of ours below src, without extension, and names of packages. */
interface Loaded {
  readonly files: readonly string[]
  readonly packages: readonly string[]
}

/** What importing the package loads, and then opening and closing a store. */
async function load(options: MemoryStoreOptions): Promise<{ readonly imported: Loaded; readonly opened: Loaded }> {
  const dir = await mkdtemp(join(tmpdir(), 'thermocline-loading-'))
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [
      CHILD,
      join(dir, 'loaded'),
      JSON.stringify(options),
    ])
    const { imported, opened } = JSON.parse(stdout) as Record<string, string[]>
    return { imported: sort(imported!), opened: sort(opened!) }
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

function sort(urls: readonly string[]): Loaded {
  const files = urls.flatMap((url) => /\/src\/(.+)\.js$/.exec(url)?.[1] ?? [])
  // The compiled files themselves lie in a folder of `node_modules` whose name begins with a dot.
  const packages = urls.flatMap((url) => /.*\/node_modules\/((?:@[^/]+\/)?[^/.@][^/]*)\//.exec(url)?.[1] ?? [])
  return { files, packages: [...new Set(packages)].sort() }
}

const foldersOf = (files: readonly string[]): string[] => [
  ...new Set(files.filter((file) => file.split('/').length > 2).map((file) => file.split('/').slice(0, 2).join('/'))),
]

it('importing loads no package at all, and opening an embedded store no driver of a server', async () => {
  const { imported, opened } = await load({ inMemory: true, logger: false })
  expect(imported.packages).toEqual([])
  expect(imported.files).toContain('store/open-memory-store')
  // Policies are functions that users call before there is a store.
  expect(imported.files.filter((file) => !file.startsWith('policy/')).length).toBeLessThan(15)
  expect(foldersOf(opened.files)).toEqual(expect.arrayContaining(['cold/pglite', 'cold/sql']))
  expect(opened.files).not.toContain('hot/redis/redis-hot-tier')
  expect(opened.files).not.toContain('cold/postgres/postgres-driver')
  expect(opened.packages).toContain('drizzle-orm')
  expect(opened.packages).not.toContain('ioredis')
  expect(opened.packages).not.toContain('postgres')
})

describeWithServers('opening a store on servers', (servers) => {
  it('loads their drivers, and nothing of the embedded database', async () => {
    const { imported, opened } = await load({ ...(await servers.storeOptions()), logger: false })
    expect(opened.packages).toEqual(expect.arrayContaining(['ioredis', 'postgres']))
    expect(opened.packages.filter((name) => name.startsWith('@electric-sql'))).toEqual([])
    expect([...imported.files, ...opened.files]).not.toContain('cold/pglite/pglite-client')
  })
})
