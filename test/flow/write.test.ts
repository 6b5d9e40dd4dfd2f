import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { encodeRecord } from '../../src/entry/codec.ts'
import { validateInput } from '../../src/entry/validate.ts'
import { VersionClock } from '../../src/entry/version.ts'
import { Journal } from '../../src/flow/journal.ts'
import { Pending } from '../../src/flow/pending.ts'
import { Pressure } from '../../src/flow/pressure.ts'
import { Writer } from '../../src/flow/writer.ts'
import { InProcessHotTier } from '../../src/hot/in-process/in-process-hot-tier.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { chunkOf } from '../../src/testkit/contract/cold-records.ts'
import { ManualClock } from '../tools/manual-clock.ts'
import { SmallLog } from '../tools/small-log.ts'

const clock = new ManualClock()
const pending = new Pending()
const log = new SmallLog((records) => pending.apply(records))
const hot = new InProcessHotTier({ maxEntries: 100, maxBytes: 1_000_000, clock })
const journal = new Journal(log, pending)
const AMPLE = { maxPendingBytes: 100_000_000, checkpointBytes: 100_000_000, timeout: 1_000 }
const writer = new Writer({
  journal,
  hot,
  versions: new VersionClock(clock),
  pressure: new Pressure(pending, hot, AMPLE, silentLogger),
  shipper: { shipThrough: async () => {}, refusedOf: async () => new Set() },
  logger: silentLogger,
  durability: 'wal',
})
const put = (key: string, text: string) =>
  writer.write(validateInput({ kind: 'chunk', key, text }, { namespace: 'ns', now: clock.now() }), {})

/** Another process's version of the key, as hot keeps it. */
async function writeFromElsewhere(id: string, version: string): Promise<void> {
  const record = chunkOf('ns', 1, 1, { id, version })
  const write = { key: record, version, expiresAt: null, deleted: false, payload: encodeRecord(record) }
  await hot.write([{ ...write, reason: 'put', startedAt: hot.now() }])
}

/** Ends everything that nothing can reach. */
async function collectGarbage(): Promise<void> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  // A WeakRef is kept until the job that looked at it has ended.
  for (let i = 0; i < 3; i++) {
    await new Promise(setImmediate)
    collect()
  }
}

afterEach(() => {
  log.room = Number.POSITIVE_INFINITY
})

test('a put over something newer is stamped above it, so that it is not silently older', async () => {
  const { id } = await put('a', 'first')
  const ahead = `${(clock.now() + 60_000).toString(16).padStart(12, '0')}000000000000`
  await writeFromElsewhere(id, ahead)
  const { version } = await put('a', 'second')
  expect(version > ahead).toBe(true)
  expect((await hot.read([{ namespace: 'ns', id }]))[0]?.version).toBe(version)
  expect(pending.get({ namespace: 'ns', id })).toMatchObject({ text: 'second', version })
})

describe('a write that hot refuses again after it was stamped above what hot had', () => {
  const versionAt = (ahead: number) => `${(clock.now() + ahead).toString(16).padStart(12, '0')}000000000000`
  /** Runs before each write to hot. */
  const before = (work: (round: number) => Promise<unknown>) => {
    let round = 0
    const write = hot.write.bind(hot)
    const spy = vi.spyOn(hot, 'write').mockImplementation(async (writes) => {
      if (writes[0]!.version.endsWith('000000000000')) return write(writes)
      await work(++round)
      return write(writes)
    })
    onTestFinished(() => spy.mockRestore())
  }

  test('was overtaken where hot holds a newer version: it is acknowledged, and durable', async () => {
    const { id } = await put('contended', 'first')
    before((round) => writeFromElsewhere(id, versionAt(round * 1_000)))
    const { lastSequence } = log
    const { version } = await put('contended', 'second')
    expect(log.lastSequence).toBe(lastSequence + 2)
    expect(version > versionAt(1_000)).toBe(true)
    expect(pending.get({ namespace: 'ns', id })).toMatchObject({ text: 'second', version })
    expect((await hot.read([{ namespace: 'ns', id }]))[0]?.version).toBe(versionAt(2_000))
  })

  test('was not where only the floor that keys share has risen: it is stamped until hot has it', async () => {
    const away = { namespace: 'ns', id: 'gone' }
    before(async (round) => {
      if (round < 5) await hot.repair([{ key: away, version: versionAt(3_000 + round * 100) }])
    })
    const { id, version } = await put('new', 'text')
    expect((await hot.read([{ namespace: 'ns', id }]))[0]?.version).toBe(version)
  })

  test('goes on without hot where that never ends', async () => {
    const away = { namespace: 'ns', id: 'gone' }
    before((round) => hot.repair([{ key: away, version: versionAt(4_000 + round * 10) }]))
    const { id, version } = await put('unlucky', 'text')
    expect(await hot.read([{ namespace: 'ns', id }])).toEqual([undefined])
    expect(pending.get({ namespace: 'ns', id })).toMatchObject({ text: 'text', version })
  })
})

test('pending and hot share the embedding, and nobody shares it with the caller', async () => {
  const embedding = Float32Array.of(1, 2, 3)
  for (const text of ['', 'a', 'ab', 'abc']) {
    const input = { kind: 'chunk', key: 'shared', text, embedding }
    const { namespace, id } = await writer.write(validateInput(input, { namespace: 'ns', now: clock.now() }), {})
    const [held] = await hot.read([{ namespace, id }])
    const record = pending.get({ namespace, id })!
    expect(record.embedding).toEqual(embedding)
    expect(record.embedding!.buffer).toBe(held!.content.payload.buffer)
    expect(record.embedding!.buffer).not.toBe(embedding.buffer)
  }
})

test('where the log fails between two rounds of a put, the caller learns that it is applied', async () => {
  const { id } = await put('b', 'first')
  await writeFromElsewhere(id, `${(clock.now() + 60_000).toString(16).padStart(12, '0')}000000000000`)
  log.room = 1
  await expect(put('b', 'second')).rejects.toMatchObject({
    code: 'ERR_WAL_FAILED',
    details: { outcome: 'applied', id },
  })
  log.room = 0
  await expect(put('b', 'third')).rejects.toMatchObject({ details: { outcome: 'none', id } })
})

test('nothing of a write is kept once it has been answered', async () => {
  const receipts: WeakRef<object>[] = []
  for (let n = 0; n < 100; n++) receipts.push(new WeakRef(await put('c', `text ${n}`)))
  await journal.settled()
  await collectGarbage()
  // The last ones may still be on somebody's stack.
  expect(receipts.filter((receipt) => receipt.deref() !== undefined).length).toBeLessThan(5)
})
