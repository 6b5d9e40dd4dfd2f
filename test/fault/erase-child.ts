/**
 * Puts entries that hold a canary, and some that do not, and erases the former until it is killed. Each line on stdout
 * tells of something that was acknowledged: `kept ID`, `begin`, a `page` that was erased, `done`. Arguments: options of
 * the store as JSON, the canary.
 */
import { openMemoryStore } from '../../src/index.ts'
import { say } from '../../src/testkit/crash/say.ts'

const [options, canary] = process.argv.slice(2) as [string, string]
const store = await openMemoryStore(JSON.parse(options))
const { chunks } = store.namespace('tenant')
const named = (i: number) => ({ key: `${canary} ${i}`, text: `${canary} ${i}`, metadata: { user: canary } })
await chunks.putMany(Array.from({ length: 20 }, (_, i) => named(i)))
await chunks.put(named(20), { idempotencyKey: `${canary} asks` })
await store.sync()
// In several versions, of which some are pending.
for (const i of [0, 1, 21]) await chunks.put({ ...named(i), text: `${canary} anew` })
for (const { id } of await chunks.putMany([{ text: 'kept' }, { text: 'kept as well' }])) say(`kept ${id}`)
say('begin')
await chunks.erase({ where: { 'metadata.user': canary } }, { batchSize: 4, onProgress: () => say('page') })
say('done')
await store.close()
