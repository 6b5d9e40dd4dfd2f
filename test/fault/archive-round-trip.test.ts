/**
 * A store goes out and in, on each pair of tiers, each step a process of its own: the same content to the last byte, in
 * memory that may grow by {@link MOST_GROWTH}, also where an import is killed and run again. By hand, with figures:
 * `ARCHIVE_ENTRIES=100000 npx vitest run test/fault/archive-round-trip.test.ts`.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { createGunzip } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { Exported, Imported, MemoryStoreOptions } from '../../src/index.ts'
import { describeWithServers } from '../flow/stores.ts'
import { isThorough } from '../tools/budget.ts'
import { compiled } from '../tools/compiled.ts'
import { StoreTemplate } from '../tools/store-template.ts'

/** In `npm test` the commands do it, with fewer (test/cli/archives.test.ts). */
const tripTest = test.runIf(isThorough || process.env.ARCHIVE_ENTRIES !== undefined)
const ENTRIES = Number(process.env.ARCHIVE_ENTRIES ?? 2_000)
const FEW = Math.ceil(ENTRIES / 4)
/** MiB that four times as many entries may take more: what caches, the collector and the hot tier come to. */
const MOST_GROWTH = 128
const CHILD = join(import.meta.dirname, 'archive-child.ts')
const TIMEOUT = { timeout: 3_600_000 }

interface Done<T> {
  readonly answer: T
  readonly millis: number
  readonly peak: number
  readonly main: number
}

type Work = 'fill' | 'export' | 'import'

/** Runs a child; answers the lines that it printed. It is killed with -9 when it prints one that `isLast` holds for. */
async function run(work: Work, options: MemoryStoreOptions, what: string, isLast = (_: string) => false) {
  const args = [compiled(CHILD), work, JSON.stringify(options), what]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const lines: string[] = []
  const ended = once(child, 'close')
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line)
    if (isLast(line)) child.kill('SIGKILL')
  }
  const [code] = await ended
  expect(code).toBe(lines.some(isLast) ? null : 0)
  return lines
}

async function done<T>(work: Work, options: MemoryStoreOptions, what: string): Promise<Done<T>> {
  const told = JSON.parse((await run(work, options, what)).at(-1)!) as Done<T>
  const { millis, peak, main } = told
  const seconds = (millis / 1_000).toFixed(1)
  console.log(`${work} ${what.replace(/^.*\//, '')}: ${seconds} s, ${peak} MiB in all, ${main} MiB of JavaScript`)
  return told
}

/** SHA-256 of the lines of entries, without what is of one store. */
async function digestOf(path: string): Promise<{ entries: number; sha256: string }> {
  const hash = createHash('sha256')
  let entries = 0
  for await (const line of createInterface({ input: createReadStream(path).pipe(createGunzip()) })) {
    if (!line.startsWith('{"entry"')) continue
    entries++
    hash.update(line.replace(/"version":"[0-9a-f]{24}",|,"crc32":"[0-9a-f]{8}"/g, ''))
  }
  return { entries, sha256: hash.digest('hex') }
}

function describeRoundTrip(storeOptions: () => Promise<MemoryStoreOptions>): void {
  let folder: string
  const pathOf = (name: string) => join(folder, name)
  let few: { readonly exported: Done<Exported>; readonly imported: Done<Imported> }
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'thermocline-round-trip-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  tripTest(`${FEW} entries, to compare with`, TIMEOUT, async () => {
    const [from, to] = [await storeOptions(), await storeOptions()]
    await done('fill', from, `${FEW}`)
    const exported = await done<Exported>('export', from, pathOf('few.ndjson.gz'))
    few = { exported, imported: await done<Imported>('import', to, pathOf('few.ndjson.gz')) }
    expect(few.imported.answer).toMatchObject({ entries: FEW, written: FEW })
  })

  tripTest(`${ENTRIES} entries, in as much memory, though their import is killed`, TIMEOUT, async () => {
    const [from, to] = [await storeOptions(), await storeOptions()]
    await done('fill', from, `${ENTRIES}`)
    const exported = await done<Exported>('export', from, pathOf('all.ndjson.gz'))
    expect(exported.answer.entries).toBe(ENTRIES)
    expect(exported.peak).toBeLessThanOrEqual(few.exported.peak + MOST_GROWTH)

    const isFar = (line: string) => Number(/^write (\d+)/.exec(line)?.[1] ?? 0) >= ENTRIES / 4
    const told = await run('import', to, pathOf('all.ndjson.gz'), isFar)
    const written = Number(told.at(-1)!.slice('write '.length))
    const resumed = await done<Imported>('import', to, pathOf('all.ndjson.gz'))
    const { answer } = resumed
    console.log(`killed when it had said that ${written} were written; ${answer.unchanged} were there`)
    expect(answer.unchanged).toBeGreaterThanOrEqual(written)
    expect(answer).toMatchObject({ entries: ENTRIES, written: ENTRIES - answer.unchanged, skipped: 0, expired: 0 })
    expect(resumed.peak).toBeLessThanOrEqual(few.imported.peak + MOST_GROWTH)

    await done('export', to, pathOf('again.ndjson.gz'))
    const digest = await digestOf(pathOf('all.ndjson.gz'))
    expect(digest.entries).toBe(ENTRIES)
    expect(await digestOf(pathOf('again.ndjson.gz'))).toEqual(digest)
  })
}

describe('a round trip on in-process and PGlite', () => {
  const template = new StoreTemplate()
  beforeAll(() => template.make())
  afterAll(() => template.remove())
  describeRoundTrip(async () => ({ dir: await template.copy() }))
})

describeWithServers('a round trip on Redis and Postgres', (servers) => {
  describeRoundTrip(async () => ({ dir: await servers.folder(), ...(await servers.shared()) }))
})
