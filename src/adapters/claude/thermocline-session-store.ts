/**
 * `thermocline/claude`: a `SessionStore` of the Claude Agent SDK. Each transcript, of a session or of an agent below
 * it, is a list in a namespace of its own, whose head has the names and the summary; how such a list is kept is decided
 * in adapters/session-log.
 */
import type {
  foldSessionSummary,
  SessionKey,
  SessionStore,
  SessionStoreEntry,
  SessionSummaryEntry,
} from '@anthropic-ai/claude-agent-sdk'
import { defineCall, lifetime, optionRule, type RulesOf } from '../../call-options.ts'
import type { Duration, JsonObject, MemoryStore, NamespaceView } from '../../index.ts'
import { checkStore } from '../in-common/check-store.ts'
import type { Draft, Item } from '../session-log/session-items.ts'
import { HEAD, type Head, keyIn, SessionLog } from '../session-log/session-log.ts'
import { segmentOf } from '../session-log/session-places.ts'

export interface SessionStoreOptions {
  /** `foldSessionSummary` of the SDK: then summaries are kept with sessions. @default the SDK reads whole sessions */
  readonly foldSummary?: typeof foldSessionSummary | undefined
  /** How long an entry lives after it was appended. @default for good */
  readonly ttl?: Duration | undefined
}

const checkOptions = defineCall('ThermoclineSessionStore', {
  foldSummary: optionRule(
    (value) => (typeof value === 'function' ? (value as typeof foldSessionSummary) : undefined),
    'the function `foldSessionSummary` of the SDK',
  ),
  ttl: lifetime,
} satisfies RulesOf<SessionStoreOptions>)

/** The name of a transcript, as its head has it. */
interface Name {
  readonly sessionId: string
  /** Empty where it is the session's own. */
  readonly subpath: string
}

/**
 * Keeps transcripts: `query({ prompt, options: { sessionStore } })`. What is appended is in the database when the call
 * resolves, at most 900 entries and 6 MiB of one call together, and found by every process; an entry whose `uuid` is
 * there already is left out. So it needs both tiers.
 */
export class ThermoclineSessionStore implements SessionStore {
  readonly #root: NamespaceView
  readonly #options: SessionStoreOptions
  /** By their paths the logs that are written to now, so that calls take place in the order in which they were made. */
  readonly #logs = new Map<string, { readonly log: SessionLog; calls: number }>()
  /** There where `foldSummary` is given. */
  readonly listSessionSummaries?: (projectKey: string) => Promise<SessionSummaryEntry[]>

  /** @param store or a view of it, as `store.namespace('tenant', 'acme')`. Closing it stays with the caller. */
  constructor(store: MemoryStore | NamespaceView, options?: SessionStoreOptions) {
    checkStore('ThermoclineSessionStore', store)
    this.#options = checkOptions(options)
    this.#root = store.namespace('claude')
    if (this.#options.foldSummary) this.listSessionSummaries = (projectKey) => this.#summaries(projectKey)
  }

  async append(key: SessionKey, entries: SessionStoreEntry[]): Promise<void> {
    const view = this.#viewOf(key)
    const decide = async (head: Head | undefined, given: readonly Draft[]) => {
      const add = await newOf(view, head, given)
      if (add.length === 0 && isThere(head)) return undefined
      return { add, kept: this.#keptOf(key, head, add) }
    }
    await this.#inTurn(view, (log) => log.add(entries as readonly Item[], decide))
  }

  async load(key: SessionKey): Promise<SessionStoreEntry[] | null> {
    const read = await this.#logAt(this.#viewOf(key)).readWithHead()
    if (!isThere(read?.head)) return null
    return read!.items.map(({ item }) => item as SessionStoreEntry)
  }

  async listSessions(projectKey: string): Promise<{ sessionId: string; mtime: number }[]> {
    const heads = await this.#headsBelow(this.#root.namespace(segmentOf(projectKey)), true)
    return heads.map(({ sessionId, mtime }) => ({ sessionId, mtime }))
  }

  async listSubkeys({ projectKey, sessionId }: Pick<SessionKey, 'projectKey' | 'sessionId'>): Promise<string[]> {
    const heads = await this.#headsBelow(this.#viewOf({ projectKey, sessionId }), false)
    return heads.map(({ subpath }) => subpath)
  }

  /** Of a session also the transcripts below it. */
  async delete(key: SessionKey): Promise<void> {
    const subpaths = key.subpath ? [] : await this.listSubkeys(key)
    const keys = [...subpaths.map((subpath) => ({ ...key, subpath })), key]
    for (const one of keys) await this.#inTurn(this.#viewOf(one), (log) => log.remove())
  }

  async #summaries(projectKey: string): Promise<SessionSummaryEntry[]> {
    const heads = await this.#headsBelow(this.#root.namespace(segmentOf(projectKey)), true)
    return heads.flatMap(({ sessionId, mtime, data }) => (data === undefined ? [] : [{ sessionId, mtime, data }]))
  }

  #viewOf({ projectKey, sessionId, subpath }: SessionKey): NamespaceView {
    const session = this.#root.namespace(segmentOf(projectKey), segmentOf(sessionId))
    return subpath ? session.namespace(segmentOf(subpath)) : session
  }

  async #inTurn(view: NamespaceView, write: (log: SessionLog) => Promise<void>): Promise<void> {
    const used = this.#logs.get(view.path) ?? { log: this.#logAt(view), calls: 0 }
    this.#logs.set(view.path, used)
    used.calls++
    try {
      await write(used.log)
    } finally {
      used.calls--
      if (used.calls === 0) this.#logs.delete(view.path)
    }
  }

  #logAt(view: NamespaceView): SessionLog {
    return new SessionLog(view, this.#options.ttl, nameOf)
  }

  #keptOf(key: SessionKey, head: Head | undefined, added: readonly Draft[]): JsonObject {
    const { sessionId, subpath = '' } = key
    const kept = { name: JSON.stringify({ sessionId, subpath } satisfies Name), isSession: subpath === '' }
    const { foldSummary } = this.#options
    if (foldSummary === undefined || subpath !== '') return kept
    const before = isThere(head) ? summaryIn(head.kept) : undefined
    // Some was appended without: of the rest alone it would be wrong. Where there is none the SDK reads the whole.
    if (isThere(head) && before === undefined) return kept
    const previous = before && { sessionId, mtime: 0, data: before }
    const entries = added.map(({ item }) => item as SessionStoreEntry)
    const { data } = foldSummary(previous, key, entries)
    return { ...kept, summary: JSON.stringify(data) }
  }

  async #headsBelow(view: NamespaceView, isSession: boolean) {
    const where = { key: HEAD, 'metadata.kept.isSession': isSession } as const
    const heads: (Name & { readonly mtime: number; readonly data: Record<string, unknown> | undefined })[] = []
    const query = { where, recursive: true, select: ['metadata', 'updatedAt'] } as const
    for await (const { metadata, updatedAt } of view.metadata.findAll(query)) {
      const { kept } = metadata as unknown as Head
      heads.push({ ...(JSON.parse(kept.name as string) as Name), mtime: updatedAt.getTime(), data: summaryIn(kept) })
    }
    return heads
  }
}

/** Whether it has been written to since it was deleted, if it was. */
function isThere(head: Head | undefined): head is Head {
  return head?.kept.name !== undefined
}

/** As text, since it may have what no text of an entry has. */
function summaryIn({ summary }: JsonObject): Record<string, unknown> | undefined {
  return typeof summary === 'string' ? (JSON.parse(summary) as Record<string, unknown>) : undefined
}

function nameOf({ uuid }: Item): string | undefined {
  return typeof uuid === 'string' && uuid !== '' ? `uuid/${segmentOf(uuid)}` : undefined
}

/** Of these the entries that are not there yet, each once. */
async function newOf(view: NamespaceView, head: Head | undefined, given: readonly Draft[]): Promise<Draft[]> {
  const names = [...new Set(given.flatMap(({ item }) => nameOf(item) ?? []))]
  const ids = head === undefined ? [] : names.map((name) => view.chunks.idOf(keyIn(head, name)))
  const areThere = ids.length === 0 ? [] : await view.chunks.hasMany(ids)
  const known = new Set(names.filter((_, nth) => areThere[nth]))
  return given.filter(({ item }) => {
    const name = nameOf(item)
    if (name === undefined) return true
    if (known.has(name)) return false
    known.add(name)
    return true
  })
}
