/** Plain keys of the Redis whose socket the query of this module's URL names. */
import { Redis } from 'ioredis'
import type { NamespacePath, TestedStore } from '../../../src/testkit/testkit.ts'

export function open(): TestedStore {
  const redis = new Redis(new URL(import.meta.url).searchParams.get('socket')!)
  redis.on('error', () => {})
  const keyOf = (namespace: NamespacePath, id: string) => JSON.stringify([namespace, id])
  return {
    put: (namespace, id, value) => redis.set(keyOf(namespace, id), value),
    get: (namespace, id) => redis.get(keyOf(namespace, id)),
    delete: (namespace, id) => redis.del(keyOf(namespace, id)),
    close: () => redis.quit(),
  }
}
