/**
 * What happens in this process, told to whoever listens: where and in which version, never what an entry says. A
 * listener cannot break what it is told of. Without one nothing is put together.
 */
import type { EntryKind } from '../entry/memory-entry.ts'
import type { EntryRecord } from '../entry/record.ts'
import { entriesIn, type LogValue } from '../entry/record-bundle.ts'
import type { Version } from '../entry/version.ts'
import { type ErrorCode, ThermoclineError, type TierName, withoutContent } from '../errors.ts'
import type { Logger } from '../kernel/logger.ts'
import type { Alert } from './alerts.ts'

/** A version of an entry. */
export interface EventEntry {
  readonly namespace: string
  readonly id: string
  readonly version: Version
}

export interface WrittenEntry extends EventEntry {
  readonly kind: EntryKind
}

/** What listeners are told, by the name of the event. */
export interface StoreEventMap {
  /** The log has these durable, by whichever call. One that hot refused at first comes again, in its next version. */
  readonly write: { readonly entries: readonly WrittenEntry[] }
  /** The same of deletes. */
  readonly delete: { readonly entries: readonly EventEntry[] }
  /** A sync of this process made tombstones of so many expired entries. */
  readonly expire: { readonly count: number }
  /** They entered hot, because they were read or because that was asked for. */
  readonly promote: { readonly entries: readonly EventEntry[] }
  /** They got the vectors that they waited for, of this model, in these versions. */
  readonly embed: { readonly model: string; readonly entries: readonly EventEntry[] }
  /** They left hot. `early`: because it was over its capacity. */
  readonly demote: { readonly entries: readonly EventEntry[]; readonly early: boolean }
  /** Cold has taken what was pending. */
  readonly checkpoint: {
    readonly shipped: number
    readonly superseded: number
    readonly rejected: number
    readonly bytes: number
    readonly durationMs: number
  }
  /** A whole sync of this process has ended, well or not. */
  readonly sync:
    | { readonly ok: true; readonly synced: number; readonly errors: number; readonly durationMs: number }
    | { readonly ok: false; readonly code: ErrorCode | undefined }
  /** A tier that answered does not any more, and does again. */
  readonly 'tier-down': { readonly tier: TierName; readonly since: Date }
  readonly 'tier-up': { readonly tier: TierName; readonly since: Date; readonly awayMs: number }
  /** Redis is another than before, or has lost what it held. Undefined where it is gone again already. */
  readonly generation: { readonly generation: number | undefined }
  /** The database refused so many acknowledged writes; it keeps them with the reason. */
  readonly 'dead-letter': { readonly count: number }
  /** Something is wrong that people have to see to; and it is over, as its latest reading says. */
  readonly alert: Alert
  readonly 'alert-cleared': Alert
}

export type StoreEvent = keyof StoreEventMap
export type StoreListener<E extends StoreEvent> = (event: StoreEventMap[E]) => void

export const STORE_EVENTS = [
  'write',
  'delete',
  'expire',
  'promote',
  'embed',
  'demote',
  'checkpoint',
  'sync',
  'tier-down',
  'tier-up',
  'generation',
  'dead-letter',
  'alert',
  'alert-cleared',
] as const satisfies readonly StoreEvent[]

type AnyListener = (event: never) => unknown

export class StoreEvents {
  /** Each with whether it is told once. One that is there already is not told twice. */
  readonly #listeners = new Map<StoreEvent, Map<AnyListener, boolean>>()
  readonly #logger: Logger

  constructor(logger: Logger) {
    this.#logger = logger
  }

  on(event: StoreEvent, listener: AnyListener, { once = false } = {}): void {
    checkName(event)
    if (typeof listener !== 'function')
      throw new ThermoclineError('ERR_INVALID_OPTIONS', 'option `listener` must be a function', { option: 'listener' })
    const listeners = this.#listeners.get(event) ?? new Map<AnyListener, boolean>()
    listeners.set(listener, once && listeners.get(listener) !== false)
    this.#listeners.set(event, listeners)
  }

  off(event: StoreEvent, listener: AnyListener): void {
    checkName(event)
    const listeners = this.#listeners.get(event)
    listeners?.delete(listener)
    if (listeners?.size === 0) this.#listeners.delete(event)
  }

  /** @param make is called where somebody listens; undefined: there is nothing to tell. */
  emit<E extends StoreEvent>(event: E, make: () => StoreEventMap[E] | undefined): void {
    const listeners = this.#listeners.get(event)
    if (listeners === undefined) return
    const told = make()
    if (told === undefined) return
    // Those that were there when it happened.
    for (const [listener, once] of [...listeners]) {
      // An earlier one may have caused the same event, and this one been told of that.
      if (once && this.#listeners.get(event)?.get(listener) !== true) continue
      if (once) this.off(event, listener)
      this.#tell(event, listener as StoreListener<E>, told)
    }
  }

  /** The log has these durable. */
  logged(values: readonly { readonly value: LogValue }[]): void {
    if (!this.#listeners.has('write') && !this.#listeners.has('delete')) return
    const records = values.flatMap(({ value }) => entriesIn(value))
    // Out of the step in which a write is under way: what a listener writes comes after it.
    queueMicrotask(() => {
      this.emit('write', () => entriesOf(records.filter(isPut), writtenEntry))
      this.emit('delete', () => entriesOf(records.filter(isDelete), eventEntry))
    })
  }

  #tell<E extends StoreEvent>(event: E, listener: StoreListener<E>, told: StoreEventMap[E]): void {
    const fail = (error: unknown): void =>
      this.#logger.error({ event, err: withoutContent(error) }, `a listener of \`${event}\` failed`)
    try {
      const telling: unknown = listener(told)
      if (telling instanceof Promise) telling.catch(fail)
    } catch (error) {
      fail(error)
    }
  }
}

/** Undefined where there is none. */
export function entriesOf<T, E>(
  items: readonly T[],
  entry: (item: T) => E,
): { readonly entries: readonly E[] } | undefined {
  return items.length === 0 ? undefined : { entries: items.map(entry) }
}

export function eventEntry({ namespace, id, version }: EventEntry): EventEntry {
  return { namespace, id, version }
}

function writtenEntry(record: EntryRecord): WrittenEntry {
  return { ...eventEntry(record), kind: record.kind! }
}

const isDelete = ({ deletedAt }: EntryRecord): boolean => deletedAt !== null
const isPut = (record: EntryRecord): boolean => !isDelete(record)

function checkName(event: string): void {
  if (STORE_EVENTS.some((name) => name === event)) return
  const names = STORE_EVENTS.map((name) => `\`${name}\``).join(', ')
  const message = `there is no event \`${event}\`; there are ${names}`
  throw new ThermoclineError('ERR_INVALID_OPTIONS', message, { option: 'event' })
}
