/** Every statement that a cold tier can issue, by the method that issues it. */
import { randomUUID } from 'node:crypto'
import type { SQL } from 'drizzle-orm'
import type { ColdDriver } from '../../../src/cold/cold-driver.ts'
import { ColdStore } from '../../../src/cold/cold-store.ts'
import type { ColdQuery, ColdSearch, ColdTier } from '../../../src/cold/cold-tier.ts'
import { beyond } from '../../../src/flow/document-reader.ts'
import { silentLogger } from '../../../src/kernel/logger.ts'
import {
  chunkOf,
  FUTURE,
  PAST,
  seeded,
  tombstone,
  vectorOf,
  versionOf,
} from '../../../src/testkit/contract/cold-records.ts'
import { batchOf } from '../../../src/testkit/contract/cold-shipping.ts'

export const DIMENSION = 16

export interface RecordedStatement {
  readonly method: Method
  readonly statement: SQL
}

type Method = Exclude<keyof ColdTier, 'storeId' | 'close'>

const random = seeded(1)
const MANY = 300
const records = Array.from({ length: MANY }, (_, n) =>
  n % 10 === 0 ? tombstone('many/1', n, 900_000 + n) : chunkOf('many/1', n, 900_000 + n, { metadata: '{"b":1,"a":2}' }),
)
const walId = randomUUID()
const deep = { namespace: 'many', recursive: true }
const flat = { namespace: 'many/1', recursive: false }
const queryOf = (overrides: Partial<ColdQuery> = {}): ColdQuery => ({
  scope: flat,
  filter: [],
  now: FUTURE,
  exclude: [],
  ...overrides,
})
const embedding = vectorOf(DIMENSION, random)
const searchOf = (overrides: Partial<ColdSearch> = {}): ColdSearch => {
  return { ...queryOf(), embedding, metric: 'cosine', k: 10, ...overrides }
}
const own = records.map((record) => ({ ...record, matches: record.deletedAt === null }))
const byPosition = [{ field: 'position' as const, isDescending: false }]
const ofDocument = [{ field: 'documentId' as const, operator: 'eq' as const, value: 'd7' }]

/** A method that is missing here does not compile. */
const DRIVE: Record<Method, (tier: ColdTier) => Promise<unknown>> = {
  read: (tier) => tier.read(records),
  versions: (tier) => tier.versions(records),
  highestVersion: (tier) => tier.highestVersion(),
  find: async (tier) => {
    for (const scope of [flat, deep])
      for (const exclude of [[], records])
        for (const filter of [[], ofDocument]) await tier.find(queryOf({ scope, exclude, filter }), 100)
    await tier.find({ ...queryOf({ filter: ofDocument }), order: byPosition }, 100)
    await tier.find({ ...queryOf(), fields: new Set(['namespace', 'id', 'version']) }, 100)
    for (const scope of [flat, deep])
      await tier.find({ ...queryOf({ scope, exclude: records }), versionsOf: records }, 100)
    await tier.find({ ...queryOf({ filter: ofDocument }), order: byPosition, versionsOf: records }, 100)
    const nodes = [{ field: 'kind' as const, operator: 'eq' as const, value: 'raptor' }]
    const parents = [...nodes, { field: 'children' as const, operator: 'contains' as const, value: [records[1]!.id] }]
    await tier.find(queryOf({ filter: parents }), 100)
    await tier.find({ ...queryOf({ filter: [...ofDocument, ...beyond(7, records[7]!.id)] }), order: byPosition }, 100)
  },
  count: async (tier) => {
    for (const scope of [flat, deep]) for (const some of [[], own]) await tier.count(queryOf({ scope }), some)
  },
  snapshot: async (tier) => {
    for (const scope of [flat, deep]) {
      const snapshot = await tier.snapshot(queryOf({ scope }))
      for await (const _ of snapshot.pages());
      await snapshot.close()
    }
  },
  documents: async (tier) => {
    const filter = [{ field: 'documentId' as const, operator: 'exists' as const }]
    const some = records.map((record, n) => ({ ...record, documentId: n % 2 === 0 ? `d${n}` : null }))
    for (const after of [undefined, 'd7'])
      for (const own of [[], some]) await tier.documents({ ...queryOf({ filter }), after, own }, 100)
  },
  namespaces: async (tier) => {
    const asked = { prefix: flat.namespace.split('/'), suffix: [], now: FUTURE }
    for (const after of [undefined, flat.namespace.split('/')])
      for (const some of [[], own]) await tier.namespaces({ ...asked, after, own: some }, 100)
    await tier.namespaces({ ...asked, prefix: [null, 'b'], suffix: ['c', null], depth: 1, own: [] }, 100)
  },
  measure: async (tier) => {
    const scopes = [flat, deep, { namespace: '', recursive: true }]
    for (const scope of scopes) for (const after of [undefined, records[7]]) await tier.measure({ scope, after }, 100)
  },
  walk: async (tier) => {
    const from = records[1]!.id
    for (const direction of ['up', 'down'] as const)
      for (const after of [undefined, { depth: 1, id: from }])
        await tier.walk({ ...queryOf(), from, direction, depth: 100, after }, 100)
  },
  roots: async (tier) => {
    for (const exclude of [[], records])
      for (const after of [undefined, [1, flat.namespace, records[1]!.id]])
        await tier.roots({ ...queryOf({ exclude }), after, except: records.map(({ id }) => id) }, 100)
  },
  haveParents: async (tier) => {
    for (const exclude of [[], records])
      await tier.haveParents(
        queryOf({ exclude }),
        records.map(({ id }) => id),
      )
  },
  search: async (tier) => {
    for (const exclude of [[], records])
      for (const filter of [[], ofDocument]) await tier.search(searchOf({ exclude, filter }))
    await tier.search(searchOf({ metric: 'l2', scope: deep }))
    await tier.search(searchOf({ versionsOf: records }))
    await tier.search(searchOf({ metric: 'l2', scope: deep, exclude: records, versionsOf: records }))
  },
  searchTexts: async (tier) => {
    const texts = records.map((record) => ({ ...record, text: 'water' }))
    for (const exclude of [[], records])
      for (const scope of [flat, deep])
        for (const own of [[], texts])
          await tier.searchTexts({ ...queryOf({ exclude, scope }), text: 'water', k: 10, own })
  },
  together: (tier) =>
    tier.together((cold) => Promise.all([cold.search(searchOf()), cold.read(records), cold.versions(records)])),
  unembedded: async (tier) => {
    const asked = { model: 'm', limit: 100, bytes: 1_000_000 }
    for (const after of [undefined, records[7]!.version]) await tier.unembedded({ ...asked, after })
  },
  registerModel: (tier) => tier.registerModel({ model: 'm', dimensions: DIMENSION }),
  isModelUsed: (tier) => tier.isModelUsed('m'),
  slide: async (tier) => {
    const reads = records.map(({ namespace, id, version }) => ({ namespace, id, version, readAt: PAST }))
    await tier.slide(reads)
  },
  upsert: (tier) => tier.upsert(records),
  ship: async (tier) => {
    await tier.takeOver(walId, 1)
    await tier.ship(batchOf(walId, records))
    await tier.ship(batchOf(walId, records.slice(0, 1), { from: MANY, to: MANY + 1 }))
    // A row that Postgres refuses, so that the others are rehearsed.
    await tier.ship(batchOf(walId, [chunkOf('many/1', 1, 1, { position: -1 })], { from: MANY + 1, to: MANY + 2 }))
  },
  replace: async (tier) => {
    const log = { walId: randomUUID(), epoch: 1, sequence: 0 }
    await tier.takeOver(log.walId, log.epoch)
    const terms = { generationNumber: undefined, until: FUTURE, log }
    const added = { record: chunkOf('many/1', 2 * MANY, 900_000), base: undefined }
    const bases = records.map(({ version: base }, n) => ({ record: chunkOf('many/1', n, 950_000 + n), base }))
    await tier.replace({ ...terms, changes: [added] })
    await tier.replace({ ...terms, changes: [bases[1]!] })
    await tier.replace({ ...terms, changes: bases })
    const idempotency = { namespace: 'many/1', key: 'key', digest: new Uint8Array(32) }
    await tier.replace({ ...terms, changes: [added], idempotency })
  },
  replaceEach: async (tier) => {
    const log = { walId: randomUUID(), epoch: 1, sequence: 0 }
    await tier.takeOver(log.walId, log.epoch)
    const terms = { generationNumber: undefined, until: FUTURE, log }
    const changes = records.map(({ version: base }, n) => ({ record: chunkOf('many/1', n, 960_000 + n), base }))
    await tier.replaceEach(changes.slice(0, 2).map((change) => ({ ...terms, changes: [change] })))
    await tier.replaceEach(changes.map((change) => ({ ...terms, changes: [change] })))
  },
  answerTo: (tier) => tier.answerTo({ namespace: 'many/1', key: 'key' }),
  pin: async (tier) => {
    const pins = records.map((record) => ({ ...record, bytes: 1 }))
    await tier.pin(pins, { entries: 1_000, bytes: 1_000_000 })
    await tier.pin(pins, { entries: undefined, bytes: undefined })
  },
  unpin: async (tier) => {
    await tier.unpin(records)
    await tier.unpin(records, 'chunk')
  },
  arePinned: (tier) => tier.arePinned(records),
  pins: async (tier) => {
    await tier.pins(undefined, 100)
    await tier.pins(records[7], 100)
  },
  takeOver: (tier) => tier.takeOver(walId, 2, 'here'),
  checkpointOf: (tier) => tier.checkpointOf(walId),
  retire: (tier) => tier.retire(walId, 2),
  logs: (tier) => tier.logs(),
  askCuts: (tier) => tier.askCuts(randomUUID(), walId),
  askedCut: (tier) => tier.askedCut(walId),
  noteCut: (tier) => tier.noteCut(walId, 1, randomUUID()),
  recordLoss: (tier) => tier.recordLoss({ walId, epoch: 1, lost: [{ from: 1, to: 2 }], reason: 'test' }),
  enterHotGeneration: (tier) => tier.enterHotGeneration('one'),
  enterPrivateGeneration: (tier) => tier.enterPrivateGeneration('two'),
  hotMisses: (tier) => tier.hotMisses(MANY),
  clearHotMisses: (tier) =>
    tier.clearHotMisses(
      1,
      records.map((key) => ({ key, version: key.version, recorded: key.version })),
    ),
  holdLease: (tier) => tier.holdLease('sync', walId, 1_000),
  releaseLease: (tier) => tier.releaseLease('sync', walId),
  leaseHolder: (tier) => tier.leaseHolder('sync'),
  time: (tier) => tier.time(),
  recordAccess: (tier) => tier.recordAccess(records.map((key) => ({ ...key, lastAccessedAt: PAST, accesses: 1 }))),
  raiseAccess: (tier) => tier.raiseAccess(records.map((key) => ({ ...key, lastAccessedAt: PAST, accesses: 1 }))),
  indexInBulk: (tier) => tier.indexInBulk(new AbortController().signal),
  indexVectors: (tier) => tier.indexVectors(20),
  sweep: async (tier) => {
    await tier.upsert([tombstone('many/1', MANY, 1), chunkOf('many/1', MANY + 1, 2, { expiresAt: PAST })])
    await tier.sweep({ graceMs: 0, limit: MANY })
    const snapshot = await tier.snapshot(queryOf())
    await tier.sweep({ graceMs: 0, limit: MANY })
    await snapshot.close()
  },
  expired: (tier) => tier.expired(MANY),
  eraseStaged: (tier) => tier.eraseStaged(records),
  eraseStagedWhere: async (tier) => {
    for (const filter of [[], ofDocument]) await tier.eraseStagedWhere(queryOf({ scope: deep, filter }))
  },
  eraseIdempotencyKeys: (tier) => tier.eraseIdempotencyKeys(records),
  deadLetters: (tier) => tier.deadLetters('', 100),
  retryDeadLetters: async (tier) => {
    const refused = chunkOf('many/1', MANY + 2, 3, { position: -1 })
    await tier.upsert([refused])
    const letters = (await tier.deadLetters('', 100)).flatMap(({ digest, record }) =>
      record ? [{ digest, record }] : [],
    )
    await tier.retryDeadLetters(letters)
    await tier.retryDeadLetters(letters.map(({ digest, record }) => ({ digest, record: { ...record, position: 1 } })))
  },
  removeDeadLetters: async (tier) => {
    const letters = await tier.deadLetters('', 100)
    return tier.removeDeadLetters(letters.map(({ digest }) => digest))
  },
  vacuum: (tier) => tier.vacuum('plain'),
  validate: (tier) => tier.validate(),
  recordSyncRun: (tier) =>
    tier.recordSyncRun({ startedAt: PAST, durationMs: 1, synced: 1, skipped: 0, errors: 0, bytes: 1 }),
  stats: (tier) => tier.stats(),
}

/** Calls every method over the driver, and answers what it was asked; the driver is closed then. */
export async function recordStatements(driver: ColdDriver): Promise<RecordedStatement[]> {
  const recorded: RecordedStatement[] = []
  let method: Method = 'read'
  const recording: ColdDriver = {
    query(statement) {
      recorded.push({ method, statement })
      return driver.query(statement)
    },
    queryAll(statements) {
      for (const statement of statements) recorded.push({ method, statement })
      return driver.queryAll(statements)
    },
    copyToStaging: (stream) => driver.copyToStaging(stream),
    build: (statement) => driver.build(statement),
    buildIndex: (index, signal) => driver.buildIndex(index, signal),
    rebuildIndexes: (indexes, work, signal) => driver.rebuildIndexes(indexes, work, signal),
    mostBuilt: driver.mostBuilt,
    // It would gather statistics of what the plans are to be made without.
    vacuum: async () => {},
    migrate: (config) => driver.migrate(config),
    housekeep: () => {},
    close: () => driver.close(),
  }
  const options = { mode: 'auto', dimensions: [DIMENSION], metrics: ['cosine'], logger: silentLogger } as const
  const tier = await ColdStore.open(recording, options)
  recorded.length = 0
  for (const [name, drive] of Object.entries(DRIVE) as [Method, (tier: ColdTier) => Promise<unknown>][]) {
    method = name
    await drive(tier)
  }
  await tier.close()
  return recorded
}

/** SQL that fills every table with about `rows` rows, in a hundred namespaces. */
export function fillSql(rows: number): string[] {
  const id = `('00000000-0000-4000-8000-' || lpad(to_hex(i), 12, '0'))::uuid`
  const version = `lpad(to_hex(i), 16, '0') || '0000000a'`
  const series = `generate_series(1, ${rows}) AS i`
  const vector = `(SELECT array_agg(sin(i * d)::real) FROM generate_series(1, ${DIMENSION}) AS d)`
  return [
    `INSERT INTO thermocline.memory_entries (namespace, id, version, kind, text, document_id, position, metadata,
       embedding, created_at, updated_at, expires_at, deleted_at, indexed)
     SELECT 'many/' || i % 100, ${id}, ${version}, CASE WHEN i % 10 > 0 THEN 'chunk' END,
       CASE WHEN i % 10 > 0 THEN repeat('text ', 60) END, CASE WHEN i % 10 > 0 THEN 'd' || i % 500 END,
       CASE WHEN i % 10 > 0 THEN i END, CASE WHEN i % 10 > 0 THEN jsonb_build_object('n', i) END,
       CASE WHEN i % 10 = 1 THEN ${vector} END, now(), now(),
       CASE WHEN i % 10 = 2 THEN now() + interval '1 day' END, CASE WHEN i % 10 = 0 THEN now() END, false
     FROM ${series}`,
    `INSERT INTO thermocline.entry_access SELECT 'many/' || i % 100, ${id}, now(), i FROM ${series}`,
    `INSERT INTO thermocline.hot_misses SELECT 'many/' || i % 100, ${id}, ${version} FROM ${series} WHERE i % 3 = 0`,
    `INSERT INTO thermocline.pins SELECT 'many/' || i % 100, ${id}, 1, now() FROM ${series} WHERE i % 3 = 0`,
    `INSERT INTO thermocline.entry_staging (batch_id, namespace, id, version, created_at, updated_at, deleted_at)
     SELECT md5((i / 1000)::text)::uuid, 'many/' || i % 100, ${id}, ${version}, now(), now(), now() FROM ${series}`,
    `INSERT INTO thermocline.idempotency_keys (namespace, key, digest, ids, versions, created_at)
     SELECT 'many/' || i % 100, i, sha256(i::text::bytea), ARRAY[${id}], ARRAY[${version}], now() FROM ${series}`,
    `INSERT INTO thermocline.sync_runs (started_at, duration_ms, synced, skipped, errors, bytes)
     SELECT now(), 1, 1, 1, 1, 1 FROM ${series} WHERE i % 4 = 0`,
    `INSERT INTO thermocline.wal_checkpoints (wal_id, epoch, sequence, shipped_version)
     SELECT gen_random_uuid(), 1, 1, '${versionOf(rows)}' FROM generate_series(1, 3)`,
  ]
}
