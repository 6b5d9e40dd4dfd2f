/**
 * Does what `thermocline recover` does: it opens the folder and the database. What becomes of each log is decided in
 * recovery/settle-log.ts.
 */
import { namingFolder } from '../kernel/folder-error.ts'
import { examineOwnFolder } from '../kernel/folder-trust.ts'
import { ReleaseStack } from '../kernel/release-stack.ts'
import type { MemoryStoreOptions } from '../options.ts'
import { type LogRecovery, type RecoverFolderOptions, recoverFolder } from '../recovery/recover-folder.ts'
import { bindToStore } from '../store/data-folder.ts'
import { openCold } from '../store/open-cold.ts'
import { openFolder } from '../store/open-folder.ts'
import { resolveOptions } from '../store/resolve-options.ts'

export type { DatedRange as LostRange } from '../recovery/date-losses.ts'
export type { LogRecovery, RecoveredLog, RecoverProgress } from '../recovery/recover-folder.ts'

export interface RecoverStoreOptions extends Pick<RecoverFolderOptions, 'onProgress' | 'signal'> {
  /** Sets damaged logs aside in `quarantine/`, so that the store opens without what they lost. @default false */
  readonly acceptLoss?: boolean
}

/**
 * Ships what the logs of dead processes hold, damaged ones as far as they verify, and says what each one held. A log
 * whose owner lives is left to it; rejects with `ERR_LOCKED` while another process has the whole folder, as with an
 * embedded database. Rejects with `ERR_INVALID_OPTIONS` where the embedded database is not there, or the database is
 * that of another store. Running it again, also after a kill, gives the same result.
 */
export async function recoverStore(
  options: MemoryStoreOptions,
  { acceptLoss = false, signal, onProgress }: RecoverStoreOptions = {},
): Promise<LogRecovery[]> {
  const resolved = resolveOptions(options)
  return ReleaseStack.within(resolved.logger, async (releases) => {
    const folder = await openFolder(resolved, releases)
    const cold = await openCold(resolved, folder, releases, { makesNone: true })
    const { logger } = resolved
    const { segmentBytes, lockTimeout } = resolved.wal
    const { isShared, isInDataFolder } = resolved.cold
    await bindToStore(folder, cold, { lockTimeout, isShared, adoptsOrphans: true, logger })
    const { quarantine } = folder
    return namingFolder('dir', folder.path, async () => {
      await examineOwnFolder('dir', quarantine)
      return recoverFolder({
        wal: { dir: folder.wal, segmentBytes, lockTimeout, logger },
        quarantine,
        cold,
        logger,
        acceptLoss,
        ownsEveryLog: isInDataFolder,
        signal,
        onProgress,
      })
    })
  })
}
