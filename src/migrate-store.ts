import { lockFolder, openCold } from './open-folder.ts'
import { type MemoryStoreOptions, resolveOptions } from './options.ts'
import { ReleaseStack } from './release-stack.ts'

/**
 * Brings the database of a data folder up to date, and makes it where there is none; the logger is told what was applied.
 * Rejects with `ERR_LOCKED` while another process has the folder, and with `ERR_SCHEMA` where the database is newer.
 */
export async function migrateStore(options: MemoryStoreOptions): Promise<void> {
  const resolved = resolveOptions({ ...options, cold: { ...options.cold, migrate: 'auto' } })
  await ReleaseStack.within(async (releases) => {
    await openCold(resolved, await lockFolder(resolved, releases), releases)
  })
}
