/**
 * Decides which entries a checkpoint consists of, all of one namespace (checkpoint-places.ts):
 *
 *     record   a chunk for each checkpoint: all of it but the values of its channels, and its metadata
 *     newest   one for all of them: the id of the newest
 *     value    a blob for each version of a channel, shared by the checkpoints that have it
 *     write    a chunk for each write of a task that ran after a checkpoint
 *
 * What a run needs is found by key, but for writes: these are the chunks of one document, which an index finds. What is
 * large is cut into several entries. What LangGraph hands over is turned into bytes, and back, by its own serializer.
 * How entries are written is decided in checkpoint-writer.ts, and how they are read in checkpoint-reader.ts.
 */
import type { CheckpointMetadata } from '@langchain/langgraph-checkpoint'
import {
  type BlobEntry,
  type BlobInput,
  type ChunkEntry,
  type ChunkInput,
  type JsonObject,
  type JsonValue,
  type MetadataInput,
  type NamespaceView,
  ThermoclineError,
} from '../../index.ts'
import { type CheckpointPlace, keyOf, plainText } from './checkpoint-places.ts'

/** What the serializer made of something: the form, and the bytes. */
export type Serialized = readonly [form: string, bytes: Uint8Array]

/** How long an entry lives; for good where nothing is said. */
export type Life = Pick<BlobInput, 'ttl' | 'sliding'>

/** In the metadata of a record. All names are as `plainText` writes them. */
export interface RecordFields {
  readonly thread: string
  readonly ns: string
  readonly checkpoint: string
  readonly parent?: string
  /** Members of the metadata of the checkpoint by which `list` can have the database choose. */
  readonly about: JsonObject
}

/** In the metadata of a value. */
export interface ValueFields {
  readonly channel: string
  readonly version: string
}

/** In the metadata of a write. */
export interface WriteFields {
  /** Id of the checkpoint. */
  readonly of: string
  readonly task: string
  /** Path of the task, by which writes are ordered. */
  readonly path: string
  /** Place among the writes of the task; negative for what is there once. */
  readonly index: number
  readonly channel: string
}

/** Largest content of an entry: what is larger is cut. Some of them fit what is written at once. */
const PART_BYTES = 2 * 1024 * 1024
/** With `bareHead`: the largest content that stays in the head. A thousand such heads are written at once. */
const MOST_BARE_BYTES = 1024
/** Longer texts are compared here and not by the database. */
const MOST_INDEXED_CHARACTERS = 256

/** Of the document whose chunks are the records. */
export const RECORDS = 'checkpoints'
export const NEWEST_KEY = keyOf('newest')

export const recordKey = (checkpoint: string): string => keyOf('checkpoint', checkpoint)
export const valueKey = (channel: string, version: string | number): string => keyOf('value', channel, String(version))
export const writeKey = (checkpoint: string, task: string, index: number): string =>
  keyOf('write', checkpoint, task, index)
/** Of the document whose chunks are the writes after a checkpoint. */
export const writesOf = (checkpoint: string): string => keyOf('writes', checkpoint)

export function recordInput(
  { thread, ns, checkpoint }: CheckpointPlace,
  parent: string | undefined,
  metadata: CheckpointMetadata,
  serialized: Serialized,
): ChunkInput {
  const fields: RecordFields = {
    ...{ thread: plainText(thread), ns: plainText(ns), checkpoint: plainText(checkpoint) },
    ...(parent === undefined ? {} : { parent: plainText(parent) }),
    about: Object.fromEntries(Object.entries(metadata).filter(isIndexed)),
  }
  return chunkOf(recordKey(checkpoint), RECORDS, serialized, fields)
}

export function newestInput(checkpoint: string): MetadataInput {
  return { kind: 'metadata', key: NEWEST_KEY, metadata: { newest: plainText(checkpoint) } }
}

/** Whether the database can compare a member of metadata with such a value. */
export function isIndexed(member: readonly [name: string, value: unknown]): member is [string, JsonValue] {
  const [name, value] = member
  if (plainText(name) !== name) return false
  if (typeof value === 'string') return value.length <= MOST_INDEXED_CHARACTERS && plainText(value) === value
  return value === null || typeof value === 'boolean' || Number.isFinite(value)
}

export function valueInputs(channel: string, version: string | number, [form, bytes]: Serialized): BlobInput[] {
  const fields: ValueFields = { channel: plainText(channel), version: String(version) }
  return inParts(valueKey(channel, version), bytes, (key, content, place): BlobInput => {
    const type = form === '' ? {} : { contentType: form }
    return { kind: 'blob', key, bytes: content, metadata: { ...fields, ...place }, ...type }
  })
}

/** @param cut `bareHead`: what is more than little is in the parts, so that the heads of many are written at once. */
export function writeInputs(
  key: string,
  [form, bytes]: Serialized,
  fields: WriteFields,
  cut: { readonly bareHead: boolean },
): ChunkInput[] {
  const { of, task, path, index, channel } = fields
  const plain = { of: plainText(of), task: plainText(task), path: plainText(path), channel: plainText(channel) }
  const headBytes = cut.bareHead && bytes.length > MOST_BARE_BYTES ? 0 : PART_BYTES
  const makeOne: MakePart<ChunkInput> = (own, content, place) =>
    chunkOf(own, writesOf(of), [form, content], { ...plain, index, ...place })
  return inParts(key, bytes, makeOne, headBytes)
}

type MakePart<I> = (key: string, bytes: Uint8Array, place: { readonly part?: number; readonly parts?: number }) => I

/** The last one is the head, which says how many there are: it is written last, and whoever finds it finds all. */
function inParts<I>(key: string, bytes: Uint8Array, makeOne: MakePart<I>, headBytes = PART_BYTES): I[] {
  if (bytes.length <= headBytes) return [makeOne(key, bytes, {})]
  const rest = Array.from({ length: Math.ceil((bytes.length - headBytes) / PART_BYTES) }, (_, i) => {
    const from = headBytes + i * PART_BYTES
    return makeOne(keyOf(key, i + 1), bytes.subarray(from, from + PART_BYTES), { part: i + 1 })
  })
  return [...rest, makeOne(key, bytes.subarray(0, headBytes), { parts: rest.length + 1 })]
}

/** A chunk has no bytes: they are in its metadata, as text where they are one. */
function chunkOf(key: string, documentId: string, [form, bytes]: Serialized, fields: object): ChunkInput {
  const text = textOf(bytes)
  const content = text === undefined ? { base64: Buffer.from(bytes).toString('base64') } : { content: text }
  return { kind: 'chunk', key, documentId, text: '', metadata: { ...fields, form, ...content } }
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    return text.includes('\0') ? undefined : text
  } catch {
    // It is no text.
    return undefined
  }
}

/** What is read of an entry that has content. */
export type Head = BlobEntry | Pick<ChunkEntry, 'kind' | 'key' | 'metadata'>

export function contentOf(entry: Head): Serialized {
  if (entry.kind === 'blob') return [entry.contentType ?? '', entry.bytes]
  const { form, content, base64 } = entry.metadata as { form: string; content?: string; base64?: string }
  return [
    form,
    content === undefined ? new Uint8Array(Buffer.from(base64!, 'base64')) : new TextEncoder().encode(content),
  ]
}

/** Of the parts besides the head. */
export function partKeysOf({ key, metadata }: Head): string[] {
  const parts = (metadata?.parts as number | undefined) ?? 1
  return Array.from({ length: parts - 1 }, (_, i) => keyOf(key!, i + 1))
}

/** Returns what a head and its parts hold. */
export async function wholeOf(view: NamespaceView, head: Head): Promise<Serialized> {
  const [form, first] = contentOf(head)
  const keys = partKeysOf(head)
  if (keys.length === 0) return [form, first]
  const rest = (await view.entries.getManyByKey(keys)).map((part) => {
    if (part !== undefined) return contentOf(part as BlobEntry | ChunkEntry)[1]
    const message = 'a part of a value has expired or was deleted while it was read: read the checkpoint again'
    throw new ThermoclineError('ERR_NOT_FOUND', message, {})
  })
  return [form, new Uint8Array(Buffer.concat([first, ...rest]))]
}
