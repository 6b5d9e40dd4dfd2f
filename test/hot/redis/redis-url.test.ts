import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { parseRedisUrl } from '../../../src/hot/redis/redis-url.ts'

describe('a Redis URL', () => {
  it.each([
    ['redis://cache', { host: 'cache', port: 6379 }],
    ['redis:///1', { host: 'localhost', port: 6379, db: 1 }],
    ['redis://cache:7000/', { host: 'cache', port: 7000 }],
    ['redis://cache/0', { host: 'cache', port: 6379, db: 0 }],
    ['redis://cache/12?family=6', { host: 'cache', port: 6379, db: 12, family: 6 }],
    ['redis://cache?db=3&family=0', { host: 'cache', port: 6379, db: 3, family: 0 }],
    ['redis://:p%40ss%25@cache', { host: 'cache', port: 6379, password: 'p@ss%' }],
    ['redis://app:secret@[::1]:7000/2', { host: '::1', port: 7000, db: 2, username: 'app', password: 'secret' }],
    ['rediss://cache', { host: 'cache', port: 6379, tls: {} }],
    ['redis://cache?tls=true', { host: 'cache', port: 6379, tls: {} }],
    ['rediss://cache?tls=false', { host: 'cache', port: 6379, tls: {} }],
  ])('says where Redis is: %s', (url, options) => {
    expect(parseRedisUrl(url)).toEqual(options)
  })

  it.each([
    ['redis://app:hunter2@cache/hunter2', 'names a database that is no number'],
    ['redis://app:hunter2@cache/-1', 'names a database that is no number'],
    ['redis://app:hunter2@cache/1/2', 'names a database that is no number'],
    ['redis://app:hunter2@cache/1?db=2', 'names two databases'],
    ['redis://app:hunter2@cache?keyPrefix=hunter2', 'has a parameter `keyPrefix`, which is not known'],
    ['redis://app:hunter2@cache?enableOfflineQueue=true', 'has a parameter `enableOfflineQueue`'],
    ['redis://app:hunter2@cache?commandTimeout=hunter2', 'has a parameter `commandTimeout`'],
    ['redis://app:hunter2@cache?family=hunter2', 'has a `family` other than 0, 4 and 6'],
    ['redis://app:hunter2@cache?tls=hunter2', 'has a `tls` other than true and false'],
    ['redis://app:hunter2%@cache', 'has a `%` in user or password'],
    ['redis://app:hunter2@cache/1#hunter2', 'has a part after `#`'],
    ['http://hunter2', 'begins with neither'],
    ['hunter2', 'is no URL like'],
  ])('is refused by name, and not shown: %s', (url, message) => {
    let error: unknown
    try {
      parseRedisUrl(url)
    } catch (refusal) {
      error = refusal
    }
    expect(error).toMatchObject({ code: 'ERR_INVALID_OPTIONS', details: { option: 'hot.url' } })
    expect((error as Error).message).toContain(`option \`hot.url\`: ${message}`)
    expect(inspect(error)).not.toContain('hunter2')
  })
})
