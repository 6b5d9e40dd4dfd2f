/** Databases and logs in which earlier versions were at work. */
import { readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { sql } from 'drizzle-orm'
import type { ColdDriver } from '../../src/cold/cold-driver.ts'
import { readMigrations } from '../../src/cold/migrations.ts'
import type { EntryRecord } from '../../src/entry/record.ts'
import { chunkOf, FUTURE, PAST, tombstone } from '../../src/testkit/contract/cold-records.ts'

/**
 * Logs as their processes left them when they were killed, before a checkpoint: by the first version, and by the last
 * one that did not know sliding entries. `commit` is the version. Files are compressed by gzip, and in base64.
 */
export const LOGS = JSON.parse(readFileSync(new URL('earlier-logs.json', import.meta.url), 'utf8')) as readonly {
  readonly namespace: string
  readonly commit: string
  readonly walId: string
  readonly files: Readonly<Record<string, string>>
}[]

/** What one version wrote. */
export interface Stage {
  /** Of its latest migration. */
  readonly name: string
  readonly namespace: string
  readonly live: readonly EntryRecord[]
  readonly gone: readonly EntryRecord[]
}

const EMBEDDING = new Float32Array([0.5, -0.25, 1])

/** Entries of every kind that the version of this migration knows. */
function stageOf(name: string, nth: number): Stage {
  const namespace = `d${name.slice(0, 4)}`
  const at = (n: number, change: Partial<EntryRecord> = {}) => chunkOf(namespace, n, 100 * nth + n, change)
  const none = { text: null, position: null }
  const metadata = `{"n": ${nth}, "deep": {"x": [1, "two", null]}}`
  const chunk = at(1, {
    text: `chunk of ${name}`,
    documentId: 'd',
    metadata,
    embedding: EMBEDDING,
    embeddingModel: 'm',
  })
  const embedding = at(2, { ...none, kind: 'embedding', embedding: EMBEDDING })
  const node = { ...none, kind: 'raptor', text: 'summary', level: 1, children: [chunk.id, embedding.id] } as const
  const live = [
    chunk,
    embedding,
    at(3, { ...none, kind: 'metadata', key: 'k', metadata, expiresAt: FUTURE }),
    at(4, name < '0011' ? node : { ...node, childVersions: [chunk.version, embedding.version] }),
  ]
  if (name >= '0009') live.push(at(5, { ...none, kind: 'blob', bytes: new Uint8Array([0, 255]), contentType: 'a/b' }))
  if (name >= '0013') live.push(at(6, { expiresAt: FUTURE, slidingTtl: 1_000 }))
  return { name, namespace, live, gone: [tombstone(namespace, 7, 100 * nth + 7), at(8, { expiresAt: PAST })] }
}

/** Migrates the database from nothing to the version before this one, and writes at each step as that version did. */
export async function liveThroughVersions(driver: ColdDriver): Promise<Stage[]> {
  const migrations = readMigrations()
  const stages: Stage[] = []
  for (const [nth, { name }] of migrations.slice(0, -1).entries()) {
    const applied = await driver.migrate(migrations.slice(0, nth + 1))
    if (applied.length !== 1) throw new Error(`${name} was there already`)
    const stage = stageOf(name, nth + 1)
    for (const record of [...stage.live, ...stage.gone]) await insert(driver, record)
    const read = stage.live[0]!
    await driver.query(sql`INSERT INTO thermocline.entry_access (namespace, id, last_accessed_at, access_count)
      VALUES (${read.namespace}, ${read.id}::uuid, now(), 7)`)
    stages.push(stage)
  }
  const [entry] = stages.at(-1)!.live
  await driver.query(sql`INSERT INTO thermocline.idempotency_keys (namespace, key, digest, ids, versions, created_at)
    VALUES ('d0014', 'asked', '\\x00', ARRAY[${entry!.id}::uuid], ARRAY[${entry!.version}::text], now())`)
  for (const { walId } of LOGS)
    await driver.query(sql`INSERT INTO thermocline.wal_checkpoints (wal_id, epoch, sequence, shipped_version)
      VALUES (${walId}::uuid, 1, 0, ${'0'.repeat(24)})`)
  return stages
}

/** By its columns, of those that the table has by then. */
async function insert(driver: ColdDriver, record: EntryRecord): Promise<void> {
  const time = (millis: number | null) => millis && new Date(millis).toISOString()
  const row = {
    ...record,
    document_id: record.documentId,
    child_versions: record.childVersions,
    metadata: record.metadata && JSON.parse(record.metadata),
    embedding: record.embedding && [...record.embedding],
    embedding_model: record.embeddingModel,
    bytes: record.bytes && `\\x${Buffer.from(record.bytes).toString('hex')}`,
    content_type: record.contentType,
    created_at: time(record.createdAt),
    updated_at: time(record.updatedAt),
    expires_at: time(record.expiresAt),
    sliding_ttl: record.slidingTtl,
    sliding_version: record.slidingTtl && record.version,
    deleted_at: time(record.deletedAt),
    indexed: false,
  }
  await driver.query(sql`INSERT INTO thermocline.memory_entries SELECT * FROM jsonb_populate_record(
    NULL::thermocline.memory_entries, ${JSON.stringify(row)}::text::jsonb)`)
}

/** Makes a data folder with these logs. */
export async function writeLogs(dir: string): Promise<void> {
  for (const { walId, files } of LOGS) {
    const folder = join(dir, 'wal', walId)
    await mkdir(folder, { recursive: true, mode: 0o700 })
    for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), unpacked(content))
  }
  await writeFile(join(dir, 'thermocline.json'), '{"format":1}\n')
}

export function unpacked(content: string): Buffer {
  return gunzipSync(Buffer.from(content, 'base64'))
}
