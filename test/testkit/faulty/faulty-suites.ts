/** Suites of the testkit over stores with faults: found-faults.test.ts runs them in a vitest of their own. */
import { afterAll, beforeAll } from 'vitest'
import {
  describeCrashSafety,
  describeIsolation,
  type NamespacePath,
  type StoredValue,
  type TestedStore,
} from '../../../src/testkit/testkit.ts'
import { isThorough } from '../../tools/budget.ts'
import { describeWithRedis, PrivateRedis } from '../../tools/services.ts'

const SEED = 11

/** What most would write first. */
function joinedKeys(): TestedStore {
  const values = new Map<string, string>()
  const keyOf = (namespace: NamespacePath, id: string) => [...namespace, id].join(':')
  const keysOf = (namespace: NamespacePath) => [...values.keys()].filter((key) => key.startsWith(namespace.join(':')))
  const list = (namespace: NamespacePath): StoredValue[] =>
    keysOf(namespace).map((key) => ({ id: key.split(':').at(-1)!, value: values.get(key)! }))
  return {
    put: (namespace, id, value) => values.set(keyOf(namespace, id), value),
    get: (namespace, id) => values.get(keyOf(namespace, id)),
    delete: (namespace, id) => values.delete(keyOf(namespace, id)),
    list,
    clear: (namespace) => {
      for (const key of keysOf(namespace)) values.delete(key)
    },
  }
}

/** A table of a case-insensitive collation, with all namespaces searched. */
function foldedNames(): TestedStore {
  const values = new Map<string, StoredValue>()
  const keyOf = (namespace: NamespacePath, id: string) => JSON.stringify([namespace, id]).toLowerCase()
  return {
    put: (namespace, id, value) => values.set(keyOf(namespace, id), { id, value }),
    get: (namespace, id) => values.get(keyOf(namespace, id))?.value,
    delete: (namespace, id) => values.delete(keyOf(namespace, id)),
  }
}

/** Right but for its search, which finds whatever there is. */
function searchedAtLarge(): TestedStore {
  const values = new Map<string, StoredValue>()
  const keyOf = (namespace: NamespacePath, id: string) => JSON.stringify([namespace, id])
  return {
    put: (namespace, id, value) => values.set(keyOf(namespace, id), { id, value }),
    get: (namespace, id) => values.get(keyOf(namespace, id))?.value,
    delete: (namespace, id) => values.delete(keyOf(namespace, id)),
    search: (_, text) => [...values.values()].filter(({ value }) => value === text),
  }
}

/** Right but for its lists, from which an id that is deleted goes in every namespace. */
function listedById(): TestedStore {
  const values = new Map<string, string>()
  const listed = new Set<string>()
  const keyOf = (namespace: NamespacePath, id: string) => JSON.stringify([namespace, id])
  return {
    put: (namespace, id, value) => {
      values.set(keyOf(namespace, id), value)
      listed.add(id)
    },
    get: (namespace, id) => values.get(keyOf(namespace, id)),
    delete: (namespace, id) => {
      values.delete(keyOf(namespace, id))
      listed.delete(id)
    },
    list: (namespace) =>
      [...listed].flatMap((id) => {
        const value = values.get(keyOf(namespace, id))
        return value === undefined ? [] : [{ id, value }]
      }),
  }
}

describeIsolation('joined keys', { open: joinedKeys, seed: SEED })
describeIsolation('folded names', { open: foldedNames, seed: SEED })
describeIsolation('searched at large', { open: searchedAtLarge, seed: SEED })
describeIsolation('listed by id', { open: listedById, seed: SEED })

/** A fault shows by chance: after so many kills surely, and the first one that shows it is the last. */
const KILLS = { healthy: 4, faulty: 40 }
const FAULTS = [
  'none',
  'flushes now and then',
  'keeps deletes in memory',
  'writes in place',
  'lists too little',
  'loses when closed',
]
for (const fault of FAULTS) {
  const module = new URL('./faulty-store.js', import.meta.url)
  module.searchParams.set('fault', fault)
  describeCrashSafety(fault, { module, kills: fault === 'none' ? KILLS.healthy : KILLS.faulty, seed: SEED })
}

/** Each kill starts a server anew. */
if (isThorough)
  describeWithRedis('Redis', () => {
    for (const [name, args] of [
      ['without files', []],
      ['with a log', ['--appendonly', 'yes', '--appendfsync', 'always']],
    ] as const) {
      const module = new URL('./redis-store.js', import.meta.url)
      let redis: PrivateRedis
      beforeAll(async () => {
        redis = await PrivateRedis.start({ args })
        module.searchParams.set('socket', (redis.connection as { readonly path: string }).path)
      }, 600_000)
      afterAll(() => redis[Symbol.asyncDispose](), 600_000)
      describeCrashSafety(`Redis ${name}`, { module, crash: () => redis.restart(), kills: 2, seed: SEED })
    }
  })
