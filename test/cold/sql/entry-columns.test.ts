/**
 * A column of entries belongs in the list, in both tables of the schema and in the constraint on tombstones, and
 * whatever follows from the list takes it along. Above all no content may outlive its entry: rows are looked at as they
 * are, in every column that the table has, without the triggers that cover up for older versions.
 */
import { getTableColumns } from 'drizzle-orm'
import { getTableConfig, PgDialect, type PgTable } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ColdStore } from '../../../src/cold/cold-store.ts'
import type { PgliteClient } from '../../../src/cold/pglite/pglite-client.ts'
import { PgliteDriver } from '../../../src/cold/pglite/pglite-driver.ts'
import { entryStaging, memoryEntries } from '../../../src/cold/schema.ts'
import { STAGING_COLUMNS } from '../../../src/cold/sql/copy-binary.ts'
import { columnNames, ENTRY_COLUMNS } from '../../../src/cold/sql/entry-columns.ts'
import { ARCHIVED_FIELDS, archivedText, readArchived } from '../../../src/entry/archived-entry.ts'
import type { EntryKind } from '../../../src/entry/memory-entry.ts'
import type { EntryRecord } from '../../../src/entry/record.ts'
import { PRECISIONS, type Precision } from '../../../src/entry/rounded-vector.ts'
import { silentLogger } from '../../../src/kernel/logger.ts'
import {
  chunkOf,
  FUTURE,
  idOf,
  PAST,
  tombstone,
  versionOf,
  withPlainMetadata,
} from '../../../src/testkit/contract/cold-records.ts'
import { lendDatabase } from '../../tools/lent-database.ts'

/** What a tombstone says. Whatever a new column holds, it is not this, unless it is named here as well. */
const OF_A_TOMBSTONE = [
  'created_at',
  'deleted_at',
  'id',
  'indexed',
  'key',
  'namespace',
  'updated_at',
  'version',
] as const

describe('the list of columns', () => {
  const listed = ENTRY_COLUMNS.map(({ field, name, type }) => `${field}: ${name} ${type.name}`).sort()

  it.each([
    { table: memoryEntries as PgTable, others: ['indexed'] },
    { table: entryStaging as PgTable, others: ['batchId', 'stagedAt', 'hotGeneration'] },
  ])('has every column of entries that a table has: $others are none', ({ table, others }) => {
    const declared = Object.entries(getTableColumns(table)).filter(([field]) => !others.includes(field))
    expect(declared.map(([field, column]) => `${field}: ${column.name} ${column.getSQLType()}`).sort()).toEqual(listed)
  })

  it('has as content what constraints and a trigger keep from tombstones', () => {
    const shape = getTableConfig(memoryEntries).checks.find(({ name }) => name === 'memory_entries_shape')!
    const [, names] = /ELSE kind IS NULL AND num_nonnulls\((.*?)\) = 0/.exec(
      new PgDialect().sqlToQuery(shape.value).sql,
    )!
    const others = ['kind', 'metadata_order', 'sliding_ttl', 'sliding_version']
    const withRounded = ['rounded_scale', 'rounded_dimension', 'rounded_version']
    expect([...names!.split(', '), ...others, ...withRounded].sort()).toEqual(columnNames('content').sort())
  })

  it('is what is copied, apart from what only staging has', () => {
    expect([...STAGING_COLUMNS].sort()).toEqual([...columnNames(), 'batch_id', 'hot_generation'].sort())
  })
})

let client: PgliteClient
/** Of one database, by how it keeps embeddings. */
const tiers: Partial<Record<Precision, ColdStore>> = {}
let tier: ColdStore

beforeAll(async () => {
  client = await lendDatabase()
  const driver = new PgliteDriver(client, 60_000, silentLogger)
  for (const precision of PRECISIONS) {
    const terms = { mode: 'check', dimensions: [], metrics: [], logger: silentLogger } as const
    tiers[precision] = await ColdStore.open(driver, { ...terms, precision: { '**': precision } })
  }
  tier = tiers.full!
  for (const lost of ['order', 'bytes', 'child_versions', 'sliding_ttl', 'rounded'])
    await client.exec(`ALTER TABLE thermocline.memory_entries DISABLE TRIGGER memory_entries_without_${lost}`)
})
afterAll(() => tier.close())
beforeEach(() => client.exec('TRUNCATE thermocline.memory_entries'))

/** Each kind with everything that it can have. */
const EVERY_KIND: readonly EntryRecord[] = [
  fullOf({ kind: 'embedding', text: null, position: null }),
  fullOf({ kind: 'chunk', documentId: 'document' }),
  fullOf({ kind: 'metadata', text: null, position: null, embedding: null }),
  fullOf({
    kind: 'raptor',
    position: null,
    level: 2,
    children: [idOf(8), idOf(9)],
    childVersions: [versionOf(3), '-'],
  }),
  fullOf({
    ...{ kind: 'blob', text: null, position: null, embedding: null },
    ...{ bytes: new Uint8Array([0, 255, 92]), contentType: 'image/png' },
  }),
]

function fullOf(overrides: Partial<EntryRecord>): EntryRecord {
  return chunkOf('ns', 1, 1, {
    key: 'key',
    metadata: '{"bb":1,"a":"secret"}',
    // Whole numbers of steps, whatever the precision.
    embedding: new Float32Array([-127 * 32_767, 127 * 32_767]),
    embeddingModel: 'model',
    expiresAt: PAST,
    slidingTtl: 2 ** 40,
    ...overrides,
  })
}

const NOTHING = { key: null, metadata: null, embedding: null, embeddingModel: null, expiresAt: null, slidingTtl: null }

/** What makes each of them an entry that has only what its kind must have. */
const NOTHING_OPTIONAL: Record<EntryKind, Partial<EntryRecord>> = {
  embedding: { ...NOTHING, embedding: new Float32Array([3]) },
  chunk: { ...NOTHING, documentId: null, position: null },
  metadata: { ...NOTHING, metadata: '{}' },
  raptor: { ...NOTHING, childVersions: null },
  blob: { ...NOTHING, bytes: new Uint8Array(), contentType: null },
}

/** The columns of the one row that are not NULL. */
async function row(): Promise<Record<string, unknown>> {
  const { rows } = await client.query('SELECT jsonb_strip_nulls(to_jsonb(e)) AS row FROM thermocline.memory_entries e')
  expect(rows).toHaveLength(1)
  return rows[0]!.row as Record<string, unknown>
}

// The columns of `half` are those of `int8`.
describe.each(['full', 'int8'] as const)('entries in these columns, embeddings kept by %s,', (precision) => {
  beforeAll(() => {
    tier = tiers[precision]!
  })
  afterAll(() => {
    tier = tiers.full!
  })

  it.each(EVERY_KIND)('come back as they went: $kind', async (record) => {
    await tier.upsert([record])
    const [found] = await tier.read([record])
    expect(withPlainMetadata(found!.record)).toEqual(record)
  })

  it('fill every column of the table that they need, so that nothing is left out here', async () => {
    const filled = new Set<string>(['deleted_at'])
    for (const record of EVERY_KIND) {
      await client.exec('TRUNCATE thermocline.memory_entries')
      await tier.upsert([record])
      for (const column of Object.keys(await row())) filled.add(column)
    }
    const isEmpty = (name: string) => (precision === 'full' ? name.startsWith('rounded') : name === 'embedding')
    const needed = columnNames().filter((name) => !isEmpty(name))
    expect([...filled].sort()).toEqual([...needed, 'indexed'].sort())
  })

  it.each(EVERY_KIND)('leave nothing behind where another replaces them: $kind', async (record) => {
    // By somebody who keeps embeddings by another precision.
    const others = tiers[precision === 'full' ? 'half' : 'full']!
    for (const other of EVERY_KIND) {
      const newer = {
        ...other,
        ...NOTHING_OPTIONAL[other.kind!],
        version: versionOf(2),
        createdAt: PAST + 1,
        updatedAt: PAST + 2,
      }
      await client.exec('TRUNCATE thermocline.memory_entries')
      await others.upsert([newer])
      const alone = await row()
      await client.exec('TRUNCATE thermocline.memory_entries')
      await tier.upsert([record])
      await others.upsert([newer])
      expect(await row()).toEqual(alone)
    }
  })

  it.each(EVERY_KIND)('leave a tombstone without content when they expire: $kind', async (record) => {
    await tier.upsert([record])
    expect(await tier.sweep({ graceMs: 86_400_000, limit: 1 })).toMatchObject({ expired: 1 })
    expect(Object.keys(await row()).sort()).toEqual(OF_A_TOMBSTONE)
  })

  it.each(EVERY_KIND)('leave a tombstone without content when they are deleted: $kind', async (record) => {
    await tier.upsert([record])
    await tier.upsert([{ ...tombstone('ns', 1, 2), key: 'key' }])
    expect(Object.keys(await row()).sort()).toEqual(OF_A_TOMBSTONE)
  })

  it.each(EVERY_KIND)('come back from an archive as they went: $kind', async (record) => {
    const access = { lastAccessedAt: PAST + 5, accessCount: 7 }
    const text = archivedText(record, access)
    const context = { moved: (namespace: string) => namespace, movedId: (id: string) => id, now: 0 }
    const { version, id, ...content } = record
    const back = { ...content, id: expect.any(String), childVersions: null }
    expect(readArchived(JSON.parse(text), context)).toEqual({ record: back, access })
  })

  it('are all in the format of an archive', () => {
    const fields = ENTRY_COLUMNS.map(({ field }) => field)
    const others = ['metadataOrder', 'slidingVersion', 'deletedAt', 'childVersions']
    const archived = fields.filter((field) => !others.includes(field) && !field.startsWith('rounded'))
    expect(ARCHIVED_FIELDS).toEqual(expect.arrayContaining(archived))
  })

  it('are all in the letter that keeps one which may not come back', async () => {
    await client.exec(`UPDATE thermocline.store_identity SET collected_version = '${versionOf(9)}'`)
    const live = { ...EVERY_KIND[1]!, expiresAt: FUTURE }
    expect(await tier.upsert([live])).toEqual({ written: 0, rejected: 1 })
    const { rows } = await client.query('SELECT jsonb_object_keys(fields) AS name FROM thermocline.dead_letters')
    expect(rows.map(({ name }) => name).sort()).toEqual(columnNames().sort())
    await client.exec(`UPDATE thermocline.store_identity SET collected_version = NULL;
      DELETE FROM thermocline.dead_letters`)
  })
})
