/**
 * Removes old checkpoints of a thread, and with them the writes after them and the values that no other checkpoint
 * has. What a newer one cannot do without is kept: an ancestor from which a channel that keeps differences is rebuilt
 * (delta-history.ts), and one that holds what was sent. Records go first, and from cold before anything else goes, so
 * that nobody finds a checkpoint in part.
 */
import type { NamespaceView } from '../../index.ts'
import { RECORDS, type ValueFields, valueKey, writesOf } from './checkpoint-entries.ts'
import { nameOf, viewAt } from './checkpoint-places.ts'
import {
  type CheckpointReader,
  keysOfValues,
  RECORD_FIELDS,
  type ReadRecord,
  sendingParent,
} from './checkpoint-reader.ts'

/** How many entries were removed, or would be in a dry run. */
export interface Pruned {
  /** Threads and subgraphs of threads that were looked at. */
  readonly threads: number
  readonly checkpoints: number
  readonly values: number
  readonly writes: number
}

const NOTHING_PRUNED: Pruned = { threads: 0, checkpoints: 0, values: 0, writes: 0 }

interface StoredValue {
  readonly id: string
  readonly key: string
}

const AT_ONCE = 500

interface Asked {
  readonly keepLatest: number
  readonly dryRun: boolean
}

/** Prunes each namespace at and below that of a view, one after the other. */
export async function pruneBelow(reader: CheckpointReader, view: NamespaceView, asked: Asked): Promise<Pruned> {
  let sum = NOTHING_PRUNED
  let cursor: string | undefined
  do {
    const page = await view.namespaces({ cursor })
    for (const { namespace } of page.items) sum = addUp(sum, await pruneOne(reader, viewAt(view, namespace), asked))
    cursor = page.nextCursor
  } while (cursor !== undefined)
  return sum
}

function addUp(a: Pruned, b: Pruned): Pruned {
  return {
    threads: a.threads + b.threads,
    checkpoints: a.checkpoints + b.checkpoints,
    values: a.values + b.values,
    writes: a.writes + b.writes,
  }
}

async function pruneOne(reader: CheckpointReader, view: NamespaceView, { keepLatest, dryRun }: Asked): Promise<Pruned> {
  // Values first: what is put meanwhile is in none of the lists, or in both.
  const values = await valuesIn(view)
  const records = await recordsIn(reader, view)
  const kept = keptOf(records, keepLatest, new Set(values.map(({ key }) => key)))
  const gone = records.filter((record) => !kept.has(record))
  if (gone.length === 0) return { ...NOTHING_PRUNED, threads: records.length === 0 ? 0 : 1 }
  const used = new Set([...kept].flatMap(({ checkpoint }) => keysOfValues(checkpoint).map(([, key]) => key)))
  const left = new Set(gone.flatMap(({ checkpoint }) => keysOfValues(checkpoint).map(([, key]) => key)))
  const unused = values.filter(({ key }) => left.has(key) && !used.has(key))
  if (!dryRun)
    await view.chunks.deleteMany(
      gone.map(({ id }) => id),
      { durability: 'cold' },
    )
  const writes = await removeWrites(view, gone, dryRun)
  if (!dryRun) await view.blobs.deleteMany(unused.map(({ id }) => id))
  return { threads: 1, checkpoints: gone.length, values: unused.length, writes }
}

async function recordsIn(reader: CheckpointReader, view: NamespaceView): Promise<ReadRecord[]> {
  const records: ReadRecord[] = []
  const where = { documentId: RECORDS }
  const asked = { where, select: RECORD_FIELDS, limit: 100 }
  for await (const entry of view.chunks.findAll(asked)) records.push(await reader.decode(entry))
  return records
}

/** With their parts: these have the key of the value as well. */
async function valuesIn(view: NamespaceView): Promise<StoredValue[]> {
  const values: StoredValue[] = []
  const where = { 'metadata.version': { exists: true } }
  for await (const { id, metadata } of view.blobs.findAll({ where, limit: 1_000, select: ['id', 'metadata'] })) {
    const { channel, version } = metadata as unknown as ValueFields
    values.push({ id, key: valueKey(nameOf(channel), version) })
  }
  return values
}

async function removeWrites(view: NamespaceView, gone: readonly ReadRecord[], dryRun: boolean): Promise<number> {
  let removed = 0
  for (let i = 0; i < gone.length; i += AT_ONCE) {
    const documents = gone.slice(i, i + AT_ONCE).map(({ place }) => writesOf(place.checkpoint))
    const { matched } = await view.chunks.deleteWhere({ documentId: { in: documents } }, { dryRun })
    removed += matched
  }
  return removed
}

/** The newest ones, and those of their ancestors that they need. */
function keptOf(records: readonly ReadRecord[], keepLatest: number, stored: ReadonlySet<string>): Set<ReadRecord> {
  const byId = new Map(records.map((record) => [record.place.checkpoint, record]))
  const deltas = new Set(records.flatMap(({ metadata }) => Object.keys(metadata.counters_since_delta_snapshot ?? {})))
  const newestFirst = records.toSorted((a, b) => (a.place.checkpoint < b.place.checkpoint ? 1 : -1))
  const kept = new Set<ReadRecord>()
  for (const record of newestFirst.slice(0, keepLatest)) {
    kept.add(record)
    for (const id of sendingParent(record)) if (byId.has(id)) kept.add(byId.get(id)!)
    const open = new Set([...deltas].filter((channel) => isRebuilt(record, channel) && !holds(record, channel, stored)))
    let next = byId.get(record.parent ?? '')
    while (next !== undefined && open.size > 0) {
      kept.add(next)
      for (const channel of open) if (holds(next, channel, stored)) open.delete(channel)
      next = byId.get(next.parent ?? '')
    }
  }
  return kept
}

/** A channel without a version was never written, unless an early version of LangGraph wrote it. */
function isRebuilt({ checkpoint, metadata }: ReadRecord, channel: string): boolean {
  const isVersioned = (metadata as { readonly delta_writes_versioned?: unknown }).delta_writes_versioned === true
  return checkpoint.channel_versions[channel] !== undefined || !isVersioned
}

function holds({ checkpoint }: ReadRecord, channel: string, stored: ReadonlySet<string>): boolean {
  const version = checkpoint.channel_versions[channel]
  return version !== undefined && stored.has(valueKey(channel, version))
}
