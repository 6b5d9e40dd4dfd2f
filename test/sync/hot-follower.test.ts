/** What is remembered of keys of which hot may hold something older than cold has taken. */
import { expect, test } from 'vitest'
import { MissedWrites } from '../../src/flow/missed-writes.ts'
import { HotFollower } from '../../src/sync/hot-follower.ts'
import { chunkOf, keyOf, versionOf } from '../../src/testkit/contract/cold-records.ts'
import { GatedTiers } from '../flow/gate.ts'

test('of several versions of a key the newest is remembered, in whatever order they come', async () => {
  const tiers = new GatedTiers()
  await using _ = await tiers.open()
  const moved = { status: 'moved', superseded: 1, rejected: 0, generationNumber: 1, missed: [keyOf('ns', 1)] } as const
  for (const versions of [
    [3, 7],
    [7, 3],
  ]) {
    const missed = new MissedWrites()
    const follower = new HotFollower(tiers.hot.tier, { missed, onCurrentGeneration: () => {} })
    await follower.followAgain(
      versions.map((version) => chunkOf('ns', 1, version)),
      moved,
    )
    expect(missed.leastVersion(keyOf('ns', 1))).toBe(versionOf(7))
  }
})

test('what is known of a newer version stays, where an older one is missed later', () => {
  const missed = new MissedWrites()
  for (const version of [5, 3]) missed.add(keyOf('ns', 1), versionOf(version))
  expect(missed.leastVersion(keyOf('ns', 1))).toBe(versionOf(5))
})
