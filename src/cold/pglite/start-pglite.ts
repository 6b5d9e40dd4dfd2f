/**
 * Starts an embedded database. This module imports little, and no drizzle, so that the thread of the database starts
 * while the rest is loaded.
 */
import { ThermoclineError } from '../../errors.ts'
import { unavailable } from '../cold-errors.ts'
import { PgliteClient } from './pglite-client.ts'
import { prepareFolder } from './pglite-folder.ts'
import { databaseImage, type ImageFile, writeImage } from './pglite-image.ts'

export interface PgliteStart {
  /**
   * undefined: in memory. The caller MUST hold a lock over the folder: a second opener gets no error and loses rows.
   */
  readonly dir: string | undefined
  readonly migrate: 'auto' | 'check' | 'change'
  /** Whether a new database comes from an image of a prepared one, where there is one. @default true */
  readonly image?: boolean
}

/** A database whose thread knows its files. */
export interface PlacedPglite {
  /** Rejects where it cannot be opened. */
  readonly started: Promise<PgliteClient>
  /** Ends the thread as it is, for who will not wait for it. */
  readonly end: () => Promise<void>
}

export async function startPglite(options: PgliteStart): Promise<PgliteClient> {
  const { started } = await placePglite(options)
  return started
}

/**
 * Makes the database first where there is none.
 * @param spawned The thread to open it in, where it was started before. It ends where this or `started` rejects.
 */
export async function placePglite(
  { dir, migrate, image = true }: PgliteStart,
  spawned?: PgliteClient,
): Promise<PlacedPglite> {
  // What only checks gets a database that has nothing yet, and says so.
  const prepared = async () => (image && migrate !== 'check' ? databaseImage() : undefined)
  return naming(async () => {
    const client = await usable(spawned)
    try {
      if (dir === undefined) client.place(undefined, await prepared())
      else client.place(await prepareFolder(dir, async (folder) => makeDatabase(folder, await prepared())))
    } catch (error) {
      await client.terminate()
      throw error
    }
    const started = naming(async () => {
      await client.started()
      return client
    })
    // Told where it is waited for.
    started.catch(() => {})
    return { started, end: () => client.terminate() }
  })
}

/** One that came to nothing is as good as none: what was short may be there by now. */
async function usable(spawned: PgliteClient | undefined): Promise<PgliteClient> {
  if (spawned?.hasFailed === false) return spawned
  await spawned?.terminate()
  return PgliteClient.spawn()
}

async function naming<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof ThermoclineError) throw error
    throw unavailable(
      'the embedded database could not be opened: check the folder, its disk and its permissions',
      error,
    )
  }
}

async function makeDatabase(folder: string, image: readonly ImageFile[] | undefined): Promise<void> {
  if (image === undefined) await (await PgliteClient.start(folder)).close()
  else await writeImage(image, folder)
}
