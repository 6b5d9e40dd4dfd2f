/**
 * Makes the tsvector by which Postgres searches a text. Index, stored rows and pending texts all use {@link
 * textVector}, so that an entry is found the same before it is shipped and afterwards. How it is ranked is decided in
 * search-texts.ts.
 *
 * No text may make Postgres fail or stall here: where an index is kept, that would keep an acknowledged write out of
 * the table. A tsvector holds a megabyte, of which a character takes eight bytes at the most (of four each, in a word
 * and in the compound that it is part of), so the first 100 000 characters are looked at. The parser looks ahead from
 * within a word to its end again and again, as in base64, and from each `<!` to the end of the text: long words are cut
 * where no word of a language is as long.
 */
import { type SQL, sql } from 'drizzle-orm'

/** A text search configuration of Postgres as `schema.name`, each quoted where it has to be. */
export type QualifiedLanguage = string

/** Characters of a text that are looked at. */
const MOST_CHARACTERS = 100_000
/** Characters after which a word is cut. */
const LONGEST_WORD = 100

/** The expression as an index has it, of a column `text` whose collation is "C". */
export function indexedVector(language: QualifiedLanguage): string {
  return vectorText(language, 'text')
}

/** The same of a text in a statement. */
export function textVector(language: QualifiedLanguage, text: string): SQL {
  return sql.raw(vectorText(language, text))
}

function vectorText(language: QualifiedLanguage, text: string): string {
  const plain = `replace(left(${text}, ${MOST_CHARACTERS}), '<!', '< ')`
  return `to_tsvector(${literal(language)}, regexp_replace(${plain}, '[^[:space:]]{${LONGEST_WORD}}', E'\\\\& ', 'g'))`
}

/** What people type: words that must all be there, "phrases", `or`, and `-` before what must not be there. */
export function wordsSought(language: QualifiedLanguage, query: string): SQL {
  return sql`websearch_to_tsquery(${sql.raw(literal(language))}, ${plainQuery(query)}::text)`
}

/** Postgres keeps a stack of 32 for `-` after `-`, and fails beyond: several say no more than one. */
function plainQuery(query: string): string {
  return query.replaceAll(/(^|[^\p{L}\p{N}])-(?:[^\p{L}\p{N}"]*-)+/gu, '$1-')
}

/** A literal, not a parameter: only then does the planner see that an index is over the same expression. */
function literal(language: QualifiedLanguage): string {
  return `'${language.replaceAll("'", "''")}'::regconfig`
}
