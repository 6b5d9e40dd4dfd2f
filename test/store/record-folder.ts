/**
 * Records how another version leaves a data folder: `npx tsx test/store/record-folder.ts CHECKOUT`, where CHECKOUT is a
 * git worktree of that version, with its packages. Its code fills a store in a child, which is killed with -9 before
 * all is shipped; the file that is made has the name of its latest migration, and earlier-folder.test.ts opens it.
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { MemoryStore, openMemoryStore } from '../../src/index.ts'
import { say } from '../../src/testkit/crash/say.ts'
import { filesOf, NAMESPACES, OPTIONS, packed, RECORDED, saidIn } from './recorded-folder.ts'

const SCRIPT = fileURLToPath(import.meta.url)
const LATER = new Date(Date.UTC(2100, 0, 1))
const vector = (n: number): number[] => [1, n / 10, 0.5, -n / 20]

/** What is in cold alone, in its indexes. */
async function fillCold(store: MemoryStore): Promise<void> {
  for (const namespace of NAMESPACES) {
    const { chunks, embeddings, metadata, raptorNodes, blobs, entries } = store.namespace(...namespace.split('/'))
    const chunk = (n: number) => ({
      ...{ key: `c${n}`, text: `layer ${n} is running warm`, position: n, documentId: 'd', embedding: vector(n) },
      metadata: { n, deep: { list: [n, 'two', null] } },
    })
    await chunks.putMany([0, 1, 2, 3, 4, 5, 6, 7].map(chunk))
    await embeddings.put({ key: 'e', embedding: vector(20), embeddingModel: 'm' })
    await metadata.put({ key: 'm', metadata: { n: 9 }, expiresAt: LATER })
    await blobs.put({ key: 'b', bytes: Uint8Array.of(0, 255, 7), contentType: 'a/b' })
    const children = ['c0', 'c1'].map((key) => chunks.idOf(key))
    await raptorNodes.put({ key: 'r', level: 1, summary: 'both layers', children, embedding: vector(0.5) })
    await entries.pin(children)
  }
  await store.sync()
}

/** What is in hot as well, then what is in the log alone: new, replaced and deleted. */
async function goOn(store: MemoryStore): Promise<void> {
  for (const namespace of NAMESPACES) {
    const { chunks } = store.namespace(...namespace.split('/'))
    await chunks.put({ key: 'c1', text: 'layer 1 was written anew', embedding: vector(11) })
    await chunks.put({ key: 'sliding', text: 'while it is read', ttl: '36500d', sliding: true })
    await chunks.deleteByKey('c2')
  }
  await store.checkpoint()
  for (const namespace of NAMESPACES) {
    const view = store.namespace(...namespace.split('/'))
    await view.chunks.putMany([30, 31].map((n) => ({ key: `c${n}`, text: `pending ${n}`, embedding: vector(n) })))
    await view.chunks.update(view.chunks.idOf('c3'), { text: 'updated' })
    await view.chunks.deleteByKey('c4')
    await view.write(
      [{ delete: view.chunks.idOf('c5') }, { update: view.chunks.idOf('c6'), patch: { position: 60 } }],
      {
        atomic: true,
      },
    )
  }
}

/** In the child: says the entries, and ends as whoever is killed does. */
async function fillAndDie(checkout: string, dir: string): Promise<void> {
  const module = (await import(pathToFileURL(join(checkout, 'src/index.ts')).href)) as {
    openMemoryStore: typeof openMemoryStore
  }
  const store = await module.openMemoryStore({ dir, ...OPTIONS, logger: false })
  await fillCold(store)
  await goOn(store)
  for (const namespace of NAMESPACES)
    say(JSON.stringify([namespace, await saidIn(store.namespace(...namespace.split('/')))]))
  process.kill(process.pid, 'SIGKILL')
}

async function record(checkout: string): Promise<string> {
  // A database begins from the image, as it does in the package.
  const image = ['--import', 'tsx', join(checkout, 'src/build/database-image.ts')]
  const scratch = await mkdtemp(join(tmpdir(), 'thermocline-recording-'))
  const dir = join(scratch, 'store')
  try {
    execFileSync(process.execPath, [...image, join(scratch, 'image')], { cwd: checkout, stdio: 'inherit' })
    const args = ['--import', 'tsx', SCRIPT, checkout, dir]
    const child = spawn(process.execPath, args, { cwd: checkout, stdio: ['ignore', 'pipe', 'inherit'] })
    const ended = once(child, 'close')
    const entries: Record<string, unknown[]> = {}
    for await (const line of createInterface({ input: child.stdout })) {
      const [namespace, found] = JSON.parse(line) as [string, unknown[]]
      entries[namespace] = found
    }
    const [, signal] = await ended
    if (signal !== 'SIGKILL' || Object.keys(entries).length < NAMESPACES.length) throw new Error('the child failed')
    const commit = execFileSync('git', ['rev-parse', 'HEAD'], { cwd: checkout, encoding: 'utf8' }).trim()
    const migrations = readdirSync(join(checkout, 'drizzle')).filter((name) => name.endsWith('.sql'))
    const file = join(RECORDED, `${migrations.sort().at(-1)!.slice(0, 4)}.folder`)
    await mkdir(RECORDED, { recursive: true })
    await writeFile(file, packed({ commit, entries, files: await filesOf(dir) }))
    return file
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

const [, , checkout, dir] = process.argv
if (checkout === undefined) throw new Error('name a git worktree of the version that is to be recorded')
if (dir !== undefined) await fillAndDie(resolve(checkout), dir)
else console.log(`recorded ${await record(resolve(checkout))}`)
