/** What a backend does with hot while there is more to repair than it can remember. */
import { describe, expect, test } from 'vitest'
import { type Version, VersionClock } from '../../src/entry/version.ts'
import { AccessCounter } from '../../src/flow/access-counter.ts'
import { HotReads } from '../../src/flow/hot-reads.ts'
import { MissedWrites } from '../../src/flow/missed-writes.ts'
import { Pending } from '../../src/flow/pending.ts'
import { Pressure } from '../../src/flow/pressure.ts'
import { Promoter } from '../../src/flow/promoter.ts'
import { Reader } from '../../src/flow/reader.ts'
import { SlidingExpiry } from '../../src/flow/sliding-expiry.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { HotRepair } from '../../src/sync/hot-repair.ts'
import { Telemetry } from '../../src/telemetry/telemetry.ts'
import { keyOf, versionOf } from '../../src/testkit/contract/cold-records.ts'
import { GatedTiers } from '../flow/gate.ts'
import { temporaryFolder } from '../flow/stores.ts'
import { describeWithPrivateServers } from './private-servers.ts'

const key = (n: number) => keyOf('ns', n)

describe('missed writes', () => {
  test('say what hot must answer at least, until hot was repaired after they were added', () => {
    const missed = new MissedWrites()
    missed.add(key(1), versionOf(1))
    const mark = missed.mark
    missed.add(key(2), versionOf(2))
    missed.repaired(mark)
    expect([1, 2].map((n) => missed.leastVersion(key(n)))).toEqual([undefined, versionOf(2)])
    missed.repaired(missed.mark)
    expect(missed.leastVersion(key(2))).toBeUndefined()
  })

  test('bypass hot when they are too many, until nothing was left to repair after the last of them', () => {
    const missed = new MissedWrites(2)
    for (const n of [1, 2]) missed.add(key(n), versionOf(n))
    expect(missed.isBypassing).toBe(false)
    missed.add(key(3), versionOf(3))
    expect(missed.isBypassing).toBe(true)
    const mark = missed.mark
    missed.add(key(4), versionOf(4))
    missed.repaired(mark)
    expect(missed.isBypassing).toBe(true)
    missed.repaired(missed.mark)
    expect(missed.isBypassing).toBe(false)
    missed.add(key(5), versionOf(5))
    expect(missed.leastVersion(key(5))).toBe(versionOf(5))
  })

  test('that come again take no more room', () => {
    const missed = new MissedWrites(1)
    for (const n of [1, 2]) missed.add(key(1), versionOf(n))
    expect(missed.isBypassing).toBe(false)
    expect(missed.leastVersion(key(1))).toBe(versionOf(2))
  })
})

describeWithPrivateServers('a backend that missed too much', (servers) => {
  test('reads past hot until it is repaired', async () => {
    const tiers = new GatedTiers()
    const options = { dir: await temporaryFolder(), ...(await servers.shared()) }
    await using store = await tiers.open(options)
    const put = (text: string) => Promise.all(['a', 'b'].map((key) => store.chunks.put({ key, text })))
    const ids = (await put('old')).map(({ id }) => id)
    tiers.hot.refuse('write')
    const receipts = await put('new')
    await store.checkpoint()

    const [hot, cold] = [tiers.hot.tier, tiers.cold.tier]
    const [missed, pending, logger] = [new MissedWrites(1), new Pending(), silentLogger]
    const sliding = new SlidingExpiry({ cold, hot, pending, logger })
    const access = new AccessCounter(hot, cold, sliding, logger)
    const limits = { maxPendingBytes: 1_000_000, checkpointBytes: 1_000_000, timeout: 1_000 }
    const pressure = new Pressure(pending, hot, limits, logger)
    const telemetry = new Telemetry(systemClock)
    const reader = new Reader({
      ...{ pending, cold, access, sliding, telemetry },
      hot: new HotReads({ hot, sharesContent: false, missed, logger }),
      versions: new VersionClock(systemClock),
      clock: systemClock,
      promoter: new Promoter({ hot, access, pressure, telemetry, logger, tiering: undefined }),
    })
    const keys = ids.map((id) => ({ namespace: store.chunks.namespace, id }))
    const texts = async () => (await reader.get(keys, {})).map((entry) => (entry as { text?: Version }).text)
    expect(await texts()).toEqual(['old', 'old'])
    for (const [i, { version }] of receipts.entries()) missed.add(keys[i]!, version)
    expect(await texts()).toEqual(['new', 'new'])
    await new HotRepair({ hot, cold, pending, missed, logger, onOtherGeneration: () => {} }).run()
    expect(missed.isBypassing).toBe(false)
    expect(await hot.read(keys)).toEqual([undefined, undefined])
    expect(await texts()).toEqual(['new', 'new'])
  })
})
