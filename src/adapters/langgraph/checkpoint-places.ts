/**
 * Decides where the checkpoints of a thread are: in the namespace `langgraph/threads/<thread>`, those of a subgraph in
 * one below it, named by its `checkpoint_ns`. Threads, subgraphs and channels may have names of any text; what a name
 * looks like where the store keeps it is decided here too. What entries lie there is decided in checkpoint-entries.ts.
 */
import { createHash } from 'node:crypto'
import type { RunnableConfig } from '@langchain/core/runnables'
import { getCheckpointId } from '@langchain/langgraph-checkpoint'
import { type MemoryStore, type NamespaceView, namespaceSegments, ThermoclineError } from '../../index.ts'

/** What a config says of a place; undefined where it says nothing. */
export interface GivenPlace {
  readonly thread: string | undefined
  readonly ns: string | undefined
  readonly checkpoint: string | undefined
}

/** Where one checkpoint is, or is to be. */
export interface CheckpointPlace {
  readonly thread: string
  readonly ns: string
  readonly checkpoint: string
}

/** Longest segment, as it stands in a path: three of them fit a namespace, which has 512 bytes. */
const MOST_SEGMENT_BYTES = 150
const MOST_KEY_BYTES = 512
const HASHED = 'sha256:'

export function placeIn({ configurable }: RunnableConfig): GivenPlace {
  const id = configurable === undefined ? '' : getCheckpointId({ configurable })
  return {
    thread: nameIn('thread_id', configurable?.thread_id),
    ns: configurable?.checkpoint_ns === '' ? '' : nameIn('checkpoint_ns', configurable?.checkpoint_ns),
    checkpoint: id === '' ? undefined : nameIn('checkpoint_id', id),
  }
}

/** Returns the thread, which `call` cannot do without. */
export function neededBy(call: string, field: string, name: string | undefined): string {
  if (name !== undefined) return name
  const message = `${call} needs \`${field}\` in the config, as in \`{ configurable: { ${field}: 'a' } }\``
  throw new ThermoclineError('ERR_INVALID_ENTRY', message, { field })
}

function nameIn(field: string, value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'string' && value !== '') return value
  throw new ThermoclineError('ERR_INVALID_ENTRY', `\`${field}\` must be a text that is not empty`, { field })
}

/** The config that names a checkpoint. */
export function configOf({ thread, ns, checkpoint }: CheckpointPlace): RunnableConfig {
  return { configurable: { thread_id: thread, checkpoint_ns: ns, checkpoint_id: checkpoint } }
}

/** The namespaces of the threads of one store, or of one view of it. */
export class CheckpointNamespaces {
  /** Above those of all threads. */
  readonly all: NamespaceView

  constructor(store: MemoryStore | NamespaceView) {
    this.all = store.namespace('langgraph', 'threads')
  }

  /** Has the checkpoints of the graph itself; those of its subgraphs are below. */
  thread(thread: string): NamespaceView {
    return this.all.namespace(segmentOf(thread))
  }

  of({ thread, ns }: Pick<CheckpointPlace, 'thread' | 'ns'>): NamespaceView {
    return ns === '' ? this.thread(thread) : this.thread(thread).namespace(segmentOf(ns))
  }
}

/** The view of a namespace that is the one of another view, or below it. @param path as entries have it. */
export function viewAt(view: NamespaceView, path: string): NamespaceView {
  const below = namespaceSegments(path).slice(namespaceSegments(view.path).length)
  return below.length === 0 ? view : view.namespace(...below)
}

/** What is too long for a path is there as its hash; the record of a checkpoint has the names themselves. */
function segmentOf(name: string): string {
  const text = plainText(name)
  const bytes = Buffer.byteLength(text.replaceAll(/[%/]/g, '%25'))
  return bytes > MOST_SEGMENT_BYTES || text.startsWith(HASHED) ? hashOf(text) : text
}

/** A key made of parts, which says the same of no others. */
export function keyOf(...parts: readonly (string | number)[]): string {
  const text = JSON.stringify(parts)
  return Buffer.byteLength(text) > MOST_KEY_BYTES ? hashOf(text) : text
}

function hashOf(text: string): string {
  return HASHED + createHash('sha256').update(text).digest('hex')
}

/** Writes a name so that every tier can hold it: NUL and halves of surrogate pairs are escaped, and the backslash. */
export function plainText(name: string): string {
  return name.replaceAll(/[\0\\]|\p{Surrogate}/gu, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** The name that {@link plainText} wrote. */
export function nameOf(text: string): string {
  return text.replaceAll(/\\u([0-9a-f]{4})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
}
