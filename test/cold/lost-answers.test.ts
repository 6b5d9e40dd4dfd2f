/** What is made of a database that forgets staged rows or whose answers do not arrive, over the real one. */
import { randomUUID } from 'node:crypto'
import { sql } from 'drizzle-orm'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ColdDriver } from '../../src/cold/cold-driver.ts'
import { unavailable } from '../../src/cold/cold-errors.ts'
import { ColdStore } from '../../src/cold/cold-store.ts'
import { PgliteDriver } from '../../src/cold/pglite/pglite-driver.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { openHot } from '../../src/store/open-hot.ts'
import { openMemoryStoreOver } from '../../src/store/open-store.ts'
import { chunkOf, FUTURE, keyOf, versionOf } from '../../src/testkit/contract/cold-records.ts'
import { batchOf } from '../../src/testkit/contract/cold-shipping.ts'
import { QUIET } from '../flow/stores.ts'
import { lendDatabase } from '../tools/lent-database.ts'
import { ManualClock } from '../tools/manual-clock.ts'

/** Faults still to come. */
const faults = { stagingLost: 0, answersLost: 0, statementsLost: 0, copiesAnswered: 0, movesLost: 0 }

const REFUSED = { code: 'ERR_TIER_UNAVAILABLE', details: { tier: 'cold', outcome: 'applied' } }

/** What happens between the copy and the statement. */
let afterCopy = (): void => {}

/** The real driver, with a network and a crash in between. */
function faulty(driver: ColdDriver): ColdDriver {
  const isDue = (fault: keyof typeof faults): boolean => faults[fault] > 0 && faults[fault]-- > 0
  return {
    async query(statement) {
      if (isDue('statementsLost')) throw unavailable('connection lost before')
      const rows = await driver.query(statement)
      if (isDue('answersLost')) throw unavailable('connection lost after')
      if (rows[0]?.below_horizon !== undefined && isDue('movesLost')) throw unavailable('connection lost after')
      return rows
    },
    queryAll: (statements) => driver.queryAll(statements),
    async copyToStaging(stream) {
      await driver.copyToStaging(stream)
      afterCopy()
      // The copy went through, and nothing after it.
      if (isDue('copiesAnswered')) faults.statementsLost = 1
      if (isDue('stagingLost')) await driver.query(sql`TRUNCATE thermocline.entry_staging`)
    },
    build: (statement) => driver.build(statement),
    buildIndex: (index, signal) => driver.buildIndex(index, signal),
    rebuildIndexes: (indexes, work, signal) => driver.rebuildIndexes(indexes, work, signal),
    mostBuilt: driver.mostBuilt,
    vacuum: (tables, mode) => driver.vacuum(tables, mode),
    migrate: (config) => driver.migrate(config),
    housekeep: (after) => driver.housekeep(after),
    close: () => driver.close(),
  }
}

it('tells who waits for cold what that refused, though the answer that said so is lost', async () => {
  const driver = faulty(new PgliteDriver(await lendDatabase(), 60_000, silentLogger))
  const cold = await ColdStore.open(driver, { mode: 'check', dimensions: [], metrics: [], logger: silentLogger })
  const openCold = async () => cold
  await driver.query(sql`ALTER TABLE thermocline.memory_entries ADD CONSTRAINT no_13 CHECK (position <> 13)`)
  const store = await openMemoryStoreOver({ openCold, openHot }, { inMemory: true, ...QUIET })
  try {
    faults.movesLost = 1
    const inputs = [{ text: 'taken' }, { text: 'refused', position: 13 }]
    const outcomes = await store.chunks.putMany(inputs, { durability: 'cold', settle: true })
    expect(outcomes).toMatchObject([
      { ok: true, value: { durability: 'cold' } },
      { ok: false, error: REFUSED },
    ])
    expect([faults.movesLost, await store.chunks.count()]).toEqual([0, 1])
  } finally {
    await driver.query(sql`ALTER TABLE thermocline.memory_entries DROP CONSTRAINT no_13`)
    await store.close()
    await cold.close()
  }
})

describe('ship over a database with faults', () => {
  const walId = randomUUID()
  const records = [1, 2, 3].map((n) => chunkOf('ns', n, n))
  const batch = batchOf(walId, records)
  let store: ColdStore
  let driver: ColdDriver
  const versions = () => store.versions([1, 2, 3].map((n) => keyOf('ns', n)))
  const written = [1, 2, 3].map(versionOf)
  const nothing = [undefined, undefined, undefined]

  beforeEach(async () => {
    driver = faulty(new PgliteDriver(await lendDatabase(), 60_000, silentLogger))
    store = await ColdStore.open(driver, { mode: 'check', dimensions: [], metrics: [], logger: silentLogger })
    await store.takeOver(walId, 1)
  })
  afterEach(async () => {
    afterCopy = () => {}
    Object.assign(faults, { stagingLost: 0, answersLost: 0, statementsLost: 0, copiesAnswered: 0, movesLost: 0 })
    await store.close()
  })

  it('stages rows again that were lost before they were taken over', async () => {
    faults.stagingLost = 2
    expect(await store.ship(batch)).toEqual({ status: 'moved', superseded: 0, rejected: 0, missed: [] })
    expect(await versions()).toEqual(written)
  })

  it('moves no checkpoint past rows that are lost again and again', async () => {
    faults.stagingLost = 100
    await expect(store.ship(batch)).rejects.toMatchObject({ code: 'ERR_TIER_UNAVAILABLE' })
    await expect(store.upsert(records)).rejects.toMatchObject({ code: 'ERR_TIER_UNAVAILABLE' })
    expect(await store.checkpointOf(walId)).toMatchObject({ sequence: 0 })
    expect(await versions()).toEqual(nothing)
  })

  it('reads back what became of a statement whose answer was lost', async () => {
    faults.answersLost = 1
    expect(await store.ship(batch)).toMatchObject({ status: 'moved' })
    expect(await versions()).toEqual(written)
  })

  it('rejects where nothing was written, and may be called again', async () => {
    faults.statementsLost = 1
    await expect(store.ship(batch)).rejects.toMatchObject({ message: 'connection lost before' })
    expect(await versions()).toEqual(nothing)
    expect(await store.ship(batch)).toMatchObject({ status: 'moved' })
  })

  it('rejects where nobody knows, and the same call then tells', async () => {
    // The statement's answer is lost, and so is the question what became of it.
    faults.answersLost = 2
    await expect(store.ship(batch)).rejects.toMatchObject({ message: 'connection lost after' })
    // Which keys hot may hold too old, only the lost answer said: any of them.
    const missed = records.map(({ namespace, id }) => ({ namespace, id }))
    expect(await store.ship(batch)).toEqual({ status: 'moved', superseded: 0, rejected: 0, missed })
    expect(await versions()).toEqual(written)
  })

  it('leaves no more staged than one failed attempt, and nothing once it went through', async () => {
    const staged = async () => {
      const [row] = await driver.query(sql`SELECT count(*)::int4 AS rows FROM thermocline.entry_staging`)
      return row!.rows
    }
    for (let attempt = 1; attempt <= 3; attempt++) {
      faults.copiesAnswered = 1
      await expect(store.ship(batch)).rejects.toMatchObject({ message: 'connection lost before' })
      expect(await staged()).toBe(3)
    }
    expect(await store.ship(batch)).toMatchObject({ status: 'moved' })
    expect(await staged()).toBe(0)
    faults.copiesAnswered = 1
    await expect(store.upsert(records)).rejects.toMatchObject({ message: 'connection lost before' })
    await store.upsert(records)
    expect(await staged()).toBe(0)
  })

  it('replaces nothing once its time went by while rows were staged, by a clock of the store', async () => {
    const clock = new ManualClock()
    const terms = { mode: 'check', dimensions: [], metrics: [], logger: silentLogger } as const
    const timed = await ColdStore.open(driver, { ...terms, clock })
    const replacement = {
      changes: [{ record: chunkOf('ns', 1, 1), base: undefined }],
      generationNumber: undefined,
      until: clock.now(),
      log: { walId, epoch: 1, sequence: 0 },
    }
    afterCopy = () => clock.advance(1)
    expect(await timed.replace(replacement)).toBe('closed')
    expect(await timed.replace({ ...replacement, until: FUTURE })).toBe('replaced')
  })

  describe('replaceEach', () => {
    const log = { walId, epoch: 1, sequence: 0 }
    const both = (bases: readonly (number | undefined)[], to: number, overrides = {}) =>
      bases.map((base, n) => ({
        changes: [
          { record: chunkOf('ns', n + 1, to, overrides), base: base === undefined ? undefined : versionOf(base) },
        ],
        generationNumber: undefined,
        until: FUTURE,
        log,
      }))

    it('reads back what became of each', async () => {
      faults.answersLost = 1
      expect(await store.replaceEach(both([undefined, undefined], 1))).toEqual(['replaced', 'replaced'])
      // Removes what a failed attempt has left, or the answer to that would be the lost one.
      const clear = () => store.replaceEach(both([7, 7], 9))
      await clear()
      faults.answersLost = 1
      const unknown = expect.objectContaining({ details: expect.objectContaining({ outcome: 'unknown' }) })
      expect(await store.replaceEach(both([1, 9], 2))).toEqual(['replaced', unknown])
      expect(await versions()).toEqual([versionOf(2), versionOf(1), undefined])
      await clear()
      faults.answersLost = 2
      expect(await store.replaceEach(both([2, 1], 3))).toEqual([unknown, unknown])
    })

    it('leaves them to be asked alone where the database refused the row of one, or had lost it', async () => {
      const apart = ['apart', 'apart']
      expect(await store.replaceEach(both([undefined, undefined], 1, { position: -1 }))).toEqual(apart)
      faults.stagingLost = 1
      expect(await store.replaceEach(both([undefined, undefined], 1))).toEqual(apart)
      expect(await versions()).toEqual(nothing)
    })
  })

  describe('replace', () => {
    const log = { walId, epoch: 1, sequence: 0 }
    const replace = (base: number | undefined, to: number, overrides = {}) =>
      store.replace({
        changes: [{ record: chunkOf('ns', 1, to, overrides), base: base === undefined ? undefined : versionOf(base) }],
        generationNumber: undefined,
        until: FUTURE,
        log,
      })

    it('reads back what became of it', async () => {
      faults.answersLost = 1
      expect(await replace(undefined, 1)).toBe('replaced')
    })

    it('is unknown where that does not tell', async () => {
      const unknown = { code: 'ERR_TIER_UNAVAILABLE', details: { outcome: 'unknown' } }
      faults.answersLost = 2
      await expect(replace(undefined, 1)).rejects.toMatchObject(unknown)
      expect(await versions()).toEqual([versionOf(1), undefined, undefined])
      faults.copiesAnswered = 1
      await expect(replace(1, 2)).rejects.toMatchObject(unknown)
      expect(await versions()).toEqual([versionOf(1), undefined, undefined])
    })

    it('wrote nothing where the database refused the row, or had lost it', async () => {
      const none = { code: 'ERR_TIER_UNAVAILABLE', details: { outcome: 'none' } }
      await expect(replace(undefined, 1, { position: -1 })).rejects.toMatchObject(none)
      faults.stagingLost = 1
      expect(await replace(undefined, 1)).toBe('closed')
      expect(await versions()).toEqual(nothing)
    })
  })
})
