/**
 * No call of one namespace answers or changes what another has, whatever their names have in common. The calls are
 * those of the table that each has to be in: one that is new does not compile here until it is tried.
 */
import { Writable } from 'node:stream'
import { expect, test } from 'vitest'
import type { NamespaceView } from '../../src/index.ts'
import { isWithin } from '../../src/query/scope.ts'
import type { CALLS } from '../../src/repository/calls.ts'
import { someOf } from '../tools/budget.ts'
import { describePairs, shareStore, vectorOf } from './stores.ts'

/** Beginnings of each other, and what means something in SQL, in patterns, in Redis or in a path. */
const NAMES = [
  ...[
    ['a'],
    ['a', 'b'],
    ['a%'],
    ['a/b'],
    ['a_'],
    ['a-corp'],
    ["a'; --"],
    ['a{b}"'],
    ['a\u0001'],
    ['a\u0301'],
    ['\u00e1'],
  ],
  ...[['A'], ['ab'], ['a0'], ['*'], ['a%2Fb'], ['a', 'b', 'c'], ['a', 'bc'], ['\u{10ffff}'], ['\\'], ['a b']],
]

/** The same in each namespace. */
const CHUNK = '0191e4a0-7b1a-7c3e-8f00-112233445501'
const NODE = '0191e4a0-7b1a-7c3e-8f00-112233445502'
const OTHERS = { metadata: '0191e4a0-7b1a-7c3e-8f00-112233445503', blob: '0191e4a0-7b1a-7c3e-8f00-112233445504' }
const ENTRIES = 5
const embedding = vectorOf(1)
const all = { all: true } as const
const chunkOf = (text: string) => ({ id: CHUNK, text, documentId: 'd', metadata: { text }, embedding })

/** What a text has in the namespace of that number, which tells whose it is. */
const textOf = (nth: number) => `whale <${nth}>`

async function fill(view: NamespaceView, nth: number): Promise<void> {
  const text = textOf(nth)
  await view.entries.putMany([
    { kind: 'chunk', ...chunkOf(text) },
    { kind: 'chunk', key: 'same', text, documentId: 'e' },
    { kind: 'metadata', id: OTHERS.metadata, metadata: { text } },
    { kind: 'blob', id: OTHERS.blob, bytes: Buffer.from(text), metadata: { text } },
  ])
  await view.raptorNodes.put({ id: NODE, level: 1, summary: text, children: [CHUNK], embedding })
}

interface Probe {
  readonly call: (view: NamespaceView, nth: number) => Promise<unknown>
  /** The same of this namespace and those below. */
  readonly deep?: (view: NamespaceView, nth: number) => Promise<unknown>
  /** Changes what the namespace has. */
  readonly writes?: true
}

/** Not about a namespace. */
const OF_THE_STORE = undefined
const text = 'whale'
const where = { text: { startsWith: 'whale' } }
const recursive = true

const PROBES: Record<keyof typeof CALLS, Probe | undefined> = {
  put: { call: (view, nth) => view.chunks.put(chunkOf(textOf(nth))), writes: true },
  update: { call: (view, nth) => view.chunks.update(CHUNK, { metadata: { nth } }), writes: true },
  upsert: { call: (view, nth) => view.chunks.upsert(chunkOf(textOf(nth))), writes: true },
  write: {
    call: (view, nth) =>
      view.write([{ delete: OTHERS.blob }, { update: CHUNK, patch: { position: nth } }], { atomic: true }),
    writes: true,
  },
  putMany: { call: (view, nth) => view.chunks.putMany([chunkOf(textOf(nth))]), writes: true },
  get: { call: (view) => view.entries.get(CHUNK) },
  getMany: { call: (view) => view.entries.getMany([CHUNK, NODE, ...Object.values(OTHERS)]) },
  getByKey: { call: (view) => view.entries.getByKey('same') },
  getManyByKey: { call: (view) => view.entries.getManyByKey(['same', 'other']) },
  has: { call: async (view) => void expect(await view.chunks.has(CHUNK)).toBe(true) },
  hasMany: { call: async (view) => void expect(await view.entries.hasMany([CHUNK, NODE])).toEqual([true, true]) },
  peek: { call: (view) => view.entries.peek(NODE) },
  touch: { call: (view) => view.entries.touch([CHUNK, NODE]) },
  expire: { call: (view) => view.entries.expire(CHUNK, '1h'), writes: true },
  promote: { call: (view) => view.entries.promote([CHUNK, NODE]) },
  demote: { call: (view) => view.entries.demote([CHUNK, NODE]) },
  pin: { call: async (view) => void expect(await view.entries.pin([CHUNK, NODE])).toEqual(['pinned', 'pinned']) },
  unpin: { call: async (view) => void expect(await view.entries.unpin([CHUNK])).toEqual(['unpinned']) },
  prefetch: {
    call: (view) => view.chunks.prefetch(where),
    deep: (view) => view.chunks.prefetch(where, { recursive }),
  },
  delete: { call: (view) => view.entries.delete(CHUNK), writes: true },
  deleteMany: { call: (view) => view.entries.deleteMany([CHUNK, NODE]), writes: true },
  deleteByKey: { call: (view) => view.entries.deleteByKey('same'), writes: true },
  find: {
    call: (view) => view.entries.find({ orderBy: 'createdAt' }),
    deep: (view) => view.entries.find({ where, recursive }),
  },
  findAll: {
    call: (view) => allOf(view.entries.findAll({ limit: 1 })),
    deep: (view) => allOf(view.entries.findAll({ recursive, limit: 2 })),
  },
  count: { call: async (view) => void expect(await view.entries.count()).toBe(ENTRIES) },
  ofDocument: { call: (view) => view.chunks.ofDocument('d') },
  deleteDocument: { call: async (view) => void expect(await view.chunks.deleteDocument('d')).toBe(1), writes: true },
  deleteWhere: {
    call: async (view) => void expect(await view.entries.deleteWhere({}, all)).toMatchObject({ deleted: ENTRIES }),
    deep: async (view) => {
      const deleted = await view.entries.count({ recursive })
      expect(await view.entries.deleteWhere({}, { ...all, recursive })).toMatchObject({ deleted })
    },
    writes: true,
  },
  updateWhere: {
    call: async (view) =>
      void expect(await view.chunks.updateWhere(where, { position: 1 })).toMatchObject({ updated: 2 }),
    deep: async (view) => {
      const updated = await view.chunks.count({ where, recursive })
      expect(await view.chunks.updateWhere(where, { position: 2 }, { recursive })).toMatchObject({ updated })
    },
    writes: true,
  },
  replaceDocument: { call: (view, nth) => view.chunks.replaceDocument('d', [{ text: textOf(nth) }]), writes: true },
  documents: {
    call: async (view) =>
      void expect((await view.chunks.documents()).items).toMatchObject([{ chunks: 1 }, { chunks: 1 }]),
  },
  children: { call: (view) => view.raptorNodes.children(NODE) },
  parents: { call: (view) => view.raptorNodes.parents(CHUNK) },
  roots: { call: (view) => view.raptorNodes.roots() },
  leaves: { call: (view) => view.raptorNodes.leaves(NODE) },
  ancestors: { call: (view) => view.raptorNodes.ancestors(CHUNK) },
  descendants: { call: (view) => view.raptorNodes.descendants(NODE) },
  searchTree: { call: (view) => view.raptorNodes.searchTree({ embedding }) },
  staleNodes: { call: (view) => view.raptorNodes.staleNodes() },
  level: { call: (view) => view.raptorNodes.level(1) },
  namespaces: {
    call: async (view) => {
      const { items } = await view.namespaces()
      expect(items[0]).toMatchObject({ namespace: view.path, count: ENTRIES })
      expect(items.filter(({ namespace }) => !isWithin(namespace, view.path, true))).toEqual([])
    },
  },
  namespaceStats: {
    call: async (view) => {
      const { entries, cold, pending } = await view.stats()
      expect([entries, cold.entries + pending.entries]).toEqual([ENTRIES, ENTRIES])
    },
    deep: async (view) => {
      const { entries } = await view.stats({ recursive })
      expect(entries).toBe(await view.count({ recursive }))
    },
  },
  countNamespace: { call: async (view) => void expect(await view.count()).toBe(ENTRIES) },
  deleteAll: {
    call: async (view) => void expect(await view.deleteAll()).toEqual({ matched: ENTRIES, deleted: ENTRIES }),
    deep: async (view) => {
      const matched = await view.count({ recursive })
      expect(await view.deleteAll({ recursive })).toEqual({ matched, deleted: matched })
    },
    writes: true,
  },
  erase: {
    call: async (view) => void expect(await view.entries.erase({ where: {} }, all)).toMatchObject({ erased: ENTRIES }),
    deep: async (view) => {
      const erased = await view.count({ recursive })
      expect(await view.entries.erase({ where: {} }, { ...all, recursive })).toMatchObject({ erased })
    },
    writes: true,
  },
  eraseDone: { call: async (view) => (await view.entries.erase([], { dryRun: true })).done() },
  search: {
    call: (view) => view.entries.search({ embedding, text, k: 100 }),
    deep: (view) => view.entries.search({ embedding, text, k: 100, recursive }),
  },
  searchMany: { call: (view) => view.entries.searchMany([{ text }, { embedding, k: 100, recursive: false }]) },
  explain: { call: (view) => view.entries.explain(CHUNK) },
  export: { call: async () => undefined, deep: (view) => exported(view) },
  import: {
    call: async (view) => view.import({ from: [Buffer.from(await exported(view))], onConflict: 'overwrite' }),
    writes: true,
  },
  sync: OF_THE_STORE,
  previewSync: OF_THE_STORE,
  checkpoint: OF_THE_STORE,
  reembed: OF_THE_STORE,
  stats: OF_THE_STORE,
  alerts: OF_THE_STORE,
  metrics: OF_THE_STORE,
  logs: OF_THE_STORE,
  deadLetters: OF_THE_STORE,
  retryDeadLetters: OF_THE_STORE,
  dropDeadLetters: OF_THE_STORE,
  collectInto: OF_THE_STORE,
  close: OF_THE_STORE,
}

async function allOf(found: AsyncIterable<unknown>): Promise<unknown[]> {
  const entries: unknown[] = []
  for await (const entry of found) entries.push(entry)
  return entries
}

async function exported(view: NamespaceView): Promise<string> {
  const parts: Buffer[] = []
  const to = new Writable({
    write(part: Buffer, _encoding, done) {
      parts.push(part)
      done()
    },
  })
  await view.export({ to })
  return Buffer.concat(parts).toString()
}

/** Everything that an answer says, blobs as text. */
function said(answer: unknown): string {
  if (typeof answer === 'string') return answer
  const told = JSON.stringify(answer, (_, value) => (value instanceof Uint8Array ? `${Buffer.from(value)}` : value))
  return told ?? ''
}

describePairs('every call of a namespace', (pair) => {
  const { store, view } = shareStore(pair)

  /** What a namespace has. What is below was written anew: by an import, and after each recursive write. */
  async function contentOf(one: NamespaceView, own: NamespaceView): Promise<unknown> {
    const { items } = await one.entries.find()
    const isBelow = isWithin(one.path, own.path, true)
    return items.map(({ version, createdAt, updatedAt, accessCount, lastAccessedAt, ...entry }) => [
      said(entry),
      isBelow ? '' : [version, createdAt, updatedAt, accessCount, lastAccessedAt],
    ])
  }

  test.each(someOf(NAMES, 2).map((name) => [name]))('keeps to it: %j', async (name) => {
    const tenants = view()
    const views = NAMES.map((segments) => tenants.namespace(...segments))
    const mine = NAMES.findIndex((segments) => segments.join('/') === name.join('/'))
    const own = views[mine]!
    for (const [nth, one] of views.entries()) await fill(one, nth)
    // Some are shipped, and left hot; later ones are pending.
    if (mine % 2 === 0) await store().sync()
    const others = views.filter((one) => one !== own)
    const before = await Promise.all(others.map((one) => contentOf(one, own)))
    const isBelow = (nth: number) => isWithin(views[nth]!.path, own.path, true)
    const numbersIn = (answer: unknown) => [...said(answer).matchAll(/<(\d+)>/g)].map(([, nth]) => Number(nth))

    for (const [call, probe] of Object.entries(PROBES)) {
      if (probe === undefined) continue
      const answer = await probe.call(own, mine)
      expect({ call, of: numbersIn(answer).filter((nth) => nth !== mine) }).toEqual({ call, of: [] })
      if (probe.writes && probe.deep) await fill(own, mine)
      const deep = await probe.deep?.(own, mine)
      expect({ call, of: numbersIn(deep).filter((nth) => !isBelow(nth)) }).toEqual({ call, of: [] })
      if (!probe.writes) continue
      for (const [nth, one] of views.entries()) {
        if (one !== own && !(probe.deep && isBelow(nth))) continue
        await one.deleteAll()
        await fill(one, nth)
      }
    }
    await store().checkpoint()
    expect(await Promise.all(others.map((one) => contentOf(one, own)))).toEqual(before)
  })
})
