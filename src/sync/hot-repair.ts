/**
 * Repairs a shared hot tier, in every process that uses it: it pushes this process's pending writes again into a
 * generation that is new, and drops keys for which hot may hold something older than cold (rows of `hot_misses`, from
 * whichever process). Where these cannot be dropped, reads of this process bypass hot until nothing is left to drop.
 * Where hot turns out to be another generation, what it holds is no longer believed.
 */
import type { ColdTier, HotMiss } from '../cold/cold-tier.ts'
import { encodeRecord } from '../entry/codec.ts'
import type { AccessStats, EntryRecord } from '../entry/record.ts'
import { isThermoclineError, withoutContent } from '../errors.ts'
import { carryOverReads } from '../flow/access-counter.ts'
import type { MissedWrites } from '../flow/missed-writes.ts'
import type { Pending } from '../flow/pending.ts'
import type { HotTier, HotWrite } from '../hot/hot-tier.ts'
import type { Logger } from '../kernel/logger.ts'
import { SingleFlight } from '../kernel/single-flight.ts'
import { slices } from '../kernel/slices.ts'

/** Keys of one round trip. */
const BATCH = 1_000

export interface HotRepairParts {
  readonly hot: HotTier
  readonly cold: ColdTier
  readonly pending: Pending
  readonly missed: MissedWrites
  readonly logger: Logger
  /** Told where cold has another generation of hot as current: ours must not be believed any more. */
  readonly onOtherGeneration: (generationNumber: number) => void
}

export class HotRepair {
  readonly #parts: HotRepairParts
  readonly #flight = new SingleFlight(() => this.#repair())
  /** The generation into which everything pending has been pushed, also what was resumed. */
  #repushedInto: number | undefined

  constructor(parts: HotRepairParts) {
    this.#parts = parts
  }

  /** Does nothing while hot is away. Rejects where cold is. */
  run(): Promise<void> {
    return this.#flight.run()
  }

  /** The same, where somebody else will try again if it cannot be done now. */
  async tryRun(): Promise<void> {
    try {
      await this.run()
    } catch (error) {
      const message = 'hot could not be repaired yet: the next checkpoint tries again'
      this.#parts.logger.warn({ err: withoutContent(error) }, message)
    }
  }

  idle(): Promise<void> {
    return this.#flight.idle()
  }

  async #repair(): Promise<void> {
    const { generationNumber } = this.#parts.hot
    if (generationNumber === undefined) return
    try {
      await this.#parts.hot.verify()
      await this.#repairIn(generationNumber)
    } catch (error) {
      if (!isThermoclineError(error, 'ERR_TIER_UNAVAILABLE') || error.details.tier !== 'hot') throw error
      this.#parts.logger.debug({ err: withoutContent(error) }, 'hot is not repaired while it is away')
    }
  }

  async #repairIn(generationNumber: number): Promise<void> {
    const { hot, cold, missed, logger, onOtherGeneration } = this.#parts
    for (let repaired = 0; ; ) {
      const mark = missed.mark
      const { generationNumber: current, misses } = await cold.hotMisses(BATCH)
      // Also a process that has nothing to ship must find out.
      if (current !== undefined && current !== generationNumber) return onOtherGeneration(current)
      if (this.#repushedInto !== generationNumber) await this.#repush(generationNumber)
      if (misses.length === 0) {
        missed.repaired(mark)
        if (repaired > 0) logger.debug({ keys: repaired }, 'hot was repaired where cold is newer')
        return
      }
      await carryOverReads(cold, misses, await this.#dropOlder(misses))
      if (hot.generationNumber !== generationNumber) return
      const cleared = await cold.clearHotMisses(generationNumber, misses)
      repaired += cleared
      // All of them have changed, or another generation is current in cold: the next run sees.
      if (cleared === 0) return
    }
  }

  async #repush(generationNumber: number): Promise<void> {
    const { hot, pending, logger } = this.#parts
    let pushed = 0
    for (const records of slices(pending.unconfirmed(generationNumber), BATCH)) {
      await this.#push(records, generationNumber)
      if (hot.generationNumber !== generationNumber) return
      pushed += records.length
    }
    if (pending.isSettled) this.#repushedInto = generationNumber
    if (pushed > 0)
      logger.info({ entries: pushed, generation: generationNumber }, 'pushed what cold lacks into hot again')
  }

  /**
   * A version enters only where it is newer than cold: what cold has newer may have left hot, and its marker with it.
   */
  async #push(records: readonly EntryRecord[], generationNumber: number): Promise<void> {
    const { hot, cold, pending } = this.#parts
    const origin = { startedAt: hot.now(), generationId: hot.generationId }
    const versions = await cold.versions(records)
    const isBehind = (record: EntryRecord, i: number): boolean => (versions[i] ?? '') > record.version
    const outdated = records.flatMap((record, i) =>
      isBehind(record, i) ? [{ key: record, version: versions[i]! }] : [],
    )
    const fresh = records.filter((record, i) => !isBehind(record, i))
    if (outdated.length > 0) await hot.repair(outdated)
    const results = await hot.write(fresh.map((record) => repushOf(record, origin)))
    if (hot.generationNumber !== generationNumber) return
    for (const [i, record] of fresh.entries())
      if (results[i]!.status !== 'late') pending.confirm(record, record.version, generationNumber)
  }

  async #dropOlder(misses: readonly HotMiss[]): Promise<(AccessStats | undefined)[]> {
    const { hot, missed } = this.#parts
    try {
      return await hot.repair(misses)
    } catch (error) {
      // There may be more of them than these, and hot may answer reads all the same.
      missed.bypass()
      throw error
    }
  }
}

function repushOf(record: EntryRecord, origin: { startedAt: number; generationId: string }): HotWrite {
  const { version, expiresAt } = record
  const deleted = record.deletedAt !== null
  return { key: record, version, deleted, expiresAt, payload: encodeRecord(record), reason: 'repush', ...origin }
}
