/**
 * `thermocline/openai-agents`: the history of a conversation of the OpenAI Agents SDK, in a namespace of its own. How
 * items are kept, and that all of a write is there or none, is decided in adapters/session-log.
 */
import { randomUUID } from 'node:crypto'
import type {
  AgentInputItem,
  SessionHistoryMutation,
  SessionHistoryRewriteArgs,
  SessionHistoryRewriteAwareSession,
  SessionHistoryTransaction,
  SessionHistoryTransactionArgs,
  SessionHistoryTransactionAwareSession,
} from '@openai/agents-core'
import { defineCall, lifetime, nonEmptyText, type RulesOf } from '../../call-options.ts'
import { type Duration, type MemoryStore, type NamespaceView, type Operation, ThermoclineError } from '../../index.ts'
import { checkStore } from '../in-common/check-store.ts'
import { contentOf, copyOf, draftOf, type Item, isSame, textInOrder } from '../session-log/session-items.ts'
import { type Change, type Head, SessionLog, type Stored } from '../session-log/session-log.ts'
import { hashOf, segmentOf } from '../session-log/session-places.ts'

export interface SessionOptions {
  /** Names the conversation, which goes on where the same is named again. @default a new one */
  readonly sessionId?: string | undefined
  /** How long an item lives after it was added. @default for good */
  readonly ttl?: Duration | undefined
}

const checkOptions = defineCall('ThermoclineSession', {
  sessionId: nonEmptyText,
  ttl: lifetime,
} satisfies RulesOf<SessionOptions>)

/** Begins the keys of what says which transactions were applied. */
const OPERATION = 'operation/'

/**
 * A session for `run(agent, input, { session })`. What is added, by one call all or none, is in the database when the
 * call resolves, and found by every process; calls of several processes come one after the other. So it needs both
 * tiers. Items are JSON and bytes; members that are undefined are left out.
 */
export class ThermoclineSession implements SessionHistoryTransactionAwareSession, SessionHistoryRewriteAwareSession {
  readonly #id: string
  readonly #view: NamespaceView
  readonly #log: SessionLog
  readonly #life: { readonly ttl?: Duration }

  /** @param store or a view of it, as `store.namespace('tenant', 'acme')`. Closing it stays with the caller. */
  constructor(store: MemoryStore | NamespaceView, options?: SessionOptions) {
    checkStore('ThermoclineSession', store)
    const { sessionId = randomUUID(), ttl } = checkOptions(options)
    this.#id = sessionId
    this.#view = store.namespace('openai-agents', segmentOf(sessionId))
    this.#log = new SessionLog(this.#view, ttl)
    this.#life = ttl === undefined ? {} : { ttl }
  }

  async getSessionId(): Promise<string> {
    return this.#id
  }

  /** @param limit how many of the latest; all where it is left out. */
  async getItems(limit?: number): Promise<AgentInputItem[]> {
    return itemsOf(await this.#log.read(limit))
  }

  async addItems(items: AgentInputItem[]): Promise<void> {
    if (items.length > 0) await this.#log.add(items as readonly Item[])
  }

  async popItem(): Promise<AgentInputItem | undefined> {
    let popped: Stored | undefined
    await this.#log.change(async (head) => {
      ;[popped] = head === undefined ? [] : await this.#log.readFrom(head, 1)
      return popped && { remove: [popped.id] }
    })
    return popped?.item as AgentInputItem | undefined
  }

  /** Also forgets which transactions were applied. */
  async clearSession(): Promise<void> {
    let clears = 0
    await this.#log.change((head) => {
      clears = head === undefined ? 0 : clearsOf(head) + 1
      return head && { from: head.next, kept: { clears } }
    })
    await this.#log.sweep()
    // Somebody may have cleared it once more meanwhile: the marks of later counts hold.
    const marks = { key: { startsWith: OPERATION }, 'metadata.clears': { lt: clears } } as const
    if (clears > 0) await this.#view.metadata.deleteWhere(marks)
  }

  /** These replace what is there in one step. What one write cannot take (1 000 operations, 8 MiB) is refused. */
  async replaceHistoryWithCompaction(items: AgentInputItem[]): Promise<void> {
    const add = (items as readonly Item[]).map(draftOf)
    await this.#log.change((head) => ({ add, ...(head && { from: head.next }) }))
    await this.#log.sweep()
  }

  /**
   * Rejects with `ERR_CONFLICT` where the suffix is another one, or the operation was applied with another transaction.
   * What one write cannot take (1 000 operations, 8 MiB) is refused.
   */
  async applyHistoryTransaction({ operationId, transaction: asked }: SessionHistoryTransactionArgs): Promise<void> {
    if (typeof operationId !== 'string' || operationId.trim() === '') throw noOperation()
    const transaction = transactionOf(asked)
    const digest = hashOf(textInOrder(transaction))
    const given = transaction.type === 'append_items' ? transaction.items : transaction.replacement
    const add = (given as readonly Item[]).map(draftOf)
    await this.#log.change(async (head) => {
      const clears = clearsOf(head)
      const key = `${OPERATION}${clears}/${hashOf(operationId)}`
      const applied = await this.#view.metadata.getByKey(key)
      if (applied !== undefined) {
        if (applied.metadata.digest !== digest) throw conflict('was applied with another transaction already')
        return undefined
      }
      const put = { kind: 'metadata', key, metadata: { digest, clears }, ...this.#life } as const
      const besides = [{ put, expectedVersion: null }]
      if (transaction.type === 'append_items') return { add, besides }
      const { expectedSuffix } = transaction
      const there = head === undefined ? [] : await this.#log.readFrom(head, expectedSuffix.length)
      if (!isSame(itemsOf(there), expectedSuffix)) throw conflict('expects a suffix that the history does not have')
      return { remove: there.map(({ id }) => id), add, besides }
    })
  }

  async applyHistoryMutations(given: SessionHistoryRewriteArgs): Promise<void> {
    const { mutations } = copyOf({ ...given }) as unknown as SessionHistoryRewriteArgs
    await this.#log.change(async (head) => head && rewritten(await this.#log.readFrom(head), mutations))
  }
}

function itemsOf(stored: readonly Stored[]): AgentInputItem[] {
  return stored.map(({ item }) => item as unknown as AgentInputItem)
}

/** A copy, which the caller does not change while it is applied. */
function transactionOf(given: SessionHistoryTransaction): SessionHistoryTransaction {
  const isKnown =
    given?.type === 'append_items'
      ? Array.isArray(given.items)
      : given?.type === 'replace_suffix' && Array.isArray(given.expectedSuffix) && Array.isArray(given.replacement)
  if (isKnown) return copyOf(given as unknown as Item) as unknown as SessionHistoryTransaction
  const message =
    'a transaction is `append_items` with `items`, or `replace_suffix` with `expectedSuffix`, `replacement`'
  throw new ThermoclineError('ERR_INVALID_ENTRY', message, { field: 'transaction' })
}

function clearsOf(head: Head | undefined): number {
  return (head?.kept.clears as number | undefined) ?? 0
}

/** The first call of a function with the id of a mutation becomes what that says; others with the id go. */
function rewritten(stored: readonly Stored[], mutations: readonly SessionHistoryMutation[]): Change | undefined {
  let left = stored
  for (const { callId, replacement } of mutations) {
    const isMeant = ({ item }: Stored) => item.type === 'function_call' && item.callId === callId
    const first = left.find(isMeant)
    const item = replacement as unknown as Item
    left = left.flatMap((one) => (one === first ? [{ id: one.id, item }] : isMeant(one) ? [] : [one]))
  }
  const before = new Map(stored.map(({ id, item }) => [id, item]))
  const after = new Map(left.map(({ id, item }) => [id, item]))
  const remove = [...before.keys()].filter((id) => !after.has(id))
  const changed = left.filter(({ id, item }) => before.get(id) !== item)
  const besides: Operation[] = changed.map(({ id, item }) => ({ update: id, patch: contentOf(item) }))
  return remove.length + besides.length === 0 ? undefined : { remove, besides }
}

function conflict(what: string): ThermoclineError<'ERR_CONFLICT'> {
  return new ThermoclineError('ERR_CONFLICT', `the transaction ${what}: nothing was changed`, { outcome: 'none' })
}

function noOperation(): ThermoclineError<'ERR_INVALID_ENTRY'> {
  const message = 'a transaction needs an `operationId`, a text that is not empty'
  return new ThermoclineError('ERR_INVALID_ENTRY', message, { field: 'operationId' })
}
