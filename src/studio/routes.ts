/**
 * Lists what the page may ask for, by method and path below `api/`. Whatever changes something is a POST, and is
 * refused unless the studio may write; whether a request is answered at all is decided in guard-request.ts.
 */
import { type MemoryStore, namespaceSegments } from '../index.ts'
import { entryAnswer } from './entry-answer.ts'
import { entriesAnswer, searchAnswer } from './entry-rows.ts'
import { chosenLetters, lettersAnswer } from './letters-answer.ts'
import { logAnswer, logsAnswer, overviewAnswer, syncAnswer } from './overview-answer.ts'
import { placementRows } from './placements.ts'
import { previewAnswer } from './preview-answer.ts'
import type { RequestInput } from './request-input.ts'
import type { StoreWatcher } from './store-watcher.ts'
import { treeAnswer } from './tree-answer.ts'

export interface RouteContext {
  readonly store: MemoryStore
  readonly watcher: StoreWatcher
  readonly isWritable: boolean
  readonly input: RequestInput
  readonly signal: AbortSignal
}

type Route = (context: RouteContext) => Promise<unknown>

/** What only looks. Nothing of it counts a read, or promotes. */
export const READS: Readonly<Record<string, Route>> = {
  overview: ({ store, watcher, isWritable }) => overviewAnswer(store, watcher, isWritable),
  samples: async ({ watcher }) => watcher.samples,
  namespaces: ({ store, input, signal }) =>
    store.namespaces({ limit: input.number('limit') ?? 200, cursor: input.optionalText('cursor'), signal }),
  entries: ({ store, input, signal }) => entriesAnswer(store, input, signal),
  search: ({ store, input, signal }) => searchAnswer(store, input, signal),
  placements: ({ store, input, signal }) => placementRows(store, input.json('entries'), signal),
  entry: ({ store, input, signal }) => entryAnswer(store, input, signal),
  tree: ({ store, input, signal }) => treeAnswer(store, input, signal),
  log: async ({ watcher }) => logAnswer((await watcher.read()).stats),
  logs: ({ store, watcher, signal }) => logsAnswer(store, watcher, signal),
  sync: ({ store, watcher }) => syncAnswer(store, watcher),
  'dead-letters': ({ store, input, signal }) => lettersAnswer(store, input, signal),
  preview: ({ store, input, signal }) => previewAnswer(store, input, signal),
}

/** What changes something. It goes on when whoever asked is gone. */
export const CHANGES: Readonly<Record<string, Route>> = {
  promote: async (context) => ({ result: await entriesOf(context).promote(idOf(context)) }),
  demote: async (context) => ({ result: await entriesOf(context).demote(idOf(context)) }),
  pin: async (context) => ({ result: await entriesOf(context).pin(idOf(context)) }),
  unpin: async (context) => ({ result: await entriesOf(context).unpin(idOf(context)) }),
  delete: (context) => entriesOf(context).delete(idOf(context)),
  erase: erase,
  update: (context) => {
    const { input } = context
    const patch = input.json('patch') as Parameters<MemoryStore['entries']['update']>[1]
    return entriesOf(context).update(idOf(context), patch, { expectedVersion: input.optionalText('expectedVersion') })
  },
  sync: ({ store }) => store.sync(),
  checkpoint: ({ store }) => store.checkpoint(),
  'retry-dead-letters': ({ store, input }) => store.retryDeadLetters(chosenLetters(input)),
  'drop-dead-letters': ({ store, input }) => store.dropDeadLetters(chosenLetters(input)),
}

function entriesOf({ store, input }: RouteContext): MemoryStore['entries'] {
  return store.namespace(...namespaceSegments(input.text('namespace'))).entries
}

function idOf({ input }: RouteContext): string {
  return input.text('id')
}

/** Answers also where something of it may be left, and what to do there. */
async function erase(context: RouteContext): Promise<object> {
  const { erased, left } = await entriesOf(context).erase([idOf(context)])
  return { erased, left }
}
