/**
 * Does what `thermocline migrate` does. What opening does with an older or a newer database is decided in
 * cold/migrate-schema.ts.
 */
import { ReleaseStack } from '../kernel/release-stack.ts'
import type { MemoryStoreOptions } from '../options.ts'
import { openCold } from '../store/open-cold.ts'
import { openFolder } from '../store/open-folder.ts'
import { type ResolvedOptions, resolveOptions } from '../store/resolve-options.ts'

/**
 * Brings the database up to date, be it a server or in the data folder, which is made where there is none; the logger
 * is told what was applied. Texts that are indexed in another language than the options say are indexed anew. Answers
 * which database it was, for people. Rejects with `ERR_LOCKED` while another process has the folder of an embedded
 * database, with `ERR_SCHEMA` where the database is newer, and with `ERR_INVALID_OPTIONS` where the folder is that of a
 * store whose database is elsewhere.
 */
export async function migrateStore(options: MemoryStoreOptions): Promise<string> {
  const given = resolveOptions(options)
  // Whoever runs a command means it, whatever the backends are told.
  const resolved = { ...given, cold: { ...given.cold, migrate: 'change' as const } }
  return ReleaseStack.within(resolved.logger, async (releases) => {
    const folder = resolved.cold.isShared ? undefined : await openFolder(resolved, releases)
    await openCold(resolved, folder, releases, { replacesLost: true })
    return nameOf(resolved)
  })
}

/** Without what logs in. */
function nameOf({ cold, dir }: ResolvedOptions): string {
  if (cold.kind === 'embedded') return cold.dir ?? dir
  if (cold.url === undefined) return cold.client?.options.host.join(',') ?? 'Postgres'
  // Of several servers it is none that this can read.
  if (!URL.canParse(cold.url)) return 'Postgres'
  const { host, pathname, searchParams } = new URL(cold.url)
  return `${host || (searchParams.get('host') ?? '')}${pathname}`
}
