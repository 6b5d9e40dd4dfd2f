/** What one would write oneself for Postgres: a table of chunks, an upsert, a binary COPY. */
import { randomUUID } from 'node:crypto'
import type postgres from 'postgres'
import { chunk } from './entries.ts'

const COLUMNS = '(id, text, document_id, position, metadata, embedding)'
const UPDATE = `ON CONFLICT (id) DO UPDATE SET text = excluded.text, document_id = excluded.document_id,
  position = excluded.position, metadata = excluded.metadata, embedding = excluded.embedding, updated_at = now()`

export const CHUNK_TABLE = `
  CREATE TABLE chunks (
    id uuid PRIMARY KEY, text text NOT NULL, document_id text, position int4, metadata jsonb, embedding real[],
    created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now());
  CREATE INDEX chunks_document ON chunks (document_id, position);
  CREATE UNLOGGED TABLE staged_chunks (
    id uuid, text text, document_id text, position int4, metadata jsonb, embedding real[])`

export const UPSERT = `INSERT INTO chunks ${COLUMNS} VALUES ($1, $2, $3, $4, $5, $6) ${UPDATE}`

/** Values of {@link UPSERT}, with a new id. */
export function valuesOf(nth: number): postgres.ParameterOrJSON<never>[] {
  const { text, documentId, position, metadata, embedding } = chunk(nth)
  return [randomUUID(), text, documentId, position, metadata as never, [...embedding] as never]
}

/** Copies `rows` new chunks into the staging table and takes them over by one upsert. */
export async function copyAndUpsert(sql: postgres.Sql, rows: number): Promise<void> {
  const stream = await sql.unsafe(`COPY staged_chunks ${COLUMNS} FROM STDIN (FORMAT binary)`).writable()
  await new Promise<void>((resolve, reject) => {
    stream.once('error', reject)
    stream.once('finish', resolve)
    stream.end(encodeRows(rows))
  })
  await sql.unsafe(`INSERT INTO chunks ${COLUMNS} SELECT * FROM staged_chunks ${UPDATE}`)
  await sql.unsafe('TRUNCATE staged_chunks')
}

const HEADER = Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8)])
const TRAILER = Buffer.from([0xff, 0xff])
const FLOAT4_OID = 700

/** As COPY wants it: for each row the number of columns, for each column its length and its bytes. */
function encodeRows(rows: number): Buffer {
  const parts: Buffer[] = [HEADER]
  for (let nth = 0; nth < rows; nth++) {
    const { text, documentId, position, metadata, embedding } = chunk(nth)
    const values = [
      Buffer.from(randomUUID().replaceAll('-', ''), 'hex'),
      Buffer.from(text),
      Buffer.from(documentId),
      int32(position),
      Buffer.from(`\u0001${JSON.stringify(metadata)}`),
      floats(embedding),
    ]
    parts.push(Buffer.from([0, values.length]))
    for (const value of values) parts.push(int32(value.length), value)
  }
  return Buffer.concat([...parts, TRAILER])
}

/** An array of one dimension without NULL: its header, then length and bytes of each number. */
function floats(values: Float32Array): Buffer {
  const bytes = Buffer.alloc(20 + 8 * values.length)
  for (const [i, number] of [1, 0, FLOAT4_OID, values.length, 1].entries()) bytes.writeInt32BE(number, 4 * i)
  values.forEach((value, i) => {
    bytes.writeInt32BE(4, 20 + 8 * i)
    bytes.writeFloatBE(value, 24 + 8 * i)
  })
  return bytes
}

function int32(number: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(number)
  return bytes
}
