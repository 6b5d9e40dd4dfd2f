/**
 * Says in SQL which rows have an embedding of so many dimensions, and what it is as a vector of pgvector: it is kept in
 * full, or rounded as entry/rounded-vector.ts does it. Which of that an index holds is decided in vector-index.ts.
 *
 * A dimension is written as a literal: the planner matches an index by nothing else.
 */
import { type SQL, sql } from 'drizzle-orm'

/** Vectors in full alone, or all. */
export type VectorForm = 'full' | 'any'

type VectorType = 'vector' | 'halfvec'

/**
 * Added and taken away, it leaves the nearest multiple of 256 of a float32: there, 256 is the distance between two of
 * them.
 */
const TO_MULTIPLES_OF_256 = 1.5 * 2 ** 31

/** A name in SQL. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** `vector(N)` in SQL. A type takes no parameter. @param schema of pgvector, which need not be on the search path. */
export function typeOf(schema: string, type: VectorType, dimension: number): string {
  return `${quoted(schema)}.${type}(${Math.trunc(dimension)})`
}

/** How many dimensions a row has. @param row with its dot; none in the definition of an index. */
export function dimensionOf(form: VectorForm, row = 'e.'): string {
  const inFull = `cardinality(${row}embedding)`
  return form === 'full' ? inFull : `coalesce(${inFull}, ${row}rounded_dimension)`
}

/** Rows with vectors of these dimensions. */
export function hasDimension(form: VectorForm, dimension: number): SQL {
  return sql.raw(`${dimensionOf(form)} = ${Math.trunc(dimension)}`)
}

/** Rows that no index of vectors has, as the index of these says it. */
export const IS_UNINDEXED = sql`(e.embedding IS NOT NULL OR e.rounded IS NOT NULL) AND e.indexed IS NOT TRUE`

/** The vector of a row that {@link hasDimension}. */
export function vectorOf(form: VectorForm, schema: string, type: VectorType, dimension: number, row = 'e.'): string {
  const cast = `::${typeOf(schema, type, dimension)}`
  const inFull = `${row}embedding${cast}`
  return form === 'full' ? `(${inFull})` : `coalesce(${inFull}, ${widened(schema, Math.trunc(dimension), row)}${cast})`
}

/** The arithmetic of `widenVector`, done by pgvector: some twenty times as fast as by loops of SQL. */
function widened(schema: string, dimension: number, row: string): string {
  const vector = `${quoted(schema)}.vector`
  const by = (operator: string): string => `OPERATOR(${quoted(schema)}.${operator})`
  const pairs = Math.ceil(dimension / 2)
  const filled = (value: string, size: number): string => `array_fill(${value}, ARRAY[${size}])::${vector}`
  const constant = (value: number): string => filled(`'${value}'::real`, pairs)
  const steps = `(${row}rounded::real[]::${vector})`
  const multiples = constant(TO_MULTIPLES_OF_256)
  const high = `((${steps} ${by('+')} ${multiples}) ${by('-')} ${multiples})`
  const both = `((${steps} ${by('-')} ${high}) ${by('||')} (${high} ${by('*')} ${constant(1 / 256)}))`
  const ofPairs = dimension % 2 === 0 ? both : `${quoted(schema)}.subvector(${both}, 1, ${dimension})`
  const inSteps = `(CASE WHEN cardinality(${row}rounded) = ${dimension} THEN ${steps} ELSE ${ofPairs} END)`
  return `(${inSteps} ${by('*')} ${filled(`${row}rounded_scale`, dimension)})`
}
