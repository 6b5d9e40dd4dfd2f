/**
 * Asks the masters of Redis about themselves, and decides by their answers whether they may evict. Managed servers may
 * tell less.
 */
import type { Redis } from 'ioredis'
import { DatabaseMissing, replyCode } from './redis-errors.ts'

export interface MasterReport {
  /**
   * Changes with each start of the server and with each change of what it replicates; undefined where INFO is blocked.
   */
  readonly fingerprint: string | undefined
  readonly isReplica: boolean
  /** Whether it says of itself that it is no part of a cluster. */
  readonly isAlone: boolean
  /** What Redis does when its memory is full; undefined where it has no limit or does not tell. */
  readonly evictionPolicy: string | undefined
}

const SILENT: MasterReport = { fingerprint: undefined, isReplica: false, isAlone: false, evictionPolicy: undefined }

/** Which share of its memory a master uses; 0 where it has no limit or does not tell. */
export async function memoryUseOf(master: Redis): Promise<number> {
  try {
    const text = await master.info('memory')
    const field = (name: string): number => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(text)?.[1] ?? 0)
    const limit = field('maxmemory')
    return limit === 0 ? 0 : field('used_memory') / limit
  } catch (error) {
    const code = replyCode(error)
    if (code === 'NOPERM' || code === 'ERR') return 0
    throw error
  }
}

export async function inspectMaster(master: Redis): Promise<MasterReport> {
  await selectDatabase(master)
  try {
    const sections = await Promise.all(['server', 'replication', 'memory'].map((section) => master.info(section)))
    const field = (name: string): string | undefined =>
      new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(sections.join('\n'))?.[1]
    const [runId, replicationId] = [field('run_id'), field('master_replid')]
    const hasLimit = (field('maxmemory') ?? '0') !== '0'
    return {
      fingerprint: runId && `${runId}:${replicationId ?? ''}`,
      isReplica: field('role') === 'slave',
      isAlone: field('redis_mode') === 'standalone',
      evictionPolicy: hasLimit ? field('maxmemory_policy') : undefined,
    }
  } catch (error) {
    const code = replyCode(error)
    if (code === 'NOPERM' || code === 'ERR') return SILENT
    throw error
  }
}

/** Whether Redis deletes entries that it was not told to delete, when its memory is full. */
export function mayEvict({ evictionPolicy }: MasterReport): boolean {
  return evictionPolicy !== undefined && evictionPolicy !== 'noeviction'
}

/** ioredis has selected it already, but where that fails it goes on in database 0. */
async function selectDatabase(master: Redis): Promise<void> {
  const { db } = master.options
  if (!db) return
  try {
    await master.select(db)
  } catch (error) {
    if (replyCode(error) !== 'ERR') throw error
    throw new DatabaseMissing('the database cannot be selected')
  }
}

/** Keys per step of a clean-up: few enough that nobody waits for one. */
const SCAN_COUNT = 500

/**
 * Deletes, step by step, the keys of a store that do not begin with `keep`, the prefix of the current generation;
 * answers how many. `isCurrent` is asked after the keys of a step were seen: a later generation gets entries only once
 * it has been declared, so where `keep` is still current then, none of the others is one that will be.
 */
export async function deleteOtherGenerations(
  master: Redis,
  storePrefix: string,
  keep: string,
  isCurrent: () => Promise<boolean>,
): Promise<number> {
  const kept = Buffer.from(keep)
  let deleted = 0
  let cursor = '0'
  do {
    // As bytes: names need not be UTF-8 for Redis, and a key that was decoded might not be found again.
    const [next, keys] = await master.scanBuffer(cursor, 'MATCH', `${storePrefix}:*`, 'COUNT', SCAN_COUNT)
    const old = keys.filter((key) => !key.subarray(0, kept.byteLength).equals(kept))
    if (old.length > 0 && !(await isCurrent())) break
    const results = await Promise.all(old.map((key) => master.unlink(key)))
    deleted += results.reduce((sum, count) => sum + count, 0)
    cursor = next.toString()
  } while (cursor !== '0')
  return deleted
}
