/**
 * Loads ioredis, an optional package, when a store on Redis opens. Nothing else imports its values: a bundle could
 * otherwise not be made, or would not start, where it is not installed.
 */
import type * as ioredis from 'ioredis'
import { missingPackages } from '../../errors.ts'

export type Redis = ioredis.Redis
export type Cluster = ioredis.Cluster
/** Undefined before {@link loadIoredis} has resolved. */
export let Redis: typeof ioredis.Redis
export let Cluster: typeof ioredis.Cluster

/** Rejects with `ERR_UNSUPPORTED` where it is not installed. */
export async function loadIoredis(): Promise<void> {
  try {
    const driver = await import('ioredis')
    Redis = driver.Redis
    Cluster = driver.Cluster
  } catch (cause) {
    throw missingPackages('a hot tier on Redis', ['ioredis'], { cause })
  }
}
