/**
 * Writes records as `COPY thermocline.entry_staging … FROM STDIN (FORMAT binary)` reads them; the bytes of each value
 * are decided in column-types.ts.
 *
 *   header:  "PGCOPY\n\377\r\n\0" · int32 flags (0) · int32 length of extension (0)
 *   row:     int16 number of columns · per column int32 length (-1: NULL) and that many bytes
 *   trailer: int16 -1
 *
 * A COPY without trailer is accepted up to where it ends, so the statement that takes the rows over compares their
 * number.
 */
import { type NamespaceRules, ruleFor } from '../../entry/namespace-rules.ts'
import type { EntryRecord } from '../../entry/record.ts'
import { type Precision, type RoundedVector, roundsAny, roundVector } from '../../entry/rounded-vector.ts'
import { BinaryWriter } from './binary-writer.ts'
import { UnencodableRecord, UUID, writeBigint, writeNull } from './column-types.ts'
import { columnNames, ENTRY_COLUMNS, valueIn } from './entry-columns.ts'

/** Columns in the order in which {@link CopyStream} writes them. */
export const STAGING_COLUMNS: readonly string[] = ['batch_id', 'hot_generation', ...columnNames()]

const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1').toString('hex')
const NONE: ReadonlyMap<EntryRecord, number> = new Map()

/** What most rows take: the last one of a piece has room behind it. */
const ROOM = 16 * 1024

/** Bytes of a piece, or a row that is larger: encoded at once, so that callers wait for no more than that. */
const PIECE = 64 * 1024

/**
 * All records as one COPY stream, in pieces, each of which is there until the next is asked for; it may be read several
 * times. A large batch would be megabytes otherwise, and so much beside the heap has the engine collect all garbage at
 * once, for tens of milliseconds.
 */
export class CopyStream implements Iterable<Uint8Array> {
  readonly #batchId: string
  readonly #records: readonly EntryRecord[]
  readonly #confirmed: ReadonlyMap<EntryRecord, number>
  readonly #precision: NamespaceRules<Precision>
  /** By default none is rounded, and no rule has to be looked for. */
  readonly #rounds: boolean
  #unencodable: UnencodableRecord | undefined

  /**
   * @param confirmed number of the hot generation that is known to hold a record.
   * @param precision of their embeddings, by namespace. @default in full
   */
  constructor(
    batchId: string,
    records: readonly EntryRecord[],
    confirmed: ReadonlyMap<EntryRecord, number> = NONE,
    precision: NamespaceRules<Precision> = {},
  ) {
    this.#batchId = batchId
    this.#records = records
    this.#confirmed = confirmed
    this.#precision = precision
    this.#rounds = roundsAny(precision)
  }

  /** Why it could not be read to its end, where that was a record that no column holds. */
  get unencodable(): UnencodableRecord | undefined {
    return this.#unencodable
  }

  /** Throws {@link UnencodableRecord}. */
  *[Symbol.iterator](): Generator<Uint8Array, void> {
    const out = new BinaryWriter(PIECE + ROOM)
    out.hex(SIGNATURE)
    out.int32(0)
    out.int32(0)
    for (const record of this.#records) {
      this.#write(out, record)
      if (out.length >= PIECE) yield out.take()
    }
    out.int16(-1)
    yield out.take()
  }

  #write(out: BinaryWriter, record: EntryRecord): void {
    try {
      const rounded = this.#rounds ? roundedOf(record, this.#precision) : undefined
      writeRow(out, this.#batchId, record, rounded, this.#confirmed.get(record))
    } catch (error) {
      if (error instanceof UnencodableRecord) this.#unencodable = error
      throw error
    }
  }
}

/** Undefined where the embedding is kept as it is. */
function roundedOf({ namespace, embedding }: EntryRecord, rules: NamespaceRules<Precision>): RoundedVector | undefined {
  if (embedding === null) return undefined
  const precision = ruleFor(rules, namespace) ?? 'full'
  return precision === 'full' ? undefined : roundVector(embedding, precision)
}

function writeRow(
  out: BinaryWriter,
  batchId: string,
  record: EntryRecord,
  rounded: RoundedVector | undefined,
  generationNumber: number | undefined,
): void {
  out.int16(STAGING_COLUMNS.length)
  UUID.write(out, batchId)
  if (generationNumber === undefined) writeNull(out)
  else writeBigint(out, generationNumber)
  for (const { field, type } of ENTRY_COLUMNS) {
    const value = valueIn(record, field, rounded)
    if (value === null) writeNull(out)
    else type.write(out, value)
  }
}
