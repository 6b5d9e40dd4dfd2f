/**
 * `thermocline/keyv`: the store of a Keyv, over the blobs of one namespace. Decides how keys and values of Keyv become
 * those of entries; Keyv itself puts its namespace in front of keys and writes values as texts.
 */
import { createHash } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { type BlobEntry, type NamespaceView, ThermoclineError } from '../../index.ts'

/** What a value was before it became bytes. */
const TEXT = 'text/plain'
const BYTES = 'application/octet-stream'
const JSON_VALUE = 'application/json'

/** Of entries, in bytes of UTF-8. */
const LONGEST_KEY = 512
/** Characters of a key that no entry can have which stand in front of its digest: a namespace has to fit in. */
const KEPT = 100

/**
 * Keeps what a Keyv is given: `new Keyv({ store: new KeyvThermocline(store.namespace('keyv')) })`. It sees the blobs
 * of that namespace alone. A `set` resolves once it survives a crash; `ttl` is that of the entry. Closing the store is
 * left to whoever opened it.
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
    if (namespace !== undefined && (namespace.length >= KEPT || clean(namespace) !== namespace))
      throw refused('namespace', `a namespace of Keyv has less than ${KEPT} characters of well-formed text without NUL`)
    this.#namespace = namespace
  }

  async get<Value>(key: string): Promise<Value | undefined> {
    try {
      return givenValue<Value>(await this.#blobs.getByKey(keyOf(key)))
    } catch (error) {
      // The one call of which Keyv keeps a failure to itself.
      if (this.listenerCount('error') > 0) this.emit('error', error)
      throw error
    }
  }

  async getMany<Value>(keys: string[]): Promise<(Value | undefined)[]> {
    const entries = await this.#blobs.getManyByKey(keys.map(keyOf))
    return entries.map((entry) => givenValue<Value>(entry))
  }

  /** @param ttl milliseconds. */
  async set(key: string, value: unknown, ttl?: number): Promise<boolean> {
    await this.#blobs.put(blobOf({ key, value, ttl }))
    return true
  }

  /** Answers whether each was kept, which Keyv hands on; its types know of no answer. */
  async setMany(entries: { key: string; value: unknown; ttl?: number }[]): Promise<void> {
    await this.#blobs.putMany(entries.map(blobOf))
    return entries.map(() => true) as unknown as undefined
  }

  /** Answers whether it was there. */
  delete(key: string): Promise<boolean> {
    return this.deleteMany([key])
  }

  /** Answers whether any was there. */
  async deleteMany(keys: string[]): Promise<boolean> {
    const ids = keys.map((key) => this.#blobs.idOf(keyOf(key)))
    const isThere = await this.#blobs.hasMany(ids)
    const there = ids.filter((_, nth) => isThere[nth])
    await this.#blobs.deleteMany(there)
    return there.length > 0
  }

  async clear(): Promise<void> {
    await this.#blobs.deleteWhere(ofNamespace(this.#namespace))
  }

  has(key: string): Promise<boolean> {
    return this.#blobs.has(this.#blobs.idOf(keyOf(key)))
  }

  hasMany(keys: string[]): Promise<boolean[]> {
    return this.#blobs.hasMany(keys.map((key) => this.#blobs.idOf(keyOf(key))))
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
function keyOf(key: string): string {
  if (isKey(key)) return key
  return `${clean(key.slice(0, KEPT))}#${createHash('sha256').update(JSON.stringify(key)).digest('hex')}`
}

function isKey(key: string): boolean {
  return key !== '' && Buffer.byteLength(key) <= LONGEST_KEY && clean(key) === key
}

function clean(text: string): string {
  return text.replaceAll('\0', '\uFFFD').toWellFormed()
}

function blobOf({ key, value, ttl }: { key: string; value: unknown; ttl?: number | undefined }) {
  // As JSON, which has an escape for what no text of an entry may hold.
  const metadata = isKey(key) ? undefined : { key: JSON.stringify(key) }
  return { key: keyOf(key), ...bytesOf(value), ttl, metadata }
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
