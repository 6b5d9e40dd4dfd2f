/**
 * What one process acknowledges of a key rises, whatever its clock and those of others do and whether or not hot is
 * there to say so. By hand: `FAULT_RUNS=5000 npx vitest run test/flow/version-order.test.ts`.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { idOfKey } from '../../src/entry/entry-id.ts'
import { type EntryRecord, tombstoneOf } from '../../src/entry/record.ts'
import { validateInput } from '../../src/entry/validate.ts'
import { newest, type Version, VersionClock, ZERO_VERSION } from '../../src/entry/version.ts'
import { Journal } from '../../src/flow/journal.ts'
import { Pending } from '../../src/flow/pending.ts'
import { Pressure } from '../../src/flow/pressure.ts'
import { Writer } from '../../src/flow/writer.ts'
import { InProcessHotTier } from '../../src/hot/in-process/in-process-hot-tier.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { InProcessLog } from '../../src/wal/in-process-log.ts'
import { ManualClock } from '../tools/manual-clock.ts'
import { Gate } from './gate.ts'

const HISTORIES = Number(process.env.FAULT_RUNS ?? 100)
const HOUR = 3_600_000
const KEYS = ['a', 'b', 'c']
const AMPLE = { maxPendingBytes: 100_000_000, checkpointBytes: 100_000_000, timeout: 1_000 }

/** A process with a clock and a path to hot of its own. */
class Process {
  readonly clock = new ManualClock()
  readonly gate = new Gate<InProcessHotTier>('hot')
  readonly pending = new Pending()
  readonly writer: Writer
  readonly #acknowledged = new Map<string, Version>()

  constructor(hot: InProcessHotTier, skew: number, maxOutliers: number) {
    this.clock.advance(skew)
    const log = new InProcessLog<EntryRecord>((records) => this.pending.apply(records))
    this.writer = new Writer({
      journal: new Journal(log, this.pending),
      hot: this.gate.around(hot),
      versions: new VersionClock(this.clock, undefined, maxOutliers),
      pressure: new Pressure(this.pending, hot, AMPLE, silentLogger),
      shipper: { shipThrough: async () => {}, refusedOf: async () => new Set() },
      logger: silentLogger,
      durability: 'wal',
    })
  }

  /** In one call of that many writes, or by a delete. */
  async write(key: string, times: number, isDelete: boolean): Promise<void> {
    const now = this.clock.now()
    const id = idOfKey('ns', key)
    const known = this.#acknowledged.get(key) ?? ZERO_VERSION
    const records = Array.from({ length: times }, (_, n) =>
      isDelete
        ? tombstoneOf({ namespace: 'ns', id, key }, ZERO_VERSION, now)
        : validateInput({ kind: 'chunk', key, text: String(n) }, { namespace: 'ns', now }),
    )
    for (const outcome of await this.writer.writeAll(records, {})) {
      if (!outcome.ok) throw outcome.error
      const { version } = outcome.value
      // Writes of one call are under way at once, so only what was acknowledged before counts.
      expect(version > known).toBe(true)
      this.#acknowledged.set(key, newest(this.#acknowledged.get(key), version)!)
    }
    expect(this.pending.get({ namespace: 'ns', id })!.version).toBe(this.#acknowledged.get(key))
  }

  /** Everything leaves pending, as when cold has it. */
  ship(): void {
    const { items } = this.pending.batch(this.pending.highestSequence, { rows: 1_000, bytes: 1e9 })
    this.pending.shipped(items)
    expect(this.pending.size).toBe(0)
  }
}

const who = fc.integer({ min: 0, max: 1 })
const skew = fc.oneof(fc.constant(0), fc.integer({ min: -2 * HOUR, max: 2 * HOUR }))
const step = fc.oneof(
  fc.record({
    do: fc.constant('write' as const),
    who,
    key: fc.constantFrom(...KEYS),
    times: fc.integer({ min: 1, max: 3 }),
    isDelete: fc.boolean(),
  }),
  fc.record({ do: fc.constant('lose hot' as const), who }),
  fc.record({ do: fc.constant('find hot' as const), who }),
  fc.record({ do: fc.constant('ship' as const), who }),
  fc.record({ do: fc.constant('step' as const), who, by: skew }),
  fc.record({ do: fc.constant('leave hot' as const), key: fc.constantFrom(...KEYS) }),
)

test('versions that one process acknowledges of a key rise', { timeout: 3_600_000 }, async () => {
  const history = fc.record({
    skews: fc.tuple(skew, skew),
    maxOutliers: fc.constantFrom(1, 100),
    steps: fc.array(step, { maxLength: 30, size: 'max' }),
  })
  await fc.assert(
    fc.asyncProperty(history, async ({ skews, maxOutliers, steps }) => {
      const hot = new InProcessHotTier({ maxEntries: 100, maxBytes: 1_000_000, clock: new ManualClock() })
      const processes = skews.map((by) => new Process(hot, by, maxOutliers))
      for (const one of steps) {
        if (one.do === 'leave hot') {
          const key = { namespace: 'ns', id: idOfKey('ns', one.key) }
          const [held] = await hot.read([key])
          if (held !== undefined) await hot.remove([{ key, version: held.version }])
          continue
        }
        const process = processes[one.who]!
        if (one.do === 'write') await process.write(one.key, one.times, one.isDelete)
        else if (one.do === 'lose hot') process.gate.refuse()
        else if (one.do === 'find hot') process.gate.allow()
        else if (one.do === 'ship') process.ship()
        else if (one.do === 'step') process.clock.advance(one.by)
      }
      await hot.close()
    }),
    { numRuns: HISTORIES },
  )
})
