/**
 * A list of items that grows at its end, in a namespace of its own: the conversation of an agent. What an item is kept
 * as is decided in session-items.ts.
 *
 * The entry {@link HEAD} names the list, and says from which position on items count and where the next goes. Each
 * item is a chunk of a document with the name of the list, in the order of its `position`. Each write replaces the
 * head that it has seen, so that writers in any number of processes come one after the other, and all of a write is
 * there or none.
 *
 * What counts no more is deleted after the write that said so, and perhaps late. So a list that begins after another
 * was deleted has a new name, and no position and no key of a list is used twice: a late delete finds nothing that
 * counts.
 */
import { randomUUID } from 'node:crypto'
import {
  type Duration,
  isThermoclineError,
  type JsonObject,
  type MetadataEntry,
  type NamespaceView,
  type Operation,
  ThermoclineError,
  type Version,
} from '../../index.ts'
import { type Draft, draftOf, type Item, itemIn, sizeOf } from './session-items.ts'

export const HEAD = 'head'

export interface Head {
  readonly list: string
  readonly from: number
  readonly next: number
  /** What the owner of the list keeps with it. */
  readonly kept: JsonObject
}

export interface Stored {
  readonly id: string
  readonly item: Item
}

/** What is to become of a list. */
export interface Change {
  readonly add?: readonly Draft[]
  /** Positions before it count no more. */
  readonly from?: number
  /** Ids of items that go. */
  readonly remove?: readonly string[]
  /** What else is written with it, or not at all. */
  readonly besides?: readonly Operation[]
  /** What is kept with the head from now on. @default what was */
  readonly kept?: JsonObject
}

type Decided = Change | undefined
/** @param add of the items that are to be added those of this write. */
type Decide = (head: Head | undefined, add: readonly Draft[]) => Decided | Promise<Decided>

/** A write of the store takes 1 000 operations and 8 MiB; the head is one of them. */
const AT_ONCE = { items: 900, bytes: 6 * 1024 * 1024 }
const PAGE = 1_000
/** How often is tried what somebody else writes at the same time. */
const MOST_TRIES = 64

export class SessionLog {
  readonly #view: NamespaceView
  readonly #ttl: Duration | undefined
  readonly #nameOf: (item: Item) => string | undefined
  #turn: Promise<unknown> = Promise.resolve()

  /**
   * @param ttl of each item, and of the head from the latest write on; undefined for good.
   * @param nameOf ends the key of an item which is never there twice ({@link keyIn}).
   */
  constructor(view: NamespaceView, ttl: Duration | undefined, nameOf: (item: Item) => string | undefined = nothing) {
    this.#view = view
    this.#ttl = ttl
    this.#nameOf = nameOf
  }

  async head(): Promise<Head | undefined> {
    return headOf(await this.#view.metadata.getByKey(HEAD))
  }

  /** The latest so many items, in order. @param limit all of them where undefined. */
  async read(limit?: number): Promise<Stored[]> {
    return (await this.readWithHead(limit))?.items ?? []
  }

  /** None of the items had given way to others when the head was read. undefined where there is no list. */
  async readWithHead(limit?: number): Promise<{ readonly head: Head; readonly items: Stored[] } | undefined> {
    let head = await this.head()
    while (head !== undefined) {
      const items = await this.readFrom(head, limit)
      const now = await this.head()
      if (now?.list === head.list && now.from === head.from) return { head: now, items }
      head = now
    }
    return undefined
  }

  async readFrom({ list, from }: Head, limit = Number.POSITIVE_INFINITY): Promise<Stored[]> {
    const latest: Stored[] = []
    if (limit <= 0) return latest
    const where = { documentId: list, position: { gte: from } }
    const order = { orderBy: { position: 'desc' }, limit: Math.min(limit, PAGE), select: ['id', 'metadata'] } as const
    for await (const { id, metadata } of this.#view.chunks.findAll({ where, ...order })) {
      latest.push({ id, item: itemIn(metadata) })
      if (latest.length >= limit) break
    }
    return latest.reverse()
  }

  /** Adds them at the end, together where one write takes them (900 and 6 MiB), else group after group. */
  async add(items: readonly Item[], decide: Decide = (_, add) => ({ add })): Promise<void> {
    const groups = [...groupsOf(items.map(draftOf))]
    return this.#inTurn(async () => {
      for (const group of groups) await this.#settle((head) => decide(head, group))
    })
  }

  /**
   * Does what `decide` makes of the list as it is, and decides again where somebody else wrote first. Calls of one
   * object take place in the order in which they were made. Nothing is written where it answers undefined.
   */
  change(decide: (head: Head | undefined) => Decided | Promise<Decided>): Promise<void> {
    return this.#inTurn(() => this.#settle(decide))
  }

  /** Deletes what counts no more. */
  async sweep(): Promise<void> {
    const head = await this.head()
    if (head !== undefined) await this.#view.chunks.deleteWhere({ documentId: head.list, position: { lt: head.from } })
  }

  /** Deletes all of it. What somebody adds meanwhile stays. */
  async remove(): Promise<void> {
    await this.change((head) => head && { from: head.next, kept: {} })
    await this.sweep()
    const entry = await this.#view.metadata.getByKey(HEAD)
    const head = headOf(entry)
    if (entry === undefined || head!.from < head!.next) return
    const { id, version: expectedVersion } = entry
    await this.#view.write([{ delete: id, expectedVersion }], { atomic: true }).catch(ofSomebodyElse)
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work)
    this.#turn = done.then(nothing, nothing)
    return done
  }

  async #settle(decide: (head: Head | undefined) => Decided | Promise<Decided>): Promise<void> {
    for (let tries = 1; ; tries++) {
      const entry = await this.#view.metadata.getByKey(HEAD)
      const change = await decide(headOf(entry))
      if (change === undefined) return
      try {
        return await this.#write(headOf(entry), entry?.version ?? null, change)
      } catch (error) {
        if (!isThermoclineError(error, 'ERR_CONFLICT') || tries === MOST_TRIES) throw error
      }
    }
  }

  async #write(head: Head | undefined, expectedVersion: Version | null, change: Change): Promise<void> {
    const { from = head?.from ?? 0, add = [], remove = [], besides = [], kept = head?.kept ?? {} } = change
    const { list = randomUUID(), next = 0 } = head ?? {}
    const life = this.#ttl === undefined ? {} : { ttl: this.#ttl }
    const deletes = remove.map((id) => ({ delete: id }))
    const puts = add.map(({ item, content }, nth): Operation => {
      const key = keyIn({ list, from }, this.#nameOf(item) ?? `item/${next + nth}`)
      return { put: { kind: 'chunk', key, ...content, documentId: list, position: next + nth, ...life } }
    })
    const metadata = { list, from, next: next + add.length, kept }
    const put = { kind: 'metadata', key: HEAD, metadata, ...life } as const
    await this.#view.write([...deletes, ...puts, ...besides, { put, expectedVersion }], { atomic: true })
  }
}

/** The key of an item that counts. Nothing that counted before `from` moved has it. */
export function keyIn({ list, from }: Pick<Head, 'list' | 'from'>, name: string): string {
  return `${list}/${from}/${name}`
}

function headOf(entry: MetadataEntry | undefined): Head | undefined {
  return entry?.metadata as unknown as Head | undefined
}

/** It was written anew, and so it is not to go. */
function ofSomebodyElse(error: unknown): void {
  if (!isThermoclineError(error, 'ERR_CONFLICT')) throw error
}

/** One at least. Refuses what no write takes, before there is a write. */
function* groupsOf(drafts: readonly Draft[]): Generator<readonly Draft[]> {
  let group: Draft[] = []
  let bytes = 0
  for (const draft of drafts) {
    const size = sizeOf(draft)
    if (size > AT_ONCE.bytes) throw tooLarge(size)
    if (group.length > 0 && (bytes + size > AT_ONCE.bytes || group.length === AT_ONCE.items)) {
      yield group
      group = []
      bytes = 0
    }
    group.push(draft)
    bytes += size
  }
  yield group
}

function tooLarge(bytes: number): ThermoclineError<'ERR_INVALID_ENTRY'> {
  const message = `an item of ${bytes} bytes is larger than the ${AT_ONCE.bytes} that are taken: nothing was added`
  return new ThermoclineError('ERR_INVALID_ENTRY', message, { field: 'metadata' })
}

function nothing(): undefined {}
