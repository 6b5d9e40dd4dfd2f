/**
 * `thermocline/keyv`: the store of a Keyv, over the blobs of one namespace. Decides how keys and values of Keyv become
 * those of entries; Keyv itself puts its namespace in front of keys and writes values as texts.
 */
import { createHash } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { type BlobEntry, type NamespaceView, ThermoclineError } from '../../index.ts'
import { storableText } from '../in-common/storable-text.ts'

/** What a value was before it became bytes. */
const TEXT = 'text/plain'
const BYTES = 'application/octet-stream'
const JSON_VALUE = 'application/json'

/** Of entries, in bytes of UTF-8. */
const LONGEST_KEY = 512
/** Characters of a key that no entry can have which stand in front of its digest: a namespace has to fit in. */
const KEPT = 100
/** What `entryKey` puts behind those. A key that ends so is not left as it is, or two keys could be one entry. */
const DIGEST = /#[0-9a-f]{64}$/
/** A thousand years of milliseconds. What is to live longer has no end here; Keyv has its own time in the value. */
const LONGEST_TTL = 1_000 * 365 * 86_400_000

/** What Keyv hands over; its ttl is of milliseconds, and 0 is none. */
interface Given {
  readonly key: string
  readonly value: unknown
  readonly ttl?: number | undefined
}

/**
 * Keeps what a Keyv is given: `new Keyv({ store: new KeyvThermocline(store.namespace('keyv')) })`. It sees the blobs
 * of that namespace alone. A `set` resolves once it survives a crash; `ttl` is that of the entry. Closing the store is
 * left to whoever opened it. One for each Keyv: of several under one, `clear` is about the namespace that was set last.
 */
export class KeyvThermocline extends EventEmitter {
  /** Keyv iterates over stores of these dialects alone; cold is a Postgres. */
  readonly opts: Record<string, unknown> = { dialect: 'postgres', url: '' }
  readonly #view: NamespaceView
  #namespace: string | undefined

  constructor(view: NamespaceView) {
    super()
    const { blobs } = (view ?? {}) as Partial<NamespaceView>
    if (blobs === undefined)
      throw refused('view', "give it a namespace of an open store: `new KeyvThermocline(store.namespace('keyv'))`")
    this.#view = view
  }

  /** Set by Keyv. `clear` and `iterator` are about the keys that begin with it. */
  get namespace(): string | undefined {
    return this.#namespace
  }

  set namespace(namespace: string | undefined) {
    if (namespace !== undefined && (namespace.length >= KEPT || storableText(namespace) !== namespace))
      throw refused('namespace', `a namespace of Keyv has less than ${KEPT} characters of well-formed text without NUL`)
    this.#namespace = namespace
  }

  async get<Value>(key: string): Promise<Value | undefined> {
    try {
      return givenValue<Value>(await this.#blobs.getByKey(entryKey(key)))
    } catch (error) {
      // The one call of which Keyv keeps a failure to itself.
      if (this.listenerCount('error') > 0) this.emit('error', error)
      throw error
    }
  }

  async getMany<Value>(keys: string[]): Promise<(Value | undefined)[]> {
    const entries = await this.#blobs.getManyByKey(keys.map(entryKey))
    return entries.map((entry) => givenValue<Value>(entry))
  }

  /** @param ttl milliseconds; one that is over already deletes what is there. */
  async set(key: string, value: unknown, ttl?: number): Promise<boolean> {
    const given = { key, value, ttl }
    if (isOver(given)) await this.deleteMany([key])
    else await this.#blobs.put(blobOf(given))
    return true
  }

  /** Answers whether each was kept, which Keyv hands on; its types know of no answer. */
  async setMany(entries: { key: string; value: unknown; ttl?: number }[]): Promise<void> {
    const lasting = new Map<string, Given>(entries.map((entry) => [entry.key, entry]))
    const over = [...lasting.values()].filter(isOver).map(({ key }) => key)
    for (const key of over) lasting.delete(key)
    if (over.length > 0) await this.deleteMany(over)
    if (lasting.size > 0) await this.#blobs.putMany([...lasting.values()].map(blobOf))
    return entries.map(() => true) as unknown as undefined
  }

  /** Answers whether it was there. */
  delete(key: string): Promise<boolean> {
    return this.deleteMany([key])
  }

  /** Answers whether any was there. */
  async deleteMany(keys: string[]): Promise<boolean> {
    const ids = keys.map((key) => this.#blobs.idOf(entryKey(key)))
    const [isThere, isTaken] = await Promise.all([this.#blobs.hasMany(ids), this.#view.entries.hasMany(ids)])
    // Also what seems not to be there: another process may have written it, and hot may be away. Other kinds stay.
    await this.#blobs.deleteMany(ids.filter((_, nth) => isThere[nth] || !isTaken[nth]))
    return isThere.includes(true)
  }

  async clear(): Promise<void> {
    await this.#blobs.deleteWhere(ofNamespace(this.#namespace))
  }

  has(key: string): Promise<boolean> {
    return this.#blobs.has(this.#blobs.idOf(entryKey(key)))
  }

  hasMany(keys: string[]): Promise<boolean[]> {
    return this.#blobs.hasMany(keys.map((key) => this.#blobs.idOf(entryKey(key))))
  }

  /** Yields keys with their values, in no order. */
  async *iterator<Value>(namespace?: string): AsyncGenerator<(string | Awaited<Value> | undefined)[], void> {
    for await (const entry of this.#blobs.findAll({ where: ofNamespace(namespace) }))
      yield [givenKey(entry), givenValue<Awaited<Value>>(entry)]
  }

  /** Lets go of nothing: the store is not its own. */
  async disconnect(): Promise<void> {}

  get #blobs(): NamespaceView['blobs'] {
    return this.#view.blobs
  }
}

function ofNamespace(namespace: string | undefined) {
  return { key: { startsWith: namespace === undefined ? '' : `${namespace}:` } }
}

/** A key that no entry can have becomes its beginning and a digest of it; `metadata` has the whole then. */
function entryKey(key: string): string {
  if (isKey(key)) return key
  return `${storableText(key.slice(0, KEPT))}#${createHash('sha256').update(JSON.stringify(key)).digest('hex')}`
}

function isKey(key: string): boolean {
  return key !== '' && Buffer.byteLength(key) <= LONGEST_KEY && storableText(key) === key && !DIGEST.test(key)
}

function isOver({ ttl }: Given): boolean {
  return ttl !== undefined && ttl < 0
}

function blobOf({ key, value, ttl }: Given) {
  // As JSON, which has an escape for what no text of an entry may hold.
  const metadata = isKey(key) ? undefined : { key: JSON.stringify(key) }
  const life = ttl && ttl < LONGEST_TTL ? { ttl } : {}
  return { key: entryKey(key), ...bytesOf(value), ...life, metadata }
}

function givenKey({ key, metadata }: BlobEntry): string {
  return typeof metadata?.key === 'string' ? JSON.parse(metadata.key) : (key ?? '')
}

/** Keyv writes texts unless it is told otherwise. */
function bytesOf(value: unknown): { readonly bytes: Uint8Array; readonly contentType: string } {
  if (typeof value === 'string') return { bytes: Buffer.from(value), contentType: TEXT }
  if (value instanceof Uint8Array) return { bytes: value, contentType: BYTES }
  return { bytes: Buffer.from(JSON.stringify(value)), contentType: JSON_VALUE }
}

function givenValue<Value>(entry: BlobEntry | undefined): Value | undefined {
  if (entry === undefined) return undefined
  const { bytes, contentType } = entry
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (contentType === BYTES) return buffer as Value
  const text = buffer.toString()
  return contentType === JSON_VALUE ? JSON.parse(text) : (text as Value)
}

function refused(option: string, message: string): ThermoclineError<'ERR_INVALID_OPTIONS'> {
  return new ThermoclineError('ERR_INVALID_OPTIONS', message, { option })
}
