/**
 * Defines `openMemoryStore`, where a program that imports this package begins. What a store needs is loaded when the
 * first one opens: a program that may never open one, such as a command that prints its help, starts without it.
 */
import type { PgliteClient } from '../cold/pglite/pglite-client.ts'
import type { MemoryStoreOptions } from '../options.ts'
import type { MemoryStore } from './memory-store.ts'

/**
 * Opens a store. Rejects with `ERR_INVALID_OPTIONS`; with `ERR_LOCKED` while another process has the folder; with
 * `ERR_WAL_CORRUPT` when the log lost acknowledged writes (run `thermocline recover`); with `ERR_SCHEMA` or
 * `ERR_UNSUPPORTED` when the data comes from a newer version.
 */
export async function openMemoryStore(options?: MemoryStoreOptions): Promise<MemoryStore> {
  return withEarlyThread(options, async (thread) => {
    const { openMemoryStoreOver, tierOpeners } = await import('./open-store.ts')
    return openMemoryStoreOver(tierOpeners(await thread), options)
  })
}

/**
 * @internal Opens a store that is only read. The database is left as it is: rejects with `ERR_SCHEMA` where migrations
 * are pending, and with `ERR_INVALID_OPTIONS` where an embedded database is not there.
 */
export async function openStoreToLook(options: MemoryStoreOptions): Promise<MemoryStore> {
  return withEarlyThread(options, async (thread) => {
    const { openStoreToLookOver, tierOpeners } = await import('./open-store.ts')
    return openStoreToLookOver(tierOpeners(await thread), options)
  })
}

/**
 * Loading a store takes a thread as long as the thread of an embedded database takes to begin. So that begins first,
 * and touches no file of the store.
 */
async function withEarlyThread(
  options: MemoryStoreOptions | undefined,
  open: (thread: Promise<PgliteClient | undefined>) => Promise<MemoryStore>,
): Promise<MemoryStore> {
  const thread = earlyThread(options)
  try {
    return await open(thread)
  } catch (error) {
    await (await thread)?.terminate()
    throw error
  }
}

/** Undefined also where something is wrong: the options have yet to be read, and then it is told. */
async function earlyThread(options: MemoryStoreOptions | undefined): Promise<PgliteClient | undefined> {
  try {
    if (options?.cold?.url !== undefined || options?.cold?.client !== undefined) return undefined
    const { PgliteClient } = await import('../cold/pglite/pglite-client.ts')
    return PgliteClient.spawn()
  } catch {
    return undefined
  }
}
