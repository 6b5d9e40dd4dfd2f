/**
 * What is written all or none is one record of the log: wherever the log is cut off, and however it is shipped, all of
 * it counts or nothing.
 */
import { cp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { encodeRecord } from '../../src/entry/codec.ts'
import type { EntryRecord } from '../../src/entry/record.ts'
import type { LogValue } from '../../src/entry/record-bundle.ts'
import { Journal } from '../../src/flow/journal.ts'
import { Pending } from '../../src/flow/pending.ts'
import { openMemoryStore } from '../../src/index.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { SHIP_LIMITS } from '../../src/recovery/batch-limits.ts'
import { batchesOf } from '../../src/recovery/log-entries.ts'
import { chunkOf, tombstone } from '../../src/testkit/contract/cold-records.ts'
import { LogScan } from '../../src/wal/log-scan.ts'
import { WriteAheadLog } from '../../src/wal/write-ahead-log.ts'
import { QUIET, temporaryFolder } from '../flow/stores.ts'

const SEGMENT_BYTES = 16 * 1024

async function openJournal(dir: string): Promise<{ journal: Journal; log: WriteAheadLog<LogValue>; pending: Pending }> {
  const pending = new Pending()
  const log = await WriteAheadLog.create<LogValue>({
    ...{ dir, segmentBytes: SEGMENT_BYTES, lockTimeout: 0, logger: silentLogger },
    highestVersion: () => ({ millis: 0, counter: 0 }),
    onDurable: (records) => pending.apply(records),
  })
  return { log, pending, journal: new Journal(log, pending) }
}

/** Entries of one version that is theirs alone. */
function bundleOf(nth: number, size: number): EntryRecord[] {
  return Array.from({ length: size }, (_, n) => {
    const [id, version] = [nth * 1_000 + n, nth + 1]
    return n % 3 === 2 ? tombstone('ns', id, version) : chunkOf('ns', id, version)
  })
}

const append = (journal: Journal, records: readonly EntryRecord[]) =>
  journal.appendTogether(records, records.map(encodeRecord))

/** How many entries of each bundle there are, by version. */
function countByVersion(records: readonly EntryRecord[]): number[] {
  const counts = new Map<string, number>()
  for (const { version } of records) counts.set(version, (counts.get(version) ?? 0) + 1)
  return [...counts.values()]
}

describe('a bundle of the log', () => {
  test('is read whole or not at all, wherever the log is cut off', async () => {
    const dir = await temporaryFolder()
    const { journal, log } = await openJournal(dir)
    for (let n = 0; n < 6; n++) await append(journal, bundleOf(n, 8))
    const path = join(dir, log.walId)
    const bytes = await readFile(join(path, '000000000001.wal'))
    await log.close()
    await rm(join(path, 'durable'))
    const seen = new Set<number>()
    for (let length = bytes.length; length > 80; length -= 13) {
      await writeFile(join(path, '000000000001.wal'), bytes)
      await truncate(join(path, '000000000001.wal'), length)
      const records: EntryRecord[] = []
      const scan = new LogScan({ path, walId: log.walId }, { salvage: true })
      for await (const batch of batchesOf(scan, { after: 0 })) records.push(...batch.records)
      const counts = countByVersion(records)
      expect(counts.every((count) => count === 8)).toBe(true)
      seen.add(counts.length)
    }
    expect([...seen].sort()).toEqual([0, 1, 2, 3, 4, 5, 6])
  })

  test('goes over rotations whole, and to cold in one batch', async () => {
    const dir = await temporaryFolder()
    const { journal, log, pending } = await openJournal(dir)
    const single = (n: number) => append(journal, [chunkOf('ns', 900_000 + n, 900_000 + n)])
    await Promise.all(Array.from({ length: SHIP_LIMITS.rows - 5 }, (_, n) => single(n)))
    for (let n = 0; n < 40; n++) await append(journal, bundleOf(n, 60))
    const batches: EntryRecord[][] = []
    for (let last = 0; pending.size > 0; ) {
      const { items, to } = pending.batch(pending.highestSequence, SHIP_LIMITS)
      expect(to).toBeGreaterThanOrEqual(last)
      last = to
      batches.push(items.map(({ value }) => value))
      pending.shipped(items)
    }
    await log.close()
    const scan = new LogScan({ path: join(dir, log.walId), walId: log.walId })
    for await (const { records } of batchesOf(scan, { after: 0 })) batches.push([...records])
    expect(scan.report.segments.length).toBeGreaterThan(5)
    expect(scan.report.bundles).toBe(40)
    expect(batches.length).toBeGreaterThan(4)
    for (const records of batches) {
      const bundled = records.filter(({ version }) => version < chunkOf('ns', 1, 900_000).version)
      expect(countByVersion(bundled).every((count) => count === 60)).toBe(true)
    }
  })

  test('comes back whole where the database has lost it', async () => {
    const [dir, later] = [await temporaryFolder(), await temporaryFolder()]
    await (await openMemoryStore({ dir: later, ...QUIET })).close()
    const store = await openMemoryStore({ dir, ...QUIET })
    try {
      const { id } = await store.chunks.put({ key: 'gone', text: 'gone' })
      const puts = ['a', 'b'].map((key) => ({ put: { kind: 'chunk', key, text: key } as const }))
      await store.write([...puts, { delete: id }], { atomic: true })
      await cp(join(dir, 'wal'), join(later, 'wal'), { recursive: true, filter: (path) => !path.endsWith('lock') })
    } finally {
      await store.close()
    }
    const restored = await openMemoryStore({ dir: later, ...QUIET })
    try {
      expect((await restored.entries.find()).items.map(({ key }) => key).sort()).toEqual(['a', 'b'])
    } finally {
      await restored.close()
    }
  })
})
