/**
 * Decides which entries a checkpoint consists of, all of them blobs of one namespace (checkpoint-places.ts):
 *
 *     record   one for each checkpoint: all of it but the values of its channels, and its metadata
 *     value    one for each version of a channel, shared by the checkpoints that have it
 *     write    one for each write of a task that ran after a checkpoint
 *
 * A value or a write that is large is cut into several blobs. What LangGraph hands over is turned into bytes, and
 * back, by its own serializer; the content type says in which form. How they are read is decided in
 * checkpoint-reader.ts.
 */
import type { CheckpointMetadata } from '@langchain/langgraph-checkpoint'
import {
  type BlobEntry,
  type BlobInput,
  type JsonObject,
  type JsonValue,
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

/** Largest blob of a value: what is larger is cut. Some of them fit what is written at once. */
const PART_BYTES = 2 * 1024 * 1024
/** Longer texts are compared here and not by the database. */
const MOST_INDEXED_CHARACTERS = 256

export const recordKey = (checkpoint: string): string => keyOf('checkpoint', checkpoint)
export const valueKey = (channel: string, version: string | number): string => keyOf('value', channel, String(version))
export const writeKey = (checkpoint: string, task: string, index: number): string =>
  keyOf('write', checkpoint, task, index)

export function recordInput(
  { thread, ns, checkpoint }: CheckpointPlace,
  parent: string | undefined,
  metadata: CheckpointMetadata,
  serialized: Serialized,
): BlobInput {
  const fields: RecordFields = {
    ...{ thread: plainText(thread), ns: plainText(ns), checkpoint: plainText(checkpoint) },
    ...(parent === undefined ? {} : { parent: plainText(parent) }),
    about: Object.fromEntries(Object.entries(metadata).filter(isIndexed)),
  }
  return blobOf(recordKey(checkpoint), serialized, fields)
}

/** Whether the database can compare a member of metadata with such a value. */
export function isIndexed(member: readonly [name: string, value: unknown]): member is [string, JsonValue] {
  const [name, value] = member
  if (plainText(name) !== name) return false
  if (typeof value === 'string') return value.length <= MOST_INDEXED_CHARACTERS && plainText(value) === value
  return value === null || typeof value === 'boolean' || Number.isFinite(value)
}

export function valueInputs(channel: string, version: string | number, serialized: Serialized): BlobInput[] {
  const fields: ValueFields = { channel: plainText(channel), version: String(version) }
  return inParts(valueKey(channel, version), serialized, fields)
}

export function writeInputs(key: string, serialized: Serialized, fields: WriteFields): BlobInput[] {
  const { of, task, path, index, channel } = fields
  const plain = { of: plainText(of), task: plainText(task), path: plainText(path), channel: plainText(channel) }
  return inParts(key, serialized, { ...plain, index })
}

/** The last one is the head, which says how many there are: it is written last, and whoever finds it finds all. */
function inParts(key: string, [form, bytes]: Serialized, fields: object): BlobInput[] {
  const parts = Math.max(1, Math.ceil(bytes.length / PART_BYTES))
  if (parts === 1) return [blobOf(key, [form, bytes], fields)]
  const cut = (part: number) => bytes.subarray(part * PART_BYTES, (part + 1) * PART_BYTES)
  const rest = Array.from({ length: parts - 1 }, (_, i) => i + 1)
  return [
    ...rest.map((part) => blobOf(keyOf(key, part), [form, cut(part)], { ...fields, part })),
    blobOf(key, [form, cut(0)], { ...fields, parts }),
  ]
}

function blobOf(key: string, [form, bytes]: Serialized, metadata: object): BlobInput {
  return { kind: 'blob', key, bytes, metadata, ...(form === '' ? {} : { contentType: form }) }
}

/** Returns what a head and its parts hold. */
export async function wholeOf(view: NamespaceView, head: BlobEntry): Promise<Serialized> {
  const form = head.contentType ?? ''
  const parts = (head.metadata?.parts as number | undefined) ?? 1
  if (parts === 1) return [form, head.bytes]
  const keys = Array.from({ length: parts - 1 }, (_, i) => keyOf(head.key!, i + 1))
  const rest = (await view.blobs.getManyByKey(keys)).map((part) => {
    if (part !== undefined) return part.bytes
    const message = 'a part of a value has expired or was deleted while it was read: read the checkpoint again'
    throw new ThermoclineError('ERR_NOT_FOUND', message, {})
  })
  return [form, new Uint8Array(Buffer.concat([head.bytes, ...rest]))]
}
