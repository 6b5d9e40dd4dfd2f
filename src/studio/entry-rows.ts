/** Finds and searches for the page of entries, as rows that begin as the entries do. Counts no read. */

import type { MemoryEntry, MemoryStore } from '../index.ts'
import { namespaceSegments } from '../index.ts'
import type { EntriesAnswer, EntryRow, HitRow, SearchAnswer } from './answers.ts'
import { Refusal } from './refusal.ts'
import type { RequestInput } from './request-input.ts'

const PAGE = 25
const TITLE_CHARACTERS = 240

/** What a row shows, and so what is read for it: no vector, and no bytes. */
const ROW_FIELDS = [
  ...(['namespace', 'id', 'key', 'kind', 'version', 'updatedAt', 'expiresAt', 'accessCount'] as const),
  ...(['text', 'summary', 'metadata', 'contentType'] as const),
] as const

type RowField = (typeof ROW_FIELDS)[number]
type RowSource = { readonly [F in RowField]?: unknown } & Pick<
  MemoryEntry,
  'namespace' | 'id' | 'kind' | 'version' | 'updatedAt' | 'accessCount'
> & { readonly key?: string; readonly expiresAt?: Date }

export function entryRow(entry: RowSource): EntryRow {
  const { namespace, id, key, kind, version, updatedAt, expiresAt, accessCount } = entry
  const row = { namespace, id, key, kind, version, accessCount, title: titleOf(entry) }
  return { ...row, updatedAt: updatedAt.getTime(), expiresAt: expiresAt?.getTime() }
}

/** How its text begins; of one without, of which type its bytes are, else its metadata. */
export function titleOf({ text, summary, metadata, contentType }: { readonly [F in RowField]?: unknown }): string {
  const whole = text ?? summary ?? contentType ?? (metadata === undefined ? '' : JSON.stringify(metadata))
  const plain = String(whole)
    .slice(0, TITLE_CHARACTERS * 4)
    .replace(/\s+/g, ' ')
    .trim()
  return plain.length <= TITLE_CHARACTERS ? plain : `${plain.slice(0, TITLE_CHARACTERS - 1)}…`
}

/** The whole store where no namespace is named. */
function partOf(store: MemoryStore, input: RequestInput) {
  const namespace = input.optionalText('namespace')
  if (namespace === undefined) return { entries: store.root.entries, recursive: true }
  const { entries } = store.namespace(...namespaceSegments(namespace))
  return { entries, recursive: input.flag('recursive') }
}

function whereOf(input: RequestInput) {
  const where = input.where('where')
  const kind = input.optionalText('kind')
  if (kind === undefined) return where
  return (where === undefined ? { kind } : { and: [where, { kind }] }) as typeof where
}

export async function entriesAnswer(
  store: MemoryStore,
  input: RequestInput,
  signal: AbortSignal,
): Promise<EntriesAnswer> {
  const { entries, recursive } = partOf(store, input)
  const orderBy = input.optionalText('order') === 'updatedAt' ? ({ updatedAt: 'desc' } as const) : undefined
  const { items, nextCursor } = await entries.find({
    ...{ where: whereOf(input), recursive, orderBy, signal, select: ROW_FIELDS },
    ...{ limit: input.number('limit') ?? PAGE, cursor: input.optionalText('cursor') },
  })
  return { items: items.map(entryRow), nextCursor }
}

/** By text, by a vector, by both; `like` names an entry whose vector is meant. */
export async function searchAnswer(
  store: MemoryStore,
  input: RequestInput,
  signal: AbortSignal,
): Promise<SearchAnswer> {
  const { entries, recursive } = partOf(store, input)
  const text = input.optionalText('text')
  const embedding = (await vectorOfLike(store, input, signal)) ?? vectorOf(input)
  if (text === undefined && embedding === undefined)
    throw new Refusal(400, 'INVALID_INPUT', 'search by `text`, by `embedding` or by `like`')
  const asked = { k: input.number('k') ?? PAGE, where: whereOf(input), recursive, countAccess: false, signal }
  const by = { ...(text !== undefined && { text }), ...(embedding !== undefined && { embedding }) }
  const began = performance.now()
  // One of the two is there, which the types of `search` cannot know.
  const query = { ...by, ...asked, select: ROW_FIELDS } as { text: string } & typeof asked & {
      select: typeof ROW_FIELDS
    }
  const { hits, partial, exact } = await entries.search(query)
  return { hits: hits.map(hitRow), partial, exact, durationMs: performance.now() - began }
}

type Hit = Pick<HitRow, 'score' | 'vector' | 'text'> & { readonly entry: RowSource }

function hitRow({ entry, score, vector, text }: Hit): HitRow {
  return { ...entryRow(entry), score, vector, text }
}

function vectorOf(input: RequestInput): readonly number[] | undefined {
  const given = input.json('embedding')
  if (given === undefined) return undefined
  // Of what a vector is made is checked by `search`.
  if (!Array.isArray(given)) throw new Refusal(400, 'INVALID_INPUT', '`embedding` must be a JSON list of numbers')
  return given as number[]
}

/** `namespace` and `id` of the entry, as the page has them. */
async function vectorOfLike(
  store: MemoryStore,
  input: RequestInput,
  signal: AbortSignal,
): Promise<Float32Array | undefined> {
  const id = input.optionalText('like')
  if (id === undefined) return undefined
  const namespace = namespaceSegments(input.text('likeNamespace'))
  const entry = await store.namespace(...namespace).entries.peek(id, { signal })
  if (entry === undefined || !('embedding' in entry) || entry.embedding === undefined)
    throw new Refusal(404, 'NO_EMBEDDING', 'this entry has no embedding to search by')
  return entry.embedding
}
