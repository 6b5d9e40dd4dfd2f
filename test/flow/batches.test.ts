/** Calls with many inputs: what is said of each when they end half-way, and what runs beside them. */
import { describe, expect, test } from 'vitest'
import { VersionClock } from '../../src/entry/version.ts'
import type { ThermoclineError } from '../../src/errors.ts'
import { ChildVersions } from '../../src/flow/child-versions.ts'
import { Journal } from '../../src/flow/journal.ts'
import { Pending } from '../../src/flow/pending.ts'
import { Pressure } from '../../src/flow/pressure.ts'
import { Vectors } from '../../src/flow/vectors.ts'
import { Writer } from '../../src/flow/writer.ts'
import { InProcessHotTier } from '../../src/hot/in-process/in-process-hot-tier.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { CallGate } from '../../src/repository/call-gate.ts'
import { MemoryRepository } from '../../src/repository/memory-repository.ts'
import { Telemetry } from '../../src/telemetry/telemetry.ts'
import { ManualClock } from '../tools/manual-clock.ts'
import { SmallLog } from '../tools/small-log.ts'
import { embeddedPair, shareStore } from './stores.ts'

const inputs = (count: number, bytes = 1_000) =>
  Array.from({ length: count }, (_, i) => ({ key: `k${i}`, text: 'x'.repeat(bytes) }))

async function rejection(work: Promise<unknown>): Promise<ThermoclineError<'ERR_WAL_FAILED'>> {
  return work.then(
    () => expect.unreachable('nothing was rejected'),
    (error: unknown) => error as ThermoclineError<'ERR_WAL_FAILED'>,
  )
}

/** A repository over a log and a pending that end where the test says. */
function scene({ room = Number.POSITIVE_INFINITY, maxPendingBytes = Number.POSITIVE_INFINITY, onFull = () => {} }) {
  const manual = new ManualClock()
  const pending = new Pending()
  const log = new SmallLog((records) => pending.apply(records))
  log.room = room
  const hot = new InProcessHotTier({ maxEntries: 10_000, maxBytes: 100_000_000, clock: manual })
  const limits = { maxPendingBytes, checkpointBytes: Number.POSITIVE_INFINITY, timeout: 60_000 }
  const pressure = new Pressure(pending, hot, limits, silentLogger)
  pressure.needs.subscribe(onFull)
  const writer = new Writer({
    journal: new Journal(log, pending),
    hot,
    versions: new VersionClock(manual),
    pressure,
    shipper: { shipThrough: async () => {}, refusedOf: async () => new Set() },
    logger: silentLogger,
    durability: 'wal',
  })
  const unused = {
    reader: undefined as never,
    searcher: undefined as never,
    documents: undefined as never,
    trees: undefined as never,
    // Asks nobody about what is no node.
    childVersions: new ChildVersions(undefined as never, undefined as never),
    staleNodes: undefined as never,
    treeSearcher: undefined as never,
    documentWriter: undefined as never,
    whereChanger: undefined as never,
    eraser: undefined as never,
    explainer: undefined as never,
    changes: undefined as never,
    exporter: undefined as never,
    importer: undefined as never,
    moves: undefined as never,
    pins: undefined as never,
    previewer: undefined as never,
    refusedWrites: undefined as never,
    namespaces: undefined as never,
    meter: undefined as never,
    reembedder: undefined,
  }
  const chunks = new MemoryRepository(
    { writer, gate: new CallGate(new Telemetry(manual)), clock: manual, vectors: new Vectors(undefined), ...unused },
    'ns',
    'chunk',
  )
  return { chunks, pending }
}

describe('a batch that ends half-way', () => {
  const given = Array.from({ length: 3_000 }, (_, i) => ({ text: String(i) }))

  test.each<[string, number, object, string]>([
    ['the disk is full', 1_500, { room: 1_500 }, 'ERR_WAL_FAILED'],
    ['there is no room for more', 1_000, { maxPendingBytes: 1 }, 'ERR_ABORTED'],
  ])('says of each input what became of it, in order, where %s', async (_, written, limits, code) => {
    const controller = new AbortController()
    const { chunks, pending } = scene({ ...limits, onFull: () => controller.abort() })
    const error = await rejection(chunks.putMany(given, { signal: controller.signal }))
    expect(error).toMatchObject({ code, details: { outcome: 'partial' } })
    const outcomes = error.details.outcomes!
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(given.map((_, i) => (i < written ? 'applied' : 'none')))
    for (const [i, { id }] of outcomes.slice(0, written).entries())
      expect(pending.get({ namespace: 'ns', id })?.text).toBe(String(i))
    expect(pending.size).toBe(written)
    expect(error.message).toMatch(new RegExp(`^${written} of 3000 inputs`))
    // A log line with thousands of ids helps nobody.
    expect(JSON.stringify(error).length).toBeLessThan(1_000)
  })

  test('is none where nothing of it is written', async () => {
    const { chunks, pending } = scene({ room: 0 })
    const error = await rejection(chunks.putMany(given.slice(0, 2)))
    expect(error).toMatchObject({ code: 'ERR_WAL_FAILED', details: { outcome: 'none' } })
    expect(error.details.outcomes).toMatchObject([{ outcome: 'none' }, { outcome: 'none' }])
    expect(pending.size).toBe(0)
  })

  test('says so of deletions as well', async () => {
    const { chunks } = scene({ room: 1 })
    const ids = [1, 2].map((i) => `0191e4a0-7b1a-7c3e-8f00-00000000000${i}`)
    const error = await rejection(chunks.deleteMany(ids))
    expect(error.details.outcomes).toEqual([
      { id: ids[0], outcome: 'applied' },
      { id: ids[1], outcome: 'none' },
    ])
  })

  test('goes on with nothing once patience has ended, and settles each input', async () => {
    const controller = new AbortController()
    const { chunks, pending } = scene({ maxPendingBytes: 1, onFull: () => controller.abort() })
    const outcomes = await chunks.putMany(given, { signal: controller.signal, settle: true })
    expect(outcomes.filter(({ ok }) => ok)).toHaveLength(1_000)
    const last = outcomes.at(-1)!
    expect(last).toMatchObject({ ok: false, error: { code: 'ERR_ABORTED', details: { outcome: 'none' } } })
    expect(pending.size).toBe(1_000)
  })

  test('is no failure of the log where something else failed', async () => {
    const { chunks } = scene({})
    const signal = { aborted: false, addEventListener: () => unforeseenFault(), removeEventListener() {} }
    const error = await rejection(chunks.put({ text: 'a' }, { signal: signal as never }))
    expect(error).toMatchObject({ code: 'ERR_INTERNAL', details: { outcome: 'unknown', id: expect.any(String) } })
    expect(error.stack).toContain('unforeseenFault')
  })
})

function unforeseenFault(): never {
  throw new TypeError('a listener that fails')
}

const { clock, store, view } = shareStore(embeddedPair)

describe('a large batch', () => {
  /** Notes in which turn of the event loop its text is read. */
  function probe(turns: () => number): { readonly input: { readonly text: string }; readonly readAt: () => number } {
    let readAt = -1
    const input = Object.defineProperty({ text: '' }, 'text', {
      enumerable: true,
      get: () => {
        readAt = turns()
        return 'last'
      },
    })
    return { input, readAt: () => readAt }
  }

  async function turnOfTheLast(given: readonly { text: string; embedding?: Float32Array }[]): Promise<number> {
    let turns = 0
    let isOver = false
    const count = (): void => {
      turns++
      if (!isOver) setImmediate(count)
    }
    setImmediate(count)
    const { input, readAt } = probe(() => turns)
    await view().chunks.putMany([...given, input])
    isOver = true
    return readAt()
  }

  test('is checked in slices, between which others run', async () => {
    expect(await turnOfTheLast(inputs(3_000, 1))).toBeGreaterThanOrEqual(5)
    const embedding = new Float32Array(16_000).fill(1)
    expect(await turnOfTheLast(Array.from({ length: 200 }, () => ({ text: '', embedding })))).toBeGreaterThanOrEqual(2)
  })

  test('of up to 500 inputs is copied at the call', async () => {
    const { chunks } = view()
    const given = inputs(500, 1)
    const call = chunks.putMany(given)
    for (const input of given) input.text = 'changed'
    given.length = 0
    expect(await call).toHaveLength(500)
    expect((await chunks.find({ limit: 1_000 })).items.every(({ text }) => text === 'x')).toBe(true)
  })

  test('writes nothing where one of its last inputs is bad, nor where it is aborted before all were checked', async () => {
    const { chunks } = view()
    await expect(chunks.putMany([...inputs(2_000, 1), { text: 7 as never }])).rejects.toMatchObject({
      code: 'ERR_INVALID_ENTRY',
      details: { index: 2_000 },
    })
    const controller = new AbortController()
    const call = chunks.putMany(inputs(2_000, 1), { signal: controller.signal })
    controller.abort()
    await expect(call).rejects.toMatchObject({ code: 'ERR_ABORTED', details: { outcome: 'none' } })
    expect(await chunks.count()).toBe(0)
  })
})

test('the last of several writes of one key in a batch counts, on every tier', async () => {
  const { chunks } = view()
  const given = Array.from({ length: 1_200 }, (_, i) => ({ key: `k${i % 3}`, text: String(i) }))
  const versions = (await chunks.putMany(given)).map(({ version }) => version)
  expect([...versions].sort()).toEqual(versions)
  const texts = async () => (await chunks.getManyByKey(['k0', 'k1', 'k2'])).map((entry) => entry?.text)
  expect(await texts()).toEqual(['1197', '1198', '1199'])
  await store().checkpoint()
  expect((await chunks.find()).items.map(({ text }) => text).sort()).toEqual(['1197', '1198', '1199'])
  expect(await texts()).toEqual(['1197', '1198', '1199'])
})

describe('one key for two kinds', () => {
  test.each<[string, (store: ReturnType<typeof view>) => Promise<unknown>]>([
    ['put', ({ metadata }) => metadata.put({ key: 'intro', metadata: {} })],
    ['putMany', ({ metadata }) => metadata.putMany([{ metadata: {} }, { key: 'intro', metadata: {} }])],
    ['put of any kind', ({ entries }) => entries.put({ kind: 'metadata', key: 'intro', metadata: {} })],
    ['put by id', ({ entries, chunks }) => entries.put({ kind: 'metadata', id: chunks.idOf('intro'), metadata: {} })],
  ])('is refused by %s, and what is there stays', async (_, put) => {
    const scope = view()
    const { id } = await scope.chunks.put({ key: 'intro', text: 'a chunk' })
    await expect(put(scope)).rejects.toMatchObject({
      code: 'ERR_CONFLICT',
      retryable: false,
      details: { id, kind: 'chunk', outcome: 'none' },
      message: expect.stringContaining('chunk'),
    })
    expect(await scope.chunks.getByKey('intro')).toMatchObject({ text: 'a chunk' })
    expect(await scope.entries.count()).toBe(1)
  })

  test('is refused also once the entry has left the log, for as long as hot holds it', async () => {
    const scope = view()
    await scope.chunks.put({ key: 'intro', text: 'a chunk' }, { durability: 'cold' })
    await expect(scope.metadata.put({ key: 'intro', metadata: {} })).rejects.toMatchObject({ code: 'ERR_CONFLICT' })
  })

  test('is refused within one putMany', async () => {
    const { entries } = view()
    const mixed = [
      { kind: 'chunk', key: 'intro', text: 'a' },
      { kind: 'metadata', key: 'intro', metadata: {} },
    ] as const
    await expect(entries.putMany(mixed)).rejects.toMatchObject({ code: 'ERR_CONFLICT', details: { index: 1 } })
    expect(await entries.count()).toBe(0)
    expect((await entries.putMany(mixed, { settle: true })).map(({ ok }) => ok)).toEqual([true, false])
  })

  test.each([
    { where: 'the log has it', durability: 'wal' },
    { where: 'hot alone has it here', durability: 'cold' },
  ] as const)(
    'is free again once the entry is deleted or has expired, and open to its own kind, while $where',
    async ({ durability }) => {
      const scope = view()
      await scope.chunks.put({ key: 'a', text: '1' }, { durability })
      await scope.chunks.put({ key: 'a', text: '2' }, { durability })
      await scope.chunks.deleteByKey('a', { durability })
      await scope.metadata.put({ key: 'a', metadata: { free: true } })
      await scope.chunks.put({ key: 'b', text: '1', ttl: '1s' }, { durability })
      clock.advance(1_000)
      await scope.metadata.put({ key: 'b', metadata: { free: true } })
      expect((await scope.metadata.getManyByKey(['a', 'b', 'c'])).map((entry) => entry?.metadata)).toEqual([
        { free: true },
        { free: true },
        undefined,
      ])
    },
  )
})
