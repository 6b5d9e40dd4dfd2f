/**
 * Writes all entries that a filter selects into an archive (archive-format.ts), as of one moment: what this process had
 * acknowledged before the call is shipped, and then cold is read as it is at that moment, whatever is written
 * meanwhile. Of what other processes have pending, the export has what they have shipped by then, as any query.
 */
import type { ColdSnapshot, ColdTier } from '../cold/cold-tier.ts'
import { archivedText } from '../entry/archived-entry.ts'
import { ThermoclineError } from '../errors.ts'
import type { Clock } from '../kernel/clock.ts'
import { type Patience, stoppable } from '../kernel/deadline.ts'
import type { Filter } from '../query/filter.ts'
import type { Scope } from '../query/scope.ts'
import { ArchiveWriter } from './archive-format.ts'
import { type ArchiveTarget, writeArchive } from './archive-target.ts'

export interface ExporterParts {
  readonly storeId: string
  readonly cold: Pick<ColdTier, 'snapshot'>
  /** Ships what was acknowledged so far. */
  readonly shipper: { checkpointNow(): Promise<unknown> }
  readonly clock: Clock
}

export interface ExportProgress {
  readonly entries: number
  /** How many there will be. */
  readonly total: number
}

export interface ExportTerms extends Patience {
  readonly to: ArchiveTarget
  readonly onProgress?: ((progress: ExportProgress) => void) | undefined
}

export interface Exported {
  readonly entries: number
  /** What was written to `to`. */
  readonly bytes: number
  /** The moment that the archive shows. */
  readonly exportedAt: Date
}

export class Exporter {
  readonly #parts: ExporterParts

  constructor(parts: ExporterParts) {
    this.#parts = parts
  }

  /** Where it rejects, nothing of it is left at a path. */
  export(scope: Scope, filter: Filter, terms: ExportTerms): Promise<Exported> {
    return stoppable(terms, (signal) => this.#export(scope, filter, terms, signal))
  }

  async #export(scope: Scope, filter: Filter, terms: ExportTerms, signal: AbortSignal): Promise<Exported> {
    const { cold, shipper, clock } = this.#parts
    await shipper.checkpointNow()
    const now = clock.now()
    const snapshot = await cold.snapshot({ scope, filter, now, exclude: [] })
    try {
      const exportedAt = new Date(now)
      const archive = this.#archive(scope, snapshot, exportedAt, terms)
      const bytes = await writeArchive(archive, terms.to, signal)
      return { entries: snapshot.count, bytes, exportedAt }
    } finally {
      await snapshot.close()
    }
  }

  async *#archive(scope: Scope, snapshot: ColdSnapshot, exportedAt: Date, { onProgress }: ExportTerms) {
    const writer = new ArchiveWriter()
    const { count: total } = snapshot
    yield writer.header({
      ...{ store: this.#parts.storeId, namespace: scope.namespace },
      ...{ exportedAt: exportedAt.toISOString(), entries: total },
    })
    let entries = 0
    for await (const rows of snapshot.pages()) {
      yield writer.entries(rows.map(({ record, access }) => archivedText(record, access)))
      entries += rows.length
      onProgress?.({ entries, total })
    }
    if (entries !== total) throw otherThanCounted(entries, total)
    yield writer.end()
  }
}

function otherThanCounted(entries: number, total: number): ThermoclineError<'ERR_TIER_UNAVAILABLE'> {
  const message = `the database had ${entries} entries where it had counted ${total}: export again`
  return new ThermoclineError('ERR_TIER_UNAVAILABLE', message, { tier: 'cold' })
}
