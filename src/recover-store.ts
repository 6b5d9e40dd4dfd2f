import { join } from 'node:path'
import { lockFolder, openCold } from './open-folder.ts'
import { type MemoryStoreOptions, resolveOptions } from './options.ts'
import { ReleaseStack } from './release-stack.ts'
import { type LogRecovery, type RecoverFolderOptions, recoverFolder } from './sync/recover-folder.ts'

export type { LogDamage } from './sync/recover.ts'
export type { LogRecovery, RecoverProgress } from './sync/recover-folder.ts'

export interface RecoverStoreOptions extends Pick<RecoverFolderOptions, 'onProgress'> {
  /** Sets damaged logs aside in `quarantine/`, so that the store opens without what they lost. @default false */
  readonly acceptLoss?: boolean
}

/**
 * Ships what the logs of dead processes hold, damaged ones as far as they verify, and says what each one held. Rejects
 * with `ERR_LOCKED` while another process has the folder. Running it again, also after a kill, gives the same result.
 */
export async function recoverStore(
  options: MemoryStoreOptions,
  { acceptLoss = false, onProgress }: RecoverStoreOptions = {},
): Promise<LogRecovery[]> {
  const resolved = resolveOptions(options)
  return ReleaseStack.within(async (releases) => {
    const folder = await lockFolder(resolved, releases)
    const cold = await openCold(resolved, folder, releases)
    const { logger } = resolved
    const { segmentBytes, lockTimeout } = resolved.wal
    return recoverFolder({
      wal: { dir: folder.wal, segmentBytes, lockTimeout, logger },
      quarantine: join(folder.path, 'quarantine'),
      cold,
      logger,
      acceptLoss,
      onProgress,
    })
  })
}
