/**
 * Returns the migrations of this version. Their text is part of the code: in a bundle, a path to `drizzle/` might lead
 * to the application's own migrations.
 */
import { createHash } from 'node:crypto'
import { MIGRATION_FILES } from './migrations.embedded.ts'
import { SCHEMA_NAME } from './schema-name.ts'

/** One row per applied migration, as drizzle keeps it; apart from any journal of the application. */
export const JOURNAL = `${SCHEMA_NAME}.migrations`

export interface Migration {
  readonly name: string
  /** Of the whole file; recorded in the journal, and what a migration is known by. */
  readonly hash: string
  /** When it was written, in milliseconds: their order. */
  readonly createdAt: number
  readonly statements: readonly string[]
}

export function readMigrations(): Migration[] {
  return MIGRATION_FILES.map(({ tag, when, text }) => ({
    name: tag,
    hash: createHash('sha256').update(text).digest('hex'),
    createdAt: when,
    statements: text.split('--> statement-breakpoint'),
  }))
}
