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
import { UUID, writeBigint, writeNull } from './column-types.ts'
import { columnNames, ENTRY_COLUMNS, valueIn } from './entry-columns.ts'

/** Columns in the order in which {@link encodeCopy} writes them. */
export const STAGING_COLUMNS: readonly string[] = ['batch_id', 'hot_generation', ...columnNames()]

const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1').toString('hex')
const NONE: ReadonlyMap<EntryRecord, number> = new Map()

/**
 * All records as one COPY stream; throws {@link UnencodableRecord} for any that has no such form.
 * @param confirmed number of the hot generation that is known to hold a record.
 * @param precision of their embeddings, by namespace. @default in full
 */
export function encodeCopy(
  batchId: string,
  records: readonly EntryRecord[],
  confirmed: ReadonlyMap<EntryRecord, number> = NONE,
  precision: NamespaceRules<Precision> = {},
): Uint8Array<ArrayBuffer> {
  const out = new BinaryWriter()
  out.hex(SIGNATURE)
  out.int32(0)
  out.int32(0)
  // By default none is, and no rule has to be looked for.
  const rounds = roundsAny(precision)
  for (const record of records) {
    const rounded = rounds ? roundedOf(record, precision) : undefined
    writeRow(out, batchId, record, rounded, confirmed.get(record))
  }
  out.int16(-1)
  return out.finish()
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
