/**
 * Opens what a command needs to look at the logs that a database expects records of: the database, and the folder of
 * the logs.
 */
import type { ColdTier } from '../cold/cold-tier.ts'
import { namingFolder } from '../kernel/folder-error.ts'
import { ReleaseStack } from '../kernel/release-stack.ts'
import type { MemoryStoreOptions } from '../options.ts'
import { dataFolder, readFormat } from '../store/data-folder.ts'
import { openCold } from '../store/open-cold.ts'
import { openFolder } from '../store/open-folder.ts'
import { type ResolvedOptions, resolveOptions } from '../store/resolve-options.ts'
import { LogFolder } from '../wal/log-folder.ts'

/** Opens the database, which is left as it is, and the folder of the logs, which need not be there. */
export async function withRegisteredLogs<T>(
  given: MemoryStoreOptions,
  work: (cold: ColdTier, logs: LogFolder) => Promise<T>,
): Promise<T> {
  const options = resolveOptions({ ...given, cold: { ...given.cold, migrate: 'check', dimensions: [] } })
  return ReleaseStack.within(options.logger, async (releases) => {
    const folder = await openOwnFolder(options, releases)
    const cold = await openCold(options, folder, releases, { makesNone: true })
    const { wal } = folder ?? dataFolder(options.dir)
    return namingFolder('dir', options.dir, () => work(cold, new LogFolder(wal)))
  })
}

/** Returns undefined where the database is a server: then the folder is read beside whoever uses it. */
export async function openOwnFolder(options: ResolvedOptions, releases: ReleaseStack) {
  if (!options.cold.isShared) return openFolder(options, releases)
  await namingFolder('dir', options.dir, () => readFormat(options.dir))
  return undefined
}
