/**
 * Decides in which language texts are searched, and builds the GIN index over them. The name of the index tells the
 * language to every process. A process that declares no language uses that one; one that declares another is refused,
 * or whether an entry is found would depend on the process that searches. Without an index texts are searched one by
 * one.
 */
import { sql } from 'drizzle-orm'
import { ThermoclineError } from '../../errors.ts'
import type { Logger } from '../../kernel/logger.ts'
import type { ColdDriver } from '../cold-driver.ts'
import { indexedVector, type QualifiedLanguage } from './text-vector.ts'

/** Searched by where nothing is declared: words as they are, in lower case. */
const PLAIN = 'simple'
const NAME = 'memory_entries_text_'

export interface TextIndexOptions {
  /** Name of a text search configuration; undefined: as the database has it. */
  readonly language?: string | undefined
  /** `check` builds nothing. `change` puts the index of another language in place of the one that is there. */
  readonly mode: 'auto' | 'check' | 'change'
  readonly logger: Logger
}

/** Returns the language, after the index of a declared one is there. */
export async function ensureTextIndex(driver: ColdDriver, options: TextIndexOptions): Promise<QualifiedLanguage> {
  const { language, mode, logger } = options
  const { indexed, name } = await languageOf(driver, language)
  if (language === undefined || language === indexed) return name
  if (indexed !== undefined && mode !== 'change') throw otherLanguage(indexed)
  if (mode === 'check')
    throw new ThermoclineError(
      'ERR_SCHEMA',
      'the cold tier lacks the index of texts: run `npx thermocline migrate` with the option `cold.language`',
      {},
    )
  const startedAt = performance.now()
  logger.info({ language }, 'building the index of texts: this takes as long as it takes')
  const definition = `thermocline.memory_entries USING gin ((${indexedVector(name)})) WHERE text IS NOT NULL`
  await driver.buildIndex({ name: NAME + language, definition })
  if (indexed !== undefined) await driver.build(sql.raw(`DROP INDEX IF EXISTS thermocline.${NAME}${indexed}`))
  logger.info({ language, durationMs: Math.round(performance.now() - startedAt) }, 'index of texts built')
  return name
}

/** The language that texts are searched in. */
export interface Language {
  readonly name: QualifiedLanguage
  /** Of the index; undefined: there is none. */
  readonly indexed: string | undefined
}

/**
 * Returns the language, declared or that of the index by now: another process may have built one. While one index takes
 * the place of another both are there: the newer counts, once it is whole. Whatever the search path of the role, the
 * languages that Postgres brings come first.
 */
export async function languageOf(driver: ColdDriver, declared?: string): Promise<Language> {
  const [row] = await driver.query(sql`
    WITH texts AS (
      SELECT substr(c.relname::text, ${NAME.length + 1}::int4) AS language FROM pg_index i
      JOIN pg_class c ON c.oid = i.indexrelid
      WHERE i.indisvalid AND i.indrelid = to_regclass('thermocline.memory_entries')
        AND starts_with(c.relname::text, ${NAME})
      ORDER BY c.oid DESC LIMIT 1
    )
    SELECT (SELECT language FROM texts) AS indexed, (
      SELECT quote_ident(n.nspname) || '.' || quote_ident(c.cfgname)
      FROM pg_ts_config c JOIN pg_namespace n ON n.oid = c.cfgnamespace
      WHERE c.cfgname = coalesce(${declared ?? null}::text, (SELECT language FROM texts), ${PLAIN}::text)
      ORDER BY n.nspname = 'pg_catalog' DESC, n.nspname = 'public' DESC, n.nspname LIMIT 1
    ) AS name`)
  if (typeof row?.name !== 'string') throw await unknownLanguage(driver)
  return { name: row.name, indexed: (row.indexed ?? undefined) as string | undefined }
}

async function unknownLanguage(driver: ColdDriver): Promise<ThermoclineError> {
  const [all] = await driver.query(sql`SELECT string_agg(DISTINCT cfgname::text, ', ') AS names FROM pg_ts_config`)
  const message = `option \`cold.language\` is no text search configuration of the cold tier; it has ${all?.names}`
  return new ThermoclineError('ERR_INVALID_OPTIONS', message, { option: 'cold.language' })
}

function otherLanguage(indexed: string): ThermoclineError {
  const message =
    `option \`cold.language\`: the texts of this store are indexed in \`${indexed}\`, and a store has one language. ` +
    'Say the same, or leave it out; `npx thermocline migrate --config FILE` with the other one builds the index anew'
  return new ThermoclineError('ERR_INVALID_OPTIONS', message, { option: 'cold.language' })
}
