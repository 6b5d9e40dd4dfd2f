/**
 * Writes a statement as text and parameters, as the drivers send it. It MUST be what drizzle's own dialect makes of it.
 * That asks of every piece which of fifteen kinds it is, and copies the parameters at every level: for a `find` it took
 * longer than anything else that this process does. Here pieces are of few kinds, and there are no others.
 */
import { Param, SQL, StringChunk, sql } from 'drizzle-orm'

export interface CompiledStatement {
  readonly sql: string
  readonly params: unknown[]
}

export function compileStatement(statement: SQL): CompiledStatement {
  const params: unknown[] = []
  return { sql: textOf(statement, params), params }
}

/** The same piece, which has no parameters, in one: for what is part of many statements. */
export function inOnePiece(piece: SQL): SQL {
  const { sql: text, params } = compileStatement(piece)
  if (params.length > 0) throw new TypeError('a piece with parameters is different each time')
  return sql.raw(text)
}

function textOf(piece: unknown, params: unknown[]): string {
  if (piece instanceof StringChunk) return piece.value.length === 1 ? piece.value[0]! : piece.value.join('')
  if (piece instanceof SQL) {
    let text = ''
    for (const part of piece.queryChunks) text += textOf(part, params)
    return text
  }
  if (piece === undefined) return ''
  return `$${params.push(parameterIn(piece))}`
}

function parameterIn(piece: unknown): unknown {
  if (piece instanceof Param) return piece.value
  if (typeof piece !== 'object' || piece === null || piece instanceof Uint8Array) return piece
  throw new TypeError('a statement has a piece that is neither SQL nor a parameter: give it as `sql.param`')
}
