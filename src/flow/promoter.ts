/**
 * Puts an entry that a read found in cold into hot, in the background; hot itself refuses a version that is no longer
 * the newest. Promotion by a call (`promote`, `prefetch`) is in sync/tier-moves.ts.
 */
import { encodeRecord } from '../entry/codec.ts'
import type { AccessStats, EntryRecord } from '../entry/record.ts'
import { withoutContent } from '../errors.ts'
import type { HotTier } from '../hot/hot-tier.ts'
import type { Logger } from '../kernel/logger.ts'
import { eventEntry } from '../telemetry/store-events.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'
import type { AccessCounter } from './access-counter.ts'
import type { Origin } from './hot-reads.ts'
import type { Pressure } from './pressure.ts'

export interface PromoterParts {
  readonly hot: HotTier
  readonly access: AccessCounter
  readonly pressure: Pressure
  readonly telemetry: Telemetry
  readonly logger: Logger
  /** Reads of an entry before it is promoted; undefined: never. */
  readonly minAccesses: number | undefined
}

/** An entry that was read from cold. */
export interface ReadFromCold extends Origin {
  readonly record: EntryRecord
  readonly access: AccessStats | undefined
}

export class Promoter {
  readonly #parts: PromoterParts
  readonly #promotions = new Set<Promise<void>>()

  constructor(parts: PromoterParts) {
    this.#parts = parts
  }

  /** Unless the entry was read too seldom yet. */
  promote({ record, access, startedAt, generationId }: ReadFromCold): void {
    const { hot, minAccesses, logger, pressure, telemetry } = this.#parts
    const reads = (access?.accessCount ?? 0) + this.#parts.access.unflushed(record) + 1
    if (minAccesses === undefined || reads < minAccesses) return
    const { version, expiresAt } = record
    const value = { version, expiresAt, deleted: false, payload: encodeRecord(record) }
    const origin = { reason: 'promotion', startedAt, generationId } as const
    const promotion = hot
      .write([{ key: record, ...value, ...origin, ...(access === undefined ? {} : { access }) }])
      .then(
        ([result]) => {
          if (result?.status === 'stored') {
            telemetry.counts.promoted++
            telemetry.events.emit('promote', () => ({ entries: [eventEntry(record)] }))
          }
          pressure.hotChanged()
        },
        (error: unknown) => logger.debug({ err: withoutContent(error) }, 'an entry was not promoted'),
      )
    this.#promotions.add(promotion)
    void promotion.finally(() => this.#promotions.delete(promotion))
  }

  /** Resolves once those that have begun are done. */
  async settled(): Promise<void> {
    await Promise.all(this.#promotions)
  }
}
