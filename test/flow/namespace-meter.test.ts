/** Which tier counts where several have versions of an entry, as they have for moments only. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ColdTier } from '../../src/cold/cold-tier.ts'
import { encodeRecord } from '../../src/entry/codec.ts'
import type { EntryRecord } from '../../src/entry/record.ts'
import { NamespaceMeter } from '../../src/flow/namespace-meter.ts'
import { Pending } from '../../src/flow/pending.ts'
import { InProcessHotTier } from '../../src/hot/in-process/in-process-hot-tier.ts'
import { chunkOf, PAST, tombstone } from '../../src/testkit/contract/cold-records.ts'
import { freshNamespace } from '../../src/testkit/contract/fresh-cold-tier.ts'
import { openLent } from '../cold/pglite/pglite-template.ts'
import { ManualClock } from '../tools/manual-clock.ts'

let cold: ColdTier
beforeAll(async () => {
  cold = await openLent()
})
afterAll(() => cold.close())

const clock = new ManualClock(PAST + 1_000)
const SOON = PAST + 2_000
const GONE = PAST + 1_000
const at = (version: number, change: Partial<EntryRecord> = {}) => chunkOf('ns', 1, version, change)
const deleted = (version: number) => tombstone('ns', 1, version, PAST)

interface Held {
  readonly pending?: EntryRecord
  readonly hot?: EntryRecord
  readonly cold?: EntryRecord
}

test.each<[string, Held, string[]]>([
  ['what is pending and shipped is in both', { pending: at(1), cold: at(1), hot: at(1) }, ['pending', 'hot', 'cold']],
  ['what is pending is older in cold, and in hot', { pending: at(2), cold: at(1), hot: at(1) }, ['pending']],
  ['cold has it newer than it is pending', { pending: at(1), cold: at(2), hot: at(1) }, ['cold']],
  ['cold has it newer than hot', { cold: at(2), hot: at(1) }, ['cold']],
  ['hot has it newer than cold', { cold: at(1), hot: at(2) }, ['hot', 'cold']],
  ['hot knows that it is deleted', { cold: at(1), hot: deleted(2) }, ['cold']],
  ['hot knows that it has expired', { cold: at(1), hot: at(2, { expiresAt: GONE }) }, ['cold']],
  ['it is deleted, and pending as such', { pending: deleted(2), cold: at(1), hot: at(1) }, []],
  ['it is deleted in cold', { pending: at(1), cold: deleted(2), hot: at(1) }, []],
  [
    'cold has extended it',
    { pending: at(1, { expiresAt: GONE }), cold: at(1, { expiresAt: SOON }) },
    ['pending', 'cold'],
  ],
  ['it has expired', { pending: at(2, { expiresAt: GONE }), cold: at(1) }, []],
  ['hot alone has it', { hot: at(1) }, []],
])('%s', async (_, held, tiers) => {
  const namespace = freshNamespace()
  const records = Object.entries(held).map(([tier, record]) => [tier, { ...record, namespace } as EntryRecord] as const)
  const hot = new InProcessHotTier({ maxEntries: 10, maxBytes: 1_000_000, clock })
  const pending = new Pending()
  for (const [tier, value] of records) {
    const { id, version, expiresAt, deletedAt } = value
    const payload = encodeRecord(value)
    if (tier === 'cold') await cold.upsert([value])
    else if (tier === 'pending') pending.apply([{ sequence: 1, bytes: 100, value }])
    else {
      const written = { key: { namespace, id }, version, expiresAt, deleted: deletedAt !== null, payload }
      await hot.write([{ ...written, reason: 'put', startedAt: hot.now() }])
    }
  }
  const stats = await new NamespaceMeter({ pending, hot, cold, clock }).measure({ namespace, recursive: false }, {})
  const found = (['pending', 'hot', 'cold'] as const).filter((tier) => stats[tier]!.entries > 0)
  expect(found).toEqual(tiers)
  expect(stats.entries).toBe(tiers.length > 0 ? 1 : 0)
})
