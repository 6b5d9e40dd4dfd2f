/** When a write must wait, and what is asked for meanwhile. */
import { expect, test } from 'vitest'
import { keyText } from '../../src/entry/entry-key.ts'
import { ThermoclineError } from '../../src/errors.ts'
import { Pending } from '../../src/flow/pending.ts'
import { type Need, Pressure } from '../../src/flow/pressure.ts'
import { InProcessHotTier } from '../../src/hot/in-process/in-process-hot-tier.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { chunkOf } from '../../src/testkit/contract/cold-records.ts'

const LIMITS = { checkpointBytes: 50, maxPendingBytes: 100, timeout: 60_000 }

/** A pressure over a hot tier of four entries, and what it has needed so far. */
function scene() {
  const pending = new Pending()
  const hot = new InProcessHotTier({ maxEntries: 4, maxBytes: 1_000_000 })
  const pressure = new Pressure(pending, hot, LIMITS, silentLogger)
  const needs: Need[] = []
  pressure.needs.subscribe((need) => needs.push(need))
  let sequence = 0
  /** Makes a record of so many bytes durable. */
  const apply = (bytes: number) => {
    const value = chunkOf('ns', ++sequence, 1)
    pending.apply([{ sequence, bytes, value }])
    pressure.written()
  }
  const ship = () => {
    pending.shipped(pending.batch(sequence, { rows: 1_000, bytes: 1_000_000 }).items)
    pressure.shipped()
  }
  const fill = async (entries: number) => {
    for (let n = 0; n < entries; n++) {
      const record = chunkOf('hot', n, 1)
      const { version } = record
      const value = { version, expiresAt: null, deleted: false, payload: Buffer.from(keyText(record)) }
      await hot.write([{ key: record, ...value, reason: 'put', startedAt: hot.now() }])
    }
  }
  const begun: string[] = []
  const write = (name: string, patience = {}) =>
    pressure.admit(async () => {
      begun.push(name)
      return name
    }, patience)
  return { pressure, hot, needs, begun, apply, ship, fill, write }
}

test('pending needs a checkpoint once it is large, and holds writes up once it is full', async () => {
  const { needs, begun, apply, ship, write } = scene()
  apply(50)
  expect(needs).toEqual([])
  await write('before')
  apply(1)
  expect(needs).toEqual(['checkpoint'])
  apply(49)
  const waiting = [write('first'), write('second')]
  expect(begun).toEqual(['before'])
  expect(new Set(needs)).toEqual(new Set(['checkpoint']))
  ship()
  expect(await Promise.all(waiting)).toEqual(['first', 'second'])
  expect(begun).toEqual(['before', 'first', 'second'])
})

test('what is queued for the log takes room until it is durable, or has failed', async () => {
  const { pressure, begun, write } = scene()
  let fail = (_: Error): void => {}
  const durable = new Promise<void>((_, reject) => {
    fail = reject
  })
  pressure.queue(100, durable)
  const waiting = write('after')
  expect(begun).toEqual([])
  fail(new Error('the disk is full'))
  expect(await waiting).toBe('after')
})

test('once writes are refused none begins, also where there is room, and none of those that wait', async () => {
  const { pressure, begun, apply, ship, write } = scene()
  apply(100)
  const waiting = [write('first'), write('second')]
  pressure.refuse(new ThermoclineError('ERR_WAL_FAILED', 'stopped', { outcome: 'applied' }))
  const refused = { code: 'ERR_WAL_FAILED', message: 'stopped', details: { outcome: 'none' } }
  for (const write of waiting) await expect(write).rejects.toMatchObject(refused)
  ship()
  await expect(write('later')).rejects.toMatchObject(refused)
  expect(begun).toEqual([])
})

test('hot needs demotion over its capacity, and holds writes up a quarter beyond it', async () => {
  const { pressure, hot, needs, begun, fill, write } = scene()
  const weigh = async () => {
    pressure.hotChanged()
    await new Promise(setImmediate)
  }
  await fill(4)
  await weigh()
  expect(needs).toEqual([])
  await fill(5)
  await weigh()
  expect(needs).toEqual(['demotion'])
  await write('between')
  await fill(6)
  await weigh()
  const waiting = write('late')
  await new Promise(setImmediate)
  expect(begun).toEqual(['between'])
  expect(needs).toEqual(['demotion', 'demotion', 'demotion'])
  const [first] = await hot.candidates({ limit: 1, idleSince: Number.POSITIVE_INFINITY })
  await hot.remove([first!])
  await weigh()
  expect(await waiting).toBe('late')
})

test('a hot tier that does not tell how full it is holds nothing up', async () => {
  const { pressure, hot, needs, fill, write } = scene()
  await fill(6)
  pressure.hotChanged()
  await new Promise(setImmediate)
  const waiting = write('late')
  await hot.close()
  pressure.hotChanged()
  expect(await waiting).toBe('late')
  expect(needs.at(-1)).toBe('demotion')
})

test.each([
  [
    'has been emptied by another process',
    async (hot: InProcessHotTier) => {
      const candidates = await hot.candidates({ limit: 2, idleSince: Number.POSITIVE_INFINITY })
      await hot.remove(candidates)
    },
  ],
  ['is gone', (hot: InProcessHotTier) => hot.close()],
] as const)('a hot tier that %s since it was weighed holds nothing up', async (_, change) => {
  const { pressure, hot, fill, write } = scene()
  await fill(6)
  pressure.hotChanged()
  await new Promise(setImmediate)
  await change(hot)
  expect(await write('late', { timeout: 5_000 })).toBe('late')
})
