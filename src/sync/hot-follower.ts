/**
 * Keeps hot from returning something older than cold has taken. Where hot has a generation with a number in cold,
 * cold's answer to a batch says for which keys hot may hold something older: these are recorded, so that reads bypass
 * hot until hot-repair.ts has dropped them. Where it has none, since hot is this process's own, they are dropped at
 * once.
 */
import type { ShipResult } from '../cold/cold-tier.ts'
import { keyText } from '../entry/entry-key.ts'
import type { EntryRecord } from '../entry/record.ts'
import { type Version, ZERO_VERSION } from '../entry/version.ts'
import type { MissedWrites } from '../flow/missed-writes.ts'
import type { PendingRecord } from '../flow/pending.ts'
import type { HotTier } from '../hot/hot-tier.ts'

/** What cold answered to a batch that it took. */
export type Moved = Extract<ShipResult, { status: 'moved' }>

export interface NumberedHot {
  readonly missed: MissedWrites
  /** Has to be told which generation of hot cold has as current. */
  readonly onCurrentGeneration: (generationNumber: number) => void
}

export class HotFollower {
  readonly #hot: HotTier
  readonly #numbered: NumberedHot | undefined

  /** @param numbered undefined: cold knows of no hot tier. */
  constructor(hot: HotTier, numbered: NumberedHot | undefined) {
    this.#hot = hot
    this.#numbered = numbered
  }

  /** Numbers of the generations that are known to hold what is about to be shipped. */
  confirmed(items: readonly PendingRecord[]): ReadonlyMap<EntryRecord, number> {
    const confirmed = new Map<EntryRecord, number>()
    if (this.#hot.mayEvict) return confirmed
    for (const { value, confirmedIn } of items) if (confirmedIn !== undefined) confirmed.set(value, confirmedIn)
    return confirmed
  }

  /** Call it before pending forgets them: a read in between would find what hot still has. */
  async follow(items: readonly PendingRecord[], moved: Moved): Promise<void> {
    const records = items.map(({ value }) => value)
    if (this.#numbered !== undefined) return note(this.#numbered, records, moved)
    // What hot took, it does not hold older.
    await this.#dropOlder(items.filter(({ isRefused }) => isRefused).map(({ value }) => value))
  }

  /** Cold, which was set back, had lost these: meanwhile a read may have brought into hot what it had instead. */
  async followAgain(records: readonly EntryRecord[], moved: Moved): Promise<void> {
    if (this.#numbered !== undefined) return note(this.#numbered, records, moved)
    await this.#dropOlder(records)
  }

  async #dropOlder(records: readonly EntryRecord[]): Promise<void> {
    if (records.length === 0) return
    await this.#hot.repair(records.map((record) => ({ key: record, version: record.version })))
  }
}

function note(
  { missed, onCurrentGeneration }: NumberedHot,
  records: readonly EntryRecord[],
  { missed: keys, generationNumber }: Moved,
): void {
  if (keys.length > 0) {
    // There may be several of one key, in any order: hot may hold something older than the newest of them.
    const newest = new Map<string, Version>()
    for (const record of records) {
      const key = keyText(record)
      if (record.version > (newest.get(key) ?? ZERO_VERSION)) newest.set(key, record.version)
    }
    for (const key of keys) missed.add(key, newest.get(keyText(key))!)
  }
  if (generationNumber !== undefined) onCurrentGeneration(generationNumber)
}
