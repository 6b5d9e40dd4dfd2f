/**
 * What every driver of the hot tier must do. A driver's own test hands in a factory and is otherwise about what only
 * that driver has. Nothing here knows more of a tier than its contract.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { HotTier, HotWrite, HotWriteResult } from '../../src/hot/hot-tier.ts'
import { describeHotTierProperties } from './hot-tier-properties.ts'
import { keyOf, versionOf, writeOf } from './hot-writes.ts'

export interface OpenedHotTier {
  readonly tier: HotTier
  /** Moves the tier's clock on; undefined where it cannot be moved. */
  readonly advance: ((milliseconds: number) => void) | undefined
  close(): Promise<void>
}

export interface HotTierDriver {
  readonly name: string
  /** Tests that let time pass are declared only where it is true. */
  readonly movesClock: boolean
  /** Random runs per property. */
  readonly runs: number
  /** A new, empty tier. */
  open(options: { readonly markerTtl: number }): Promise<OpenedHotTier>
}

const MARKER_TTL = 60_000
const A = keyOf(1)
const B = keyOf(2)

export function describeHotTier(driver: HotTierDriver): void {
  const itWithClock = driver.movesClock ? it : () => {}
  describe(`hot tier contract: ${driver.name}`, () => {
    let opened: OpenedHotTier
    let tier: HotTier

    beforeEach(async () => {
      opened = await driver.open({ markerTtl: MARKER_TTL })
      tier = opened.tier
    })
    afterEach(() => opened.close())

    const put = (n: number, version: number, overrides: Partial<HotWrite> = {}): Promise<HotWriteResult> =>
      write(writeOf(n, version, { startedAt: tier.now(), ...overrides }))
    const write = async (one: HotWrite): Promise<HotWriteResult> => (await tier.write([one]))[0]!
    const readVersion = async (n: number): Promise<string | undefined> => (await tier.read([keyOf(n)]))[0]?.version
    const remove = async (n: number, version: number) =>
      (await tier.remove([{ key: keyOf(n), version: versionOf(version) }]))[0]

    describe('reading', () => {
      it('answers in order, with undefined for what it lacks', async () => {
        await tier.write([writeOf(1, 1, { startedAt: tier.now() }), writeOf(3, 3, { startedAt: tier.now() })])
        const found = await tier.read([keyOf(3), keyOf(2), keyOf(1), keyOf(3)])
        expect(found.map((value) => value?.version)).toEqual([versionOf(3), undefined, versionOf(1), versionOf(3)])
      })

      it('answers every field byte for byte', async () => {
        const payload = Uint8Array.from({ length: 256 }, (_, i) => i)
        await put(1, 1, { payload, expiresAt: 4_000_000_000_000, deleted: true })
        const [found] = await tier.read([A])
        expect(found).toMatchObject({ version: versionOf(1), deleted: true, expiresAt: 4_000_000_000_000 })
        expect(Buffer.compare(found!.content.payload, payload)).toBe(0)
      })

      it('answers expired values and tombstones: callers judge', async () => {
        await put(1, 1, { expiresAt: 1 })
        await put(2, 2, { deleted: true })
        const found = await tier.read([A, B])
        expect(found.map((value) => [value?.expiresAt, value?.deleted])).toEqual([
          [1, false],
          [null, true],
        ])
      })

      it('counts no access', async () => {
        await put(1, 1)
        const [first] = await tier.read([A])
        expect((await tier.read([A]))[0]).toEqual(first)
      })

      it('keeps apart keys that differ only in namespace, whatever characters that has', async () => {
        const namespaces = ['a', 'a/b', 'a:b', '{a}', 'a}b{', 'ä\u{1f30a}', 'a b', '*']
        await tier.write(
          namespaces.map((namespace, i) =>
            writeOf(1, i + 1, { startedAt: tier.now(), key: { namespace, id: A.id }, payload: Uint8Array.of(i) }),
          ),
        )
        const found = await tier.read(namespaces.map((namespace) => ({ namespace, id: A.id })))
        expect(found.map((value) => value?.content.payload[0])).toEqual(namespaces.map((_, i) => i))
      })

      it('does nothing for empty batches', async () => {
        expect(await tier.read([])).toEqual([])
        expect(await tier.write([])).toEqual([])
        expect(await tier.touch([])).toEqual([])
        expect(await tier.remove([])).toEqual([])
        expect(await tier.candidates({ limit: 0, idleSince: Number.MAX_SAFE_INTEGER })).toEqual([])
      })
    })

    describe('writing', () => {
      it('keeps bytes of its own where a payload is a view of a shared buffer', async () => {
        const shared = new Uint8Array(64).fill(7)
        await put(1, 1, { payload: shared.subarray(8, 16) })
        shared.fill(0)
        expect((await tier.read([A]))[0]?.content.payload).toHaveLength(8)
        expect((await tier.read([A]))[0]?.content.payload[0]).toBe(7)
      })

      it.each(['put', 'repush', 'promotion'] as const)('refuses a %s older than what it holds', async (reason) => {
        await put(1, 5)
        expect(await put(1, 4, { reason })).toEqual({ status: 'refused', floor: versionOf(5) })
        expect(await readVersion(1)).toBe(versionOf(5))
      })

      it.each(['put', 'repush', 'promotion'] as const)('stores a %s that arrives twice once', async (reason) => {
        const one = writeOf(1, 5, { startedAt: tier.now(), reason })
        expect(await write(one)).toEqual({ status: 'stored' })
        const size = await tier.size()
        expect(await write(one)).toEqual({ status: 'stored' })
        expect(await tier.size()).toEqual(size)
      })

      it('takes a batch in order, also where a key is in it twice', async () => {
        const startedAt = tier.now()
        const results = await tier.write([1, 3, 2].map((version) => writeOf(1, version, { startedAt })))
        expect(results).toEqual([
          { status: 'stored' },
          { status: 'stored' },
          { status: 'refused', floor: versionOf(3) },
        ])
        expect(await readVersion(1)).toBe(versionOf(3))
      })

      it('shadows a value with its tombstone', async () => {
        await put(1, 1)
        await put(1, 2, { deleted: true })
        expect((await tier.read([A]))[0]).toMatchObject({ version: versionOf(2), deleted: true })
        expect(await put(1, 1, { reason: 'promotion' })).toEqual({ status: 'refused', floor: versionOf(2) })
      })
    })

    describe('after something left', () => {
      it.each(['put', 'repush', 'promotion'] as const)('refuses a %s at or below the marker', async (reason) => {
        await put(1, 5)
        await remove(1, 5)
        expect(await put(1, 4, { reason })).toEqual({ status: 'refused', floor: versionOf(5) })
        expect(await put(1, 5, { reason })).toEqual({ status: 'refused', floor: versionOf(5) })
        expect(await readVersion(1)).toBeUndefined()
      })

      it.each(['put', 'repush', 'promotion'] as const)('stores a %s above the marker', async (reason) => {
        await put(1, 5)
        await remove(1, 5)
        expect(await put(1, 6, { reason })).toEqual({ status: 'stored' })
        expect(await readVersion(1)).toBe(versionOf(6))
      })

      it('leaves a marker anew each time', async () => {
        for (const version of [5, 6]) {
          await put(1, version)
          await remove(1, version)
        }
        expect(await put(1, 6, { reason: 'promotion' })).toEqual({ status: 'refused', floor: versionOf(6) })
      })

      it('names a floor above which a put is stored at once, whatever else has left', async () => {
        const numbers = Array.from({ length: 200 }, (_, i) => i + 1)
        const leave = async (from: number, version: number): Promise<void> => {
          const startedAt = tier.now()
          const writes = numbers.map((n) => writeOf(from + n, version, { startedAt }))
          await tier.write(writes)
          await tier.remove(writes)
        }
        await leave(0, 5)
        await leave(1_000, 100)
        const startedAt = tier.now()
        const results = await tier.write(numbers.map((n) => writeOf(n, 3, { startedAt })))
        const floors = results.map((result) => (result.status === 'refused' ? result.floor : ''))
        const restamped = floors.map((floor) => Number.parseInt(floor.slice(0, 16), 16) + 1)
        const again = await tier.write(numbers.map((n, i) => writeOf(n, restamped[i]!, { startedAt })))
        expect(new Set(again.map(({ status }) => status))).toEqual(new Set(['stored']))
      })

      it('lets no floor stand in the way of a re-push or promotion of another key', async () => {
        await put(1, 100)
        await remove(1, 100)
        for (let n = 2; n < 200; n++)
          expect(await put(n, 50, { reason: n % 2 ? 'repush' : 'promotion' })).toEqual({ status: 'stored' })
      })

      it('lets no floor stand in the way of a put over an older value that is still there', async () => {
        await put(2, 10)
        await put(1, 100)
        await remove(1, 100)
        expect(await put(2, 11)).toEqual({ status: 'stored' })
      })

      it('answers a write late after more than half of the marker time', async () => {
        const half = MARKER_TTL / 2
        for (const reason of ['put', 'repush', 'promotion'] as const)
          expect(await put(1, 5, { reason, startedAt: tier.now() - half - 1_000 })).toEqual({ status: 'late' })
        expect(await readVersion(1)).toBeUndefined()
        expect(await put(1, 5, { startedAt: tier.now() - half + 5_000 })).toEqual({ status: 'stored' })
      })

      it('answers a write late that began for another generation', async () => {
        for (const reason of ['repush', 'promotion'] as const)
          expect(await put(1, 5, { reason, generationId: 'another' })).toEqual({ status: 'late' })
        expect(await readVersion(1)).toBeUndefined()
        expect(await put(1, 5, { reason: 'promotion', generationId: tier.generationId })).toEqual({ status: 'stored' })
      })

      itWithClock('forgets the marker after its time, and never the floor', async () => {
        await put(1, 5)
        await remove(1, 5)
        opened.advance?.(MARKER_TTL - 1)
        expect(await put(1, 5, { reason: 'promotion' })).toEqual({ status: 'refused', floor: versionOf(5) })
        opened.advance?.(1)
        expect(await put(1, 5)).toEqual({ status: 'refused', floor: versionOf(5) })
        expect(await put(1, 5, { reason: 'promotion' })).toEqual({ status: 'stored' })
      })

      itWithClock('never lets in what began before the removal, however late it comes', async () => {
        await put(1, 5)
        const startedAt = tier.now()
        await remove(1, 5)
        for (let step = 0; step < 30; step++) {
          opened.advance?.(5_000)
          for (const reason of ['put', 'repush', 'promotion'] as const)
            expect((await put(1, 4, { reason, startedAt })).status).not.toBe('stored')
        }
      })
    })

    describe('removing', () => {
      it('drops a key only at the version given', async () => {
        await put(1, 5)
        expect(await remove(1, 4)).toBeUndefined()
        expect(await remove(1, 6)).toBeUndefined()
        expect(await readVersion(1)).toBe(versionOf(5))
        expect(await remove(1, 5)).toBeDefined()
        expect(await readVersion(1)).toBeUndefined()
      })

      it('answers in order, and undefined the second time', async () => {
        await put(1, 1)
        await put(2, 2)
        const removals = [
          { key: B, version: versionOf(2) },
          { key: keyOf(9), version: versionOf(2) },
          { key: A, version: versionOf(1) },
        ]
        const removed = await tier.remove(removals)
        expect(removed.map((stats) => stats?.accessCount)).toEqual([0, undefined, 0])
        expect(await tier.remove(removals)).toEqual([undefined, undefined, undefined])
      })

      it('hands over the reads since the key entered, and not those known before', async () => {
        const lastAccessedAt = tier.now() + 1_000
        await put(1, 5, { reason: 'promotion', access: { accessCount: 40, lastAccessedAt: 1 } })
        await tier.touch([{ key: A, accesses: 2, lastAccessedAt }])
        expect((await tier.read([A]))[0]?.accessCount).toBe(42)
        expect(await remove(1, 5)).toEqual({ accessCount: 2, lastAccessedAt })
      })
    })

    describe('repairing', () => {
      const repair = async (n: number, version: number) =>
        (await tier.repair([{ key: keyOf(n), version: versionOf(version) }]))[0]

      it('drops what is older, and hands over its reads', async () => {
        const lastAccessedAt = tier.now() + 1_000
        await put(1, 4)
        await tier.touch([{ key: A, accesses: 2, lastAccessedAt }])
        expect(await repair(1, 5)).toEqual({ accessCount: 2, lastAccessedAt })
        expect(await readVersion(1)).toBeUndefined()
        expect(await tier.size()).toEqual({ entries: 0, bytes: 0 })
        expect(await tier.candidates({ limit: 9, idleSince: Number.MAX_SAFE_INTEGER })).toEqual([])
      })

      it.each([5, 6])('leaves version %i where 5 is the least', async (version) => {
        await put(1, version)
        expect(await repair(1, 5)).toBeUndefined()
        expect(await readVersion(1)).toBe(versionOf(version))
      })

      it.each(['put', 'repush', 'promotion'] as const)('lets no older %s arrive late', async (reason) => {
        await repair(1, 5)
        expect(await put(1, 4, { reason })).toEqual({ status: 'refused', floor: versionOf(5) })
        expect(await put(1, 6, { reason })).toEqual({ status: 'stored' })
      })

      it('raises the floor for puts of other keys, and takes back no marker', async () => {
        await repair(1, 9)
        await repair(1, 5)
        expect(await put(1, 7, { reason: 'promotion' })).toEqual({ status: 'refused', floor: versionOf(9) })
        const floors = await Promise.all(Array.from({ length: 50 }, (_, n) => repair(n + 2, 9)))
        expect(floors).toEqual(floors.map(() => undefined))
        expect(await put(99, 8)).toEqual({ status: 'refused', floor: versionOf(9) })
      })
    })

    describe('counting accesses', () => {
      it('adds touches and answers those it could not count', async () => {
        await put(1, 1)
        const later = tier.now() + 5_000
        const touchA = { key: A, accesses: 3, lastAccessedAt: later }
        const touchB = { key: B, accesses: 1, lastAccessedAt: later }
        expect(await tier.touch([touchA, touchB, touchA])).toEqual([touchB])
        expect((await tier.read([A]))[0]).toMatchObject({ accessCount: 6, lastAccessedAt: later })
      })

      it('takes back no time of access', async () => {
        await put(1, 1)
        const later = tier.now() + 5_000
        await tier.touch([{ key: A, accesses: 1, lastAccessedAt: later }])
        await tier.touch([{ key: A, accesses: 1, lastAccessedAt: later - 4_000 }])
        await put(1, 2)
        expect((await tier.read([A]))[0]).toMatchObject({ accessCount: 2, lastAccessedAt: later })
      })

      it('keeps counts over a new version, and drops them with the key', async () => {
        await put(1, 1, { reason: 'promotion', access: { accessCount: 10, lastAccessedAt: 1 } })
        await tier.touch([{ key: A, accesses: 3, lastAccessedAt: tier.now() }])
        await put(1, 2)
        expect((await tier.read([A]))[0]?.accessCount).toBe(13)
        expect((await remove(1, 2))?.accessCount).toBe(3)
        await put(1, 3)
        expect((await tier.read([A]))[0]?.accessCount).toBe(0)
      })

      it('counts nothing for a key that left', async () => {
        await put(1, 1)
        await remove(1, 1)
        const touch = { key: A, accesses: 1, lastAccessedAt: tier.now() }
        expect(await tier.touch([touch])).toEqual([touch])
      })
    })

    describe('candidates', () => {
      /**
       * Keys 1..count, the first the longest idle, a second apart, all in the future so that writing counts for less.
       */
      const fill = async (count: number): Promise<number> => {
        const start = tier.now() + 60_000
        for (let n = 1; n <= count; n++) await put(n, n)
        const touches = Array.from({ length: count }, (_, i) => ({
          key: keyOf(i + 1),
          accesses: 1,
          lastAccessedAt: start + (i + 1) * 1_000,
        }))
        await tier.touch(touches.toReversed())
        return start
      }
      const ids = async (query: { limit: number; idleSince: number }): Promise<string[]> =>
        (await tier.candidates(query)).map((candidate) => candidate.key.id)
      const idsOf = (...numbers: number[]): string[] => numbers.map((n) => keyOf(n).id)

      it('are the least recently accessed, in that order, up to the limit', async () => {
        await fill(9)
        expect(await ids({ limit: 4, idleSince: Number.MAX_SAFE_INTEGER })).toEqual(idsOf(1, 2, 3, 4))
      })

      it('are only those idle since then', async () => {
        const start = await fill(9)
        expect(await ids({ limit: 100, idleSince: start + 3_000 })).toEqual(idsOf(1, 2, 3))
        expect(await ids({ limit: 100, idleSince: start })).toEqual([])
      })

      it('move back when they are touched', async () => {
        const start = await fill(4)
        await tier.touch([{ key: A, accesses: 1, lastAccessedAt: start + 9_000 }])
        expect(await ids({ limit: 2, idleSince: Number.MAX_SAFE_INTEGER })).toEqual(idsOf(2, 3))
      })

      it('are gone once removed, and stay when merely named', async () => {
        await fill(3)
        await tier.candidates({ limit: 3, idleSince: Number.MAX_SAFE_INTEGER })
        await remove(2, 2)
        expect(await ids({ limit: 3, idleSince: Number.MAX_SAFE_INTEGER })).toEqual(idsOf(1, 3))
        await put(4, 4, { expiresAt: 1 })
        await remove(4, 4)
        expect(await ids({ limit: 3, idleSince: 0 })).toEqual([])
      })

      it('include what has expired, however lately it was read', async () => {
        await put(1, 1, { expiresAt: 1 })
        await put(2, 2, { expiresAt: 4_000_000_000_000 })
        await put(3, 3)
        expect(await ids({ limit: 9, idleSince: 0 })).toEqual(idsOf(1))
        await put(1, 4)
        expect(await ids({ limit: 9, idleSince: 0 })).toEqual([])
      })

      it('are not what has just been written or promoted', async () => {
        const before = tier.now() - 10_000
        await put(1, 1)
        await put(2, 2, { reason: 'promotion', access: { accessCount: 7, lastAccessedAt: 1 } })
        expect(await ids({ limit: 9, idleSince: before })).toEqual([])
      })

      it('carry what a demotion needs', async () => {
        const lastAccessedAt = tier.now() + 1_000
        await put(1, 1, { deleted: true, expiresAt: 4_000_000_000_000 })
        await tier.touch([{ key: A, accesses: 2, lastAccessedAt }])
        const [candidate] = await tier.candidates({ limit: 1, idleSince: Number.MAX_SAFE_INTEGER })
        expect(candidate).toEqual({
          key: A,
          version: versionOf(1),
          deleted: true,
          expiresAt: 4_000_000_000_000,
          accessCount: 2,
          lastAccessedAt,
        })
      })
    })

    it('knows its size exactly', async () => {
      expect(await tier.size()).toEqual({ entries: 0, bytes: 0 })
      await put(1, 1, { payload: new Uint8Array(100) })
      await put(2, 2, { payload: new Uint8Array(50) })
      expect(await tier.size()).toEqual({ entries: 2, bytes: 150 })
      await put(1, 3, { payload: new Uint8Array(10) })
      expect(await tier.size()).toEqual({ entries: 2, bytes: 60 })
      await remove(2, 2)
      expect(await tier.size()).toEqual({ entries: 1, bytes: 10 })
    })

    it('has one generation while it lives, and another tier has another', async () => {
      const other = await driver.open({ markerTtl: MARKER_TTL })
      try {
        expect(tier.generationId).not.toBe('')
        expect(tier.markerTtl).toBe(MARKER_TTL)
        await put(1, 1)
        expect((await other.tier.read([A]))[0]).toBeUndefined()
      } finally {
        await other.close()
      }
    })

    it('closes once and refuses calls from then on', async () => {
      await tier.close()
      await tier.close()
      const closed = expect.objectContaining({ code: 'ERR_CLOSED' })
      await expect(tier.read([A])).rejects.toEqual(closed)
      await expect(tier.write([writeOf(1, 1, { startedAt: 0 })])).rejects.toEqual(closed)
      await expect(tier.touch([{ key: A, accesses: 1, lastAccessedAt: 1 }])).rejects.toEqual(closed)
      await expect(tier.candidates({ limit: 1, idleSince: 1 })).rejects.toEqual(closed)
      await expect(tier.remove([{ key: A, version: versionOf(1) }])).rejects.toEqual(closed)
      await expect(tier.size()).rejects.toEqual(closed)
    })

    describeHotTierProperties(driver)
  })
}
