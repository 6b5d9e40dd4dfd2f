/**
 * What every public call is told about how to run: the calls are found by reflection, so a new one cannot be forgotten.
 */
import { getEventListeners } from 'node:events'
import { Writable } from 'node:stream'
import { runInNewContext } from 'node:vm'
import { Registry } from 'prom-client'
import { describe, expect, test, vi } from 'vitest'
import { ArchiveWriter } from '../../src/flow/archive-format.ts'
import { namespaceSegments, type Where } from '../../src/index.ts'
import { ChunkRepository } from '../../src/repository/chunk-repository.ts'
import { MemoryRepository } from '../../src/repository/memory-repository.ts'
import { NamespaceView } from '../../src/repository/namespace-view.ts'
import { RaptorRepository } from '../../src/repository/raptor-repository.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'
import { embeddedPair, shareStore } from './stores.ts'

const ID = '0191e4a0-7b1a-7c3e-8f00-112233445566'
const MODEL = { dimensions: 1, embedMany: async (texts: readonly string[]) => texts.map(() => [1]) }
/** With two models, since `reembed` needs both. */
const embed = { ...MODEL, model: 'new', former: [{ ...MODEL, model: 'old' }] }
const { store, view } = shareStore(embeddedPair, { embed })

/** What stands before the options of each call. A method that is missing here fails below. */
const ARGUMENTS: Readonly<Record<string, readonly unknown[]>> = {
  put: [{ text: 'a' }],
  upsert: [{ text: 'a' }],
  update: [ID, { text: 'a' }],
  putMany: [[{ text: 'a' }]],
  get: [ID],
  getMany: [[ID]],
  getByKey: ['a'],
  getManyByKey: [['a']],
  has: [ID],
  hasMany: [[ID]],
  peek: [ID],
  touch: [ID],
  expire: [ID, '1h'],
  promote: [ID],
  demote: [ID],
  pin: [ID],
  unpin: [ID],
  prefetch: [{}],
  delete: [ID],
  deleteMany: [[ID]],
  deleteByKey: ['a'],
  find: [],
  findAll: [],
  count: [],
  ofDocument: ['d'],
  deleteDocument: ['d'],
  deleteWhere: [{ position: 7 }],
  updateWhere: [{ position: 7 }, { text: 'a' }],
  erase: [[ID]],
  replaceDocument: ['d', [{ text: 'a' }]],
  documents: [],
  children: [ID],
  parents: [ID],
  roots: [],
  leaves: [ID],
  ancestors: [ID],
  descendants: [ID],
  level: [1],
  staleNodes: [],
  searchTree: [],
  write: [[{ put: { kind: 'chunk', text: 'a' } }]],
  namespaces: [],
  deadLetters: [],
  retryDeadLetters: [[]],
  dropDeadLetters: [[]],
  alerts: [],
  deleteAll: [],
  search: [],
  searchMany: [[{ embedding: [1] }]],
  explain: [ID],
  export: [],
  import: [],
  sync: [],
  previewSync: [],
  checkpoint: [],
  reembed: [],
  stats: [],
  metrics: [],
  logs: [],
  collectInto: [new Registry()],
  close: [],
}
/** Answer at once, from what the process knows. */
const WITHOUT_OPTIONS = ['idOf', 'withMetadata', 'health', 'resetStats', 'on', 'once', 'off', 'namespace']
/** Find nothing to do unless the entry of the arguments is there. */
const ON_AN_ENTRY = ['update', 'expire', 'pin']
/** Given for the sake of what is looked at. */
const NEEDED: Readonly<Record<string, object>> = {
  search: { embedding: [1] },
  searchTree: { embedding: [1] },
  write: { atomic: true },
  export: {
    get to() {
      return new Writable({ write: (_chunk, _encoding, done) => done() })
    },
  },
  import: { from: emptyArchive() },
}

function emptyArchive(): Buffer[] {
  const writer = new ArchiveWriter()
  return [writer.header({ store: ID, namespace: '', exportedAt: new Date(0).toISOString(), entries: 0 }), writer.end()]
}

type Call = (options: unknown) => Promise<unknown>

/** Every method of the public classes by its name, called with good arguments and the options given. */
const calls: (readonly [string, () => Call])[] = [
  [MemoryRepository, () => view().chunks],
  [ChunkRepository, () => view().chunks],
  [RaptorRepository, () => view().raptorNodes],
  [NamespaceView, () => view()],
  [MemoryStore, () => store()],
].flatMap(([type, target]) =>
  methodsOf((type as { prototype: object }).prototype)
    .filter((name) => !WITHOUT_OPTIONS.includes(name))
    .map((name) => [name, () => callOf((target as () => object)(), name)] as const),
)

function methodsOf(prototype: object): string[] {
  const descriptors = Object.entries(Object.getOwnPropertyDescriptors(prototype))
  return descriptors.flatMap(([name, { value }]) =>
    typeof value === 'function' && name !== 'constructor' ? [name] : [],
  )
}

function callOf(target: object, name: string): Call {
  const method = (target as Record<string, (...args: unknown[]) => Promise<unknown>>)[name]!
  return async (options) => {
    const answer: unknown = method.call(target, ...ARGUMENTS[name]!, options)
    // What answers one after another is called by whoever asks for the first.
    return Symbol.asyncIterator in Object(answer) ? (answer as AsyncGenerator).next() : answer
  }
}

/** The call, where what it needs is there. */
async function onEntry(name: string, bind: () => Call): Promise<Call> {
  if (!ON_AN_ENTRY.includes(name)) return bind()
  const { chunks } = view()
  await chunks.put({ id: ID, text: 'a' })
  return callOf(chunks, name)
}

test('every public method is looked at', () => {
  expect([...new Set(calls.map(([name]) => name))].sort()).toEqual(Object.keys(ARGUMENTS).sort())
})

describe.each(calls)('%s', (name, bind) => {
  const needed = NEEDED[name] ?? {}
  const takesSignal = name !== 'close'

  test.each<[string, unknown, string | undefined]>([
    ['an unknown option', { ...needed, nonsense: 1 }, 'nonsense'],
    ['an unknown option that is undefined', { ...needed, nonsense: undefined }, 'nonsense'],
    ['an option from the prototype', { ...needed, toString: 1 }, 'toString'],
    ['a timeout that is no duration', { ...needed, timeout: '5 s' }, 'timeout'],
    ['a negative timeout', { ...needed, timeout: -1 }, 'timeout'],
    ['a timeout that is NaN', { ...needed, timeout: Number.NaN }, 'timeout'],
    ['a null timeout', { ...needed, timeout: null }, 'timeout'],
    ['a controller for its signal', { ...needed, signal: new AbortController() }, 'signal'],
    ['a null signal', { ...needed, signal: null }, 'signal'],
    ['null', null, undefined],
    ['a text', 'x', undefined],
    ['an array', [], undefined],
    ['a signal', new AbortController().signal, undefined],
  ])('refuses %s', async (_, options, option) => {
    const details = option === undefined ? {} : { option }
    await expect(bind()(options)).rejects.toMatchObject({
      name: 'ThermoclineError',
      code: 'ERR_INVALID_OPTIONS',
      details,
      message: expect.stringContaining(option ?? `the options of ${name}`),
    })
  })

  test.runIf(takesSignal)('takes a text for a duration, and a signal of another realm', async () => {
    const signal = Object.assign(runInNewContext('({})'), {
      aborted: false,
      addEventListener() {},
      removeEventListener() {},
    })
    await (await onEntry(name, bind))({ ...needed, timeout: '1m', signal })
  })

  test('takes an explicit undefined as left out', async () => {
    if (takesSignal) await (await onEntry(name, bind))({ ...needed, timeout: undefined, signal: undefined })
  })
})

describe('what is refused', () => {
  test.each<[string, object]>([
    ['durability', { durability: 'Cold' }],
    ['durability', { durability: 'buffered' }],
    ['durabilty', { durabilty: 'cold' }],
    ['settle', { settle: 'yes' }],
    ['signal', { signal: new AbortController() }],
  ])('writes nothing: `%s` of %j', async (option, options) => {
    const { chunks } = view()
    const { id } = await chunks.put({ text: 'kept' })
    const bad = options as object
    const writes = [
      ...('settle' in options
        ? []
        : [chunks.put({ text: 'a' }, bad), chunks.delete(id, bad), chunks.deleteMany([id], bad)]),
      chunks.putMany([{ text: 'a' }], bad),
    ]
    for (const write of writes)
      await expect(write).rejects.toMatchObject({ code: 'ERR_INVALID_OPTIONS', details: { option } })
    expect((await chunks.find()).items).toMatchObject([{ text: 'kept' }])
  })

  test.each<[string, string, object]>([
    ['find', 'limit', { limit: 0 }],
    ['find', 'limit', { limit: '5' }],
    ['find', 'limit', { limit: 10_001 }],
    ['find', 'recursive', { recursive: 'no' }],
    ['find', 'recursive', { recursive: null }],
    ['find', 'documentId', { where: { documentId: undefined } }],
    ['documents', 'level', { where: { level: { gt: 'x' } } }],
    ['documents', 'cursor', { cursor: 7 }],
    ['count', 'recursive', { recursive: 1 }],
    ['count', 'documentId', { where: { documentId: { eq: undefined } } }],
    ['search', 'k', { embedding: [1], k: 1.5 }],
    ['search', 'k', { embedding: [1], k: null }],
    ['search', 'metric', { embedding: [1], metric: 'Cosine' }],
    ['search', 'embedding', { embedding: undefined }],
    ['search', 'embedding', { embedding: [0] }],
    ['search', 'embedding', { embedding: 'x' }],
    ['search', 'colour', { embedding: [1], where: { colour: 1 } }],
  ])('is, of what %s asks for, `%s` in %j', async (name, field, query) => {
    await expect(callOf(view().chunks, name)(query)).rejects.toMatchObject({
      code: 'ERR_INVALID_QUERY',
      details: { field },
    })
  })

  test('is a search without anything to search by', async () => {
    await expect(callOf(view().chunks, 'search')(undefined)).rejects.toMatchObject({
      code: 'ERR_INVALID_QUERY',
      details: { field: 'embedding' },
    })
  })

  test.each<[string, string]>([
    ['find', 'documentId'],
    ['count', 'documentId'],
    ['search', 'filter'],
    ['count', 'limit'],
    ['count', 'orderBy'],
  ])('is a misplaced condition of %s, and where conditions belong is said', async (name, option) => {
    await expect(callOf(view().chunks, name)({ [option]: 'x' })).rejects.toMatchObject({
      code: 'ERR_INVALID_OPTIONS',
      details: { option },
      message: expect.stringContaining('`where`'),
    })
  })

  const sparse = Object.assign([], { 1: ID })
  test.each<[string, unknown, string]>([
    ['getMany', undefined, 'ids'],
    ['getMany', new Set([ID]), 'ids'],
    ['getMany', ID, 'ids'],
    ['getMany', [ID, undefined], 'id'],
    ['getMany', sparse, 'id'],
    ['deleteMany', { 0: ID, length: 1 }, 'ids'],
    ['deleteMany', sparse, 'id'],
    ['getManyByKey', 'key', 'keys'],
    ['getManyByKey', [7], 'key'],
    ['getByKey', undefined, 'key'],
    ['deleteByKey', '', 'key'],
    ['putMany', { text: 'a' }, 'inputs'],
    ['putMany', undefined, 'inputs'],
    ['putMany', Object.assign([], { 1: { text: 'a' } }), 'input'],
    ['put', undefined, 'input'],
    ['put', [], 'input'],
    ['get', null, 'id'],
    ['has', {}, 'id'],
    ['peek', 7, 'id'],
    ['deleteDocument', '', 'documentId'],
    ['replaceDocument', null, 'documentId'],
    ['explain', undefined, 'id'],
    ['ofDocument', '', 'documentId'],
    ['ofDocument', undefined, 'documentId'],
  ])('is an argument of %s: %j', async (name, argument, field) => {
    const { chunks, entries } = view()
    const target = chunks as unknown as Record<string, (argument: unknown) => Promise<unknown>>
    const error = await target[name]!(argument).catch((error: unknown) => error)
    expect(error).toMatchObject({ name: 'ThermoclineError', code: 'ERR_INVALID_ENTRY', details: { field } })
    expect(await entries.count()).toBe(0)
  })

  test('is a name that is none, where it is answered at once', () => {
    const invalid = expect.objectContaining({ code: 'ERR_INVALID_ENTRY' })
    expect(() => view().chunks.idOf(7 as never)).toThrow(invalid)
    expect(() => store().namespace({} as never)).toThrow(invalid)
    expect(() => view().namespace()).toThrow(invalid)
    expect(() => namespaceSegments(undefined as never)).toThrow(invalid)
  })
})

test('a text for a timeout is as long as it says', async () => {
  const { chunks } = view()
  await chunks.put({ text: 'a' }, { timeout: '1m', durability: 'cold' })
  const late = { code: 'ERR_TIMEOUT', message: expect.stringContaining('0 ms') }
  // A busy machine may have cold answer before the timer is looked at.
  await vi.waitFor(
    () => expect(chunks.put({ text: 'a' }, { timeout: '0ms', durability: 'cold' })).rejects.toMatchObject(late),
    { timeout: 20_000, interval: 1 },
  )
})

test('options are read once, at the call', async () => {
  const { chunks } = view()
  const options: { where: Where<'chunk'> } = { where: { documentId: 'a' } }
  await chunks.putMany([
    { text: 'a', documentId: 'a' },
    { text: 'b', documentId: 'b' },
  ])
  const found = chunks.find(options)
  options.where = {}
  expect((await found).items).toMatchObject([{ text: 'a' }])
})

test('many calls under one signal are one listener, and it goes with the last of them', async () => {
  const { chunks } = view()
  const { signal } = new AbortController()
  const warnings: Error[] = []
  const listen = (warning: Error): void => void warnings.push(warning)
  process.on('warning', listen)
  try {
    const puts = Array.from({ length: 50 }, (_, i) => chunks.put({ text: `${i}` }, { signal }))
    expect(getEventListeners(signal, 'abort').length).toBeLessThanOrEqual(1)
    const receipts = await Promise.all(puts)
    await Promise.all(receipts.map(({ id }) => chunks.get(id, { signal })))
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
    await new Promise(setImmediate)
    expect(warnings).toEqual([])
  } finally {
    process.off('warning', listen)
  }
})
