/**
 * Defines `openMemoryStore`, where a program that imports this package begins. What a store needs is loaded when the
 * first one opens: a program that may never open one, such as a command that prints its help, starts without it.
 */
import type { MemoryStoreOptions } from '../options.ts'
import type { MemoryStore } from './memory-store.ts'

/**
 * Opens a store. Rejects with `ERR_INVALID_OPTIONS`; with `ERR_LOCKED` while another process has the folder; with
 * `ERR_WAL_CORRUPT` when the log lost acknowledged writes (run `thermocline recover`); with `ERR_SCHEMA` or
 * `ERR_UNSUPPORTED` when the data comes from a newer version.
 */
export async function openMemoryStore(options?: MemoryStoreOptions): Promise<MemoryStore> {
  const { DRIVERS, openMemoryStoreOver } = await import('./open-store.ts')
  return openMemoryStoreOver(DRIVERS, options)
}

/**
 * @internal Opens a store that is only read. The database is left as it is: rejects with `ERR_SCHEMA` where migrations
 * are pending, and with `ERR_INVALID_OPTIONS` where an embedded database is not there.
 */
export async function openStoreToLook(options: MemoryStoreOptions): Promise<MemoryStore> {
  const { DRIVERS, openStoreToLookOver } = await import('./open-store.ts')
  return openStoreToLookOver(DRIVERS, options)
}
