/**
 * Reads what `thermocline doctor` judges of Redis, over a connection of its own. What of it is wrong is decided in
 * admin/store-findings.ts.
 */
import { ThermoclineError } from '../../errors.ts'
import { withDeadline } from '../../kernel/deadline.ts'
import { loadIoredis } from './load-ioredis.ts'
import { RedisConnection } from './redis-connection.ts'
import { reasonOf, replyCode } from './redis-errors.ts'
import type { RedisLocation } from './redis-location.ts'

/** What a master says of itself. */
export interface RedisFacts {
  /** Undefined: INFO is blocked, and with it all the rest. */
  readonly version: string | undefined
  readonly isReplica: boolean
  readonly usedMemory: number
  /** 0: no limit. */
  readonly maxMemory: number
  /** What it does when its memory is full. */
  readonly policy: string
  /** Whether the latest attempt to write its files failed, for which it refuses writes by default. */
  readonly cannotSave: boolean
}

/** Of each master. Rejects with `ERR_TIER_UNAVAILABLE`, and why it cannot be used. */
export async function readRedisFacts(server: RedisLocation, timeout: number): Promise<RedisFacts[]> {
  await loadIoredis()
  const connection = new RedisConnection({
    ...{ server, commandTimeout: timeout, onUp: () => {}, onDown: () => {} },
    // What an attempt met is `trouble` of the connection.
    onError: () => {},
  })
  try {
    await withDeadline(connection.connect(), { timeout: 2 * timeout })
    return await Promise.all(connection.masters().map(async (master) => factsIn(await infoOf(() => master.info()))))
  } catch (error) {
    const reason = reasonOf(error, connection.trouble, '*')
    const details = { tier: 'hot' } as const
    throw new ThermoclineError('ERR_TIER_UNAVAILABLE', `${connection.address} ${reason}`, details, { cause: error })
  } finally {
    await connection.close()
  }
}

/** Empty where INFO is blocked. */
async function infoOf(ask: () => Promise<string>): Promise<string> {
  try {
    return await ask()
  } catch (error) {
    const code = replyCode(error)
    if (code === 'NOPERM' || code === 'ERR') return ''
    throw error
  }
}

function factsIn(info: string): RedisFacts {
  const field = (name: string): string | undefined => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1]
  return {
    version: field('redis_version'),
    isReplica: field('role') === 'slave',
    usedMemory: Number(field('used_memory') ?? 0),
    maxMemory: Number(field('maxmemory') ?? 0),
    policy: field('maxmemory_policy') ?? 'noeviction',
    cannotSave: field('rdb_last_bgsave_status') === 'err' || field('aof_last_write_status') === 'err',
  }
}
