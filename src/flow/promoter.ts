/**
 * Puts an entry that a read found in cold into hot, in the background, where its policy wants it (tiering.ts); hot
 * itself refuses a version that is no longer the newest. Promotion by a call (`promote`, `prefetch`) is in
 * sync/tier-moves.ts.
 */
import { encodeRecord } from '../entry/codec.ts'
import type { AccessStats, EntryRecord } from '../entry/record.ts'
import { isThermoclineError, withoutContent } from '../errors.ts'
import type { HotTier } from '../hot/hot-tier.ts'
import type { Logger } from '../kernel/logger.ts'
import { eventEntry } from '../telemetry/store-events.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'
import type { AccessCounter } from './access-counter.ts'
import type { Origin } from './hot-reads.ts'
import type { Pressure } from './pressure.ts'
import type { Tiering } from './tiering.ts'

export interface PromoterParts {
  readonly hot: HotTier
  readonly access: AccessCounter
  readonly pressure: Pressure
  readonly telemetry: Telemetry
  readonly logger: Logger
  /** Undefined: nothing is promoted. */
  readonly tiering: Tiering | undefined
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

  /** Unless its policy has the entry stay in cold. */
  promote(read: ReadFromCold): void {
    const { tiering, logger } = this.#parts
    if (tiering === undefined) return
    const promotion = this.#promote(read, tiering).catch((error: unknown) =>
      // A tier that is away is told elsewhere.
      logger[isThermoclineError(error, 'ERR_TIER_UNAVAILABLE') ? 'debug' : 'warn'](
        { err: withoutContent(error) },
        'an entry was not promoted',
      ),
    )
    this.#promotions.add(promotion)
    void promotion.finally(() => this.#promotions.delete(promotion))
  }

  async #promote({ record, access, startedAt, generationId }: ReadFromCold, tiering: Tiering): Promise<void> {
    const { hot, pressure, telemetry } = this.#parts
    const accessCount = (access?.accessCount ?? 0) + this.#parts.access.unflushed(record) + 1
    // To go by idle time alone, nobody needs to know how large it is.
    const measured = tiering.isIdleTimeAlone ? undefined : encodeRecord(record)
    const isWanted = tiering.isWanted({ record, bytes: measured?.byteLength ?? 0, access, accessCount })
    if (!(isWanted instanceof Promise ? await isWanted : isWanted)) return
    const payload = measured ?? encodeRecord(record)
    const { version, expiresAt } = record
    const origin = { reason: 'promotion', startedAt, generationId } as const
    const known = access === undefined ? {} : { access }
    const [result] = await hot.write([
      { key: record, version, expiresAt, deleted: false, payload, ...origin, ...known },
    ])
    if (result?.status === 'stored') {
      telemetry.counts.promoted++
      telemetry.events.emit('promote', () => ({ entries: [eventEntry(record)] }))
    }
    pressure.hotChanged()
  }

  /** Resolves once those that have begun are done. */
  async settled(): Promise<void> {
    await Promise.all(this.#promotions)
  }
}
